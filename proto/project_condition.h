/* Conditions of the project file: a list whose items each have a name and a `when`, the first that is true
 * decides. They are expressions over rules/rule_env.h. Reading one says too whether it can ever be met. */
#ifndef PROTO_PROJECT_CONDITION_H
#define PROTO_PROJECT_CONDITION_H

#include "proto/project_node.h"
#include "rules/cel.h"

/* What is known of the items read so far. */
struct project_conditions {
    const char *noun; /* what an item is called: "rule" */
    struct slice *names,
        *texts; /* of each; the text is canonical, and empty when it always matches or is wrong */
    uint32_t *lines;
    int always;    /* the first that always matches, or -1 */
    bool is_sound; /* nothing is wrong with the last one */
};

void project_conditions_init(struct project_conditions *conditions, const char *noun, uint32_t count,
                             struct arena *arena);
/* Reads `name` and `when` of the map `item`, in the order of the list. *when stays NULL for what always
 * matches. */
void project_condition_read(struct project_conditions *conditions, const struct project_node *item,
                            struct slice *name, struct cel_program **when);

#endif
