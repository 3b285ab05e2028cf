#include "proto/hours_text.h"

#include <string.h>

#include "rules/ascii.h"
#include "rules/cel_time.h"

#define DAY_LETTERS 3
#define DAY_S 86400

static const char *const days[] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};

/* What is left to read. */
struct rest {
    const char *at, *end;
};

static bool take(struct rest *rest, char c)
{
    if (rest->at == rest->end || *rest->at != c)
        return false;
    rest->at++;
    return true;
}

static bool take_day(struct rest *rest, unsigned *day)
{
    if (rest->end - rest->at < DAY_LETTERS)
        return false;
    for (unsigned i = 0; i < 7; i++) {
        if (ascii_lower(rest->at[0]) == days[i][0] && ascii_lower(rest->at[1]) == days[i][1] &&
            ascii_lower(rest->at[2]) == days[i][2]) {
            *day = i;
            rest->at += DAY_LETTERS;
            return true;
        }
    }
    return false;
}

/* Bits of weekdays. */
static bool take_days(struct rest *rest, unsigned *mask)
{
    unsigned first, last;
    *mask = 0;
    do {
        if (!take_day(rest, &first))
            return false;
        last = first;
        if (take(rest, '-') && !take_day(rest, &last))
            return false;
        for (unsigned day = first;; day = (day + 1) % 7) {
            *mask |= 1u << day;
            if (day == last)
                break;
        }
    } while (take(rest, ','));
    return true;
}

static bool take_number(struct rest *rest, uint32_t digits, uint32_t *out)
{
    *out = 0;
    if ((size_t)(rest->end - rest->at) < digits)
        return false;
    for (uint32_t i = 0; i < digits; i++, rest->at++) {
        if (!ascii_is_digit(*rest->at))
            return false;
        *out = *out * 10 + (uint32_t)(*rest->at - '0');
    }
    return true;
}

static bool take_time(struct rest *rest, uint16_t *minutes)
{
    uint32_t hour, minute;
    if (!take_number(rest, 2, &hour) || !take(rest, ':') || !take_number(rest, 2, &minute) || minute > 59 ||
        hour * 60 + minute > HOURS_DAY_MIN)
        return false;
    *minutes = (uint16_t)(hour * 60 + minute);
    return true;
}

static bool add(struct hours_span *spans, uint32_t *count, struct hours_span span)
{
    if (*count == HOURS_SPANS_MAX)
        return false;
    spans[(*count)++] = span;
    return true;
}

static bool add_day(struct hours_span *spans, uint32_t *count, uint8_t day, uint16_t from, uint16_t until)
{
    if (from < until)
        return add(spans, count, (struct hours_span){day, from, until, false});
    return add(spans, count, (struct hours_span){day, from, HOURS_DAY_MIN, false}) &&
           (until == 0 || add(spans, count, (struct hours_span){(uint8_t)((day + 1) % 7), 0, until, true}));
}

bool hours_text_spans(struct hours_span *spans, uint32_t *count, struct slice text, const char **why)
{
    struct rest rest = {text.ptr, text.ptr + text.len};
    unsigned mask;
    uint16_t from, until;
    *why = "must be days, a blank and times, as in \"mon-fri 09:00-17:00\" or \"sat,sun 10:00-14:00\"";
    if (!take_days(&rest, &mask) || !take(&rest, ' '))
        return false;
    while (take(&rest, ' '))
        continue;
    if (!take_time(&rest, &from) || !take(&rest, '-') || !take_time(&rest, &until) || rest.at != rest.end)
        return false;
    *why = "begins and ends at the same time; the whole day is 00:00-24:00";
    if (from == until || from == HOURS_DAY_MIN)
        return false;
    *why = "makes more than 64 stretches of time, one for each day";
    for (uint8_t day = 0; day < 7; day++) {
        if (mask >> day & 1 && !add_day(spans, count, day, from, until))
            return false;
    }
    return true;
}

bool hours_text_date(struct hours_date *out, struct slice text)
{
    static const char midnight[] = "T00:00:00Z";
    char stamp[32];
    struct cel_value time;
    if (text.len != strlen("2026-12-25"))
        return false;
    memcpy(stamp, text.ptr, text.len);
    memcpy(stamp + text.len, midnight, sizeof midnight);
    if (!cel_timestamp_read(&time, slice_of(stamp)) || time.integer < 0)
        return false;
    out->day = (int32_t)(time.integer / DAY_S);
    return true;
}
