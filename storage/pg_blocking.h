/* One blocking PostgreSQL connection for command-line programs; never for the server's loop. */
#ifndef STORAGE_PG_BLOCKING_H
#define STORAGE_PG_BLOCKING_H

#include "storage/pg_link.h"

#define PG_BLOCKING_CONNECT_S "5" /* unless the connection string says otherwise */

struct pg_blocking;

/* NULL when there is no connection; then `why` says why, in one line. */
struct pg_blocking *pg_blocking_open(const char *conninfo, const char *application_name, char *why,
                                     size_t why_size);
void pg_blocking_close(struct pg_blocking **blocking);
/* Runs one operation of storage/sql, a transaction of its own unless pg_blocking_begin() opened one. The
 * reply, its message included, is borrowed until the next call. PG_UNCERTAIN: the connection is gone and
 * every later call is PG_CANCELLED. */
struct pg_reply pg_blocking_query(struct pg_blocking *blocking, const struct pg_query *query)
    __attribute__((warn_unused_result));
/* The same with text parameters (NULL is SQL NULL) and a text result. */
struct pg_reply pg_blocking_run(struct pg_blocking *blocking, const char *sql_name, const char *const *params,
                                int param_count) __attribute__((warn_unused_result));
/* Transaction around several operations. An operation that is refused dooms it: commit is then PG_REFUSED
 * too. */
struct pg_reply pg_blocking_begin(struct pg_blocking *blocking) __attribute__((warn_unused_result));
struct pg_reply pg_blocking_commit(struct pg_blocking *blocking) __attribute__((warn_unused_result));

#endif
