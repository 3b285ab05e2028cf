/* NEXT picks the next address; RESOLVING, CONNECTING and GREETING have a deadline each; UP ticks with PING;
 * DOWN has lost its connection and tells; WAITING ends with another attempt. One timer serves all. hiredis
 * frees its context by itself on errors, and must not be asked to from inside its own callbacks: those only
 * write down what happened and leave the rest, redisAsyncFree() included, to the timer. */
#include "storage/redis_link.h"

#include <assert.h>
#include <hiredis/async.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "storage/backoff.h"
#include "storage/redis_adapter.h"
#include "storage/redis_url.h"
#include "storage/resolve.h"

#define DIAL_MS 5000 /* for each of resolution, connection and greeting */
#define PING_MS 5000 /* a tick; a server that says nothing for a whole one has stalled */
#define WHY_MAX 256

enum link_state {
    LINK_NEXT,
    LINK_RESOLVING,
    LINK_CONNECTING,
    LINK_GREETING,
    LINK_UP,
    LINK_DOWN,
    LINK_WAITING,
    LINK_CLOSED
};

struct pending {
    redis_on_reply on_reply;
    void *ctx;
    size_t bytes;
};

struct redis_link {
    uv_loop_t *loop;
    uv_timer_t timer;
    enum link_state state;
    struct redis_link_options options; /* client_name is a copy, url is not kept */
    struct redis_url url;
    struct resolve *resolve;
    struct resolve_addresses addresses;
    int address; /* the one in use */
    redisAsyncContext *context;
    int greetings;  /* not yet answered */
    bool heard;     /* from the server since the last tick */
    bool told_down; /* on_down comes once per outage, not once per attempt */
    struct backoff backoff;
    uint64_t up_since_ms;
    char why[WHY_MAX];
    void (*on_closed)(void *ctx);
    void *closed_ctx;
    size_t bytes, head, count; /* ring */
    struct pending pending[REDIS_LINK_PENDING_MAX];
};

static void on_timer(uv_timer_t *timer);

static void enter(struct redis_link *link, enum link_state state, uint64_t timer_ms)
{
    static const unsigned failed = 1u << LINK_NEXT | 1u << LINK_CLOSED;
    static const unsigned legal[] = {
        [LINK_NEXT] = 1u << LINK_RESOLVING | 1u << LINK_CONNECTING | 1u << LINK_DOWN | 1u << LINK_CLOSED,
        [LINK_RESOLVING] = 1u << LINK_CONNECTING | failed,
        [LINK_CONNECTING] = 1u << LINK_GREETING | failed,
        [LINK_GREETING] = 1u << LINK_UP | failed,
        [LINK_UP] = 1u << LINK_DOWN | 1u << LINK_CLOSED,
        [LINK_DOWN] = 1u << LINK_WAITING | 1u << LINK_CLOSED,
        [LINK_WAITING] = 1u << LINK_NEXT | 1u << LINK_CLOSED,
        [LINK_CLOSED] = 0,
    };
    assert(legal[link->state] & 1u << state);
    link->state = state;
    uv_timer_start(&link->timer, on_timer, timer_ms, 0);
}

static void fail_attempt(struct redis_link *link, const char *what, const char *why)
{
    snprintf(link->why, sizeof link->why, "%s%s", what, why);
    resolve_close(&link->resolve);
    enter(link, LINK_NEXT, 0);
}

static void lose(struct redis_link *link, const char *why)
{
    backoff_was_up(&link->backoff, uv_now(link->loop) - link->up_since_ms);
    snprintf(link->why, sizeof link->why, "%s", why);
    enter(link, LINK_DOWN, 0);
}

/* Answers what is pending with NULL. Only from the timer, never inside a callback of hiredis. */
static void drop_context(struct redis_link *link)
{
    redisAsyncContext *context = link->context;
    link->context = NULL;
    if (context)
        redisAsyncFree(context);
}

static void on_published(redisAsyncContext *context, void *data, void *ctx)
{
    struct redis_link *link = ctx;
    const redisReply *reply = data;
    if (!reply && link->state == LINK_UP)
        lose(link, context->errstr && *context->errstr ? context->errstr : "the connection was lost");
    link->heard = true;
    assert(link->count > 0);
    struct pending pending = link->pending[link->head];
    link->head = (link->head + 1) % REDIS_LINK_PENDING_MAX;
    link->count--;
    link->bytes -= pending.bytes;
    if (pending.on_reply)
        pending.on_reply(pending.ctx, reply && reply->type != REDIS_REPLY_ERROR);
}

