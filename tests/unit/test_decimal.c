#include <stdlib.h>

#include "rules/decimal.h"
#include "tests/unit/arena_world.h"

#define ROUNDS 300

static uint64_t dice = UINT64_C(88172645463325252);

static double any_double(void)
{
    double real;
    do {
        dice ^= dice << 13;
        dice ^= dice >> 7;
        dice ^= dice << 17;
        memcpy(&real, &dice, sizeof real);
    } while (real - real != 0);
    return real;
}

static void reads_as_the_c_library_does(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "0",
        "-0",
        "1",
        "00012.50",
        ".5",
        "5.",
        "1e23",
        "9007199254740993",
        "9007199254740992.9999999999999999999",
        "5e-324",
        "2.4703282292062327e-324",
        "2.4703282292062328e-324",
        "1e-400",
        "2.2250738585072011e-308",
        "2.2250738585072014e-308",
        "1.7976931348623157e308",
        "1.7976931348623159e308",
        "1e400",
        "18014398509481980",
        "1.99999999999999999999",
        "-1e+22",
        "1E-5",
        "123456789012345678901234567890",
        "0.000000000000000000000000000000000000000000001",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        double real = -1, wanted = strtod(texts[i], NULL);
        assert_true(decimal_read(&real, slice_of(texts[i])));
        assert_memory_equal(&real, &wanted, sizeof real);
    }
    for (int i = 0; i < ROUNDS; i++) {
        char text[64];
        double real, wanted = any_double();
        snprintf(text, sizeof text, "%.*e", i % 25, wanted);
        assert_true(decimal_read(&real, slice_of(text)));
        assert_true(real == strtod(text, NULL));
    }
}

static void expect_as_the_c_library(struct slice text)
{
    double real = -1, wanted = strtod(arena_string(&arena, text), NULL);
    assert_true(decimal_read(&real, text));
    if (memcmp(&real, &wanted, sizeof real) != 0)
        fail_msg("%.*s", (int)text.len, text.ptr);
}

/* More digits than are kept: what is left out still decides which way a half goes. */
static void long_texts_are_read_to_their_last_digit(void **state)
{
    (void)state;
    static const struct {
        const char *before;
        char fill;
        const char *after;
    } rows[] = {
        {"9007199254740993.", '0', "1"},
        {"9007199254740993.", '0', "0"},
        {"9007199254740992.", '9', "9"},
        {"", '9', ""},
        {"1", '0', "e-900"},
        {"0.", '0', "1e900"},
        {"123.", '4', "e-300"},
        {"", '3', "e-1100"},
        {"0.", '1', "e300"},
        {"4.", '9', "e-324"},
        {"2.4703282292062327208299130", '9', "e-324"},
        {"17976931348623158079372897140530341507993413271003782693617377898044496829276475094664901797758720709633"
         "02864166928879109465555478519404026306574886715058206819089020007083836762738548458177115317644757302700"
         "69855571366959622842914819860834936475292719074168444365510704342711559699508093042880",
         '0', ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        for (size_t count = 700; count < 1000; count += 37) {
            char fill[1001];
            memset(fill, rows[i].fill, count);
            expect_as_the_c_library(
                arena_format(&arena, "%s%.*s%s", rows[i].before, (int)count, fill, rows[i].after));
        }
        arena_reset(&arena);
    }
}

static void exponents_without_end_are_zero_or_endless(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "1e309",   "1e310",    "9.99e308", "1e-331",         "1e-330",        "4e-324",
        "1e99999", "1e-99999", "0e99999",  "1e999999999999", "-1e-999999999", "1e0000000000000000000001",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        expect_as_the_c_library(slice_of(texts[i]));
    char zeros[100200];
    memset(zeros, '0', sizeof zeros);
    zeros[0] = '1';
    double real;
    assert_true(decimal_read(&real, (struct slice){zeros, sizeof zeros}));
    assert_true(real > 1e308);
    zeros[0] = '0';
    assert_true(decimal_read(&real, (struct slice){zeros, sizeof zeros}));
    assert_true(real == 0);
}

static void what_is_no_number_is_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {"",     "-",    "+",     ".",   "e5", "1e", "1e+", "1.2.3",
                                        "1e5x", "1e-x", "1e1.5", "0x1", "1 ", " 1", "1,5", "inf"};
    double real;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        assert_false(decimal_read(&real, slice_of(texts[i])));
}

