#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "server/waits.h"

static struct waits waits;

static int setup(void **state)
{
    (void)state;
    waits_reset(&waits, 2);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    waits_deinit(&waits);
    return 0;
}

static void nothing_is_known_before_two_were_taken(void **state)
{
    (void)state;
    assert_int_equal(waits_estimate(&waits, 0, CHANNEL_CALL, 1, 1000), WAITS_UNKNOWN);
    waits_taken(&waits, 0, CHANNEL_CALL, 1000);
    assert_int_equal(waits_estimate(&waits, 0, CHANNEL_CALL, 1, 2000), WAITS_UNKNOWN);
    waits_taken(&waits, 0, CHANNEL_CALL, 2000);
    assert_int_equal(waits_estimate(&waits, 0, CHANNEL_CALL, 1, 3000), 1000);
    assert_int_equal(waits_estimate(&waits, 0, CHANNEL_CHAT, 1, 3000), WAITS_UNKNOWN);
    assert_int_equal(waits_estimate(&waits, 1, CHANNEL_CALL, 1, 3000), WAITS_UNKNOWN);
}

static void it_grows_with_the_position_and_while_nobody_takes_anything(void **state)
{
    (void)state;
    for (int64_t at = 1; at <= 10; at++)
        waits_taken(&waits, 1, CHANNEL_CHAT, at * 60000);
    assert_int_equal(waits_estimate(&waits, 1, CHANNEL_CHAT, 3, 660000), 180000);
    assert_int_equal(waits_estimate(&waits, 1, CHANNEL_CHAT, 3, 960000), 270000);
}

static void only_the_newest_recent_ones_count(void **state)
{
    (void)state;
    for (int64_t at = 0; at < 2 * WAITS_TAKES; at++)
        waits_taken(&waits, 0, CHANNEL_CALL, at < WAITS_TAKES ? 0 : at * 1000);
    assert_int_equal(waits_estimate(&waits, 0, CHANNEL_CALL, 1, 2 * WAITS_TAKES * 1000), 1000);
    assert_int_equal(waits_estimate(&waits, 0, CHANNEL_CALL, 1, 2 * WAITS_TAKES * 1000 + WAITS_RECENT_MS),
                     WAITS_UNKNOWN);
}

static void a_queue_that_is_gone_is_ignored(void **state)
{
    (void)state;
    waits_taken(&waits, -1, CHANNEL_CALL, 1);
    waits_taken(&waits, 2, CHANNEL_CALL, 1);
    assert_int_equal(waits_estimate(&waits, 2, CHANNEL_CALL, 1, 1), WAITS_UNKNOWN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(nothing_is_known_before_two_were_taken, setup, teardown),
        cmocka_unit_test_setup_teardown(it_grows_with_the_position_and_while_nobody_takes_anything, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(only_the_newest_recent_ones_count, setup, teardown),
        cmocka_unit_test_setup_teardown(a_queue_that_is_gone_is_ignored, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
