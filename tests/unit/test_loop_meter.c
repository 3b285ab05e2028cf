#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "rules/arena.h"
#include "server/loop_meter.h"
#include "server/metrics.h"

#define SLEEP_MS 150
#define WORK_NS (UINT64_C(30) * 1000000)

#define TURNS "\npatchbay_loop_turn_seconds_sum "
#define TURNS_CPU "\npatchbay_loop_turn_cpu_seconds_sum "

static double seconds_of(const char *name)
{
    struct arena arena;
    arena_init(&arena);
    const char *line = strstr(arena_string(&arena, metrics_render(&arena)), name);
    assert_non_null(line);
    double sum = strtod(line + strlen(name), NULL);
    arena_deinit(&arena);
    return sum;
}

static void on_work(uv_timer_t *timer)
{
    uint64_t until = uv_hrtime() + WORK_NS;
    while (uv_hrtime() < until) {
    }
    uv_close((uv_handle_t *)timer, NULL);
}

static uint64_t processor_ns(void)
{
    struct timespec used;
    assert_int_equal(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used), 0);
    return (uint64_t)used.tv_sec * 1000000000 + (uint64_t)used.tv_nsec;
}

static void on_processor_work(uv_timer_t *timer)
{
    uint64_t until = processor_ns() + WORK_NS;
    while (processor_ns() < until) {
    }
    uv_close((uv_handle_t *)timer, NULL);
}

/* As if others had the processor. */
static void on_pause(uv_timer_t *timer)
{
    uv_sleep(SLEEP_MS);
    uv_close((uv_handle_t *)timer, NULL);
}

static void on_nothing(uv_timer_t *timer)
{
    uv_close((uv_handle_t *)timer, NULL);
}

/* Runs a loop until a timer has gone off; returns how long that took. */
static double run(uint64_t wait_ms, uv_timer_cb on_timer)
{
    uv_loop_t loop;
    uv_timer_t timer;
    struct loop_meter meter;
    uint64_t began = uv_hrtime();
    metrics_reset();
    uv_loop_init(&loop);
    loop_meter_init(&meter, &loop);
    uv_timer_init(&loop, &timer);
    uv_timer_start(&timer, on_timer, UINT32_MAX, 0);
    uv_run(&loop, UV_RUN_NOWAIT); /* the first turn is measured from its wait on */
    uv_timer_start(&timer, on_timer, wait_ms, 0);
    uv_run(&loop, UV_RUN_DEFAULT);
    double took = (double)(uv_hrtime() - began) / 1e9;
    loop_meter_close(&meter);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&loop), 0);
    return took;
}

static void work_is_seen_whole(void **state)
{
    (void)state;
    (void)run(1, on_work);
    assert_true(metric_count(METRIC_LOOP_TURN, 0) > 0);
    assert_true(seconds_of(TURNS) >= (double)WORK_NS / 1e9);
}

/* Whatever else the machine does: what was slept is no part of the turns. */
static void sleep_is_no_work(void **state)
{
    (void)state;
    double took = run(SLEEP_MS, on_nothing);
    assert_true(seconds_of(TURNS) <= took - (SLEEP_MS - 2) / 1e3);
}

static void processor_time_is_what_the_thread_used_of_it(void **state)
{
    (void)state;
    (void)run(1, on_processor_work);
    assert_true(metric_count(METRIC_LOOP_TURN_CPU, 0) == metric_count(METRIC_LOOP_TURN, 0));
    assert_true(seconds_of(TURNS_CPU) >= (double)WORK_NS / 1e9);
    (void)run(1, on_pause);
    assert_true(seconds_of(TURNS) >= (SLEEP_MS - 2) / 1e3);
    assert_true(seconds_of(TURNS_CPU) < seconds_of(TURNS) - (SLEEP_MS - 2) / 1e3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(work_is_seen_whole),
        cmocka_unit_test(sleep_is_no_work),
        cmocka_unit_test(processor_time_is_what_the_thread_used_of_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
