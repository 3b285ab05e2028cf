#include "tests/bench/bench.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

void bench_fail(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fputs("bench: ", stderr);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
    exit(1);
}

void *bench_alloc(size_t size)
{
    void *memory = calloc(1, size);
    if (!memory)
        bench_fail("no memory");
    return memory;
}

const char *bench_variable(const char *name)
{
    const char *value = getenv(name);
    if (!value || !value[0])
        bench_fail("%s is not set", name);
    return value;
}

uint64_t bench_number(const char *text)
{
    char *end;
    uint64_t number = strtoull(text, &end, 10);
    if (end == text || *end)
        bench_fail("%s is no number", text);
    return number;
}

static int64_t clock_ns(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

int64_t bench_now_ns(void)
{
    return clock_ns(CLOCK_MONOTONIC);
}

int64_t bench_wall_ms(void)
{
    return clock_ns(CLOCK_REALTIME) / 1000000;
}

struct dice dice_seeded(void)
{
    struct dice dice;
    if (getrandom(&dice.state, sizeof dice.state, 0) != (ssize_t)sizeof dice.state)
        bench_fail("no random seed");
    return dice;
}

uint64_t dice_next(struct dice *dice)
{
    uint64_t mixed = dice->state += 0x9e3779b97f4a7c15;
    mixed = (mixed ^ mixed >> 30) * 0xbf58476d1ce4e5b9;
    mixed = (mixed ^ mixed >> 27) * 0x94d049bb133111eb;
    return mixed ^ mixed >> 31;
}

uint32_t dice_below(struct dice *dice, uint32_t bound)
{
    return (uint32_t)((dice_next(dice) >> 32) * bound >> 32);
}

struct uuid dice_uuid(struct dice *dice)
{
    struct uuid id;
    uint64_t halves[2] = {dice_next(dice), dice_next(dice)};
    memcpy(id.bytes, halves, sizeof id.bytes);
    return id;
}

struct uuid population_id(uint32_t customer)
{
    char text[UUID_TEXT_LEN + 1];
    struct uuid id;
    snprintf(text, sizeof text, "018f0000-0000-7000-8000-%012" PRIx32, customer);
    if (!uuid_parse(&id, slice_of(text)))
        bench_fail("%s is no id", text);
    return id;
}

static void write_phone(char *out, const char *prefix, uint32_t number)
{
    snprintf(out, BENCH_PHONE_LEN + 1, "%s%08" PRIu32, prefix, number % BENCH_PHONES);
}

void population_phone(char out[BENCH_PHONE_LEN + 1], uint32_t customer)
{
    write_phone(out, "+49151", customer);
}

void population_new_phone(char out[BENCH_PHONE_LEN + 1], uint32_t number)
{
    write_phone(out, "+49152", number);
}

void samples_add(struct samples *samples, int64_t item)
{
    if (samples->count == samples->capacity) {
        samples->capacity = samples->capacity ? samples->capacity * 2 : 65536;
        samples->items = realloc(samples->items, samples->capacity * sizeof *samples->items);
        if (!samples->items)
            bench_fail("no memory");
    }
    samples->items[samples->count++] = item;
}

static int compare(const void *a, const void *b)
{
    const int64_t *left = a, *right = b;
    return (*left > *right) - (*left < *right);
}

double samples_at(struct samples *samples, double share)
{
    if (!samples->count)
        return 0;
    qsort(samples->items, samples->count, sizeof *samples->items, compare);
    return (double)samples->items[(size_t)((double)(samples->count - 1) * share)] / 1000;
}

void samples_free(struct samples *samples)
{
    free(samples->items);
    *samples = (struct samples){0};
}
