/* A bump allocator: many small pieces, freed together. One per request, one per batch.
 *
 * Memory is zeroed. The arena aborts the process when malloc fails: every arena is bounded by the size of
 * what it was made for (a request body, a batch), so that is a broken machine and not bad input. */
#ifndef RULES_ARENA_H
#define RULES_ARENA_H

#include "rules/types.h"

struct arena_block;

struct arena {
    struct arena_block *blocks;
    size_t used; /* bytes handed out since init or reset */
};

void arena_init(struct arena *arena);
void arena_deinit(struct arena *arena);
/* Forgets everything, but keeps one ordinary block for the next round; large ones go. */
void arena_reset(struct arena *arena);
void *arena_alloc(struct arena *arena, size_t size); /* aligned to 16, zeroed, never NULL */
struct slice arena_copy(struct arena *arena, struct slice text);
/* Copy with a NUL behind it. */
char *arena_string(struct arena *arena, struct slice text);
struct slice arena_format(struct arena *arena, const char *format, ...) __attribute__((format(printf, 2, 3)));

#define arena_new(arena, type) ((type *)arena_alloc((arena), sizeof(type)))
#define arena_array(arena, type, count) ((type *)arena_alloc((arena), sizeof(type) * (count)))

#endif
