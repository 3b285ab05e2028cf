/* Dates by the proleptic Gregorian calendar, in integers only: no time zone data, no locale, no struct tm. */
#include <assert.h>

#include "proto/cloudevent.h"

#define DAY_MS INT64_C(86400000)
#define TIME_MIN_MS (INT64_C(-719528) * DAY_MS)     /* 0000-01-01T00:00:00Z */
#define TIME_MAX_MS (INT64_C(2932897) * DAY_MS - 1) /* 9999-12-31T23:59:59.999Z */

struct reader {
    const char *at, *end;
};

static bool read_number(int *out, struct reader *reader, int digits)
{
    if (reader->end - reader->at < digits)
        return false;
    int number = 0;
    for (; digits; digits--, reader->at++) {
        if (*reader->at < '0' || *reader->at > '9')
            return false;
        number = number * 10 + (*reader->at - '0');
    }
    *out = number;
    return true;
}

/* `either` holds the accepted characters. */
static bool read_mark(struct reader *reader, const char *either)
{
    if (reader->at == reader->end || (*reader->at != either[0] && *reader->at != either[1]))
        return false;
    reader->at++;
    return true;
}

/* Days since 1970-01-01; the year begins in March, so that the leap day is its last. */
static int64_t days_of(int year, int month, int day)
{
    int64_t y = month > 2 ? year : year - 1;
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    int64_t of_era = y - era * 400;
    int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

static void date_of(int64_t days, int *year, int *month, int *day)
{
    int64_t shifted = days + 719468;
    int64_t era = (shifted >= 0 ? shifted : shifted - 146096) / 146097;
    int64_t of_era = shifted - era * 146097;
    int64_t y = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int64_t of_year = of_era - (365 * y + y / 4 - y / 100);
    int64_t m = (5 * of_year + 2) / 153;
    *day = (int)(of_year - (153 * m + 2) / 5 + 1);
    *month = (int)(m < 10 ? m + 3 : m - 9);
    *year = (int)(y + era * 400 + (*month <= 2));
}

static int month_days(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return days[month - 1] + (month == 2 && leap);
}

static bool read_fraction(int64_t *out_ms, struct reader *reader)
{
    *out_ms = 0;
    if (reader->at == reader->end || *reader->at != '.')
        return true;
    int64_t weight = 100;
    const char *first = ++reader->at;
    for (; reader->at < reader->end && *reader->at >= '0' && *reader->at <= '9'; reader->at++) {
        *out_ms += (*reader->at - '0') * weight;
        weight /= 10;
    }
    return reader->at > first;
}

static bool read_offset(int64_t *out_minutes, struct reader *reader)
{
    *out_minutes = 0;
    if (read_mark(reader, "Zz"))
        return true;
    bool west = reader->at < reader->end && *reader->at == '-';
    int hours, minutes;
    if (!read_mark(reader, "+-") || !read_number(&hours, reader, 2) || !read_mark(reader, "::") ||
        !read_number(&minutes, reader, 2) || hours > 23 || minutes > 59)
        return false;
    *out_minutes = (west ? -1 : 1) * (hours * 60 + minutes);
    return true;
}

bool time_read(int64_t *out_ms, struct slice text)
{
    struct reader reader = {text.ptr, text.len ? text.ptr + text.len : text.ptr};
    int year, month, day, hour, minute, second;
    int64_t fraction, offset;
    if (!text.len || !read_number(&year, &reader, 4) || !read_mark(&reader, "--") ||
        !read_number(&month, &reader, 2) || !read_mark(&reader, "--") || !read_number(&day, &reader, 2))
        return false;
    if (month < 1 || month > 12 || day < 1 || day > month_days(year, month))
        return false;
    if (!read_mark(&reader, "Tt") || !read_number(&hour, &reader, 2) || !read_mark(&reader, "::") ||
        !read_number(&minute, &reader, 2) || !read_mark(&reader, "::") || !read_number(&second, &reader, 2))
        return false;
    if (hour > 23 || minute > 59 || second > 60)
        return false;
    if (!read_fraction(&fraction, &reader) || !read_offset(&offset, &reader) || reader.at != reader.end)
        return false;
    int64_t minutes = days_of(year, month, day) * 1440 + hour * 60 + minute - offset;
    if (second == 60 && (minutes % 1440 + 1440) % 1440 != 1439)
        return false;
    int64_t time_ms = (minutes * 60 + second) * 1000 + fraction;
    if (time_ms < TIME_MIN_MS || time_ms > TIME_MAX_MS)
        return false;
    *out_ms = time_ms;
    return true;
}

static char *put_number(char *to, int number, int digits)
{
    for (int i = digits - 1; i >= 0; i--, number /= 10)
        to[i] = (char)('0' + number % 10);
    return to + digits;
}

struct slice time_write(int64_t time_ms, struct arena *arena)
{
    assert(time_ms >= TIME_MIN_MS && time_ms <= TIME_MAX_MS);
    int64_t days = (time_ms - TIME_MIN_MS) / DAY_MS + TIME_MIN_MS / DAY_MS;
    int rest = (int)(time_ms - days * DAY_MS);
    int parts[7] = {0, 0, 0, rest / 3600000, rest / 60000 % 60, rest / 1000 % 60, rest % 1000};
    static const char marks[] = "--T::.Z";
    date_of(days, &parts[0], &parts[1], &parts[2]);
    char *text = arena_alloc(arena, sizeof "2026-11-21T23:10:35.123Z"), *to = text;
    for (int i = 0; i < 7; i++) {
        to = put_number(to, parts[i], i == 0 ? 4 : i == 6 ? 3 : 2);
        *to++ = marks[i];
    }
    return (struct slice){text, (size_t)(to - text)};
}
