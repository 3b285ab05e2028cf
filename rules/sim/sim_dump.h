/* Everything that a core knows, as text: two cores with the same text go on alike. A line per object, so that
 * the first difference says what differs. */
#ifndef RULES_SIM_SIM_DUMP_H
#define RULES_SIM_SIM_DUMP_H

#include "rules/core.h"

/* In malloc's memory. `drain_pending` and blocks that are over are left out: a core that is loaded looks at
 * everything once, and does not load what is over. */
struct slice sim_dump(const struct core *core);
void sim_dump_free(struct slice *dump);
/* The first line that differs, of each; false when they are equal. */
bool sim_dump_differs(struct slice a, struct slice b, struct slice *line_a, struct slice *line_b);

#endif
