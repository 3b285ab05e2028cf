/* Opening hours as people write them: "mon-fri 09:00-17:00", "sat,sun 22:00-06:00", "2026-12-25". */
#ifndef PROTO_HOURS_TEXT_H
#define PROTO_HOURS_TEXT_H

#include "rules/hours.h"

/* Days, a blank, one stretch of time: a day or a stretch of days ("sat-mon" goes over the week's end) or
 * several with commas; times as HH:MM, 24:00 only as the end. A stretch that ends before it begins goes over
 * midnight into the next day and becomes two spans. Appends to `spans`, which has room for HOURS_SPANS_MAX.
 * False: `*why` says what is wrong. */
bool hours_text_spans(struct hours_span *spans, uint32_t *count, struct slice text, const char **why)
    __attribute__((warn_unused_result));

/* A day of the Gregorian calendar from 1970 on. */
bool hours_text_date(struct hours_date *out, struct slice text) __attribute__((warn_unused_result));

#endif