static void on_pong(redisAsyncContext *context, void *data, void *ctx)
{
    struct redis_link *link = ctx;
    (void)context;
    if (data)
        link->heard = true;
}

static void on_disconnected(const redisAsyncContext *context, int status)
{
    struct redis_link *link = context->data;
    (void)status;
    link->context = NULL;
    const char *why = *context->c.errstr ? context->c.errstr : "the connection was lost";
    if (link->state == LINK_UP)
        lose(link, why);
    else if (link->state == LINK_CONNECTING || link->state == LINK_GREETING)
        fail_attempt(link, "", why);
}

/* The last greeting is PING: without a user part it is the only one that shows that the server wants one. */
static void on_greeted(redisAsyncContext *context, void *data, void *ctx)
{
    struct redis_link *link = context->data;
    const redisReply *reply = data;
    const char *what = ctx; /* NULL: the answer does not matter */
    if (!reply || link->state != LINK_GREETING)
        return;
    if (what && reply->type == REDIS_REPLY_ERROR) {
        fail_attempt(link, what, reply->str);
        return;
    }
    if (--link->greetings > 0)
        return;
    enter(link, LINK_UP, PING_MS);
    link->heard = true;
    link->told_down = false;
    link->up_since_ms = uv_now(link->loop);
    if (link->options.on_up)
        link->options.on_up(link->options.ctx);
}

static void greet(struct redis_link *link, const char *what, int argc, const char **argv)
{
    if (redisAsyncCommandArgv(link->context, on_greeted, (void *)what, argc, argv, NULL) == REDIS_OK)
        link->greetings++;
}

static void step_greet(struct redis_link *link)
{
    enter(link, LINK_GREETING, DIAL_MS);
    link->greetings = 0;
    const char *user = link->url.user, *password = link->url.password;
    if (*user)
        greet(link, "AUTH: ", 3, (const char *[]){"AUTH", user, password});
    else if (*password)
        greet(link, "AUTH: ", 2, (const char *[]){"AUTH", password});
    char database[16];
    snprintf(database, sizeof database, "%d", link->url.database);
    if (link->url.database)
        greet(link, "SELECT: ", 2, (const char *[]){"SELECT", database});
    if (link->options.client_name)
        greet(link, NULL, 3, (const char *[]){"CLIENT", "SETNAME", link->options.client_name});
    greet(link, "", 1, (const char *[]){"PING"});
}

static void on_connected(const redisAsyncContext *context, int status)
{
    struct redis_link *link = context->data;
    if (status != REDIS_OK)
        link->context = NULL;           /* hiredis frees it after this callback */
    if (link->state != LINK_CONNECTING) /* given up or closed a moment ago */
        return;
    if (status == REDIS_OK)
        step_greet(link);
    else
        fail_attempt(link, "", context->c.errstr);
}

static void step_connect(struct redis_link *link)
{
    enter(link, LINK_CONNECTING, DIAL_MS);
    const char *host = link->addresses.text[link->address];
    redisAsyncContext *context =
        link->url.is_socket ? redisAsyncConnectUnix(link->url.host) : redisAsyncConnect(host, link->url.port);
    if (!context)
        abort();
    if (context->err || !redis_adapter_attach(context, link->loop)) {
        fail_attempt(link, "", context->err ? context->errstr : "the connection's socket cannot be watched");
        redisAsyncFree(context);
        return;
    }
    context->data = link;
    link->context = context;
    redisAsyncSetConnectCallback(context, on_connected);
    redisAsyncSetDisconnectCallback(context, on_disconnected);
}

static void on_resolved(void *ctx, const struct resolve_addresses *addresses, const char *why)
{
    struct redis_link *link = ctx;
    link->resolve = NULL;
    if (!addresses) {
        fail_attempt(link, "the host name: ", why);
        return;
    }
    link->addresses = *addresses;
    link->address = 0;
    step_connect(link);
}

static void step_dial(struct redis_link *link)
{
    enter(link, LINK_RESOLVING, DIAL_MS);
    link->address = -1;
    link->addresses.count = 0;
    if (link->url.is_socket || resolve_is_numeric(link->url.host)) {
        struct resolve_addresses given = {.count = 1};
        snprintf(given.text[0], sizeof given.text[0], "%.*s", RESOLVE_TEXT_MAX - 1, link->url.host);
        on_resolved(link, &given, NULL);
        return;
    }
    link->resolve = resolve_open(link->loop, link->url.host, on_resolved, link);
    if (!link->resolve)
        fail_attempt(link, "", "the host name cannot be looked up");
}

