#include "rules/value.h"

#include <assert.h>
#include <string.h>

const struct value *value_member(const struct value *map, const char *name)
{
    if (!map || map->kind != VALUE_MAP)
        return NULL;
    size_t len = strlen(name);
    for (uint32_t i = 0; i < map->count; i++) {
        if (map->members[i].name.len == len && memcmp(map->members[i].name.ptr, name, len) == 0)
            return &map->members[i].value;
    }
    return NULL;
}

/* `line` is free in values that are built, so it holds the capacity that value_set and value_append check. */
struct value value_map(struct arena *arena, uint32_t capacity)
{
    return (struct value){
        .kind = VALUE_MAP, .line = capacity, .members = arena_array(arena, struct value_member, capacity)};
}

struct value value_list(struct arena *arena, uint32_t capacity)
{
    return (struct value){
        .kind = VALUE_LIST, .line = capacity, .items = arena_array(arena, struct value, capacity)};
}

struct value value_string(struct slice text)
{
    return (struct value){.kind = VALUE_STRING, .string = text};
}

struct value value_int(int64_t integer)
{
    return (struct value){.kind = VALUE_INT, .integer = integer};
}

struct value value_bool(bool boolean)
{
    return (struct value){.kind = VALUE_BOOL, .boolean = boolean};
}

struct value value_null(void)
{
    return (struct value){.kind = VALUE_NULL};
}

void value_set(struct value *map, const char *name, struct value member)
{
    assert(map->kind == VALUE_MAP && map->count < map->line);
    map->members[map->count++] = (struct value_member){slice_of(name), member};
}

void value_set_text(struct value *map, const char *name, struct slice text)
{
    if (text.len)
        value_set(map, name, value_string(text));
}

void value_set_uuid(struct value *map, struct arena *arena, const char *name, const struct uuid *id)
{
    if (uuid_is_nil(id))
        return;
    char *text = arena_alloc(arena, UUID_TEXT_LEN + 1);
    uuid_format(id, text);
    value_set(map, name, value_string((struct slice){text, UUID_TEXT_LEN}));
}

void value_append(struct value *list, struct value item)
{
    assert(list->kind == VALUE_LIST && list->count < list->line);
    list->items[list->count++] = item;
}

struct value value_copy(const struct value *value, struct arena *arena)
{
    struct value copy = *value;
    switch (value->kind) {
    case VALUE_STRING:
    case VALUE_BYTES:
        copy.string = arena_copy(arena, value->string);
        break;
    case VALUE_LIST:
        copy = value_list(arena, value->count);
        for (uint32_t i = 0; i < value->count; i++)
            value_append(&copy, value_copy(&value->items[i], arena));
        break;
    case VALUE_MAP:
        copy = value_map(arena, value->count);
        for (uint32_t i = 0; i < value->count; i++)
            copy.members[copy.count++] = (struct value_member){arena_copy(arena, value->members[i].name),
                                                               value_copy(&value->members[i].value, arena)};
        break;
    case VALUE_NULL:
    case VALUE_BOOL:
    case VALUE_INT:
    case VALUE_DOUBLE:
        break;
    }
    return copy;
}
