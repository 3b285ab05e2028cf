/* A decision of the journal, explained from its row alone: the document of GET decisions/{sequence}/explain.
 */
#ifndef SERVER_EXPLAIN_ROW_H
#define SERVER_EXPLAIN_ROW_H

#include "rules/core.h"
#include "storage/pg_link.h"

#define EXPLAIN_ROW_SPARE 1 /* members that whoever asked may add to the document */

/* A reply to explain_row.sql, in binary. False when the row or its configuration cannot be read. `agent` not
 * empty: false as well when the decision was not about work of that agent. */
bool explain_row(struct value *out, const struct pg_reply *reply, struct slice agent, struct arena *arena)
    __attribute__((warn_unused_result));
/* {interaction, state, why, words}: as things stand now. */
bool explain_now(struct value *out, const struct core *core, const struct interaction *interaction,
                 struct arena *arena) __attribute__((warn_unused_result));

#endif
