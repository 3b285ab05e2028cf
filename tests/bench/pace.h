/* Latency at a given rate: lives begin by the clock, whatever the server does; their parts are spread evenly.
 * Slices of it alternate with slices of the prober, so that both see the same machine. */
#ifndef TESTS_BENCH_PACE_H
#define TESTS_BENCH_PACE_H

#include "tests/bench/lives.h"
#include "tests/bench/prober.h"

/* `rate` events a second, in `slices` of `slice_ns`, and as many commits of the prober at the same rate: see
 * prober_run(). */
void pace_run(struct lives *lives, struct prober *prober, uint32_t rate, uint32_t slices, int64_t slice_ns,
              struct samples *served, struct samples *probed, struct samples *alone);

#endif
