/* Steps in the order they run: step_next (host or address) -> step_resolve -> step_connect -> step_handshake,
 * once per round trip -> step_script, once per set-up statement -> finish. A step that fails leads to
 * step_next by way of the timer, so that a list of dead hosts is a loop and not a recursion.
 *
 * libpq may close its socket and open another within PQconnectPoll(), even under the same number: the watch
 * is closed before each call and a new one opened after it. */
#include "storage/pg_dial.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "storage/fd_watch.h"
#include "storage/pg_text.h"
#include "storage/resolve.h"
#include "storage/sql.h"

enum dial_state { DIAL_NEXT, DIAL_RESOLVING, DIAL_CONNECTING, DIAL_SCRIPTS, DIAL_DONE };

enum script { SCRIPT_SESSION, SCRIPT_SETUP, SCRIPT_LISTEN, SCRIPTS };

struct pg_dial {
    uv_loop_t *loop;
    uv_timer_t timer; /* DIAL_NEXT: go on at once; otherwise the deadline */
    enum dial_state state;
    struct pg_dial_options options;
    int host;                           /* -1 before the first */
    struct resolve_addresses addresses; /* of a host that was a name */
    int address;                        /* the one in use */
    struct resolve *resolve;
    PGconn *conn;
    struct fd_watch *watch;
    int script; /* the one that runs */
    pg_dial_on_done on_done;
    void *ctx;
    char why[PG_WHY_MAX];
};

static void on_timer(uv_timer_t *timer);
static void on_handshake(void *ctx, bool readable, bool writable);
static void on_script(void *ctx, bool readable, bool writable);

static void arm_deadline(struct pg_dial *dial)
{
    uv_timer_start(&dial->timer, on_timer, PG_DIAL_MS, 0);
}

static void drop_connection(struct pg_dial *dial)
{
    resolve_close(&dial->resolve);
    fd_watch_close(&dial->watch);
    PQfinish(dial->conn);
    dial->conn = NULL;
}

static void fail(struct pg_dial *dial, const char *why)
{
    pg_text_line(dial->why, sizeof dial->why, why);
    drop_connection(dial);
    dial->state = DIAL_NEXT;
    uv_timer_start(&dial->timer, on_timer, 0, 0);
}

static void finish(struct pg_dial *dial)
{
    PGconn *conn = dial->conn;
    dial->conn = NULL;
    dial->state = DIAL_DONE;
    fd_watch_close(&dial->watch);
    uv_timer_stop(&dial->timer);
    dial->on_done(dial->ctx, conn, conn ? NULL : dial->why);
}

static bool watch(struct pg_dial *dial, fd_watch_on_ready on_ready, bool readable, bool writable)
{
    dial->watch = fd_watch_open(dial->loop, PQsocket(dial->conn), on_ready, dial);
    if (!dial->watch) {
        fail(dial, "the connection's socket cannot be watched");
        return false;
    }
    fd_watch_want(dial->watch, readable, writable);
    return true;
}

static char *script_text(const struct pg_dial *dial)
{
    const char *given[SCRIPTS] = {SQL_SESSION, dial->options.setup, dial->options.listen};
    const char *text = given[dial->script];
    if (!text)
        return NULL;
    char *quoted = NULL, *out = NULL;
    if (dial->script == SCRIPT_LISTEN && !(quoted = PQescapeIdentifier(dial->conn, text, strlen(text))))
        abort();
    if (asprintf(&out, "%s%s", quoted ? "LISTEN " : "", quoted ? quoted : text) < 0)
        abort();
    PQfreemem(quoted);
    return out;
}

/* Sends the next set-up statement there is; none left: the connection is ready. */
static void step_script(struct pg_dial *dial)
{
    char *text = NULL;
    while (dial->script < SCRIPTS && !(text = script_text(dial)))
        dial->script++;
    if (!text) {
        finish(dial);
        return;
    }
    int sent = PQsendQuery(dial->conn, text);
    free(text);
    int flushed = sent ? PQflush(dial->conn) : -1;
    if (flushed < 0)
        fail(dial, PQerrorMessage(dial->conn));
    else
        fd_watch_want(dial->watch, true, flushed == 1);
}

static bool is_fine(const PGresult *result)
{
    ExecStatusType status = PQresultStatus(result);
    return status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK || status == PGRES_EMPTY_QUERY;
}

static void on_script(void *ctx, bool readable, bool writable)
{
    struct pg_dial *dial = ctx;
    int flushed = readable && !PQconsumeInput(dial->conn) ? -1 : PQflush(dial->conn);
    if (flushed < 0) {
        fail(dial, PQerrorMessage(dial->conn));
        return;
    }
    (void)writable;
    fd_watch_want(dial->watch, true, flushed == 1);
    while (!PQisBusy(dial->conn)) {
        PGresult *result = PQgetResult(dial->conn);
        if (!result && PQstatus(dial->conn) == CONNECTION_BAD) {
            fail(dial, PQerrorMessage(dial->conn));
            return;
        }
        if (!result) {
            dial->script++;
            step_script(dial);
            return;
        }
        bool fine = is_fine(result);
        if (!fine)
            fail(dial, PQresultErrorMessage(result));
        PQclear(result);
        if (!fine)
            return;
    }
}

