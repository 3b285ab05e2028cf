#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rules/decimal.h"

#define ROUNDS 300

static struct arena arena;

static int setup(void **state)
{
    (void)state;
    arena_init(&arena);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    arena_deinit(&arena);
    return 0;
}

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

static void what_is_no_number_is_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {"",      "-",   "+",  ".",  "e5",  "1e", "1e+",
                                        "1.2.3", "0x1", "1 ", " 1", "1,5", "inf"};
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
    cmocka_unit_test_setup_teardown(reads_as_the_c_library_does, setup, teardown),
    cmocka_unit_test_setup_teardown(what_is_no_number_is_refused, setup, teardown),
    cmocka_unit_test_setup_teardown(writes_as_the_c_library_does, setup, teardown),
    cmocka_unit_test_setup_teardown(the_shortest_text_reads_back_as_the_same, setup, teardown),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
