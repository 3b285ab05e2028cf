#include "rules/hours.h"

#define DAY_S 86400
#define SECOND_MS 1000
#define EPOCH_WEEKDAY 3 /* 1970-01-01 was a Thursday, 0 is Monday */

/* Of instants, in seconds; empty when `from` is not before `until`. */
struct interval {
    int64_t from, until;
};

static int64_t divide_down(int64_t number, int64_t by)
{
    return number / by - (number % by < 0);
}

static int64_t local_day(const struct hours *hours, int64_t at_s)
{
    return divide_down(at_s + zone_table_offset(hours->zone, at_s), DAY_S);
}

static uint8_t weekday_of(int64_t day)
{
    return (uint8_t)(((day + EPOCH_WEEKDAY) % 7 + 7) % 7);
}

static bool is_closed_day(const struct hours *hours, int64_t day)
{
    uint32_t low = 0, high = hours->closed_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (hours->closed[middle].day == day)
            return true;
        if (hours->closed[middle].day < day)
            low = middle + 1;
        else
            high = middle;
    }
    return false;
}

static struct interval interval_of(const struct hours *hours, const struct hours_span *span, int64_t day)
{
    return (struct interval){zone_table_instant(hours->zone, day * DAY_S + span->from_min * 60),
                             zone_table_instant(hours->zone, day * DAY_S + span->until_min * 60)};
}

/* A day that is not closed has it. */
static bool has_span(const struct hours *hours, int64_t day, const struct hours_span *span)
{
    return span->weekday == weekday_of(day) && !(span->goes_on && is_closed_day(hours, day - 1));
}

static bool is_open_on(const struct hours *hours, int64_t day, int64_t at_s)
{
    if (is_closed_day(hours, day))
        return false;
    for (uint32_t i = 0; i < hours->span_count; i++) {
        if (!has_span(hours, day, &hours->spans[i]))
            continue;
        struct interval interval = interval_of(hours, &hours->spans[i], day);
        if (interval.from <= at_s && at_s < interval.until)
            return true;
    }
    return false;
}

/* A clock that is set back over midnight shows the day before once more while the day's spans have begun, so
 * the days beside it are looked at too. */
static bool is_open_at(const struct hours *hours, int64_t at_s)
{
    int64_t day = local_day(hours, at_s);
    return is_open_on(hours, day, at_s) || is_open_on(hours, day - 1, at_s) ||
           is_open_on(hours, day + 1, at_s);
}

bool hours_are_open(const struct hours *hours, int64_t at_ms)
{
    return is_open_at(hours, divide_down(at_ms, SECOND_MS));
}

/* The first opening of that day after `at_s`, or INT64_MAX. */
static int64_t next_on(const struct hours *hours, int64_t day, int64_t at_s)
{
    int64_t next = INT64_MAX;
    if (is_closed_day(hours, day))
        return next;
    for (uint32_t i = 0; i < hours->span_count; i++) {
        if (!has_span(hours, day, &hours->spans[i]))
            continue;
        struct interval interval = interval_of(hours, &hours->spans[i], day);
        bool opens = interval.from > at_s && interval.from < interval.until && interval.from < next;
        if (opens && !is_open_at(hours, interval.from - 1)) /* else it goes on from another span */
            next = interval.from;
    }
    return next;
}

int64_t hours_next_open(const struct hours *hours, int64_t at_ms)
{
    int64_t at_s = divide_down(at_ms, SECOND_MS), first = local_day(hours, at_s) - 1;
    /* Instants rise with local time, so no later day opens before an earlier one. */
    for (int64_t day = first; day <= first + HOURS_AHEAD_DAYS + 1; day++) {
        int64_t next = next_on(hours, day, at_s);
        if (next != INT64_MAX)
            return next * SECOND_MS;
    }
    return TIME_NEVER;
}
