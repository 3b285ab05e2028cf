/* The one rule that JSON leaves to its readers and we do not: the names of a map are unique. */
#ifndef PROTO_NAMES_H
#define PROTO_NAMES_H

#include "rules/value.h"

/* The second member of two with the same name, or NULL. n log n comparisons; scratch memory from the arena.
 */
const struct value_member *names_find_duplicate(const struct value *map, struct arena *arena);

/* The members of a map in the bytewise order of their names. */
const struct value_member **names_sorted(const struct value *map, struct arena *arena);

#endif
