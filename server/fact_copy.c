/* Two walks over the same fact: the first only counts, the second places. */
#include "server/fact_copy.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct piece {
    char *bytes; /* NULL while counting */
    size_t used;
};

/* NULL while counting. */
static void *take(struct piece *piece, size_t size)
{
    char *start = piece->bytes ? piece->bytes + piece->used : NULL;
    piece->used += (size + 7) / 8 * 8;
    return start;
}

static struct slice copy_text(struct piece *piece, struct slice text)
{
    char *copy = text.len ? take(piece, text.len) : NULL;
    if (!copy)
        return (struct slice){NULL, 0};
    return (struct slice){memcpy(copy, text.ptr, text.len), text.len};
}

static struct value copy_value(struct piece *piece, const struct value *value)
{
    struct value copy = *value;
    switch (value->kind) {
    case VALUE_STRING:
    case VALUE_BYTES:
        copy.string = copy_text(piece, value->string);
        break;
    case VALUE_LIST:
        copy.items = take(piece, sizeof *copy.items * value->count);
        for (uint32_t i = 0; i < value->count; i++) {
            struct value item = copy_value(piece, &value->items[i]);
            if (copy.items)
                copy.items[i] = item;
        }
        break;
    case VALUE_MAP:
        copy.members = take(piece, sizeof *copy.members * value->count);
        for (uint32_t i = 0; i < value->count; i++) {
            struct value_member member = {.name = copy_text(piece, value->members[i].name)};
            member.value = copy_value(piece, &value->members[i].value);
            if (copy.members)
                copy.members[i] = member;
        }
        break;
    default:
        break;
    }
    return copy;
}

static void copy_fact(struct piece *piece, struct customer_fact *out, const struct customer_fact *fact)
{
    *out = *fact;
    out->tags = take(piece, sizeof *out->tags * fact->tag_count);
    for (uint32_t i = 0; i < fact->tag_count; i++) {
        struct slice tag = copy_text(piece, fact->tags[i]);
        if (out->tags)
            out->tags[i] = tag;
    }
    out->name = copy_text(piece, fact->name);
    out->owner = copy_text(piece, fact->owner);
    out->stage = copy_text(piece, fact->stage);
    out->source = copy_text(piece, fact->source);
    out->last_agent = copy_text(piece, fact->last_agent);
    out->fields = copy_value(piece, &fact->fields);
}

void *fact_copy(struct customer_fact *out, const struct customer_fact *fact)
{
    struct piece piece = {.bytes = NULL};
    copy_fact(&piece, out, fact);
    size_t size = piece.used;
    piece = (struct piece){.bytes = calloc(1, size + 1)};
    if (!piece.bytes)
        abort();
    copy_fact(&piece, out, fact);
    assert(piece.used == size);
    return piece.bytes;
}
