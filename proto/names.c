#include "proto/names.h"

#include <stdlib.h>

#define FEW 12 /* members that are compared with each other faster than sorted */

static int compare(const void *a, const void *b)
{
    const struct value_member *const *left = a, *const *right = b;
    int order = slice_compare((*left)->name, (*right)->name);
    /* Members lie in one array, so their addresses tell which came first. */
    return order ? order : (*left > *right) - (*left < *right);
}

const struct value_member **names_sorted(const struct value *map, struct arena *arena)
{
    const struct value_member **sorted = arena_array(arena, const struct value_member *, map->count);
    for (uint32_t i = 0; i < map->count; i++)
        sorted[i] = &map->members[i];
    qsort(sorted, map->count, sizeof(*sorted), compare);
    return sorted;
}

const struct value_member *names_find_duplicate(const struct value *map, struct arena *arena)
{
    if (map->count <= FEW) {
        for (uint32_t i = 1; i < map->count; i++) {
            for (uint32_t j = 0; j < i; j++) {
                if (slice_equal(map->members[i].name, map->members[j].name))
                    return &map->members[i];
            }
        }
        return NULL;
    }
    const struct value_member **sorted = names_sorted(map, arena);
    for (uint32_t i = 1; i < map->count; i++) {
        if (slice_equal(sorted[i]->name, sorted[i - 1]->name))
            return sorted[i];
    }
    return NULL;
}
