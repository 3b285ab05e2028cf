/* Times of expressions as text, and what is read from them. */
#include "tests/unit/cel_world.h"

#include "rules/cel_time.h"

static void each_part_of_a_moment_is_read(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"[timestamp('2024-02-29T13:14:15.678Z')].map(t, [t.getFullYear(), t.getMonth(), t.getDate(), "
         "t.getDayOfMonth(), t.getDayOfWeek(), t.getDayOfYear(), t.getHours(), t.getMinutes(), "
         "t.getSeconds(), t.getMilliseconds()])[0]",
         "[2024,1,29,28,4,59,13,14,15,678]"},
        {"[timestamp('0001-01-01T00:00:00Z'), timestamp('1969-12-31T23:59:59Z'), "
         "timestamp('9999-12-31T00:00:00Z')].map(t, [t.getFullYear(), t.getDayOfWeek(), t.getDayOfYear()])",
         "[[1,1,0],[1969,3,364],[9999,5,364]]"},
        {"['Europe/Berlin', '+02:00', '02:00'].all(z, now.getHours(z) == 2 && now.getDate(z) == 29)", "true"},
        {"['-02:00', 'America/Sao_Paulo', 'UTC', 'Z', ''].map(z, now.getHours(z))", "[22,21,0,0,0]"},
        {"[duration('90m1.25s')].map(d, [d.getHours(), d.getMinutes(), d.getSeconds(), "
         "d.getMilliseconds()])[0]",
         "[1,90,5401,250]"},
        {"dyn(interaction.age).getDate()",
         "no_overload 1:22 found no matching overload for 'getDate' applied to '(google.protobuf.Duration)'"},
        {"dyn(interaction.age).getHours('UTC')",
         "no_overload 1:22 found no matching overload for 'getHours' applied to "
         "'(google.protobuf.Duration, string)'"},
        {"now.getHours(channel + '/x') == 1", "bad_argument 1:5 unknown time zone: call/x"},
    };
    CHECK(rows);
}

static void what_is_no_timestamp_is_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        "2026",
        "2026-01-01",
        "2026-01-01T00:00:00",
        "2026-01-01 00:00:00Z",
        "2026-01-01T00:00:00+0100",
        "2026-01-01T00:00:00+1:00",
        "2026-01-01T00:00:00+01",
        "2026-01-01T00:00:00+24:00",
        "2026-01-01T00:00:00+01:60",
        "2026-01-01T00:00:00+01:0x",
        "2026-01-01T00:00:00Zx",
        "2026-01-01T00:00:00.Z",
        "2026-01-01T00:00:00.1234567891Z",
        "2026-00-01T00:00:00Z",
        "2026-13-01T00:00:00Z",
        "2026-01-00T00:00:00Z",
        "2026-01-32T00:00:00Z",
        "2026-04-31T00:00:00Z",
        "2026-02-29T00:00:00Z",
        "1900-02-29T00:00:00Z",
        "2026-01-01T24:00:00Z",
        "2026-01-01T00:60:00Z",
        "2026-01-01T00:00:60Z",
        "2026/01-01T00:00:00Z",
        "2026-01/01T00:00:00Z",
        "2026-1x-01T00:00:00Z",
        "2026-01-1xT00:00:00Z",
        "2026-01-01T0x:00:00Z",
        "2026-01-01T00.00:00Z",
        "2026-01-01T00:0x:00Z",
        "2026-01-01T00:00.00Z",
        "2026-01-01T00:00:0xZ",
        "0000-12-31T23:59:59Z",
        "0000-01-01T00:00:00Z",
        "9999-12-31T23:59:59-01:00",
        "0001-01-01T00:00:00+00:01",
    };
    struct cel_value timestamp;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        if (cel_timestamp_read(&timestamp, slice_of(texts[i])))
            fail_msg("%s is no timestamp", texts[i]);
    }
}

static void timestamps_are_read_in_any_offset_and_written_in_utc(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        {"2026-07-29T00:00:00Z", "2026-07-29T00:00:00Z"},
        {"2026-07-29t00:00:00z", "2026-07-29T00:00:00Z"},
        {"2026-07-29T01:30:00+01:30", "2026-07-29T00:00:00Z"},
        {"2026-07-28T22:30:00-01:30", "2026-07-29T00:00:00Z"},
        {"2026-07-29T00:00:00.123456789Z", "2026-07-29T00:00:00.123456789Z"},
        {"2026-07-29T00:00:00.100Z", "2026-07-29T00:00:00.1Z"},
        {"2000-02-29T12:00:00Z", "2000-02-29T12:00:00Z"},
        {"2024-02-29T12:00:00Z", "2024-02-29T12:00:00Z"},
        {"1969-12-31T23:59:59.5Z", "1969-12-31T23:59:59.5Z"},
        {"0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z"},
        {"9999-12-31T23:59:59.999999999Z", "9999-12-31T23:59:59.999999999Z"},
    };
    struct cel_value timestamp;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_true(cel_timestamp_read(&timestamp, slice_of(rows[i][0])));
        if (!slice_is(cel_timestamp_write(&timestamp, &arena), rows[i][1]))
            fail_msg("%s", rows[i][0]);
    }
}

