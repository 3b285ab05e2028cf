/* Timestamps and durations of CEL as text and as dates: RFC 3339 and the proleptic Gregorian calendar, in
 * integers only. */
#ifndef RULES_CEL_TIME_H
#define RULES_CEL_TIME_H

#include "rules/cel_value.h"

#define CEL_TIME_MIN_S INT64_C(-62135596800) /* 0001-01-01T00:00:00Z */
#define CEL_TIME_MAX_S INT64_C(253402300799) /* 9999-12-31T23:59:59Z */
#define CEL_SECOND_NS INT64_C(1000000000)

struct cel_date {
    int32_t year, month, day; /* month and day from 1 */
    int32_t week_day;         /* 0 is Sunday */
    int32_t year_day;         /* from 0 */
    int32_t hour, minute, second;
};

/* RFC 3339 section 5.6, up to nine places of a second; no leap seconds. False: not one, or out of range. */
bool cel_timestamp_read(struct cel_value *out, struct slice text) __attribute__((warn_unused_result));
struct slice cel_timestamp_write(const struct cel_value *timestamp, struct arena *arena);
/* "1h30m", "-1.5s", "100ms", "0": units h, m, s, ms, us, ns. False: not one, or beyond 64 bits of ns. */
bool cel_duration_read(struct cel_value *out, struct slice text) __attribute__((warn_unused_result));
struct slice cel_duration_write(const struct cel_value *duration, struct arena *arena); /* "5400s" */
bool cel_timestamp_is_in_range(int64_t seconds);
/* False: out of range. */
bool cel_timestamp_add(struct cel_value *out, const struct cel_value *timestamp, int64_t nanoseconds)
    __attribute__((warn_unused_result));
bool cel_timestamp_subtract(struct cel_value *out, const struct cel_value *a, const struct cel_value *b)
    __attribute__((warn_unused_result));
struct cel_date cel_date_at(int64_t seconds);
/* "+11:00", "-02:30", "11:00", "UTC": seconds east of UTC. False: something else, a name maybe. */
bool cel_offset_read(int32_t *out, struct slice text) __attribute__((warn_unused_result));

#endif
