#include "proto/zone_set.h"

#include <string.h>

#include "proto/zone.h"

static const struct zone_table *find_known(const struct zone_set *set, struct slice name)
{
    for (uint32_t i = 0; i < set->tables.count; i++) {
        if (slice_equal(set->items[i].name, name))
            return &set->items[i];
    }
    return NULL;
}

const struct zone_table *zone_set_find(struct zone_set *set, struct slice name)
{
    struct zone_transition transitions[ZONE_TRANSITIONS_MAX];
    const struct zone_table *known = find_known(set, name);
    if (known || set->is_stored || set->tables.count == ZONE_SET_MAX)
        return known;
    const struct zone *zone = zone_find(name);
    if (!zone)
        return NULL;
    struct zone_table *table = &set->items[set->tables.count++];
    table->name = arena_copy(set->arena, name);
    table->count = zone_transitions(zone, transitions, ZONE_TRANSITIONS_MAX);
    table->transitions = arena_array(set->arena, struct zone_transition, table->count);
    memcpy(table->transitions, transitions, sizeof *transitions * table->count);
    return table;
}

static const void *find_or_add(struct slice name, void *ctx)
{
    return zone_set_find(ctx, name);
}

struct zone_set *zone_set_alloc(struct arena *arena)
{
    struct zone_set *set = arena_new(arena, struct zone_set);
    set->arena = arena;
    set->items = arena_array(arena, struct zone_table, ZONE_SET_MAX);
    set->tables.items = set->items;
    set->ops = zone_tables_ops;
    set->ops.find = find_or_add;
    set->ops.ctx = set;
    return set;
}

void zone_set_seal(struct zone_set *set)
{
    set->ops = zone_tables_ops;
    set->ops.ctx = &set->tables;
}

/* --- As a document --- */

struct value zone_set_value(const struct zone_table *zones, uint32_t count, struct arena *arena)
{
    struct value list = value_list(arena, count);
    for (uint32_t i = 0; i < count; i++) {
        struct value zone = value_map(arena, 3), changes = value_list(arena, zones[i].count - 1);
        for (uint32_t j = 1; j < zones[i].count; j++) {
            struct value change = value_list(arena, 2);
            value_append(&change, value_int(zones[i].transitions[j].at_s));
            value_append(&change, value_int(zones[i].transitions[j].offset_s));
            value_append(&changes, change);
        }
        value_set(&zone, "name", value_string(zones[i].name));
        value_set(&zone, "offset", value_int(zones[i].transitions[0].offset_s));
        value_set(&zone, "changes", changes);
        value_append(&list, zone);
    }
    return list;
}

static bool restore_transition(struct zone_transition *out, const struct value *at,
                               const struct value *offset)
{
    if (at->kind != VALUE_INT || offset->kind != VALUE_INT || offset->integer < -ZONE_OFFSET_MAX_S ||
        offset->integer > ZONE_OFFSET_MAX_S)
        return false;
    *out = (struct zone_transition){at->integer, (int32_t)offset->integer};
    return true;
}

static bool restore_table(struct zone_table *table, const struct value *stored, struct arena *arena)
{
    const struct value beginning = value_int(INT64_MIN);
    const struct value *name = value_member(stored, "name"), *offset = value_member(stored, "offset"),
                       *changes = value_member(stored, "changes");
    if (!name || name->kind != VALUE_STRING || !offset || !changes || changes->kind != VALUE_LIST ||
        changes->count >= ZONE_TRANSITIONS_MAX)
        return false;
    table->name = arena_copy(arena, name->string);
    table->transitions = arena_array(arena, struct zone_transition, changes->count + 1);
    if (!restore_transition(&table->transitions[table->count++], &beginning, offset))
        return false;
    for (uint32_t i = 0; i < changes->count; i++) {
        const struct value *pair = &changes->items[i];
        struct zone_transition *transition = &table->transitions[table->count++];
        if (pair->kind != VALUE_LIST || pair->count != 2 ||
            !restore_transition(transition, &pair->items[0], &pair->items[1]) ||
            transition->at_s <= transition[-1].at_s)
            return false;
    }
    return true;
}

bool zone_set_restore(struct zone_set *set, const struct value *stored)
{
    set->is_stored = true;
    if (stored->kind != VALUE_LIST || stored->count > ZONE_SET_MAX)
        return false;
    for (uint32_t i = 0; i < stored->count; i++) {
        if (!restore_table(&set->items[i], &stored->items[i], set->arena))
            return false;
        set->tables.count++;
    }
    return true;
}
