/* The tree written back, every part in brackets: two sources have one canonical text when the parser makes
 * the same tree of them. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "rules/cel_ast.h"

#define ROOM_FIRST 256
#define NUMBER_ROOM 32

struct text {
    struct arena *arena;
    char *bytes;
    size_t len, room;
};

static void put(struct text *text, struct slice part)
{
    if (!part.len)
        return;
    if (text->len + part.len > text->room) {
        size_t room = (text->len + part.len) * 2;
        char *bytes = arena_alloc(text->arena, room);
        memcpy(bytes, text->bytes, text->len);
        text->bytes = bytes;
        text->room = room;
    }
    memcpy(text->bytes + text->len, part.ptr, part.len);
    text->len += part.len;
}

/* Its length first, so that no name can look like something else. */
static void put_name(struct text *text, struct slice name)
{
    char length[NUMBER_ROOM];
    put(text, (struct slice){length, (size_t)snprintf(length, sizeof length, "%zu:", name.len)});
    put(text, name);
}

static void put_literal(struct text *text, const struct cel_value *value)
{
    char bits[NUMBER_ROOM];
    put_name(text, slice_of(cel_kind_name(value->kind)));
    if (value->kind == CEL_STRING || value->kind == CEL_BYTES) {
        put_name(text, cel_text(value));
        return;
    }
    uint64_t number = value->kind == CEL_BOOL ? value->boolean : value->kind == CEL_NULL ? 0 : value->natural;
    put(text, (struct slice){bits, (size_t)snprintf(bits, sizeof bits, "%" PRIx64, number)});
}

static void put_node(struct text *text, const struct cel_node *node)
{
    char shape[NUMBER_ROOM];
    int len = snprintf(shape, sizeof shape, "(%d %d%d%d%d ", (int)node->kind, node->is_absolute,
                       node->is_member, node->is_test, (int)node->loop);
    put(text, (struct slice){shape, (size_t)len});
    put_name(text, node->name);
    for (uint32_t i = 0; i < node->local_count; i++)
        put_name(text, node->locals[i].name);
    if (node->kind == NODE_LITERAL)
        put_literal(text, &node->value);
    for (uint32_t i = 0; i < node->count; i++)
        put_node(text, node->items[i]);
    put(text, SLICE(")"));
}

struct slice cel_canonical(struct slice source, struct arena *arena)
{
    struct arena tree;
    struct cel_error error = {.code = 0};
    struct cel_reader reader = {.source = source, .arena = &tree, .program = &tree, .error = &error};
    struct slice canonical = {NULL, 0};
    arena_init(&tree);
    struct text text = {.arena = &tree, .bytes = arena_alloc(&tree, ROOM_FIRST), .room = ROOM_FIRST};
    const struct cel_node *node = cel_parse(&reader);
    if (node) {
        put_node(&text, node);
        canonical = arena_copy(arena, (struct slice){text.bytes, text.len});
    }
    arena_deinit(&tree);
    return canonical;
}