static void step_next(struct redis_link *link)
{
    drop_context(link);
    if (link->address + 1 < link->addresses.count) {
        link->address++;
        step_connect(link);
        return;
    }
    enter(link, LINK_DOWN, 0);
}

static void step_down(struct redis_link *link)
{
    drop_context(link);
    assert(link->count == 0);
    if (link->state == LINK_DOWN && !link->told_down) {
        link->told_down = true;
        if (link->options.on_down)
            link->options.on_down(link->options.ctx, link->why);
    }
    if (link->state == LINK_DOWN)
        enter(link, LINK_WAITING, backoff_wait(&link->backoff));
}

static void step_ping(struct redis_link *link)
{
    if (!link->heard) {
        lose(link, "the server has stalled");
        return;
    }
    link->heard = false;
    const char *argv[] = {"PING"};
    redisAsyncCommandArgv(link->context, on_pong, link, 1, argv, NULL);
    uv_timer_start(&link->timer, on_timer, PING_MS, 0);
}

static void on_timer_closed(uv_handle_t *handle)
{
    struct redis_link *link = handle->data;
    void (*on_closed)(void *ctx) = link->on_closed;
    void *ctx = link->closed_ctx;
    free((char *)link->options.client_name);
    free(link);
    if (on_closed)
        on_closed(ctx);
}

static void step_close(struct redis_link *link)
{
    drop_context(link);
    assert(link->count == 0);
    uv_close((uv_handle_t *)&link->timer, on_timer_closed);
}

static void on_timer(uv_timer_t *timer)
{
    struct redis_link *link = timer->data;
    switch (link->state) {
    case LINK_WAITING:
        enter(link, LINK_NEXT, 0);
        step_dial(link);
        break;
    case LINK_NEXT:
        step_next(link);
        break;
    case LINK_RESOLVING:
        fail_attempt(link, "", "the host name was not resolved in time");
        break;
    case LINK_CONNECTING:
    case LINK_GREETING:
        fail_attempt(link, "", "the server did not answer in time");
        break;
    case LINK_UP:
        step_ping(link);
        break;
    case LINK_DOWN:
        step_down(link);
        break;
    case LINK_CLOSED:
        step_close(link);
    }
}

struct redis_link *redis_link_open(uv_loop_t *loop, const struct redis_link_options *options, char *why,
                                   size_t why_size)
{
    struct redis_url url;
    const char *fault = redis_url_parse(&url, options->url);
    if (fault) {
        snprintf(why, why_size, "%s", fault);
        return NULL;
    }
    struct redis_link *link = calloc(1, sizeof *link);
    if (!link)
        abort();
    link->loop = loop;
    link->options = *options;
    link->options.url = NULL;
    link->options.client_name = options->client_name ? strdup(options->client_name) : NULL;
    if (options->client_name && !link->options.client_name)
        abort();
    link->url = url;
    link->state = LINK_WAITING;
    uv_timer_init(loop, &link->timer);
    link->timer.data = link;
    uv_timer_start(&link->timer, on_timer, 0, 0);
    return link;
}

bool redis_link_is_up(const struct redis_link *link)
{
    return link && link->state == LINK_UP;
}

bool redis_link_publish(struct redis_link *link, struct slice channel, struct slice payload,
                        redis_on_reply on_reply, void *ctx)
{
    size_t bytes = channel.len + payload.len;
    if (link->state != LINK_UP || link->count == REDIS_LINK_PENDING_MAX ||
        bytes > REDIS_LINK_BYTES_MAX - link->bytes)
        return false;
    const char *argv[] = {"PUBLISH", channel.ptr, payload.len ? payload.ptr : ""};
    const size_t lengths[] = {7, channel.len, payload.len};
    if (redisAsyncCommandArgv(link->context, on_published, link, 3, argv, lengths) != REDIS_OK)
        return false;
    link->pending[(link->head + link->count) % REDIS_LINK_PENDING_MAX] =
        (struct pending){.on_reply = on_reply, .ctx = ctx, .bytes = bytes};
    link->count++;
    link->bytes += bytes;
    return true;
}

size_t redis_link_pending(const struct redis_link *link)
{
    return link->count;
}

void redis_link_close(struct redis_link **link, void (*on_closed)(void *ctx), void *ctx)
{
    struct redis_link *old = *link;
    *link = NULL;
    if (!old)
        return;
    old->on_closed = on_closed;
    old->closed_ctx = ctx;
    resolve_close(&old->resolve);
    enter(old, LINK_CLOSED, 0);
}
