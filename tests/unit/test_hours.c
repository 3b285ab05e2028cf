#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "proto/zone.h"
#include "rules/cel_time.h"
#include "rules/hours.h"

#define MINUTE_MS INT64_C(60000)
#define HOUR_MS (60 * MINUTE_MS)

/* Of 2026, from the tz database. */
static struct zone_transition berlin_changes[] = {
    {INT64_MIN, 3600}, {1774746000, 7200} /* 03-29T01:00Z */, {1792890000, 3600} /* 10-25T01:00Z */};
static struct zone_transition new_york_changes[] = {
    {INT64_MIN, -18000}, {1772953200, -14400} /* 03-08T07:00Z */, {1793512800, -18000} /* 11-01T06:00Z */};
/* A clock that is set back over midnight, as Newfoundland's was: 00:01 becomes 23:01. */
static struct zone_transition midnight_changes[] = {{INT64_MIN, 7200}, {1792879260, 3600}};

static const struct zone_table utc = {SLICE("UTC"), (struct zone_transition[]){{INT64_MIN, 0}}, 1};
static const struct zone_table berlin = {SLICE("Europe/Berlin"), berlin_changes, 3};
static const struct zone_table new_york = {SLICE("America/New_York"), new_york_changes, 3};
static const struct zone_table midnight = {SLICE("Midnight"), midnight_changes, 2};

static int64_t at(const char *text)
{
    struct cel_value time;
    if (!cel_timestamp_read(&time, slice_of(text)))
        fail_msg("not a time: %s", text);
    return time.integer * 1000 + time.count / 1000000;
}

/* "1 09:00-17:00": Tuesdays. */
static struct hours open(const struct zone_table *zone, struct hours_span *spans, uint32_t count)
{
    return (struct hours){
        .name = SLICE("h"), .zone = zone, .spans = spans, .span_count = count, .otherwise = -1};
}

static void assert_next(const struct hours *hours, const char *from, const char *want)
{
    int64_t next = hours_next_open(hours, at(from)), wanted = want ? at(want) : TIME_NEVER;
    if (next != wanted)
        fail_msg("after %s it opens at %lld, not at %s", from, (long long)next, want ? want : "no time");
}

static struct hours_span office[] = {{0, 540, 1020, false},
                                     {1, 540, 1020, false},
                                     {2, 540, 1020, false},
                                     {3, 540, 1020, false},
                                     {4, 540, 1020, false}};
static struct hours_span daily[] = {{0, 540, 1020, false}, {1, 540, 1020, false}, {2, 540, 1020, false},
                                    {3, 540, 1020, false}, {4, 540, 1020, false}, {5, 540, 1020, false},
                                    {6, 540, 1020, false}};
static struct hours_span around_the_clock[] = {{0, 0, 1440, false}, {1, 0, 1440, false}, {2, 0, 1440, false},
                                               {3, 0, 1440, false}, {4, 0, 1440, false}, {5, 0, 1440, false},
                                               {6, 0, 1440, false}};

