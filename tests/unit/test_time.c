#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "proto/cloudevent.h"

static void times_are_read_as_rfc_3339_says(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t ms;
    } cases[] = {
        {"1970-01-01T00:00:00Z", 0},
        {"1969-12-31T23:59:59.999Z", -1},
        {"2026-11-21T23:10:35.123Z", INT64_C(1795302635123)},
        {"2026-11-21t23:10:35.123z", INT64_C(1795302635123)},
        {"2026-11-22T00:10:35.123+01:00", INT64_C(1795302635123)},
        {"2026-11-21T17:40:35.1239999999-05:30", INT64_C(1795302635123)},
        {"2026-11-21T23:10:35.1-00:00", INT64_C(1795302635100)},
        {"2000-02-29T00:00:00Z", INT64_C(951782400000)},
        {"1990-12-31T23:59:60Z", INT64_C(662688000000)},
        {"1990-12-31T15:59:60-08:00", INT64_C(662688000000)},
        {"0000-01-01T00:00:00Z", INT64_C(-62167219200000)},
        {"9999-12-31T23:59:59.999Z", INT64_C(253402300799999)},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int64_t ms = 0;
        assert_true(time_read(&ms, slice_of(cases[i].text)));
        assert_int_equal(ms, cases[i].ms);
    }
}

static void what_is_no_time_is_refused_and_leaves_the_result_alone(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        "lunchtime",
        "2018-04-05T18:31Z",
        "2018-04-05T18:31:00",
        "2018-04-05T18:31:00X",
        "2018-04-05T18:31:00+25:00",
        "2018-04-05T18:31:00+24:00",
        "2018-04-05T18:31:00+01:60",
        "2018-04-05T18:31:00+xx:00",
        "2018-04-05T18:31:00+05",
        "2018-04-05T18:31:00+0500",
        "2018-04-05T24:00:00Z",
        "2018-04-05T23:60:00Z",
        "2018-04-05T23:59:61Z",
        "2018-04-05T12:30:60Z",
        "2018-02-29T00:00:00Z",
        "1900-02-29T00:00:00Z",
        "2018-04-31T00:00:00Z",
        "2018-13-01T00:00:00Z",
        "2018-00-01T00:00:00Z",
        "2018-01-00T00:00:00Z",
        "2018-04-05 18:31:00Z",
        "2018-04-05T18:31:00.Z",
        "2018-04-05T18:31:00,5Z",
        "2018-04-05T18:31:00Z ",
        " 2018-04-05T18:31:00Z",
        "18-04-05T18:31:00Z",
        "+2018-04-05T18:31:00Z",
        "0000-01-01T00:00:00+00:01",
        "9999-12-31T23:59:59-00:01",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        int64_t ms = 4711;
        if (time_read(&ms, slice_of(texts[i])))
            fail_msg("accepted: %s", texts[i]);
        assert_int_equal(ms, 4711);
    }
}

static void every_day_is_written_as_it_is_read(void **state)
{
    (void)state;
    struct arena arena;
    arena_init(&arena);
    int64_t day = INT64_C(86400000), ms;
    for (int64_t at = -719528 * day; at < INT64_C(2932897) * day; at += day + 1234567) {
        int64_t inside = at;
        struct slice text = time_write(inside, &arena);
        assert_int_equal(text.len, 24);
        assert_true(time_read(&ms, text));
        assert_int_equal(ms, inside);
        arena_reset(&arena);
    }
    struct slice text = time_write(INT64_C(1795302635123), &arena);
    assert_memory_equal(text.ptr, "2026-11-21T23:10:35.123Z", 24);
    arena_deinit(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(times_are_read_as_rfc_3339_says),
        cmocka_unit_test(what_is_no_time_is_refused_and_leaves_the_result_alone),
        cmocka_unit_test(every_day_is_written_as_it_is_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
