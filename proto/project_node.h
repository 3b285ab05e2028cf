/* Walking a value tree while knowing where one is: what the project file's decoder is made of.
 *
 * A node is a place in the file with the value that stands there. Nodes lie on the C stack, each linked to
 * the one above. Readers leave *out alone and succeed when the value is absent or null; when it is wrong they
 * note a fault and fail. */
#ifndef PROTO_PROJECT_NODE_H
#define PROTO_PROJECT_NODE_H

#include "proto/project_file.h"
#include "proto/zone_set.h"

/* What all nodes of one file share. */
struct project_reading {
    struct slice source;
    struct project_faults *faults;
    struct zone_set *zones;
    struct arena *arena;
};

struct project_node {
    const struct project_node *up; /* NULL: the file itself */
    const struct value *value;     /* NULL when absent or null */
    struct slice name;             /* of a member */
    uint32_t index;                /* of an item */
    bool is_item;
    uint32_t line; /* its own, or that of the map that lacks it */
    struct project_reading *reading;
};

struct project_node project_node_member(const struct project_node *map, const char *name);
struct project_node project_node_entry(const struct project_node *map, uint32_t index); /* by position */
struct project_node project_node_item(const struct project_node *list, uint32_t index);
/* How many entries or items; 0 when absent. */
uint32_t project_node_count(const struct project_node *node);

/* "rules[0].when: " and the text. Past PROJECT_FAULTS_MAX faults are dropped. Returns false. */
bool project_node_refuse(const struct project_node *node, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* The same, at the byte `offset` of the text that stands there, in its own line and column. */
bool project_node_refuse_inside(const struct project_node *node, size_t offset, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Absent is fine; anything but a map is a fault, and so is each key that is not in `keys`, which end with
 * NULL. */
bool project_node_check_map(const struct project_node *node, const char *const *keys);
bool project_node_check_list(const struct project_node *node);
/* A map whose keys are names of the file's own, a list or a map: not more than `max`. */
bool project_node_check_entries(const struct project_node *node, uint32_t max);
bool project_node_check_count(const struct project_node *node, uint32_t max);

bool project_node_text(const struct project_node *node, struct slice *out, size_t max);
bool project_node_name(const struct project_node *node, struct slice *out);
/* A name as project_node_name() accepts it; `node` is where to complain. */
bool project_node_check_name(const struct project_node *node, struct slice name);
bool project_node_integer(const struct project_node *node, int32_t *out, int32_t min, int32_t max);
bool project_node_boolean(const struct project_node *node, bool *out);
/* "500ms", "20s", "10m", "2h", "30d", or whole seconds. */
bool project_node_duration(const struct project_node *node, int64_t *out_ms, int64_t min_ms, int64_t max_ms);
/* One of `choices`, which end with NULL: its index. */
bool project_node_choice(const struct project_node *node, int *out, const char *const *choices);

#endif
