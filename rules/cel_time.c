#include "rules/cel_time.h"

#include <inttypes.h>

#define DAY_S 86400

struct reader {
    struct slice text;
    size_t at;
};

static bool read_number(int32_t *out, struct reader *reader, int digits)
{
    int32_t number = 0;
    if (reader->text.len - reader->at < (size_t)digits)
        return false;
    for (; digits; digits--, reader->at++) {
        char c = reader->text.ptr[reader->at];
        if (c < '0' || c > '9')
            return false;
        number = number * 10 + (c - '0');
    }
    *out = number;
    return true;
}

static bool read_mark(struct reader *reader, char upper)
{
    if (reader->at == reader->text.len)
        return false;
    char c = reader->text.ptr[reader->at];
    if (c != upper && !(upper >= 'A' && c == upper + ('a' - 'A')))
        return false;
    reader->at++;
    return true;
}

/* Days since 1970-01-01; the year begins in March, so that the leap day is its last. */
static int64_t days_of(int32_t year, int32_t month, int32_t day)
{
    int64_t y = month > 2 ? year : year - 1;
    int64_t era = (y >= 0 ? y : y - 399) / 400, of_era = y - era * 400;
    int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

static bool is_leap(int32_t year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static int32_t month_days(int32_t year, int32_t month)
{
    static const int8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return days[month - 1] + (month == 2 && is_leap(year));
}

struct cel_date cel_date_at(int64_t seconds)
{
    int64_t days = seconds / DAY_S, of_day = seconds % DAY_S;
    if (of_day < 0) {
        of_day += DAY_S;
        days--;
    }
    int64_t shifted = days + 719468, era = (shifted >= 0 ? shifted : shifted - 146096) / 146097;
    int64_t of_era = shifted - era * 146097;
    int64_t y = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int64_t of_year = of_era - (365 * y + y / 4 - y / 100), m = (5 * of_year + 2) / 153;
    struct cel_date date = {.month = (int32_t)(m < 10 ? m + 3 : m - 9)};
    date.day = (int32_t)(of_year - (153 * m + 2) / 5 + 1);
    date.year = (int32_t)(y + era * 400 + (date.month <= 2));
    date.week_day = (int32_t)(((days + 4) % 7 + 7) % 7);
    date.year_day = (int32_t)(days - days_of(date.year, 1, 1));
    date.hour = (int32_t)(of_day / 3600);
    date.minute = (int32_t)(of_day / 60 % 60);
    date.second = (int32_t)(of_day % 60);
    return date;
}

bool cel_timestamp_is_in_range(int64_t seconds)
{
    return seconds >= CEL_TIME_MIN_S && seconds <= CEL_TIME_MAX_S;
}

static bool read_date(int64_t *seconds, struct reader *reader)
{
    int32_t year, month, day, hour, minute, second;
    if (!read_number(&year, reader, 4) || !read_mark(reader, '-') || !read_number(&month, reader, 2) ||
        !read_mark(reader, '-') || !read_number(&day, reader, 2) || !read_mark(reader, 'T') ||
        !read_number(&hour, reader, 2) || !read_mark(reader, ':') || !read_number(&minute, reader, 2) ||
        !read_mark(reader, ':') || !read_number(&second, reader, 2))
        return false;
    if (month < 1 || month > 12 || day < 1 || day > month_days(year, month) || hour > 23 || minute > 59 ||
        second > 59)
        return false;
    *seconds = days_of(year, month, day) * DAY_S + hour * 3600 + minute * 60 + second;
    return true;
}

static bool read_fraction(uint32_t *nanoseconds, struct reader *reader)
{
    uint32_t scale = 100000000;
    *nanoseconds = 0;
    if (!read_mark(reader, '.'))
        return true;
    size_t start = reader->at;
    for (int32_t digit; read_number(&digit, reader, 1); scale /= 10) {
        if (!scale)
            return false;
        *nanoseconds += (uint32_t)digit * scale;
    }
    return reader->at > start;
}

static bool read_offset(int32_t *offset, struct reader *reader)
{
    int32_t hours, minutes;
    *offset = 0;
    if (read_mark(reader, 'Z'))
        return true;
    bool negative = read_mark(reader, '-');
    if (!negative && !read_mark(reader, '+'))
        return false;
    if (!read_number(&hours, reader, 2) || !read_mark(reader, ':') || !read_number(&minutes, reader, 2) ||
        hours > 23 || minutes > 59)
        return false;
    *offset = (hours * 60 + minutes) * (negative ? -60 : 60);
    return true;
}

bool cel_timestamp_read(struct cel_value *out, struct slice text)
{
    struct reader reader = {text, 0};
    int64_t seconds;
    uint32_t nanoseconds;
    int32_t offset;
    if (!read_date(&seconds, &reader) || !read_fraction(&nanoseconds, &reader) ||
        !read_offset(&offset, &reader) || reader.at != text.len)
        return false;
    *out = cel_timestamp(seconds - offset, nanoseconds);
    return cel_timestamp_is_in_range(out->integer);
}

bool cel_offset_read(int32_t *out, struct slice text)
{
    struct reader reader = {text, 0};
    if (slice_is(text, "UTC") || slice_is(text, "Z") || slice_is(text, "")) {
        *out = 0;
        return true;
    }
    if (read_offset(out, &reader))
        return reader.at == text.len;
    int32_t hours, minutes;
    reader.at = 0;
    if (!read_number(&hours, &reader, 2) || !read_mark(&reader, ':') || !read_number(&minutes, &reader, 2) ||
        hours > 23 || minutes > 59)
        return false;
    *out = (hours * 60 + minutes) * 60;
    return reader.at == text.len;
}

/* ".5" for 500000000, nothing for 0. */
static struct slice fraction_text(uint32_t nanoseconds, struct arena *arena)
{
    if (!nanoseconds)
        return (struct slice){NULL, 0};
    struct slice text = arena_format(arena, ".%09" PRIu32, nanoseconds);
    while (text.ptr[text.len - 1] == '0')
        text.len--;
    return text;
}

struct slice cel_timestamp_write(const struct cel_value *timestamp, struct arena *arena)
{
    struct cel_date date = cel_date_at(timestamp->integer);
    struct slice fraction = fraction_text(timestamp->count, arena);
    return arena_format(arena, "%04d-%02d-%02dT%02d:%02d:%02d%.*sZ", date.year, date.month, date.day,
                        date.hour, date.minute, date.second, (int)fraction.len,
                        fraction.ptr ? fraction.ptr : "");
}

struct slice cel_duration_write(const struct cel_value *duration, struct arena *arena)
{
    bool negative = duration->integer < 0;
    uint64_t all = negative ? 0 - (uint64_t)duration->integer : (uint64_t)duration->integer;
    struct slice fraction = fraction_text((uint32_t)(all % (uint64_t)CEL_SECOND_NS), arena);
    return arena_format(arena, "%s%" PRIu64 "%.*ss", negative ? "-" : "", all / (uint64_t)CEL_SECOND_NS,
                        (int)fraction.len, fraction.ptr ? fraction.ptr : "");
}

static uint64_t read_unit(struct reader *reader)
{
    static const struct {
        struct slice name;
        uint64_t ns;
    } units[] = {
        {{"ns", 2}, 1},         {{"us", 2}, 1000},        {{"\xC2\xB5s", 3}, 1000}, {{"ms", 2}, 1000000},
        {{"s", 1}, 1000000000}, {{"\xCE\xBCs", 3}, 1000}, {{"m", 1}, 60000000000},  {{"h", 1}, 3600000000000},
    };
    struct slice rest = {reader->text.ptr + reader->at, reader->text.len - reader->at};
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        size_t len = units[i].name.len;
        if (rest.len >= len && slice_equal((struct slice){rest.ptr, len}, units[i].name)) {
            reader->at += len;
            return units[i].ns;
        }
    }
    return 0;
}

/* What the digits at [start, end) behind a point are of `unit`, cut behind the nanosecond: from the last
 * digit on, which loses nothing that a division by ten would not. */
static uint64_t fraction_of(struct slice text, size_t start, size_t end, uint64_t unit)
{
    uint64_t part = 0;
    while (end > start)
        part = (part + (uint64_t)(text.ptr[--end] - '0') * unit) / 10;
    return part;
}

/* One "1.5h"; adds to *sum. */
static bool read_part(uint64_t *sum, struct reader *reader)
{
    uint64_t whole = 0;
    int32_t digit;
    size_t start = reader->at, digits, fraction;
    while (read_number(&digit, reader, 1)) {
        if (__builtin_mul_overflow(whole, 10, &whole) ||
            __builtin_add_overflow(whole, (uint64_t)digit, &whole))
            return false;
    }
    digits = reader->at - start;
    bool has_point = read_mark(reader, '.');
    fraction = reader->at;
    while (has_point && read_number(&digit, reader, 1))
        digits++;
    size_t end = reader->at;
    uint64_t unit = read_unit(reader);
    if (!digits || !unit || __builtin_mul_overflow(whole, unit, &whole))
        return false;
    return !__builtin_add_overflow(*sum, whole, sum) &&
           !__builtin_add_overflow(*sum, fraction_of(reader->text, fraction, end, unit), sum);
}

bool cel_duration_read(struct cel_value *out, struct slice text)
{
    struct reader reader = {text, 0};
    uint64_t sum = 0;
    bool negative = read_mark(&reader, '-');
    if (!negative)
        (void)read_mark(&reader, '+');
    struct slice rest = {text.ptr + reader.at, text.len - reader.at};
    if (!rest.len)
        return false;
    if (slice_is(rest, "0"))
        reader.at = text.len;
    while (reader.at < text.len) {
        if (!read_part(&sum, &reader))
            return false;
    }
    if (sum > (uint64_t)INT64_MAX + negative)
        return false;
    *out = cel_duration(negative ? (int64_t)(0 - sum) : (int64_t)sum);
    return true;
}

bool cel_timestamp_add(struct cel_value *out, const struct cel_value *timestamp, int64_t nanoseconds)
{
    int64_t seconds = timestamp->integer + nanoseconds / CEL_SECOND_NS;
    int64_t rest = (int64_t)timestamp->count + nanoseconds % CEL_SECOND_NS;
    if (rest < 0) {
        rest += CEL_SECOND_NS;
        seconds--;
    } else if (rest >= CEL_SECOND_NS) {
        rest -= CEL_SECOND_NS;
        seconds++;
    }
    *out = cel_timestamp(seconds, (uint32_t)rest);
    return cel_timestamp_is_in_range(seconds);
}

bool cel_timestamp_subtract(struct cel_value *out, const struct cel_value *a, const struct cel_value *b)
{
    int64_t nanoseconds, seconds = a->integer - b->integer, rest = (int64_t)a->count - (int64_t)b->count;
    if (seconds < 0 && rest > 0) {
        /* Both of one sign, so that the product does not overflow where the sum fits. */
        seconds++;
        rest -= CEL_SECOND_NS;
    }
    if (__builtin_mul_overflow(seconds, CEL_SECOND_NS, &nanoseconds) ||
        __builtin_add_overflow(nanoseconds, rest, &nanoseconds))
        return false;
    *out = cel_duration(nanoseconds);
    return true;
}