/* Against a calendar that counts one by one. */
static void every_day_has_the_date_that_counting_gives(void **state)
{
    (void)state;
    static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int64_t day = CEL_TIME_MIN_S / 86400;
    int week_day = 1;
    for (int year = 1; year <= 9999; year++) {
        bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
        for (int month = 1, year_day = 0; month <= 12; month++) {
            int length = lengths[month - 1] + (month == 2 && leap);
            for (int i = 1; i <= length; i++, day++, year_day++, week_day = (week_day + 1) % 7) {
                struct cel_date date = cel_date_at(day * 86400 + 86399);
                if (date.year != year || date.month != month || date.day != i || date.year_day != year_day ||
                    date.week_day != week_day || date.hour != 23 || date.minute != 59 || date.second != 59)
                    fail_msg("%d-%d-%d", year, month, i);
            }
        }
    }
    assert_int_equal(day - 1, CEL_TIME_MAX_S / 86400);
    /* Offsets reach beyond; the year 0 is a leap year. */
    struct cel_date before = cel_date_at(CEL_TIME_MIN_S - 367 * 86400);
    assert_true(before.year == -1 && before.month == 12 && before.day == 31 && before.year_day == 364);
}

static void durations_are_read_by_their_units(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        {"0", "0s"},
        {"-0", "0s"},
        {"+1s", "1s"},
        {"1h", "3600s"},
        {"1h30m", "5400s"},
        {"1.5h", "5400s"},
        {".5s", "0.5s"},
        {"1.s", "1s"},
        {"100ms", "0.1s"},
        {"1us", "0.000001s"},
        {"1\xC2\xB5s", "0.000001s"},
        {"1\xCE\xBCs", "0.000001s"},
        {"1ns", "0.000000001s"},
        {"-1h0.5s", "-3600.5s"},
        {"9223372036854775807ns", "9223372036.854775807s"},
        {"-9223372036854775808ns", "-9223372036.854775808s"},
    };
    static const char *const bad[] = {
        "",
        "-",
        "+",
        "1",
        "s",
        ".s",
        "1x",
        "1h30",
        "1 s",
        "1.2.3s",
        "--1s",
        "1d",
        "1sx",
        "1hs",
        "00",
        "1S",
        "1n",
        "1\xC2s",
        "9223372036854775808ns",
        "-9223372036854775809ns",
        "99999999999999999999ns",
        "18446744073709551616ns",
        "18446744073709551615h",
        "18446744073709551615ns1ns",
        "18446744073.7095516150s.9999999999s",
    };
    struct cel_value duration;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_true(cel_duration_read(&duration, slice_of(rows[i][0])));
        if (!slice_is(cel_duration_write(&duration, &arena), rows[i][1]))
            fail_msg("%s", rows[i][0]);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        if (cel_duration_read(&duration, slice_of(bad[i])))
            fail_msg("%s is no duration", bad[i]);
    }
}

static void an_offset_is_hours_and_minutes_with_or_without_sign(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int32_t seconds;
    } rows[] = {{"UTC", 0},       {"Z", 0},          {"", 0},         {"z", 0},         {"+00:00", 0},
                {"+02:00", 7200}, {"-02:30", -9000}, {"02:30", 9000}, {"+23:59", 86340}};
    static const char *const bad[] = {"utc",    "+2:00",   "+02", "+0200",        "+24:00", "+02:60",
                                      "02:60",  "24:00",   "02",  "02-30",        "2x:00",  "02:3x",
                                      "02:30x", "+02:30x", "Zx",  "Europe/Berlin"};
    int32_t seconds;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        seconds = -1;
        if (!cel_offset_read(&seconds, slice_of(rows[i].text)) || seconds != rows[i].seconds)
            fail_msg("'%s' is %d s", rows[i].text, (int)rows[i].seconds);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        if (cel_offset_read(&seconds, slice_of(bad[i])))
            fail_msg("'%s' is no offset", bad[i]);
    }
}

static void milliseconds_since_1970_become_values(void **state)
{
    (void)state;
    struct cel_value at = cel_timestamp_ms(-1), length = cel_duration_ms(INT64_MAX);
    assert_true(slice_is(cel_timestamp_write(&at, &arena), "1969-12-31T23:59:59.999Z"));
    assert_int_equal(length.integer, INT64_MAX);
    length = cel_duration_ms(INT64_MIN);
    assert_int_equal(length.integer, INT64_MIN);
    length = cel_duration_ms(-1500);
    assert_true(slice_is(cel_duration_write(&length, &arena), "-1.5s"));
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(each_part_of_a_moment_is_read, setup, teardown),
    cmocka_unit_test_setup_teardown(what_is_no_timestamp_is_refused, setup, teardown),
    cmocka_unit_test_setup_teardown(timestamps_are_read_in_any_offset_and_written_in_utc, setup, teardown),
    cmocka_unit_test_setup_teardown(every_day_has_the_date_that_counting_gives, setup, teardown),
    cmocka_unit_test_setup_teardown(durations_are_read_by_their_units, setup, teardown),
    cmocka_unit_test_setup_teardown(an_offset_is_hours_and_minutes_with_or_without_sign, setup, teardown),
    cmocka_unit_test_setup_teardown(milliseconds_since_1970_become_values, setup, teardown),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
