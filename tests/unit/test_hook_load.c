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
        assert_true(hook_load_enter(&load, 1));
    assert_false(hook_load_enter(&load, 0));
    assert_int_equal(load.bytes, HOOK_LOAD_MAX);
    hook_load_leave(&load, 1);
    assert_true(hook_load_enter(&load, 0));
    assert_false(hook_load_enter(&load, 0));
}

static void bodies_are_counted_up_to_theirs(void **state)
{
    (void)state;
    struct hook_load load = {0};
    assert_true(hook_load_enter(&load, HOOK_LOAD_BYTES_MAX - 10));
    assert_false(hook_load_enter(&load, 11));
    assert_int_equal(load.requests, 1);
    assert_true(hook_load_enter(&load, 10));
    assert_true(hook_load_enter(&load, 0));
    assert_false(hook_load_enter(&load, 1));
    hook_load_leave(&load, 10);
    assert_true(hook_load_enter(&load, 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_are_counted_up_to_their_bound),
        cmocka_unit_test(bodies_are_counted_up_to_theirs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
