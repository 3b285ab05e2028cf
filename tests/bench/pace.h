/* Latency at a given rate: lives begin by the clock, whatever the server does; their parts are spread evenly.
 * Slices of it alternate with slices of the prober, so that both see the same machine. */
#ifndef TESTS_BENCH_PACE_H
#define TESTS_BENCH_PACE_H

#include <stdio.h>

#include "tests/bench/lives.h"
#include "tests/bench/prober.h"

/* Durations of one side: all of them, and the 99th percentile of each slice. A machine that stands still for
 * a moment spoils one slice, of whichever side it hits; the median of the slices does not see it. */
struct pace_side {
    struct samples all, slices;
};

/* `rate` events a second, in `slices` of `slice_ns`, and as many commits of the prober at the same rate: see
 * prober_run(). Without a prober (NULL) one slice follows the other. `each`, unless it is NULL, gets a line
 * for every event that counts: when it was answered (CLOCK_MONOTONIC) and how long that took, in nanoseconds.
 */
void pace_run(struct lives *lives, struct prober *prober, uint32_t rate, uint32_t slices, int64_t slice_ns,
              struct pace_side *served, struct pace_side *probed, struct samples *alone, FILE *each);

#endif
