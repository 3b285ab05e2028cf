/* The queries in flight on one connection in pipeline mode: encoding, matching of results to queries,
 * prepared statements. Knows no loop: pg_link calls it when the socket is ready. */
#ifndef STORAGE_PG_PIPELINE_H
#define STORAGE_PG_PIPELINE_H

#include "storage/libpq.h"
#include "storage/pg_link.h"
#include "storage/pg_text.h"

struct pg_pipeline;

struct pg_pipeline *pg_pipeline_alloc(void);
void pg_pipeline_free(struct pg_pipeline **pipeline); /* nothing pending, no connection */

/* Takes an idle, non-blocking connection. False when it will not enter pipeline mode; then it is still the
 * caller's. */
bool pg_pipeline_attach(struct pg_pipeline *pipeline, PGconn *conn);
/* Ends the connection; what is pending stays for pg_pipeline_abandon(). Without pending queries the server is
 * told. */
void pg_pipeline_detach(struct pg_pipeline *pipeline);
/* Answers everything pending, oldest first: UNCERTAIN, or CANCELLED where the end of the query provably never
 * left. */
void pg_pipeline_abandon(struct pg_pipeline *pipeline, const char *why);

PGconn *pg_pipeline_conn(const struct pg_pipeline *pipeline); /* NULL when detached */
size_t pg_pipeline_pending(const struct pg_pipeline *pipeline);
/* libpq could not send all: watch for writability too. */
bool pg_pipeline_is_blocked(const struct pg_pipeline *pipeline);
/* The connection is of no more use: detach. `why` is set once this is true. */
bool pg_pipeline_is_lost(const struct pg_pipeline *pipeline);
const char *pg_pipeline_why(const struct pg_pipeline *pipeline);

bool pg_pipeline_submit(struct pg_pipeline *pipeline, const struct pg_query *query, pg_on_reply on_reply,
                        void *ctx) __attribute__((warn_unused_result));
/* Reads, writes and answers what can be answered; callbacks may submit and detach. */
void pg_pipeline_advance(struct pg_pipeline *pipeline);

#endif
