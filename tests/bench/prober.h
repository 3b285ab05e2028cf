/* The yardstick of latency: one bare commit (the fence's row updated, a journal row inserted, as a batch of
 * one event would at least) and one PUBLISH, one after the other, by libpq and hiredis alone. */
#ifndef TESTS_BENCH_PROBER_H
#define TESTS_BENCH_PROBER_H

#include "tests/bench/bench.h"

struct prober;

/* `database` is the floor's, whose fence is taken over; `redis` a redis:// URL of somebody who may publish.
 */
struct prober *prober_open(const char *database, const char *redis);
void prober_close(struct prober **prober);
void prober_run(struct prober *prober, size_t times, struct samples *samples);

#endif
