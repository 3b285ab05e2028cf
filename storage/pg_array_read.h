/* Arrays in results, in binary format (the array_send layout of PostgreSQL 15). */
#ifndef STORAGE_PG_ARRAY_READ_H
#define STORAGE_PG_ARRAY_READ_H

#include "rules/arena.h"
#include "storage/pg_link.h"

/* Elements of a one-dimensional text[]; the slices borrow from the reply, the array is the arena's. NULL and
 * empty arrays give 0; NULL elements are left out. */
uint32_t pg_text_array(const struct pg_reply *reply, int row, int column, struct slice **out,
                       struct arena *arena);

#endif
