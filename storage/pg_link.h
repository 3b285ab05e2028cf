/* One PostgreSQL connection in pipeline mode on a libuv loop. libpq does not leave storage/.
 *
 * Every submitted query is one statement of storage/sql, prepared on first use per connection, followed by
 * its own sync: a transaction of its own. Its callback fires exactly once, never from inside
 * pg_link_submit(), in the order submitted. The link dials again by itself (back-off 50 ms to 2 s, with
 * jitter) until closed. */
#ifndef STORAGE_PG_LINK_H
#define STORAGE_PG_LINK_H

#include <uv.h>

#include "rules/types.h"

#define PG_LINK_PENDING_MAX 1024 /* queries submitted and not answered; more are refused */
#define PG_LINK_PARAMS_MAX 160

struct pg_link;

enum pg_outcome {
    PG_OK,        /* the sync came back: durable */
    PG_REFUSED,   /* the server refused the statement; nothing of it happened; sqlstate and message say why */
    PG_UNCERTAIN, /* the link was lost after the query may have left: it may or may not have happened */
    PG_CANCELLED, /* never sent */
};

struct pg_reply {
    enum pg_outcome outcome;
    int rows;
    char sqlstate[6];       /* "" unless PG_REFUSED */
    const char *message;    /* "" unless PG_REFUSED or PG_UNCERTAIN; borrowed */
    const char *constraint; /* PG_REFUSED: the name of the constraint that refused, or NULL; borrowed */
    const void *result;     /* for the accessors below */
};

/* Text or bytes of a cell as the server sent them (text format unless the query asked for binary). */
struct slice pg_cell(const struct pg_reply *reply, int row, int column);
bool pg_is_null(const struct pg_reply *reply, int row, int column);
/* Decoders for binary results; NULL gives 0, false, nil. */
int64_t pg_int64(const struct pg_reply *reply, int row, int column); /* int2, int4, int8 */
bool pg_bool(const struct pg_reply *reply, int row, int column);
struct uuid pg_uuid(const struct pg_reply *reply, int row, int column);
double pg_float8(const struct pg_reply *reply, int row, int column);

struct pg_param {
    const void *data; /* NULL is SQL NULL */
    size_t len;
    bool binary; /* else text; text must end with NUL at data[len] */
};

struct pg_query {
    const char *name;              /* of a file in storage/sql */
    const struct pg_param *params; /* borrowed until pg_link_submit returns */
    int param_count;
    bool binary_result;
};

typedef void (*pg_on_reply)(void *ctx, const struct pg_reply *reply);

struct pg_link_options {
    const char *conninfo; /* URI or key=value; several hosts allowed */
    const char *application_name;
    const char *listen; /* channel to LISTEN on, or NULL */
    const char *setup;  /* SQL run on each new connection before anything else, or NULL */
    void (*on_up)(void *ctx, int backend_pid);   /* connected and set up */
    void (*on_down)(void *ctx, const char *why); /* every pending callback has fired */
    /* is_own: it was sent on this very connection. False behind a pool, which invents process ids for
     * clients. */
    void (*on_notify)(void *ctx, const char *payload, bool is_own);
    void *ctx;
};

/* Copies the options. Never fails for a server that is away: on_down tells, once per outage, however many
 * attempts it takes. NULL only when conninfo cannot be used; then `why` says why. The search path is
 * storage/sql.h's on every connection, before `setup`. */
struct pg_link *pg_link_open(uv_loop_t *loop, const struct pg_link_options *options, char *why,
                             size_t why_size);
bool pg_link_is_up(const struct pg_link *link);
/* False when the link is not up or PG_LINK_PENDING_MAX is reached: no callback will come. */
bool pg_link_submit(struct pg_link *link, const struct pg_query *query, pg_on_reply on_reply, void *ctx)
    __attribute__((warn_unused_result));
size_t pg_link_pending(const struct pg_link *link);
/* Cuts the connection as if the network had; nothing happens on a link that is not up. From the loop's next
 * turn on: pending become UNCERTAIN (CANCELLED where the end of the query never left), on_down, then it dials
 * again. */
void pg_link_cut(struct pg_link *link, const char *why);
/* *link is NULL at once. Pending callbacks fire (UNCERTAIN or CANCELLED) before on_closed, in the loop's next
 * turns; no on_down. on_closed may be NULL. May be called from any callback of the link. */
void pg_link_close(struct pg_link **link, void (*on_closed)(void *ctx), void *ctx);

#endif
