#include "rules/arena.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK_SIZE 4080

struct arena_block {
    struct arena_block *next;
    size_t used, size;
    max_align_t data[];
};

void arena_init(struct arena *arena)
{
    *arena = (struct arena){NULL, 0};
}

void arena_deinit(struct arena *arena)
{
    while (arena->blocks) {
        struct arena_block *next = arena->blocks->next;
        free(arena->blocks);
        arena->blocks = next;
    }
}

void arena_reset(struct arena *arena)
{
    struct arena_block *keep = NULL;
    while (arena->blocks) {
        struct arena_block *next = arena->blocks->next;
        if (keep || arena->blocks->size != BLOCK_SIZE)
            free(arena->blocks);
        else
            keep = arena->blocks;
        arena->blocks = next;
    }
    if (keep) {
        keep->used = 0;
        keep->next = NULL;
    }
    arena->blocks = keep;
    arena->used = 0;
}

void *arena_alloc(struct arena *arena, size_t size)
{
    size_t need = (size + 15) & ~(size_t)15;
    struct arena_block *block = arena->blocks;
    if (!block || block->size - block->used < need) {
        size_t room = need > BLOCK_SIZE ? need : BLOCK_SIZE;
        block = malloc(sizeof *block + room);
        if (!block)
            abort();
        block->used = 0;
        block->size = room;
        /* A block that one large piece fills goes behind the current one, which still has room. */
        if (arena->blocks && need > BLOCK_SIZE) {
            block->next = arena->blocks->next;
            arena->blocks->next = block;
        } else {
            block->next = arena->blocks;
            arena->blocks = block;
        }
    }
    void *piece = (char *)block->data + block->used;
    block->used += need;
    arena->used += need;
    return memset(piece, 0, need);
}

struct slice arena_copy(struct arena *arena, struct slice text)
{
    if (!text.ptr)
        return text;
    char *copy = arena_string(arena, text);
    return (struct slice){copy, text.len};
}

char *arena_string(struct arena *arena, struct slice text)
{
    char *copy = arena_alloc(arena, text.len + 1);
    if (text.len)
        memcpy(copy, text.ptr, text.len);
    return copy;
}

struct slice arena_format(struct arena *arena, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int len = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (len < 0)
        abort();
    char *text = arena_alloc(arena, (size_t)len + 1);
    vsnprintf(text, (size_t)len + 1, format, again);
    va_end(again);
    return (struct slice){text, (size_t)len};
}
