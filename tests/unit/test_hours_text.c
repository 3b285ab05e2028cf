#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "proto/hours_text.h"

/* "0 540-1020, 1 0-360+" : weekday and minutes of each span, + from the day before; or the reason. */
static const char *spans(const char *text)
{
    static char out[1024];
    struct hours_span items[HOURS_SPANS_MAX];
    uint32_t count = 0;
    const char *why;
    out[0] = 0;
    if (!hours_text_spans(items, &count, slice_of(text), &why))
        return why;
    for (uint32_t i = 0; i < count; i++) {
        size_t len = strlen(out);
        snprintf(out + len, sizeof out - len, "%s%u %u-%u%s", i ? ", " : "", items[i].weekday,
                 items[i].from_min, items[i].until_min, items[i].goes_on ? "+" : "");
    }
    return out;
}

static void days_and_times_become_spans(void **state)
{
    (void)state;
    static const struct {
        const char *text, *spans;
    } cases[] = {
        {"mon 09:00-17:00", "0 540-1020"},
        {"mon-wed 09:00-17:30", "0 540-1050, 1 540-1050, 2 540-1050"},
        {"Sat,SUN  10:00-14:00", "5 600-840, 6 600-840"},
        {"sat-mon 10:00-14:00", "0 600-840, 5 600-840, 6 600-840"},
        {"tue,tue-wed,tue 00:00-00:01", "1 0-1, 2 0-1"},
        {"sun 00:00-24:00", "6 0-1440"},
        {"fri 22:00-06:00", "4 1320-1440, 5 0-360+"},
        {"sun 22:00-06:00", "6 1320-1440, 0 0-360+"},
        {"fri 22:00-00:00", "4 1320-1440"},
        {"sat 00:00-06:00", "5 0-360"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_string_equal(spans(cases[i].text), cases[i].spans);
}

static void what_is_no_opening_is_refused_with_a_reason(void **state)
{
    (void)state;
    static const struct {
        const char *text, *why; /* a part of it */
    } cases[] = {
        {"", "must be days"},
        {"mon", "must be days"},
        {"mon 9:00-17:00", "must be days"},
        {"mon 09:00", "must be days"},
        {"mon09:00-17:00", "must be days"},
        {"mo 09:00-17:00", "must be days"},
        {"mon- 09:00-17:00", "must be days"},
        {"mon, 09:00-17:00", "must be days"},
        {"09:00-17:00", "must be days"},
        {"mon 09:00-17:00 ", "must be days"},
        {"mon 09:60-17:00", "must be days"},
        {"mon 09:00-24:01", "must be days"},
        {"mon 09:00-17:0", "must be days"},
        {"mon 09:00-09:00", "the whole day is 00:00-24:00"},
        {"mon 24:00-06:00", "the whole day is 00:00-24:00"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        if (!strstr(spans(cases[i].text), cases[i].why))
            fail_msg("\"%s\" gives %s", cases[i].text, spans(cases[i].text));
    }
}

static void more_stretches_than_there_is_room_for_are_refused(void **state)
{
    (void)state;
    struct hours_span items[HOURS_SPANS_MAX];
    const char *why;
    uint32_t count = HOURS_SPANS_MAX - 1;
    assert_true(hours_text_spans(items, &count, SLICE("mon 09:00-10:00"), &why));
    assert_false(hours_text_spans(items, &count, SLICE("mon 09:00-10:00"), &why));
    assert_non_null(strstr(why, "64"));
    count = HOURS_SPANS_MAX - 1;
    assert_false(hours_text_spans(items, &count, SLICE("mon 22:00-10:00"), &why));
}

static void dates_are_days_of_the_calendar(void **state)
{
    (void)state;
    static const char *const wrong[] = {"",         "2026-12-5",  "2026-02-29", "2026-13-01",
                                        "26-12-25", "2026/12/25", "1969-12-31", "2026-12-25T00:00:00Z"};
    struct hours_date date;
    assert_true(hours_text_date(&date, SLICE("1970-01-01")));
    assert_int_equal(date.day, 0);
    assert_true(hours_text_date(&date, SLICE("2024-02-29")));
    assert_int_equal(date.day, 19782);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_false(hours_text_date(&date, slice_of(wrong[i])));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(days_and_times_become_spans),
        cmocka_unit_test(what_is_no_opening_is_refused_with_a_reason),
        cmocka_unit_test(more_stretches_than_there_is_room_for_are_refused),
        cmocka_unit_test(dates_are_days_of_the_calendar),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
