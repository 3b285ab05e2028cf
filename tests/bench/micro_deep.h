/* What a decision costs where much waits. */
#ifndef TESTS_BENCH_MICRO_DEEP_H
#define TESTS_BENCH_MICRO_DEEP_H

#include "tests/bench/bench.h"

/* 1,000 agents in 5 of 50 queues each, all of them busy, and `waiting` calls that wait: somebody hangs up,
 * the agent is offered and takes the best of what waits, another call arrives. Prints the mean of a step. */
void micro_deep(struct dice *dice, uint32_t waiting);

#endif
