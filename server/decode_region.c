#include "server/decode_region.h"

#include <string.h>

#include "proto/phone.h"
#include "rules/ascii.h"

/* The map with another value of that name, or as it was where it has none. */
static struct value with_member(const struct value *map, const char *name, const struct value *member,
                                struct arena *arena)
{
    struct value copy = *map;
    copy.members = arena_array(arena, struct value_member, map->count);
    memcpy(copy.members, map->members, map->count * sizeof *map->members);
    for (uint32_t i = 0; i < copy.count; i++) {
        if (slice_is(copy.members[i].name, name))
            copy.members[i].value = *member;
    }
    return copy;
}

static struct value number(const struct value *text, struct slice region, bool is_withheld,
                           struct arena *arena)
{
    struct phone_key key = phone_key(region, text->string, is_withheld, arena);
    return key.class == CALLER_NUMBER ? value_string(key.key) : *text;
}

static struct value with_number(const struct value *map, const char *name, struct slice region,
                                bool is_withheld, struct arena *arena)
{
    const struct value *text = map->kind == VALUE_MAP ? value_member(map, name) : NULL;
    if (!text || text->kind != VALUE_STRING)
        return *map;
    struct value canonical = number(text, region, is_withheld, arena);
    return with_member(map, name, &canonical, arena);
}

struct value decode_region(const struct value *event, struct slice region, struct arena *arena)
{
    const struct value *type = value_member(event, "type"), *data = value_member(event, "data");
    const struct value *from = data && data->kind == VALUE_MAP ? value_member(data, "from") : NULL;
    if (!region.len || !from)
        return *event;
    const struct value *privacy = value_member(data, "privacy");
    bool is_withheld = privacy && privacy->kind == VALUE_BOOL && privacy->boolean;
    bool is_call = type && type->kind == VALUE_STRING && ascii_begins(type->string, "call.");
    struct value party = with_number(from, "phone", region, is_withheld, arena);
    struct value changed = with_member(data, "from", &party, arena);
    if (is_call)
        changed = with_number(&changed, "to", region, false, arena);
    return with_member(event, "data", &changed, arena);
}
