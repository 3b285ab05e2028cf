/* The time zones that one configuration names. When a file is applied they are read from the system's files;
 * what was applied brings its own with it and never looks there again. */
#ifndef PROTO_ZONE_SET_H
#define PROTO_ZONE_SET_H

#include "rules/value.h"
#include "rules/zone_table.h"

#define ZONE_SET_MAX 64

struct zone_set {
    struct zone_tables tables; /* room for ZONE_SET_MAX: what it holds stays where it is */
    struct cel_zone_ops ops;   /* for expressions; lives as long as what is compiled with it */
    struct zone_table *items;
    struct arena *arena;
    bool is_stored; /* the system's files are not asked */
};

struct zone_set *zone_set_alloc(struct arena *arena);
/* Takes what zone_set_value() gave and from then on knows no other zone. False: it is something else. */
bool zone_set_restore(struct zone_set *set, const struct value *stored) __attribute__((warn_unused_result));
/* The zone, added when it is new; NULL when there is none of that name, or no room. */
const struct zone_table *zone_set_find(struct zone_set *set, struct slice name);
/* Everything is compiled: names that come up later are only looked for among those that are there. */
void zone_set_seal(struct zone_set *set);

/* [{"name": "Europe/Berlin", "offset": 3600, "changes": [[354675600, 7200], ...]}, ...] */
struct value zone_set_value(const struct zone_table *zones, uint32_t count, struct arena *arena);

#endif
