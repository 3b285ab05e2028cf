/* Documents: customers' fields. */
#include <string.h>

#include "rules/record_bytes.h"

#define VALUE_DEPTH_MAX 32 /* as the readers of JSON and MessagePack */

static void put_members(struct record_writer *writer, const struct value *map)
{
    record_put_uint(writer, map->count);
    for (uint32_t i = 0; i < map->count; i++) {
        record_put_text(writer, map->members[i].name);
        record_put_value(writer, &map->members[i].value);
    }
}

static void put_items(struct record_writer *writer, const struct value *list)
{
    record_put_uint(writer, list->count);
    for (uint32_t i = 0; i < list->count; i++)
        record_put_value(writer, &list->items[i]);
}

static void put_real(struct record_writer *writer, double real)
{
    uint64_t bits;
    uint8_t bytes[sizeof bits];
    memcpy(&bits, &real, sizeof bits);
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (uint8_t)(bits >> 8 * i);
    record_put_bytes(writer, bytes, sizeof bytes);
}

void record_put_value(struct record_writer *writer, const struct value *value)
{
    record_put_uint(writer, value->kind);
    switch (value->kind) {
    case VALUE_NULL:
        break;
    case VALUE_BOOL:
        record_put_uint(writer, value->boolean);
        break;
    case VALUE_INT:
        record_put_int(writer, value->integer);
        break;
    case VALUE_DOUBLE:
        put_real(writer, value->real);
        break;
    case VALUE_STRING:
    case VALUE_BYTES:
        record_put_text(writer, value->string);
        break;
    case VALUE_LIST:
        put_items(writer, value);
        break;
    case VALUE_MAP:
        put_members(writer, value);
        break;
    }
}

static double get_real(struct record_reader *reader)
{
    uint64_t bits = 0;
    double real = 0;
    const uint8_t *bytes = record_get_bytes(reader, sizeof bits);
    for (size_t i = 0; bytes && i < sizeof bits; i++)
        bits |= (uint64_t)bytes[i] << 8 * i;
    memcpy(&real, &bits, sizeof real);
    return real;
}

static struct value get_value(struct record_reader *reader, int depth, struct arena *arena);

static void get_items(struct record_reader *reader, struct value *list, int depth, struct arena *arena)
{
    list->count = record_get_count(reader);
    list->items = arena_array(arena, struct value, list->count);
    for (uint32_t i = 0; i < list->count && !reader->bad; i++)
        list->items[i] = get_value(reader, depth, arena);
}

static void get_members(struct record_reader *reader, struct value *map, int depth, struct arena *arena)
{
    map->count = record_get_count(reader);
    map->members = arena_array(arena, struct value_member, map->count);
    for (uint32_t i = 0; i < map->count && !reader->bad; i++) {
        map->members[i].name = record_get_text(reader);
        map->members[i].value = get_value(reader, depth, arena);
    }
}

static struct value get_value(struct record_reader *reader, int depth, struct arena *arena)
{
    struct value value = {.kind = (enum value_kind)record_get_small(reader, VALUE_MAP)};
    if (value.kind >= VALUE_LIST && depth == VALUE_DEPTH_MAX)
        reader->bad = true;
    if (reader->bad)
        return value_null();
    switch (value.kind) {
    case VALUE_NULL:
        break;
    case VALUE_BOOL:
        value.boolean = record_get_small(reader, 1);
        break;
    case VALUE_INT:
        value.integer = record_get_int(reader);
        break;
    case VALUE_DOUBLE:
        value.real = get_real(reader);
        break;
    case VALUE_STRING:
    case VALUE_BYTES:
        value.string = record_get_text(reader);
        break;
    case VALUE_LIST:
        get_items(reader, &value, depth + 1, arena);
        break;
    case VALUE_MAP:
        get_members(reader, &value, depth + 1, arena);
        break;
    }
    return value;
}

struct value record_get_value(struct record_reader *reader, struct arena *arena)
{
    return get_value(reader, 0, arena);
}