static void a_zone_tells_its_offset_and_the_first_moment_of_a_local_time(void **state)
{
    (void)state;
    static const struct {
        const struct zone_table *zone;
        const char *local, *instant; /* local times written as if they were UTC */
    } cases[] = {
        {&utc, "2026-03-29T02:30:00Z", "2026-03-29T02:30:00Z"},
        {&berlin, "2026-03-29T01:59:59Z", "2026-03-29T00:59:59Z"},
        {&berlin, "2026-03-29T02:00:00Z", "2026-03-29T01:00:00Z"}, /* skipped: the jump */
        {&berlin, "2026-03-29T02:30:00Z", "2026-03-29T01:00:00Z"},
        {&berlin, "2026-03-29T03:00:00Z", "2026-03-29T01:00:00Z"},
        {&berlin, "2026-03-29T03:00:01Z", "2026-03-29T01:00:01Z"},
        {&berlin, "2026-10-25T01:59:59Z", "2026-10-24T23:59:59Z"},
        {&berlin, "2026-10-25T02:00:00Z", "2026-10-25T00:00:00Z"}, /* twice: the first */
        {&berlin, "2026-10-25T02:59:59Z", "2026-10-25T00:59:59Z"},
        {&berlin, "2026-10-25T03:00:00Z", "2026-10-25T02:00:00Z"},
        {&new_york, "2026-03-08T02:30:00Z", "2026-03-08T07:00:00Z"},
        {&new_york, "2026-11-01T01:30:00Z", "2026-11-01T05:30:00Z"},
        {&new_york, "2026-11-01T02:00:00Z", "2026-11-01T07:00:00Z"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        int64_t instant = zone_table_instant(cases[i].zone, at(cases[i].local) / 1000);
        if (instant * 1000 != at(cases[i].instant))
            fail_msg("%s is at %lld, not at %s", cases[i].local, (long long)instant, cases[i].instant);
    }
    assert_int_equal(zone_table_offset(&berlin, 1774746000 - 1), 3600);
    assert_int_equal(zone_table_offset(&berlin, 1774746000), 7200);
    assert_int_equal(zone_table_offset(&berlin, INT64_MAX), 3600);
    assert_int_equal(zone_table_offset(&berlin, INT64_MIN), 3600);
}

static void expressions_find_the_tables_by_name(void **state)
{
    (void)state;
    struct zone_table items[] = {berlin, new_york};
    struct zone_tables tables = {items, 2};
    struct cel_zone_ops ops = zone_tables_ops;
    ops.ctx = &tables;
    const void *zone = ops.find(SLICE("America/New_York"), ops.ctx);
    assert_ptr_equal(zone, &items[1]);
    assert_int_equal(ops.offset(zone, 1772953200), -14400);
    assert_null(ops.find(SLICE("Europe/Paris"), ops.ctx));
}

static void office_hours_open_at_nine_of_local_time_and_close_at_five(void **state)
{
    (void)state;
    struct hours hours = open(&berlin, office, 5);
    static const struct {
        const char *at;
        bool open;
        const char *next;
    } cases[] = {
        {"2026-07-27T06:59:59.999Z", false, "2026-07-27T07:00:00Z"}, /* Monday, summer */
        {"2026-07-27T07:00:00Z", true, "2026-07-28T07:00:00Z"},
        {"2026-07-27T14:59:59.999Z", true, "2026-07-28T07:00:00Z"},
        {"2026-07-27T15:00:00Z", false, "2026-07-28T07:00:00Z"},
        {"2026-07-31T15:00:00Z", false, "2026-08-03T07:00:00Z"}, /* over the weekend */
        {"2026-01-05T08:00:00Z", true, "2026-01-06T08:00:00Z"},  /* winter */
        {"1969-12-30T08:00:00Z", true, "1969-12-31T08:00:00Z"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        if (hours_are_open(&hours, at(cases[i].at)) != cases[i].open)
            fail_msg("%s is taken for %s", cases[i].at, cases[i].open ? "closed" : "open");
        assert_next(&hours, cases[i].at, cases[i].next);
    }
}

static void it_opens_once_at_nine_on_the_days_that_clocks_are_changed(void **state)
{
    (void)state;
    struct hours in_berlin = open(&berlin, daily, 7), in_new_york = open(&new_york, daily, 7);
    assert_next(&in_berlin, "2026-03-28T12:00:00Z", "2026-03-29T07:00:00Z");
    assert_next(&in_berlin, "2026-03-29T07:00:00Z", "2026-03-30T07:00:00Z");
    assert_next(&in_berlin, "2026-10-24T12:00:00Z", "2026-10-25T08:00:00Z");
    assert_next(&in_berlin, "2026-10-25T08:00:00Z", "2026-10-26T08:00:00Z");
    assert_next(&in_new_york, "2026-03-07T20:00:00Z", "2026-03-08T13:00:00Z");
    assert_next(&in_new_york, "2026-03-08T13:00:00Z", "2026-03-09T13:00:00Z");
    assert_next(&in_new_york, "2026-10-31T20:00:00Z", "2026-11-01T14:00:00Z");
    assert_next(&in_new_york, "2026-11-01T14:00:00Z", "2026-11-02T14:00:00Z");
}

static void a_beginning_that_is_skipped_or_comes_twice_opens_once(void **state)
{
    (void)state;
    struct hours_span night[] = {{6, 150, 210, false}};   /* Sunday 02:30-03:30 */
    struct hours_span skipped[] = {{6, 130, 170, false}}; /* 02:10-02:50 */
    struct hours hours = open(&berlin, night, 1), none = open(&berlin, skipped, 1);
    assert_next(&hours, "2026-03-28T12:00:00Z", "2026-03-29T01:00:00Z");
    assert_true(hours_are_open(&hours, at("2026-03-29T01:29:59Z")));
    assert_false(hours_are_open(&hours, at("2026-03-29T01:30:00Z")));
    assert_next(&hours, "2026-10-24T12:00:00Z", "2026-10-25T00:30:00Z");
    assert_true(hours_are_open(&hours, at("2026-10-25T01:15:00Z"))); /* 02:15 again, and still open */
    assert_true(hours_are_open(&hours, at("2026-10-25T02:29:59Z")));
    assert_false(hours_are_open(&hours, at("2026-10-25T02:30:00Z")));
    assert_next(&hours, "2026-10-25T00:30:00Z", "2026-11-01T01:30:00Z");
    assert_false(hours_are_open(&none, at("2026-03-29T01:00:00Z")));
    assert_next(&none, "2026-03-28T12:00:00Z", "2026-04-05T00:10:00Z");
}

static void a_span_over_midnight_is_two_that_meet(void **state)
{
    (void)state;
    struct hours_span night[] = {{4, 1320, 1440, false},
                                 {5, 0, 360, true}}; /* Friday 22:00 to Saturday 06:00 */
    struct hours hours = open(&utc, night, 2);
    assert_true(hours_are_open(&hours, at("2026-07-31T23:59:59.999Z")));
    assert_true(hours_are_open(&hours, at("2026-08-01T00:00:00Z")));
    assert_next(&hours, "2026-07-31T21:59:59.999Z", "2026-07-31T22:00:00Z");
    assert_next(&hours, "2026-07-31T22:00:00Z", "2026-08-07T22:00:00Z"); /* midnight opens nothing */
}

static void a_clock_set_back_over_midnight_neither_closes_nor_opens_twice(void **state)
{
    (void)state;
    struct hours always = open(&midnight, around_the_clock, 7), hours = open(&midnight, daily, 7);
    for (int64_t ms = 1792879260000 - 2 * HOUR_MS; ms < 1792879260000 + 2 * HOUR_MS; ms += MINUTE_MS)
        assert_true(hours_are_open(&always, ms));
    assert_next(&hours, "2026-10-24T20:00:00Z", "2026-10-25T08:00:00Z");
}

static void closed_dates_are_closed_from_midnight_to_midnight(void **state)
{
    (void)state;
    struct hours_date christmas[] = {{(int32_t)(at("2026-12-25T00:00:00Z") / 86400000)},
                                     {(int32_t)(at("2026-12-28T00:00:00Z") / 86400000)}};
    struct hours hours = open(&berlin, office, 5);
    hours.closed = christmas;
    hours.closed_count = 2;
    assert_true(hours_are_open(&hours, at("2026-12-24T12:00:00Z")));
    assert_false(hours_are_open(&hours, at("2026-12-25T12:00:00Z")));
    assert_next(&hours, "2026-12-24T12:00:00Z", "2026-12-29T08:00:00Z");
}

static void a_closed_date_ends_the_night_before_and_takes_its_own_night_along(void **state)
{
    (void)state;
    struct hours_span nights[] = {{3, 1320, 1440, false},
                                  {4, 0, 360, true},
                                  {4, 1320, 1440, false},
                                  {5, 0, 360, true},
                                  {5, 60, 120, false}}; /* 22:00-06:00, and Saturday 01:00-02:00 */
    struct hours_date friday[] = {{(int32_t)(at("2026-12-25T00:00:00Z") / 86400000)}};
    struct hours hours = open(&utc, nights, 4), own = open(&utc, nights, 5);
    hours.closed = own.closed = friday;
    hours.closed_count = own.closed_count = 1;
    static const struct {
        const char *at;
        bool open;
    } cases[] = {
        {"2026-12-24T22:00:00Z", true},      {"2026-12-24T23:59:59.999Z", true},
        {"2026-12-25T00:00:00Z", false},     {"2026-12-25T05:59:59.999Z", false},
        {"2026-12-25T22:00:00Z", false},     {"2026-12-26T00:00:00Z", false},
        {"2026-12-26T05:59:59.999Z", false}, {"2027-01-01T00:00:00Z", true},
        {"2027-01-02T05:59:59.999Z", true},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        if (hours_are_open(&hours, at(cases[i].at)) != cases[i].open)
            fail_msg("%s is taken for %s", cases[i].at, cases[i].open ? "closed" : "open");
    assert_next(&hours, "2026-12-24T22:00:00Z", "2026-12-31T22:00:00Z");
    assert_next(&own, "2026-12-24T22:00:00Z", "2026-12-26T01:00:00Z");
    assert_false(hours_are_open(&own, at("2026-12-26T02:00:00Z")));
}

static void what_never_opens_or_never_closes_has_no_next_opening(void **state)
{
    (void)state;
    struct hours never = open(&berlin, NULL, 0), always = open(&berlin, around_the_clock, 7);
    assert_false(hours_are_open(&never, 0));
    assert_next(&never, "2026-07-29T00:00:00Z", NULL);
    assert_next(&always, "2026-07-29T00:00:00Z", NULL);
    assert_true(hours_are_open(&always, at("2026-03-29T01:00:00Z")));
}

static uint64_t draw(uint64_t *seed, uint64_t below)
{
    *seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (*seed >> 33) % below;
}

/* The minutes of four days around a change of clocks, one by one. */
static void check_minutes(const struct hours *hours, int64_t middle_ms, uint64_t seed)
{
    int64_t start = middle_ms - 48 * HOUR_MS, next = hours_next_open(hours, start - 1);
    bool was_open = hours_are_open(hours, start - 1);
    for (int64_t ms = start; ms < start + 96 * HOUR_MS; ms += MINUTE_MS) {
        bool opens = hours_are_open(hours, ms) && !was_open;
        if (opens != (next == ms))
            fail_msg("seed %llu: at %lld it %s, but the next opening was %lld", (unsigned long long)seed,
                     (long long)ms, opens ? "opens" : "does not open", (long long)next);
        was_open = hours_are_open(hours, ms);
        assert_int_equal(was_open, hours_are_open(hours, ms + MINUTE_MS - 1));
        if (next <= ms)
            next = hours_next_open(hours, ms);
        else if (draw(&seed, 20) == 0) /* asked from anywhere in between it is the same */
            assert_int_equal(next, hours_next_open(hours, ms + (int64_t)draw(&seed, MINUTE_MS)));
    }
}

static void the_next_opening_is_the_first_minute_that_is_open_after_a_closed_one(void **state)
{
    (void)state;
    const struct zone_table *const zones[] = {&berlin, &new_york, &midnight, &utc};
    for (uint64_t seed = 1; seed <= 200; seed++) {
        uint64_t random = seed;
        struct hours_span spans[6];
        struct hours_date closed[1];
        const struct zone_table *zone = zones[draw(&random, 4)];
        uint32_t count = 1 + (uint32_t)draw(&random, 6);
        for (uint32_t i = 0; i < count; i++) {
            uint16_t from = (uint16_t)draw(&random, HOURS_DAY_MIN);
            uint16_t until = (uint16_t)(from + 1 + draw(&random, (uint64_t)(HOURS_DAY_MIN - from)));
            spans[i] = (struct hours_span){(uint8_t)draw(&random, 7), from, until, draw(&random, 2)};
        }
        int64_t change = zone->count > 1 ? zone->transitions[1 + draw(&random, zone->count - 1)].at_s * 1000
                                         : INT64_C(1774746000000);
        struct hours hours = open(zone, spans, count);
        closed[0].day = (int32_t)(change / 86400000 + (int64_t)draw(&random, 5) - 2);
        hours.closed = closed;
        hours.closed_count = (uint32_t)draw(&random, 2);
        check_minutes(&hours, change / MINUTE_MS * MINUTE_MS, seed);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_zone_tells_its_offset_and_the_first_moment_of_a_local_time),
        cmocka_unit_test(expressions_find_the_tables_by_name),
        cmocka_unit_test(office_hours_open_at_nine_of_local_time_and_close_at_five),
        cmocka_unit_test(it_opens_once_at_nine_on_the_days_that_clocks_are_changed),
        cmocka_unit_test(a_beginning_that_is_skipped_or_comes_twice_opens_once),
        cmocka_unit_test(a_span_over_midnight_is_two_that_meet),
        cmocka_unit_test(a_clock_set_back_over_midnight_neither_closes_nor_opens_twice),
        cmocka_unit_test(closed_dates_are_closed_from_midnight_to_midnight),
        cmocka_unit_test(a_closed_date_ends_the_night_before_and_takes_its_own_night_along),
        cmocka_unit_test(what_never_opens_or_never_closes_has_no_next_opening),
        cmocka_unit_test(the_next_opening_is_the_first_minute_that_is_open_after_a_closed_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
