#include "rules/zone_table.h"

/* The last transition at or before that moment. */
static uint32_t find_at(const struct zone_table *zone, int64_t at_s)
{
    uint32_t low = 0, high = zone->count;
    while (high - low > 1) {
        uint32_t middle = low + (high - low) / 2;
        if (zone->transitions[middle].at_s <= at_s)
            low = middle;
        else
            high = middle;
    }
    return low;
}

int32_t zone_table_offset(const struct zone_table *zone, int64_t at_s)
{
    return zone->transitions[find_at(zone, at_s)].offset_s;
}

int64_t zone_table_instant(const struct zone_table *zone, int64_t local_s)
{
    /* Before that moment no clock of the zone can have shown it. */
    for (uint32_t i = find_at(zone, local_s - ZONE_OFFSET_MAX_S); i < zone->count; i++) {
        const struct zone_transition *transition = &zone->transitions[i];
        int64_t at = local_s - transition->offset_s;
        if (at < transition->at_s)
            at = transition->at_s;
        if (i + 1 == zone->count || at < zone->transitions[i + 1].at_s)
            return at;
    }
    return local_s; /* not reached: the last transition has no end */
}

static const void *find_zone(struct slice name, void *ctx)
{
    const struct zone_tables *tables = ctx;
    for (uint32_t i = 0; i < tables->count; i++) {
        if (slice_equal(tables->items[i].name, name))
            return &tables->items[i];
    }
    return NULL;
}

static int32_t offset_of(const void *zone, int64_t at_s)
{
    return zone_table_offset(zone, at_s);
}

const struct cel_zone_ops zone_tables_ops = {find_zone, offset_of, NULL};
