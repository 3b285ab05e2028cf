/* A link is WAITING for its next attempt, DIALLING, UP, or DOWN: lost, with answers still owed. One timer
 * serves all: it ends the wait, and it pays what is owed one turn of the loop after the loss, so that neither
 * pg_link_submit() nor pg_link_cut() ever calls back from inside. CLOSED is final; its memory goes when the
 * timer's close has come back. */
#include "storage/pg_link.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "storage/backoff.h"
#include "storage/fd_watch.h"
#include "storage/pg_dial.h"
#include "storage/pg_pipeline.h"

enum link_state { LINK_WAITING, LINK_DIALLING, LINK_UP, LINK_DOWN, LINK_CLOSED };

struct pg_link {
    uv_loop_t *loop;
    uv_timer_t timer;
    enum link_state state;
    struct pg_conninfo *info;
    struct pg_link_options options; /* strings are copies; conninfo lives in info */
    struct pg_dial *dial;
    struct pg_pipeline *pipeline;
    struct fd_watch *watch;
    struct backoff backoff;
    uint64_t up_since_ms;
    bool told_down; /* on_down comes once per outage, not once per attempt */
    char why[PG_WHY_MAX];
    void (*on_closed)(void *ctx);
    void *closed_ctx;
};

static void on_timer(uv_timer_t *timer);

static void enter(struct pg_link *link, enum link_state state)
{
    static const unsigned legal[] = {
        [LINK_WAITING] = 1u << LINK_DIALLING | 1u << LINK_CLOSED,
        [LINK_DIALLING] = 1u << LINK_UP | 1u << LINK_DOWN | 1u << LINK_CLOSED,
        [LINK_UP] = 1u << LINK_DOWN | 1u << LINK_CLOSED,
        [LINK_DOWN] = 1u << LINK_WAITING | 1u << LINK_CLOSED,
        [LINK_CLOSED] = 0,
    };
    assert(legal[link->state] & 1u << state);
    link->state = state;
}

static void hang_up(struct pg_link *link)
{
    fd_watch_close(&link->watch);
    if (pg_pipeline_conn(link->pipeline))
        pg_pipeline_detach(link->pipeline);
}

static void step_down(struct pg_link *link, const char *why)
{
    if (link->state == LINK_UP)
        backoff_was_up(&link->backoff, uv_now(link->loop) - link->up_since_ms);
    pg_text_line(link->why, sizeof link->why, why);
    hang_up(link);
    enter(link, LINK_DOWN);
    uv_timer_start(&link->timer, on_timer, 0, 0);
}

/* After every use of the pipeline: libpq may have dropped its socket, which must not stay watched. */
static void settle(struct pg_link *link)
{
    if (link->state != LINK_UP)
        return;
    if (pg_pipeline_is_lost(link->pipeline))
        step_down(link, pg_pipeline_why(link->pipeline));
    else if (fd_watch_wants_writable(link->watch) != pg_pipeline_is_blocked(link->pipeline))
        fd_watch_want(link->watch, true, pg_pipeline_is_blocked(link->pipeline));
}

static void deliver_notifies(struct pg_link *link)
{
    PGnotify *notify;
    while (link->state == LINK_UP && (notify = PQnotifies(pg_pipeline_conn(link->pipeline)))) {
        if (link->options.on_notify)
            link->options.on_notify(link->options.ctx, notify->extra,
                                    notify->be_pid == PQbackendPID(pg_pipeline_conn(link->pipeline)));
        PQfreemem(notify);
    }
}

static void on_ready(void *ctx, bool readable, bool writable)
{
    struct pg_link *link = ctx;
    (void)readable, (void)writable;
    pg_pipeline_advance(link->pipeline);
    deliver_notifies(link);
    settle(link);
}

static void on_dialled(void *ctx, PGconn *conn, const char *why)
{
    struct pg_link *link = ctx;
    if (!conn) {
        step_down(link, why);
        pg_dial_close(&link->dial);
        return;
    }
    pg_dial_close(&link->dial);
    link->watch = fd_watch_open(link->loop, PQsocket(conn), on_ready, link);
    if (!link->watch || !pg_pipeline_attach(link->pipeline, conn)) {
        fd_watch_close(&link->watch);
        PQfinish(conn);
        step_down(link, "the connection cannot be used");
        return;
    }
    enter(link, LINK_UP);
    link->up_since_ms = uv_now(link->loop);
    link->told_down = false;
    fd_watch_want(link->watch, true, false);
    if (link->options.on_up)
        link->options.on_up(link->options.ctx, PQbackendPID(conn));
    /* What came with the last answer of the set-up raises no event on the socket. */
    if (link->state == LINK_UP)
        on_ready(link, true, false);
}

