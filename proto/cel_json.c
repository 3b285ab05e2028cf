#include "proto/cel_json.h"

#include <inttypes.h>
#include <math.h>

#include "proto/json.h"
#include "rules/cel_time.h"

struct writer {
    struct arena *arena;
    uint32_t nodes;
};

static bool write(struct value *out, const struct cel_value *value, uint32_t depth, struct writer *writer);

static bool write_list(struct value *out, const struct cel_value *list, uint32_t depth, struct writer *writer)
{
    if (list->count > CEL_JSON_NODES_MAX)
        return false;
    *out = value_list(writer->arena, list->count);
    for (uint32_t i = 0; i < list->count; i++) {
        struct value item;
        if (!write(&item, &list->items[i], depth + 1, writer))
            return false;
        value_append(out, item);
    }
    return true;
}

static struct slice key_text(const struct cel_value *key, struct arena *arena)
{
    switch (key->kind) {
    case CEL_BOOL:
        return key->boolean ? SLICE("true") : SLICE("false");
    case CEL_INT:
        return arena_format(arena, "%" PRId64, key->integer);
    case CEL_UINT:
        return arena_format(arena, "%" PRIu64, key->natural);
    default:
        return cel_text(key);
    }
}

static bool write_map(struct value *out, const struct cel_map *map, uint32_t depth, struct writer *writer)
{
    if (map->count > CEL_JSON_NODES_MAX)
        return false;
    struct cel_entry *names = arena_array(writer->arena, struct cel_entry, map->count);
    struct cel_value unique;
    uint32_t bad;
    *out = value_map(writer->arena, map->count);
    for (uint32_t i = 0; i < map->count; i++) {
        struct value_member *member = &out->members[out->count++];
        member->name = key_text(&map->entries[i].key, writer->arena);
        names[i].key = cel_string(member->name);
        if (!write(&member->value, &map->entries[i].value, depth + 1, writer))
            return false;
    }
    return cel_map_make(&unique, names, map->count, &bad, writer->arena);
}

static struct value write_double(double real)
{
    if (isnan(real))
        return value_string(SLICE("NaN"));
    if (isinf(real))
        return value_string(real > 0 ? SLICE("Infinity") : SLICE("-Infinity"));
    return (struct value){.kind = VALUE_DOUBLE, .real = real};
}

static bool write(struct value *out, const struct cel_value *value, uint32_t depth, struct writer *writer)
{
    if (++writer->nodes > CEL_JSON_NODES_MAX || depth > JSON_DEPTH_MAX)
        return false;
    switch (value->kind) {
    case CEL_BOOL:
        *out = value_bool(value->boolean);
        return true;
    case CEL_INT:
        *out = value_int(value->integer);
        return true;
    case CEL_UINT:
        *out = value->natural <= INT64_MAX
                   ? value_int(value->integer)
                   : value_string(arena_format(writer->arena, "%" PRIu64, value->natural));
        return true;
    case CEL_DOUBLE:
        *out = write_double(value->real);
        return true;
    case CEL_STRING:
        *out = value_string(cel_text(value));
        return true;
    case CEL_BYTES:
        *out = (struct value){.kind = VALUE_BYTES, .string = cel_text(value)};
        return true;
    case CEL_LIST:
        return write_list(out, value, depth, writer);
    case CEL_MAP:
        return write_map(out, value->map, depth, writer);
    case CEL_TYPE:
        *out = value_string(slice_of(cel_kind_name(value->type->kind)));
        return true;
    case CEL_TIMESTAMP:
        *out = value_string(cel_timestamp_write(value, writer->arena));
        return true;
    case CEL_DURATION:
        *out = value_string(cel_duration_write(value, writer->arena));
        return true;
    default:
        *out = value_null();
        return true;
    }
}

bool cel_to_value(struct value *out, const struct cel_value *value, struct arena *arena)
{
    struct writer writer = {arena, 0};
    return write(out, value, 0, &writer);
}
