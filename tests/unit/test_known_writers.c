#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "server/known_writers.h"

#define MANY 40000u

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

static void add(struct known_writers *writers, uint64_t number, int64_t at_ms)
{
    struct uuid key = key_of(number);
    known_writers_add(writers, &key, at_ms);
}

static bool has(const struct known_writers *writers, uint64_t number)
{
    struct uuid key = key_of(number);
    return known_writers_has(writers, &key);
}

/* A filter that errs once in a thousand would let hundreds in. */
static void no_stranger_is_taken_for_a_writer(void **state)
{
    (void)state;
    struct known_writers *writers = known_writers_alloc(KNOWN_WRITERS_MAX);
    for (uint64_t i = 0; i < MANY; i++)
        add(writers, i, (int64_t)i);
    for (uint64_t i = 0; i < MANY; i++)
        assert_true(has(writers, i));
    for (uint64_t i = MANY; i < 20 * MANY; i++)
        assert_false(has(writers, i));
    known_writers_reset(writers);
    assert_false(has(writers, 1));
    known_writers_free(&writers);
    assert_null(writers);
}

static void whoever_was_silent_for_longest_is_forgotten_first(void **state)
{
    (void)state;
    struct known_writers *writers = known_writers_alloc(3);
    add(writers, 1, 100);
    add(writers, 2, 200);
    add(writers, 3, 300);
    add(writers, 1, 400);
    add(writers, 4, 500);
    assert_true(has(writers, 1) && has(writers, 3) && has(writers, 4) && !has(writers, 2));
    add(writers, 5, 50); /* read from the journal: older than all */
    assert_false(has(writers, 5));
    add(writers, 6, 350); /* and between them */
    assert_true(has(writers, 1) && has(writers, 6) && has(writers, 4) && !has(writers, 3));
    assert_int_equal(known_writers_count(writers), 3);
    known_writers_free(&writers);
}

static void what_is_read_from_the_journal_comes_newest_first(void **state)
{
    (void)state;
    struct known_writers *writers = known_writers_alloc(KNOWN_WRITERS_MAX);
    add(writers, 0, MANY);
    for (unsigned i = 1; i < MANY; i++) /* many within one millisecond, as batches are */
        add(writers, i, (MANY - i) / 256);
    add(writers, 0, 1);
    known_writers_expire(writers, MANY / 512);
    for (unsigned i = 0; i < MANY; i++)
        assert_int_equal(has(writers, i), i == 0 || (MANY - i) / 256 >= MANY / 512);
    known_writers_expire(writers, MANY + 1);
    assert_int_equal(known_writers_count(writers), 0);
    known_writers_free(&writers);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_stranger_is_taken_for_a_writer),
        cmocka_unit_test(whoever_was_silent_for_longest_is_forgotten_first),
        cmocka_unit_test(what_is_read_from_the_journal_comes_newest_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
