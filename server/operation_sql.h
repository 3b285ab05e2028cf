/* Operations that are one statement of storage/sql: it checks, changes, and makes the JSON of the answer.
 *
 * Every such file takes $1 project id, $2 the caller's role, $3 the caller's agent or NULL, $4 the arguments
 * as JSON: the parameters, "now_ms", the router's wall clock, and "origin", where the call came from. It
 * gives one row of three columns: 'ok', 'created' or 'moved' (it is found under another id), the answer's
 * JSON, NULL; or a problem code, a sentence, a JSON Pointer or NULL; or 'again': what it read was changed
 * meanwhile; it is run once more. */
#ifndef SERVER_OPERATION_SQL_H
#define SERVER_OPERATION_SQL_H

#include "server/operation.h"

#define OPERATION_SQL_TRIES 20 /* runs of one operation before somebody else's luck is called overload */
#define LIST_LIMIT_DEFAULT 100
#define LIST_LIMIT_MAX 1000

/* A handler: the row's sql with the call's parameters; a list's limit gets its default. */
void operation_sql(struct operation_call *call);

/* What happens with the answer; `json` lives in the call's arena. NULL: it is sent. The call's project is
 * there until it has returned. */
typedef void (*operation_sql_then)(struct operation_call *call, unsigned status, struct slice json);
void operation_sql_run(struct operation_call *call, const char *file, const struct value *args,
                       operation_sql_then then);

/* The same; `failed` is called in place of answering with a problem. */
typedef void (*operation_sql_failed)(struct operation_call *call, const struct problem *problem);
void operation_sql_run_or(struct operation_call *call, const char *file, const struct value *args,
                          operation_sql_then then, operation_sql_failed failed);

/* Milliseconds since 1970 by the wall clock. */
int64_t operation_now_ms(void);
/* A version 7 UUID of now and chance (RFC 9562 5.7). */
struct uuid operation_make_id(void);
/* Who changes something, for the record: the agent, or the role of a token without one. */
struct slice operation_author(const struct operation_call *call);
/* {"via": "http" or "rpc", "address": the peer's, empty on a Unix socket}: for the log of customers. */
struct value operation_origin(const struct operation_call *call);
/* `map` with room for `more` members. */
struct value operation_args(struct arena *arena, const struct value *map, uint32_t more);

#endif
