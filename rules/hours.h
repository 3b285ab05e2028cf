/* Opening hours: when a queue takes what arrives. Times of day in one zone, exceptions by date.
 *
 * A span of a day is one interval of instants, from the first moment whose local time is at or after its
 * beginning to the first at or after its end. So it opens and closes once on every day, also when clocks are
 * changed: a beginning that is skipped is the moment of the jump, one that comes twice is the first, and a
 * span that is skipped whole does not exist on that day.
 *
 * Nothing is open on a closed date, and nothing begins on one: what would go on over midnight into the next
 * day does not either. */
#ifndef RULES_HOURS_H
#define RULES_HOURS_H

#include "rules/zone_table.h"

#define HOURS_SPANS_MAX 64
#define HOURS_DATES_MAX 1024
#define HOURS_DAY_MIN 1440   /* minutes of a day */
#define HOURS_AHEAD_DAYS 731 /* how far the next opening is looked for */

struct hours_span {
    uint8_t weekday;              /* 0 Monday to 6 Sunday */
    uint16_t from_min, until_min; /* minutes of the local day; until is exclusive, at most 1,440 */
    bool goes_on;                 /* over midnight, from the day before */
};

struct hours_date {
    int32_t day; /* days since 1970-01-01 of the local calendar */
};

struct hours {
    struct slice name;
    const struct zone_table *zone;
    struct hours_span *spans;
    uint32_t span_count;
    struct hours_date *closed; /* sorted */
    uint32_t closed_count;
    int otherwise; /* queue for what arrives while it is closed, or -1: it waits until it opens */
};

bool hours_are_open(const struct hours *hours, int64_t at_ms);
/* The first moment after `at_ms` (ms since 1970) at which it opens: it is open then and was not just before.
 * TIME_NEVER when there is none within two years, be it that it never opens or never closes. */
int64_t hours_next_open(const struct hours *hours, int64_t at_ms);

#endif
