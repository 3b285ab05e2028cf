/* One attempt to reach PostgreSQL: hosts in order, each resolved, connected and set up within PG_DIAL_MS, on
 * the loop. */
#ifndef STORAGE_PG_DIAL_H
#define STORAGE_PG_DIAL_H

#include <uv.h>

#include "storage/libpq.h"
#include "storage/pg_conninfo.h"

#define PG_DIAL_MS 5000 /* for one address: resolution, connection, login and set-up each start it again */

struct pg_dial;

struct pg_dial_options { /* everything is borrowed until the dial is closed */
    const struct pg_conninfo *info;
    const char *setup;  /* SQL for the new connection, or NULL */
    const char *listen; /* channel, or NULL */
};

/* A connection, non-blocking and idle, now the caller's; or NULL and why the last address failed (borrowed).
 */
typedef void (*pg_dial_on_done)(void *ctx, PGconn *conn, const char *why);

/* on_done comes once, never from inside this call, unless the dial is closed before. */
struct pg_dial *pg_dial_open(uv_loop_t *loop, const struct pg_dial_options *options, pg_dial_on_done on_done,
                             void *ctx);
void pg_dial_close(struct pg_dial **dial);

#endif
