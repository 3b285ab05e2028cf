#include "server/operation_health.h"

#include "proto/json.h"
#include "server/gateways.h"
#include "server/lmtp.h"
#include "server/metrics.h"
#include "server/openapi.h"
#include "server/project.h"
#include "server/route.h"
#include "storage/pg_link.h"
#include "storage/redis_link.h"

#define JSON_MEDIA_TYPE "application/json"

static void reply(struct http_exchange *exchange, unsigned status, const struct value *body)
{
    http_reply(exchange, status, JSON_MEDIA_TYPE, json_write(body, http_arena(exchange)), NULL, 0);
}

static void serve_healthz(struct app *app, struct http_exchange *exchange)
{
    struct value body = value_map(http_arena(exchange), 2);
    value_set(&body, "status", value_string(SLICE("alive")));
    value_set(&body, "draining", value_bool(app->draining));
    reply(exchange, 200, &body);
}

static struct value state_of(bool is_up, struct arena *arena)
{
    struct value state = value_map(arena, 1);
    value_set(&state, "state", value_string(is_up ? SLICE("up") : SLICE("down")));
    return state;
}

/* A listener that is there listens. */
static struct value lmtp_state(const struct app *app, struct arena *arena)
{
    struct value state = value_map(arena, 2);
    value_set(&state, "state", value_string(app->draining ? SLICE("stopping") : SLICE("up")));
    value_set(&state, "connections", value_int((int64_t)lmtp_connection_count(app->lmtp)));
    return state;
}

static struct value projects_of(const struct app *app, struct arena *arena)
{
    uint32_t count = 0;
    for (const struct project *at = app->projects; at; at = project_next(at))
        count++;
    struct value list = value_list(arena, count);
    for (const struct project *at = app->projects; at; at = project_next(at)) {
        struct value item = value_map(arena, 2);
        value_set(&item, "name", value_string(project_name(at)));
        value_set(&item, "owned", value_bool(project_is_owned(at)));
        value_append(&list, item);
    }
    return list;
}

static bool owns_all(const struct app *app)
{
    for (const struct project *at = app->projects; at; at = project_next(at))
        if (!project_is_owned(at))
            return false;
    return app->projects != NULL; /* before the list was read there is none */
}

/* Ready means that decisions are made here: without the database none can, nor where another router owns a
 * project; without Redis they go on and are published later. */
static void serve_readyz(struct app *app, struct http_exchange *exchange)
{
    struct arena *arena = http_arena(exchange);
    bool has_database = pg_link_is_up(app->writer) && pg_link_is_up(app->reader) &&
                        pg_link_is_up(app->watch) && pg_link_is_up(app->desk);
    bool has_redis = redis_link_is_up(app->redis);
    struct value body = value_map(arena, 6);
    bool is_ready = has_database && !app->draining && owns_all(app);
    const char *status = !has_database || app->draining ? "unavailable"
                         : !is_ready                    ? "standby"
                         : has_redis                    ? "ready"
                                                        : "degraded";
    value_set(&body, "status", value_string(slice_of(status)));
    value_set(&body, "database", state_of(has_database, arena));
    value_set(&body, "redis", state_of(has_redis, arena));
    if (app->lmtp)
        value_set(&body, "lmtp", lmtp_state(app, arena));
    value_set(&body, "projects", projects_of(app, arena));
    value_set(&body, "gateways", gateways_states(app->gateways, arena));
    reply(exchange, is_ready ? 200 : 503, &body);
}

static void serve_metrics(struct app *app, struct http_exchange *exchange)
{
    (void)app;
    http_reply(exchange, 200, METRICS_CONTENT_TYPE, metrics_render(http_arena(exchange)), NULL, 0);
}

static void serve_openapi(struct app *app, struct http_exchange *exchange)
{
    (void)app;
    http_reply(exchange, 200, JSON_MEDIA_TYPE, openapi_text(), NULL, 0);
}

static const struct {
    const char *path;
    void (*serve)(struct app *app, struct http_exchange *exchange);
} paths[] = {
    {"/healthz", serve_healthz},
    {"/readyz", serve_readyz},
    {"/metrics", serve_metrics},
    {"/openapi.json", serve_openapi},
};

bool operation_health_serve(struct app *app, struct http_exchange *exchange)
{
    struct slice path = http_path(exchange), method = http_method(exchange);
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        if (!slice_is(path, paths[i].path))
            continue;
        if (slice_is(method, "GET") || slice_is(method, "HEAD"))
            paths[i].serve(app, exchange);
        else
            route_refuse_method(exchange, "GET, HEAD");
        return true;
    }
    return false;
}
