#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "server/hook_load.h"

static void requests_are_counted_up_to_their_bound(void **state)
{
    (void)state;
    struct hook_load load = {0};
    for (unsigned i = 0; i < HOOK_LOAD_MAX; i++)
        assert_true(hook_load_enter(&load, false, 1));
    assert_false(hook_load_enter(&load, false, 0));
    assert_int_equal(load.known.bytes, HOOK_LOAD_MAX);
    hook_load_leave(&load, false, 1);
    assert_true(hook_load_enter(&load, false, 0));
    assert_false(hook_load_enter(&load, false, 0));
}

static void bodies_are_counted_up_to_theirs(void **state)
{
    (void)state;
    struct hook_load load = {0};
    assert_true(hook_load_enter(&load, false, HOOK_LOAD_BYTES_MAX - 10));
    assert_false(hook_load_enter(&load, false, 11));
    assert_int_equal(load.known.requests, 1);
    assert_true(hook_load_enter(&load, false, 10));
    assert_true(hook_load_enter(&load, false, 0));
    assert_false(hook_load_enter(&load, false, 1));
    hook_load_leave(&load, false, 10);
    assert_true(hook_load_enter(&load, false, 1));
}

static void strangers_take_no_places_of_the_known(void **state)
{
    (void)state;
    struct hook_load load = {0};
    for (unsigned i = 0; i < HOOK_LOAD_STRANGERS_MAX; i++)
        assert_true(hook_load_enter(&load, true, 1));
    assert_false(hook_load_enter(&load, true, 0));
    hook_load_leave(&load, true, 1);
    assert_false(hook_load_enter(&load, true, HOOK_LOAD_STRANGERS_BYTES_MAX));
    for (unsigned i = 0; i < HOOK_LOAD_MAX; i++)
        assert_true(hook_load_enter(&load, false, 1));
    assert_int_equal(hook_load_count(&load), HOOK_LOAD_MAX + HOOK_LOAD_STRANGERS_MAX - 1);
}

static void a_stranger_who_turns_out_to_be_known_has_a_place_of_the_known(void **state)
{
    (void)state;
    struct hook_load load = {0};
    assert_true(hook_load_enter(&load, true, 5));
    assert_true(hook_load_confirm(&load, 5));
    assert_int_equal(load.strangers.requests + load.strangers.bytes, 0);
    assert_int_equal(load.known.bytes, 5);
    for (unsigned i = 1; i < HOOK_LOAD_MAX; i++)
        assert_true(hook_load_enter(&load, false, 0));
    assert_true(hook_load_enter(&load, true, 5));
    assert_false(hook_load_confirm(&load, 5));
    assert_int_equal(hook_load_count(&load), HOOK_LOAD_MAX);
    assert_int_equal(load.strangers.bytes, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_are_counted_up_to_their_bound),
        cmocka_unit_test(bodies_are_counted_up_to_theirs),
        cmocka_unit_test(strangers_take_no_places_of_the_known),
        cmocka_unit_test(a_stranger_who_turns_out_to_be_known_has_a_place_of_the_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
