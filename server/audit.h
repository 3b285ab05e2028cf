/* The auditor: the invariants of the core (rules/invariant.h) looked at while the router runs. With each
 * batch what it touched; between batches everything else, a slice of bounded time after the other. What does
 * not hold is a metric, a log line and an entry in the journal, never a stop: whoever reads it can replay the
 * journal up to there. */
#ifndef SERVER_AUDIT_H
#define SERVER_AUDIT_H

#include "rules/invariant.h"

#define AUDIT_SLICE_NS 500000 /* of the loop's time, once per housekeeping */

struct project;

struct audit {
    struct arena scratch;
    struct invariant_cursor cursor;
    struct finding found[INVARIANT_COUNT]; /* for the journal: each invariant once an ownership */
    uint32_t found_count, journaled;       /* the first of them are in it */
    bool is_known[INVARIANT_COUNT];
};

void audit_init(struct audit *audit);
void audit_deinit(struct audit *audit);
void audit_forget(struct audit *audit); /* the core is gone */

struct batch;
/* Looks at the newest batch, when it is on its way: the database does not wait for it. */
void audit_batch(struct project *project, const struct batch *batch);
/* Goes on with the sweep for AUDIT_SLICE_NS at most. */
void audit_sweep(struct project *project);

/* The next finding for the journal as an input's text, behind `count` that are on their way already; false
 * when there is none. */
bool audit_next(struct slice *out, const struct audit *audit, uint32_t count, struct arena *arena);

#endif
