#include "rules/cel_from.h"

static struct cel_value list_of(const struct value *value, struct arena *arena)
{
    struct cel_value *items = arena_array(arena, struct cel_value, value->count);
    for (uint32_t i = 0; i < value->count; i++)
        items[i] = cel_from_value(&value->items[i], arena);
    return cel_list(items, value->count);
}

static struct cel_value map_of(const struct value *value, struct arena *arena)
{
    struct cel_entry *entries = arena_array(arena, struct cel_entry, value->count);
    struct cel_value map;
    uint32_t bad;
    for (uint32_t i = 0; i < value->count; i++)
        entries[i] = (struct cel_entry){cel_string(value->members[i].name),
                                        cel_from_value(&value->members[i].value, arena)};
    /* Names are unique (rules/value.h). */
    return cel_map_make(&map, entries, value->count, &bad, arena) ? map : cel_null();
}

struct cel_value cel_from_value(const struct value *value, struct arena *arena)
{
    switch (value->kind) {
    case VALUE_NULL:
        break;
    case VALUE_BOOL:
        return cel_bool(value->boolean);
    case VALUE_INT:
        return cel_int(value->integer);
    case VALUE_DOUBLE:
        return cel_double(value->real);
    case VALUE_STRING:
        return cel_string(value->string);
    case VALUE_BYTES:
        return cel_bytes(value->string);
    case VALUE_LIST:
        return list_of(value, arena);
    case VALUE_MAP:
        return map_of(value, arena);
    }
    return cel_null();
}