static void step_handshake(struct pg_dial *dial, PostgresPollingStatusType wait)
{
    if (wait == PGRES_POLLING_READING)
        watch(dial, on_handshake, true, false);
    else if (wait == PGRES_POLLING_WRITING)
        watch(dial, on_handshake, false, true);
    else if (wait != PGRES_POLLING_OK || PQsetnonblocking(dial->conn, 1) != 0)
        fail(dial, PQerrorMessage(dial->conn));
    else if (watch(dial, on_script, false, false)) {
        dial->state = DIAL_SCRIPTS;
        dial->script = 0;
        arm_deadline(dial);
        step_script(dial);
    }
}

static void on_handshake(void *ctx, bool readable, bool writable)
{
    struct pg_dial *dial = ctx;
    (void)readable, (void)writable;
    fd_watch_close(&dial->watch);
    step_handshake(dial, PQconnectPoll(dial->conn));
}

static void ignore_notice(void *ctx, const char *message)
{
    (void)ctx, (void)message;
}

static void step_connect(struct pg_dial *dial, const char *address)
{
    dial->state = DIAL_CONNECTING;
    arm_deadline(dial);
    dial->conn = pg_conninfo_start(dial->options.info, dial->host, address);
    if (!dial->conn)
        abort();
    PQsetNoticeProcessor(dial->conn, ignore_notice, NULL);
    if (PQstatus(dial->conn) == CONNECTION_BAD)
        fail(dial, PQerrorMessage(dial->conn));
    else
        step_handshake(dial, PGRES_POLLING_WRITING);
}

static void on_resolved(void *ctx, const struct resolve_addresses *addresses, const char *why)
{
    struct pg_dial *dial = ctx;
    dial->resolve = NULL;
    if (!addresses) {
        char text[PG_WHY_MAX];
        snprintf(text, sizeof text, "%.100s: %.100s", pg_conninfo_name(dial->options.info, dial->host), why);
        fail(dial, text);
        return;
    }
    dial->addresses = *addresses;
    dial->address = 0;
    step_connect(dial, dial->addresses.text[0]);
}

static void step_resolve(struct pg_dial *dial, const char *name)
{
    dial->state = DIAL_RESOLVING;
    arm_deadline(dial);
    dial->resolve = resolve_open(dial->loop, name, on_resolved, dial);
    if (!dial->resolve)
        fail(dial, "the host name cannot be looked up");
}

static void step_next(struct pg_dial *dial)
{
    if (dial->address + 1 < dial->addresses.count) {
        step_connect(dial, dial->addresses.text[++dial->address]);
        return;
    }
    dial->addresses.count = 0;
    if (++dial->host == pg_conninfo_hosts(dial->options.info)) {
        finish(dial);
        return;
    }
    const char *name = pg_conninfo_name(dial->options.info, dial->host);
    if (name)
        step_resolve(dial, name);
    else
        step_connect(dial, NULL);
}

static void on_timer(uv_timer_t *timer)
{
    struct pg_dial *dial = timer->data;
    static const char *const late[] = {[DIAL_RESOLVING] = "the host name was not resolved in time",
                                       [DIAL_CONNECTING] = "the server did not answer in time",
                                       [DIAL_SCRIPTS] = "the connection was not set up in time"};
    assert(dial->state != DIAL_DONE);
    if (dial->state == DIAL_NEXT)
        step_next(dial);
    else
        fail(dial, late[dial->state]);
}

struct pg_dial *pg_dial_open(uv_loop_t *loop, const struct pg_dial_options *options, pg_dial_on_done on_done,
                             void *ctx)
{
    struct pg_dial *dial = calloc(1, sizeof *dial);
    if (!dial)
        abort();
    dial->loop = loop;
    dial->state = DIAL_NEXT;
    dial->options = *options;
    dial->host = -1;
    dial->on_done = on_done;
    dial->ctx = ctx;
    uv_timer_init(loop, &dial->timer);
    dial->timer.data = dial;
    uv_timer_start(&dial->timer, on_timer, 0, 0);
    return dial;
}

static void on_closed(uv_handle_t *handle)
{
    free(handle->data);
}

void pg_dial_close(struct pg_dial **dial)
{
    struct pg_dial *old = *dial;
    *dial = NULL;
    if (!old)
        return;
    drop_connection(old);
    uv_close((uv_handle_t *)&old->timer, on_closed);
}
