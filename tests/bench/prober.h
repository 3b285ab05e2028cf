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
/* One every `interval_ns`, by the clock. `asked`: what whoever asks at that rate sees; a commit that takes
 * longer than the interval counts once more for each further one that came due meanwhile, with the time that
 * was left (as HdrHistogram's recordValueWithExpectedInterval() does; they are taken to share a commit, not
 * to queue up one by one). `alone`: each once. */
void prober_run(struct prober *prober, size_t times, int64_t interval_ns, struct samples *asked,
                struct samples *alone);

#endif
