/* Walking a value tree while knowing where one is: what the project file's decoder is made of.
 *
 * A node is a place in the file with the value that stands there. Nodes lie on the C stack, each linked to
 * the one above. Readers leave *out alone and succeed when the value is absent or null; when it is wrong they
 * note a fault and fail. */
#ifndef PROTO_PROJECT_NODE_H
#define PROTO_PROJECT_NODE_H

#include "proto/project_file.h"

struct project_node {
    const struct project_node *up; /* NULL: the file itself */
    const struct value *value;     /* NULL when absent or null */
    struct slice name;             /* of a member */
    uint32_t index;                /* of an item */
    bool is_item;
    uint32_t line; /* its own, or that of the map that lacks it */
    struct project_faults *faults;
    struct arena *arena;
};

struct project_node project_node_member(const struct project_node *map, const char *name);
struct project_node project_node_entry(const struct project_node *map, uint32_t index); /* by position */
struct project_node project_node_item(const struct project_node *list, uint32_t index);
/* How many entries or items; 0 when absent. */
uint32_t project_node_count(const struct project_node *node);

/* "rules[0].when: " and the text. Past PROJECT_FAULTS_MAX faults are dropped. Returns false. */
bool project_node_refuse(const struct project_node *node, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Keys of a map; ends with a NULL name. Those of later versions are refused with other words than unknown
 * ones. */
struct project_key {
    const char *name;
    bool later;
};
/* Absent is fine; anything but a map is a fault, and so is each key that is not in `keys`. */
bool project_node_check_map(const struct project_node *node, const struct project_key *keys);
bool project_node_check_list(const struct project_node *node);

bool project_node_text(const struct project_node *node, struct slice *out, size_t max);
bool project_node_name(const struct project_node *node, struct slice *out);
/* A name as project_node_name() accepts it; `node` is where to complain. */
bool project_node_check_name(const struct project_node *node, struct slice name);
bool project_node_integer(const struct project_node *node, int32_t *out, int32_t min, int32_t max);
/* "500ms", "20s", "10m", "2h", "30d", or whole seconds. */
bool project_node_duration(const struct project_node *node, int64_t *out_ms, int64_t min_ms, int64_t max_ms);
/* One of `choices`, which end with NULL: its index. */
bool project_node_choice(const struct project_node *node, int *out, const char *const *choices);

#endif
