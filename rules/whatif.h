/* What other rules would have said of an arrival: asked of a core before it takes the input. */
#ifndef RULES_WHATIF_H
#define RULES_WHATIF_H

#include "rules/core.h"

struct whatif {
    int rule;  /* index in the other configuration */
    int queue; /* the same; -1: no endpoint has the address, so it would have been refused */
};

/* The facts are the recorded ones, the queues those of the core, by name; a queue that the core does not know
 * is empty. Nothing changes. */
struct whatif whatif_arrival(const struct core *core, const struct input *input,
                             const struct project_config *other, struct arena *arena);

#endif
