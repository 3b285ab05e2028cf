/* What a time zone was when a configuration was applied: its offsets from UTC as a table, so that the core
 * needs no clock's files and the same configuration means the same instants for ever. Made by
 * proto/zone_set.h, stored with the configuration. */
#ifndef RULES_ZONE_TABLE_H
#define RULES_ZONE_TABLE_H

#include "rules/cel.h"

#define ZONE_TRANSITIONS_MAX 512
#define ZONE_FROM_S INT64_C(0)           /* before 1970 the first offset counts */
#define ZONE_UNTIL_S INT64_C(4102444800) /* from 2100 on the last one */
#define ZONE_OFFSET_MAX_S 93600          /* either way; tzdata stays below 25 hours (RFC 9636 3.2) */

struct zone_transition {
    int64_t at_s;     /* seconds since 1970 UTC, rising; the first is INT64_MIN */
    int32_t offset_s; /* east of UTC, from then on; within ZONE_OFFSET_MAX_S */
};

struct zone_table {
    struct slice name; /* as in tzdata: "Europe/Berlin" */
    struct zone_transition *transitions;
    uint32_t count; /* at least 1 */
};

int32_t zone_table_offset(const struct zone_table *zone, int64_t at_s);
/* The first instant whose local time is at or after `local_s` (seconds of local time since 1970): a local
 * time that is skipped is that of the jump, one that comes twice is the first. */
int64_t zone_table_instant(const struct zone_table *zone, int64_t local_s);
/* For expressions: looks names up among `count` tables; `ops->ctx` must be a struct zone_tables. */
struct zone_tables {
    const struct zone_table *items;
    uint32_t count;
};
extern const struct cel_zone_ops zone_tables_ops; /* without ctx: copy and set it */

#endif