static void step_dial(struct pg_link *link)
{
    enter(link, LINK_DIALLING);
    struct pg_dial_options options = {
        .info = link->info, .setup = link->options.setup, .listen = link->options.listen};
    link->dial = pg_dial_open(link->loop, &options, on_dialled, link);
}

static void step_settle_accounts(struct pg_link *link)
{
    pg_pipeline_abandon(link->pipeline, link->why);
    if (link->state == LINK_DOWN && !link->told_down) {
        link->told_down = true;
        if (link->options.on_down)
            link->options.on_down(link->options.ctx, link->why);
    }
    if (link->state != LINK_DOWN)
        return;
    enter(link, LINK_WAITING);
    uv_timer_start(&link->timer, on_timer, backoff_wait(&link->backoff), 0);
}

static void on_timer_closed(uv_handle_t *handle)
{
    struct pg_link *link = handle->data;
    void (*on_closed)(void *ctx) = link->on_closed;
    void *ctx = link->closed_ctx;
    pg_pipeline_free(&link->pipeline);
    pg_conninfo_free(&link->info);
    free((char *)link->options.setup);
    free((char *)link->options.listen);
    free(link);
    if (on_closed)
        on_closed(ctx);
}

static void on_timer(uv_timer_t *timer)
{
    struct pg_link *link = timer->data;
    if (link->state == LINK_WAITING)
        step_dial(link);
    else if (link->state == LINK_DOWN)
        step_settle_accounts(link);
    /* Closed just now by a callback, or a turn ago: what is still owed comes first. */
    if (link->state == LINK_CLOSED && !uv_is_closing((uv_handle_t *)timer)) {
        pg_pipeline_abandon(link->pipeline, link->why);
        uv_close((uv_handle_t *)timer, on_timer_closed);
    }
}

static char *duplicate(const char *text)
{
    char *copy = text ? strdup(text) : NULL;
    if (text && !copy)
        abort();
    return copy;
}

struct pg_link *pg_link_open(uv_loop_t *loop, const struct pg_link_options *options, char *why,
                             size_t why_size)
{
    struct pg_conninfo *info = pg_conninfo_alloc(options->conninfo, options->application_name, why, why_size);
    if (!info)
        return NULL;
    struct pg_link *link = calloc(1, sizeof *link);
    if (!link)
        abort();
    link->loop = loop;
    link->info = info;
    link->options = *options;
    link->options.conninfo = link->options.application_name = NULL;
    link->options.setup = duplicate(options->setup);
    link->options.listen = duplicate(options->listen);
    link->pipeline = pg_pipeline_alloc();
    uv_timer_init(loop, &link->timer);
    link->timer.data = link;
    uv_timer_start(&link->timer, on_timer, 0, 0);
    return link;
}

bool pg_link_is_up(const struct pg_link *link)
{
    return link && link->state == LINK_UP;
}

bool pg_link_submit(struct pg_link *link, const struct pg_query *query, pg_on_reply on_reply, void *ctx)
{
    if (link->state != LINK_UP)
        return false;
    bool accepted = pg_pipeline_submit(link->pipeline, query, on_reply, ctx);
    settle(link);
    return accepted;
}

size_t pg_link_pending(const struct pg_link *link)
{
    return pg_pipeline_pending(link->pipeline);
}

void pg_link_cut(struct pg_link *link, const char *why)
{
    if (link->state == LINK_UP)
        step_down(link, why);
}

void pg_link_close(struct pg_link **link, void (*on_closed)(void *ctx), void *ctx)
{
    struct pg_link *old = *link;
    *link = NULL;
    if (!old)
        return;
    pg_text_line(old->why, sizeof old->why, "the link was closed");
    pg_dial_close(&old->dial);
    hang_up(old);
    enter(old, LINK_CLOSED);
    old->on_closed = on_closed;
    old->closed_ctx = ctx;
    uv_timer_start(&old->timer, on_timer, 0, 0);
}