static void writes_as_the_c_library_does(void **state)
{
    (void)state;
    for (int i = 0; i < ROUNDS; i++) {
        char text[1024];
        double real = any_double();
        snprintf(text, sizeof text, "%.*f", i % 12, real);
        assert_true(slice_is(decimal_fixed(real, (uint32_t)i % 12, &arena), text));
        snprintf(text, sizeof text, "%.*e", i % 12, real);
        assert_true(slice_is(decimal_scientific(real, (uint32_t)i % 12, &arena), text));
        arena_reset(&arena);
    }
}

static void halves_go_to_the_even_digit_and_nines_carry_over(void **state)
{
    (void)state;
    static const struct {
        double real;
        uint32_t places;
    } rows[] = {{0.5, 0},    {1.5, 0},    {2.5, 0},   {0.25, 1},  {0.75, 1},
                {0.125, 2},  {9.99, 1},   {9.5, 0},   {99.96, 1}, {0.096, 2},
                {0.96, 0},   {1e-10, 2},  {0.004, 2}, {0.006, 2}, {0.05, 0},
                {0.5e-9, 9}, {0, 0},      {0, 3},     {-0.0, 2},  {4503599627370496.0, 1},
                {1e22, 0},   {5e-324, 9}, {1e300, 0}, {0.3, 20},  {123456, 0}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char text[400];
        snprintf(text, sizeof text, "%.*f", (int)rows[i].places, rows[i].real);
        assert_true(slice_is(decimal_fixed(rows[i].real, rows[i].places, &arena), text));
        snprintf(text, sizeof text, "%.*e", (int)rows[i].places, rows[i].real);
        assert_true(slice_is(decimal_scientific(rows[i].real, rows[i].places, &arena), text));
    }
    assert_int_equal(decimal_fixed(1, DECIMAL_PLACES_MAX + 1, &arena).len, DECIMAL_PLACES_MAX + 2);
    assert_int_equal(decimal_scientific(1, DECIMAL_PLACES_MAX + 1, &arena).len, DECIMAL_PLACES_MAX + 6);
    assert_true(slice_is(decimal_fixed(1e300 * 1e300, 2, &arena), "Infinity"));
    assert_true(slice_is(decimal_scientific(-1e300 * 1e300, 2, &arena), "-Infinity"));
    assert_true(slice_is(decimal_fixed(1e300 * 1e300 * 0, 2, &arena), "NaN"));
}

static void the_shortest_text_reads_back_as_the_same(void **state)
{
    (void)state;
    static const struct {
        double real;
        const char *text;
    } rows[] = {{0.1, "0.1"},
                {1e21, "1e+21"},
                {1e20, "100000000000000000000"},
                {-0.0, "-0"},
                {0.0001, "0.0001"},
                {0.00001, "1e-05"},
                {1.0 / 3, "0.3333333333333333"},
                {5e-324, "5e-324"},
                {1e300 * 1e300, "Infinity"},
                {-1e300 * 1e300, "-Infinity"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_true(slice_is(decimal_shortest(rows[i].real, &arena), rows[i].text));
    for (int i = 0; i < ROUNDS; i++) {
        double real = any_double(), again;
        assert_true(decimal_read(&again, decimal_shortest(real, &arena)));
        assert_true(real == again);
    }
}

static const struct CMUnitTest tests[] = {
    ARENA_TEST(reads_as_the_c_library_does),
    ARENA_TEST(long_texts_are_read_to_their_last_digit),
    ARENA_TEST(exponents_without_end_are_zero_or_endless),
    ARENA_TEST(what_is_no_number_is_refused),
    ARENA_TEST(writes_as_the_c_library_does),
    ARENA_TEST(halves_go_to_the_even_digit_and_nines_carry_over),
    ARENA_TEST(the_shortest_text_reads_back_as_the_same),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
