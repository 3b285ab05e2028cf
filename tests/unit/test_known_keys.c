#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "server/known_keys.h"

/* Distributed like a hash, and a different one for each number (splitmix64). */
static struct uuid key_of(uint64_t number)
{
    struct uuid key;
    for (int half = 0; half < 2; half++) {
        uint64_t z = (number * 2 + (uint64_t)half) * UINT64_C(0x9e3779b97f4a7c15) + 1;
        z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
        z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
        z ^= z >> 31;
        memcpy(key.bytes + half * 8, &z, 8);
    }
    return key;
}

static bool may_have(const struct known_keys *keys, uint64_t number, int64_t from_ms)
{
    struct uuid key = key_of(number);
    return known_keys_may_have(keys, &key, from_ms);
}

static uint32_t add(struct known_keys *keys, uint64_t from, uint64_t to, int64_t at_ms)
{
    uint32_t lost = 0;
    for (uint64_t i = from; i < to; i++) {
        struct uuid key = key_of(i);
        lost += known_keys_add(keys, &key, at_ms);
    }
    return lost;
}

static void everything_may_be_known_until_the_window_is_covered(void **state)
{
    (void)state;
    struct known_keys *keys = known_keys_alloc(KNOWN_KEYS_MAX);
    assert_true(may_have(keys, 1, 0));
    known_keys_cover(keys, 1000);
    assert_true(may_have(keys, 1, 999));
    assert_false(may_have(keys, 1, 1000));
    known_keys_reset(keys);
    assert_true(may_have(keys, 1, 1000));
    known_keys_free(&keys);
    assert_null(keys);
}

static void a_key_that_was_added_is_never_denied_and_few_others_are_taken_for_it(void **state)
{
    (void)state;
    struct known_keys *keys = known_keys_alloc(KNOWN_KEYS_MAX);
    const uint64_t count = 400000; /* four layers */
    known_keys_cover(keys, 0);
    assert_int_equal(add(keys, 0, count, 5), 0);
    for (uint64_t i = 0; i < count; i++)
        assert_true(may_have(keys, i, 0));
    uint64_t mistaken = 0;
    for (uint64_t i = count; i < 2 * count; i++)
        mistaken += may_have(keys, i, 0);
    assert_in_range(mistaken, 0, count / 100);
    assert_in_range(known_keys_count(keys), count - count / 100, count);
    known_keys_free(&keys);
}

static void old_layers_go_when_the_window_has_left_them(void **state)
{
    (void)state;
    struct known_keys *keys = known_keys_alloc(KNOWN_KEYS_MAX);
    known_keys_cover(keys, 0);
    add(keys, 0, KNOWN_KEYS_LAYER_MIN + 1000, 100); /* the first layer, and the beginning of the second */
    add(keys, 200000, 200000 + 2 * KNOWN_KEYS_LAYER_MIN, 200);
    uint32_t all = known_keys_count(keys);
    known_keys_expire(keys, 100);
    assert_int_equal(known_keys_count(keys), all);
    known_keys_expire(keys, 101);
    assert_int_equal(known_keys_count(keys), all - KNOWN_KEYS_LAYER_MIN);
    for (uint64_t i = 200000; i < 200000 + 2 * KNOWN_KEYS_LAYER_MIN; i++)
        assert_true(may_have(keys, i, 101));
    known_keys_free(&keys);
}

/* The window was made longer by a configuration. */
static void what_went_is_not_denied_to_a_window_that_reaches_back_to_it(void **state)
{
    (void)state;
    struct known_keys *keys = known_keys_alloc(KNOWN_KEYS_MAX);
    known_keys_cover(keys, 0);
    add(keys, 0, KNOWN_KEYS_LAYER_MIN + 1000, 100);
    add(keys, 200000, 200001, 200);
    known_keys_expire(keys, 150);
    assert_true(may_have(keys, 1, 100));
    assert_false(may_have(keys, UINT64_C(1) << 40, 150));
    assert_true(may_have(keys, 200000, 150));
    known_keys_free(&keys);
}

/* A conversation goes on: its key is added again, and must live as long as its last time. */
static void a_key_lives_as_long_as_its_newest_time(void **state)
{
    (void)state;
    struct known_keys *keys = known_keys_alloc(KNOWN_KEYS_MAX);
    known_keys_cover(keys, 0);
    add(keys, 0, KNOWN_KEYS_LAYER_MIN, 100);
    add(keys, 7, 8, 300); /* into the next layer, or again into the full one */
    known_keys_expire(keys, 200);
    assert_true(may_have(keys, 7, 200));
    known_keys_free(&keys);
}

static void at_the_bound_the_oldest_goes_and_its_time_is_no_longer_covered(void **state)
{
    (void)state;
    struct known_keys *keys = known_keys_alloc(2 * KNOWN_KEYS_LAYER_MIN);
    known_keys_cover(keys, 0);
    uint64_t next = 0;
    for (; known_keys_count(keys) < KNOWN_KEYS_LAYER_MIN; next++)
        assert_int_equal(add(keys, next, next + 1, 100), 0);
    assert_false(known_keys_is_full(keys));
    for (; !known_keys_is_full(keys); next++)
        assert_int_equal(add(keys, next, next + 1, 200), 0);
    uint32_t lost = 0;
    for (; !lost; next++)
        lost = add(keys, next, next + 1, 300);
    assert_true(may_have(keys, UINT64_C(1) << 40, 100)); /* who knows */
    assert_true(may_have(keys, 1, 100));
    assert_false(may_have(keys, UINT64_C(1) << 40, 101));
    assert_true(may_have(keys, next - 1, 101));
    known_keys_free(&keys);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everything_may_be_known_until_the_window_is_covered),
        cmocka_unit_test(a_key_that_was_added_is_never_denied_and_few_others_are_taken_for_it),
        cmocka_unit_test(old_layers_go_when_the_window_has_left_them),
        cmocka_unit_test(what_went_is_not_denied_to_a_window_that_reaches_back_to_it),
        cmocka_unit_test(a_key_lives_as_long_as_its_newest_time),
        cmocka_unit_test(at_the_bound_the_oldest_goes_and_its_time_is_no_longer_covered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
