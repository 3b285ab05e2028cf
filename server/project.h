/* One project on this router: who owns it, its core, its intake, its batches.
 *
 * A project goes round: standby (somebody else owns it, or the database is away), acquiring, loading, owned.
 * Only an owned one decides; the others refuse with not_owner or storage_unavailable. */
#ifndef SERVER_PROJECT_H
#define SERVER_PROJECT_H

#include "rules/core.h"
#include "server/app.h"

struct project;

/* Starts trying to own it. */
struct project *project_open(struct app *app, uint32_t id, struct slice name);
/* What is in flight is finished or failed, the lease is given back; on_closed when nothing points here any
 * more. Takes itself off app->projects. */
void project_close(struct project *project, void (*on_closed)(void *ctx), void *ctx);
struct project *project_next(const struct project *project);

/* For whoever asks the database and looks at the project when the answer comes: it is not gone before it was
 * let go as often as it was held. What is not answered in PROJECT_CLOSE_WAIT_MS of its closing loses its
 * link. */
void project_hold(struct project *project);
void project_let_go(struct project *project);

/* Nothing waits and nothing is in flight. */
bool project_is_idle(const struct project *project);
/* Requests that wait for a batch. */
int64_t project_waiting(const struct project *project);
struct slice project_name(const struct project *project);
uint32_t project_id(const struct project *project);
bool project_is_owned(const struct project *project);
/* Owned, or about to be again by this router, which only loads it anew. */
bool project_is_serving(const struct project *project);
/* NULL until it was loaded once. */
const struct project_config *project_config(const struct project *project);
/* NULL while it is not owned. */
const struct core *project_core(const struct project *project);
/* How long that interaction of its core may have to wait yet; WAITS_UNKNOWN: nobody can say. */
int64_t project_estimated_wait(const struct project *project, const struct interaction *interaction,
                               uint32_t position);

/* Reads the change list and journals it. on_settled (may be NULL) comes when this router's state has taken
 * the changes over and what follows from them is committed; settled is false when it does not own the project
 * or storage is away: then the changes are durable all the same. */
void project_facts_changed(struct project *project, void (*on_settled)(void *ctx, bool settled), void *ctx);

/* The writer's connection came or went. */
void project_on_writer_up(struct project *project);
void project_on_writer_down(struct project *project);

#endif
