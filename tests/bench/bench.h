/* What the programs of the benchmark share: clocks, dice, the loaded population, samples.
 *
 * The population is loaded by tests/bench/run with the same formulas in SQL: customer `n` has the id and the
 * phone number that population_id() and population_phone() give. */
#ifndef TESTS_BENCH_BENCH_H
#define TESTS_BENCH_BENCH_H

#include "rules/types.h"

#define BENCH_PHONE_LEN 14     /* "+49151" and eight digits */
#define BENCH_PHONES 100000000 /* numbers of one prefix */
#define BENCH_ENDPOINT "+4930901820"
#define BENCH_QUEUE "calls"

/* Prints to standard error and exits 1: a benchmark that cannot go on has nothing to say. */
void bench_fail(const char *format, ...) __attribute__((format(printf, 1, 2), noreturn));
void *bench_alloc(size_t size); /* zeroed, never NULL */
/* A variable that must be set, and a number that an option gives. */
const char *bench_variable(const char *name);
uint64_t bench_number(const char *text);
int64_t bench_now_ns(void);
int64_t bench_wall_ms(void);

/* SplitMix64: any seed is good. */
struct dice {
    uint64_t state;
};
struct dice dice_seeded(void); /* by the kernel */
uint64_t dice_next(struct dice *dice);
uint32_t dice_below(struct dice *dice, uint32_t bound);
struct uuid dice_uuid(struct dice *dice);

struct uuid population_id(uint32_t customer);
void population_phone(char out[BENCH_PHONE_LEN + 1], uint32_t customer);
/* A number that nobody of the population has. */
void population_new_phone(char out[BENCH_PHONE_LEN + 1], uint32_t number);

/* Durations in nanoseconds. */
struct samples {
    int64_t *items;
    size_t count, capacity;
};
void samples_add(struct samples *samples, int64_t item);
/* In microseconds; `share` of 0.5 is the median. Sorts. */
double samples_at(struct samples *samples, double share);
void samples_free(struct samples *samples);

#endif
