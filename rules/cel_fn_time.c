/* What getHours() and its like read from a timestamp, in UTC or a zone, and from a duration. */
#include "rules/cel_fn.h"
#include "rules/cel_text.h"
#include "rules/cel_time.h"

enum part {
    PART_DATE,
    PART_DAY_OF_MONTH,
    PART_DAY_OF_WEEK,
    PART_DAY_OF_YEAR,
    PART_FULL_YEAR,
    PART_HOURS,
    PART_MILLISECONDS,
    PART_MINUTES,
    PART_MONTH,
    PART_SECONDS
};

static const char *const names[] = {"getDate",     "getDayOfMonth", "getDayOfWeek",    "getDayOfYear",
                                    "getFullYear", "getHours",      "getMilliseconds", "getMinutes",
                                    "getMonth",    "getSeconds"};

/* A zone's value holds either its offset (count 1) or the handle that ops->find() gave. */
bool cel_fn_zone(struct cel_value *out, struct slice name, const struct cel_zone_ops *ops)
{
    int32_t offset;
    if (cel_offset_read(&offset, name)) {
        *out = (struct cel_value){.kind = CEL_ZONE, .count = 1, .integer = offset};
        return true;
    }
    const void *handle = ops ? ops->find(name, ops->ctx) : NULL;
    if (!handle)
        return false;
    *out = (struct cel_value){.kind = CEL_ZONE, .handle = handle};
    return true;
}

static bool shift(struct cel_frame *frame, int64_t *seconds, const struct cel_value *zone)
{
    struct cel_value compiled = *zone;
    if (zone->kind == CEL_STRING &&
        (!cel_spend(frame, 8) || !cel_fn_zone(&compiled, cel_text(zone), frame->zones)))
        return frame->meter.left ? cel_raise(frame, CEL_BAD_ARGUMENT, "unknown time zone", cel_text(zone))
                                 : false;
    *seconds += compiled.count ? compiled.integer : frame->zones->offset(compiled.handle, *seconds);
    return true;
}

static int64_t read_date(enum part part, int64_t seconds, uint32_t nanoseconds)
{
    struct cel_date date = cel_date_at(seconds);
    switch (part) {
    case PART_DATE:
        return date.day;
    case PART_DAY_OF_MONTH:
        return date.day - 1;
    case PART_DAY_OF_WEEK:
        return date.week_day;
    case PART_DAY_OF_YEAR:
        return date.year_day;
    case PART_FULL_YEAR:
        return date.year;
    case PART_HOURS:
        return date.hour;
    case PART_MILLISECONDS:
        return nanoseconds / 1000000;
    case PART_MINUTES:
        return date.minute;
    case PART_MONTH:
        return date.month - 1;
    case PART_SECONDS:
        break;
    }
    return date.second;
}

static bool read_duration(int64_t *out, enum part part, int64_t nanoseconds)
{
    switch (part) {
    case PART_HOURS:
        *out = nanoseconds / (3600 * CEL_SECOND_NS);
        return true;
    case PART_MINUTES:
        *out = nanoseconds / (60 * CEL_SECOND_NS);
        return true;
    case PART_SECONDS:
        *out = nanoseconds / CEL_SECOND_NS;
        return true;
    case PART_MILLISECONDS:
        *out = nanoseconds % CEL_SECOND_NS / 1000000;
        return true;
    default:
        return false;
    }
}

static bool get(struct cel_frame *frame, struct cel_value *args, uint32_t count, enum part part)
{
    int64_t result, seconds = args[0].integer;
    bool is_zoned = count == 2 && (args[1].kind == CEL_STRING || args[1].kind == CEL_ZONE);
    if (count == 1 && args[0].kind == CEL_DURATION && read_duration(&result, part, args[0].integer)) {
        args[0] = cel_int(result);
        return true;
    }
    if (args[0].kind != CEL_TIMESTAMP || (count != 1 && !is_zoned))
        return cel_no_overload(frame, names[part], args, count);
    if (is_zoned && !shift(frame, &seconds, &args[1]))
        return false;
    args[0] = cel_int(read_date(part, seconds, args[0].count));
    return true;
}

#define GETTER(function, part)                                                                               \
    bool function(struct cel_frame *frame, struct cel_value *args, uint32_t count)                           \
    {                                                                                                        \
        return get(frame, args, count, part);                                                                \
    }

GETTER(cel_fn_get_date, PART_DATE)
GETTER(cel_fn_get_day_of_month, PART_DAY_OF_MONTH)
GETTER(cel_fn_get_day_of_week, PART_DAY_OF_WEEK)
GETTER(cel_fn_get_day_of_year, PART_DAY_OF_YEAR)
GETTER(cel_fn_get_full_year, PART_FULL_YEAR)
GETTER(cel_fn_get_hours, PART_HOURS)
GETTER(cel_fn_get_milliseconds, PART_MILLISECONDS)
GETTER(cel_fn_get_minutes, PART_MINUTES)
GETTER(cel_fn_get_month, PART_MONTH)
GETTER(cel_fn_get_seconds, PART_SECONDS)

bool cel_fn_is_zoned(cel_call *call)
{
    static cel_call *const zoned[] = {
        cel_fn_get_date,      cel_fn_get_day_of_month, cel_fn_get_day_of_week,  cel_fn_get_day_of_year,
        cel_fn_get_full_year, cel_fn_get_hours,        cel_fn_get_milliseconds, cel_fn_get_minutes,
        cel_fn_get_month,     cel_fn_get_seconds};
    for (size_t i = 0; i < sizeof zoned / sizeof *zoned; i++) {
        if (call == zoned[i])
            return true;
    }
    return false;
}
