/* Opening order: links, publisher, streams, listeners; projects come when the database has been reached.
 * Closing goes the other way: new work is refused, what was accepted is decided, projects are given back,
 * then streams, links, listeners. */
#include "server/serve.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "server/app.h"
#include "server/auth.h"
#include "server/gateways.h"
#include "server/listeners.h"
#include "server/log.h"
#include "server/long_links.h"
#include "server/loop_end.h"
#include "server/loop_meter.h"
#include "server/metrics.h"
#include "server/project.h"
#include "server/publisher.h"
#include "server/service.h"
#include "server/streams.h"
#include "server/table_care.h"
#include "storage/pg_link.h"
#include "storage/redis_link.h"

#define LAG_EVERY_MS 500
#define DRAIN_LOOK_MS 10
#define LINK_NAME_MAX 80

/* The plans of batches must not change with what the tables happened to hold when they were made: always by
 * index, and in the session's own process, for starting helpers takes longer than any of these reads. */
static const char session_setup[] =
    "SET plan_cache_mode = force_generic_plan;"
    "SET enable_seqscan = off; SET enable_hashjoin = off; SET enable_mergejoin = off;"
    "SET max_parallel_workers_per_gather = 0; SET lock_timeout = '5s'; SET patchbay.routes = on";
/* Whoever waits here keeps everybody waiting. A notification is a transaction, but nothing that must last. */
static const char watch_setup[] =
    "SET plan_cache_mode = force_generic_plan;"
    "SET synchronous_commit = off; SET lock_timeout = '2s'; SET statement_timeout = '5s'";
static const char desk_setup[] = "SET max_parallel_workers_per_gather = 0; SET statement_timeout = '30s'";

struct serve {
    struct app app; /* first: app_find_project() gets from it to the rest */
    struct settings settings;
    uv_loop_t loop;
    uv_signal_t signals[3];
    uv_timer_t lag, drain, end;
    struct table_care tables;
    struct loop_meter meter;
    uint64_t lag_expected_ns, drain_until_ms;
    struct service_watchdog *watchdog;
    bool loading_projects, load_again, ready, closing;
    unsigned step;    /* of the shutdown */
    unsigned waiting; /* parts of the step that are not closed yet */
};

static struct project *find_project(const struct serve *serve, struct slice name)
{
    struct project *project = serve->app.projects;
    while (project && !slice_equal(project_name(project), name))
        project = project_next(project);
    return project;
}

struct project *app_find_project(struct app *app, struct slice name)
{
    struct project *project = find_project((const struct serve *)app, name);
    return project && project_config(project) ? project : NULL;
}

/* --- Projects --- */

static void tell_ready(struct serve *serve)
{
    if (serve->ready)
        return;
    serve->ready = true;
    service_ready();
}

static void load_projects(struct serve *serve);

static void on_projects(void *ctx, const struct pg_reply *reply)
{
    struct serve *serve = ctx;
    serve->loading_projects = false;
    if (reply->outcome == PG_REFUSED)
        log_event(LOG_ERROR, "projects cannot be read; has `patchbay migrate` been run?",
                  (struct log_field[]){log_str("why", reply->message)}, 1);
    if (reply->outcome != PG_OK || serve->closing)
        return;
    for (int row = 0; row < reply->rows; row++) {
        struct slice name = pg_cell(reply, row, 1);
        if (!find_project(serve, name))
            project_open(&serve->app, (uint32_t)pg_int64(reply, row, 0), name);
    }
    tell_ready(serve);
    if (serve->load_again)
        load_projects(serve);
}

/* What is being read may be older than what made somebody call: once more then. */
static void load_projects(struct serve *serve)
{
    struct pg_query query = {.name = "load_projects", .binary_result = true};
    serve->load_again = serve->loading_projects;
    if (!serve->loading_projects && !serve->closing)
        serve->loading_projects = pg_link_submit(serve->app.desk, &query, on_projects, serve);
}

/* --- Links --- */

static void show_links(struct serve *serve)
{
    const struct app *app = &serve->app;
    metric_set(METRIC_DATABASE_UP, 0,
               pg_link_is_up(app->writer) && pg_link_is_up(app->reader) && pg_link_is_up(app->watch));
    metric_set(METRIC_REDIS_UP, 0, redis_link_is_up(app->redis));
}

static void log_down(struct serve *serve, const char *message, const char *why)
{
    static struct log_limit limit;
    if (!serve->closing)
        log_event_limited(&limit, LOG_WARN, message, (struct log_field[]){log_str("why", why)}, 1);
}

static void on_writer_up(void *ctx, int backend_pid)
{
    struct serve *serve = ctx;
    struct project *next;
    log_event(LOG_INFO, "database is connected", (struct log_field[]){log_int("backend", backend_pid)}, 1);
    show_links(serve);
    table_care_on_writer_up(&serve->tables);
    for (struct project *project = serve->app.projects; project; project = next) {
        next = project_next(project);
        project_on_writer_up(project);
    }
}

static void on_writer_down(void *ctx, const char *why)
{
    struct serve *serve = ctx;
    log_down(serve, "database is away", why);
    show_links(serve);
    for (struct project *project = serve->app.projects; project; project = project_next(project))
        project_on_writer_down(project);
}

static void on_reader_up(void *ctx, int backend_pid)
{
    struct serve *serve = ctx;
    (void)backend_pid;
    show_links(serve);
    for (struct project *project = serve->app.projects; project; project = project_next(project))
        project_on_writer_up(project);
}

/* The reader, or the desk. */
static void on_side_down(void *ctx, const char *why)
{
    (void)why;
    show_links(ctx);
}

static void on_desk_up(void *ctx, int backend_pid)
{
    struct serve *serve = ctx;
    (void)backend_pid;
    load_projects(serve);
    publisher_on_desk_up(serve->app.publisher);
}

/* Notifications that came while the link was away are lost: everything is looked at again. */
static void on_watch_up(void *ctx, int backend_pid)
{
    struct serve *serve = ctx;
    (void)backend_pid;
    show_links(serve);
    auth_forget_all(serve->app.auth);
    load_projects(serve);
    for (struct project *project = serve->app.projects; project; project = project_next(project))
        project_facts_changed(project, NULL, NULL);
}

static void on_watch_down(void *ctx, const char *why)
{
    log_down(ctx, "database is away", why);
    show_links(ctx);
}

static void on_notify(void *ctx, const char *payload, bool is_own)
{
    struct serve *serve = ctx;
    static const char facts[] = "facts:";
    if (strncmp(payload, facts, sizeof facts - 1) == 0) {
        struct project *project = find_project(serve, slice_of(payload + sizeof facts - 1));
        if (project)
            project_facts_changed(project, NULL, NULL);
        else
            load_projects(serve);
    } else {
        auth_on_notify(serve->app.auth, payload, is_own);
    }
}

static void on_redis_up(void *ctx)
{
    struct serve *serve = ctx;
    log_line(LOG_INFO, "redis is connected");
    show_links(serve);
    publisher_on_redis_up(serve->app.publisher);
}

static void on_redis_down(void *ctx, const char *why)
{
    struct serve *serve = ctx;
    static struct log_limit limit;
    if (!serve->closing)
        log_event_limited(&limit, LOG_WARN, "redis is away; decisions go on and are published later",
                          (struct log_field[]){log_str("why", why)}, 1);
    show_links(serve);
    publisher_on_redis_down(serve->app.publisher);
}

static bool open_links(struct serve *serve, char *why, size_t size)
{
    struct app *app = &serve->app;
    char writer[LINK_NAME_MAX], instance[UUID_TEXT_LEN + 1];
    uuid_format(&app->instance, instance);
    snprintf(writer, sizeof writer, "patchbay writer %s", instance);
    struct pg_link_options options = {.conninfo = serve->settings.database,
                                      .application_name = writer,
                                      .setup = session_setup,
                                      .on_up = on_writer_up,
                                      .on_down = on_writer_down,
                                      .ctx = serve};
    app->writer = pg_link_open(&serve->loop, &options, why, size);
    options.application_name = "patchbay reader";
    options.on_up = on_reader_up;
    options.on_down = on_side_down;
    app->reader = app->writer ? pg_link_open(&serve->loop, &options, why, size) : NULL;
    options.application_name = "patchbay desk";
    options.setup = desk_setup;
    options.on_up = on_desk_up;
    app->desk = app->reader ? pg_link_open(&serve->loop, &options, why, size) : NULL;
    options.application_name = "patchbay watch";
    options.setup = watch_setup;
    options.listen = "patchbay";
    options.on_up = on_watch_up;
    options.on_down = on_watch_down;
    options.on_notify = on_notify;
    app->watch = app->desk ? pg_link_open(&serve->loop, &options, why, size) : NULL;
    if (app->watch)
        app->long_links = long_links_open(&serve->loop, serve->settings.database, why, size);
    if (!app->long_links)
        return false;
    struct redis_link_options redis = {.url = serve->settings.redis,
                                       .client_name = "patchbay",
                                       .on_up = on_redis_up,
                                       .on_down = on_redis_down,
                                       .ctx = serve};
    app->redis = redis_link_open(&serve->loop, &redis, why, size);
    return app->redis != NULL;
}

/* --- Closing --- */

static void next_step(struct serve *serve);

static void part_closed(void *ctx)
{
    struct serve *serve = ctx;
    if (--serve->waiting == 0)
        next_step(serve);
}

static void close_projects(struct serve *serve)
{
    struct project *next;
    for (struct project *project = serve->app.projects; project; project = next) {
        next = project_next(project);
        serve->waiting++;
        project_close(project, part_closed, serve);
    }
}

static void close_links(struct serve *serve)
{
    struct pg_link **links[] = {&serve->app.writer, &serve->app.reader, &serve->app.desk, &serve->app.watch};
    if (serve->app.auth)
        auth_leave_link(serve->app.auth);
    for (size_t i = 0; i < sizeof links / sizeof *links; i++) {
        if (!*links[i])
            continue;
        serve->waiting++;
        pg_link_close(links[i], part_closed, serve);
    }
    serve->waiting += long_links_close(&serve->app.long_links, part_closed, serve);
    if (serve->app.redis) {
        serve->waiting++;
        redis_link_close(&serve->app.redis, part_closed, serve);
    }
}

static void close_listeners(struct serve *serve)
{
    serve->waiting += listeners_close(&serve->app, part_closed, serve);
}

/* Their events went back to them when the projects were closed. */
static void close_gateways(struct serve *serve)
{
    serve->waiting++;
    gateways_close(&serve->app.gateways, part_closed, serve);
}

static void close_rest(struct serve *serve)
{
    if (serve->app.auth) {
        serve->waiting++;
        auth_close(&serve->app.auth, part_closed, serve);
    }
    publisher_free(&serve->app.publisher);
    service_watchdog_close(&serve->watchdog);
    for (int i = 0; i < 3; i++)
        uv_close((uv_handle_t *)&serve->signals[i], NULL);
    table_care_close(&serve->tables);
    uv_close((uv_handle_t *)&serve->lag, NULL);
    uv_close((uv_handle_t *)&serve->drain, NULL);
    loop_meter_close(&serve->meter);
    loop_end_begin(&serve->end);
}

static void close_streams(struct serve *serve)
{
    serve->waiting++;
    streams_close(&serve->app.streams, part_closed, serve);
}

/* Each step begins when every part of the one before has closed. */
static void next_step(struct serve *serve)
{
    static void (*const steps[])(struct serve * serve) = {close_projects, close_gateways,  close_streams,
                                                          close_links,    close_listeners, close_rest};
    while (serve->step < sizeof steps / sizeof *steps) {
        serve->waiting++; /* so that a part that closes at once does not run ahead */
        steps[serve->step++](serve);
        if (--serve->waiting)
            return;
    }
}

static void on_drain(uv_timer_t *timer)
{
    struct serve *serve = timer->data;
    bool idle = true;
    for (struct project *project = serve->app.projects; project; project = project_next(project))
        idle &= project_is_idle(project);
    if (!idle && uv_now(&serve->loop) < serve->drain_until_ms)
        return;
    uv_timer_stop(timer);
    next_step(serve);
}

static void stop(struct serve *serve)
{
    if (serve->closing)
        return;
    log_line(LOG_INFO, "stopping: what was accepted is finished first");
    service_stopping();
    serve->closing = serve->app.draining = true;
    listeners_quiesce(&serve->app);
    gateways_quiesce(serve->app.gateways);
    serve->drain_until_ms = uv_now(&serve->loop) + SERVE_DRAIN_MS;
    uv_timer_start(&serve->drain, on_drain, 0, DRAIN_LOOK_MS);
}

static void on_signal(uv_signal_t *signal, int number)
{
    struct serve *serve = signal->data;
    if (number != SIGHUP) {
        stop(serve);
        return;
    }
    service_reloading();
    if (settings_reload(&serve->settings))
        log_line(LOG_INFO, "configuration was read again");
    service_ready();
}

/* --- Watching --- */

static void on_lag(uv_timer_t *timer)
{
    struct serve *serve = timer->data;
    uint64_t now = uv_hrtime();
    if (serve->lag_expected_ns)
        metric_observe(METRIC_LOOP_LAG, 0,
                       now > serve->lag_expected_ns ? (double)(now - serve->lag_expected_ns) / 1e9 : 0);
    serve->lag_expected_ns = now + LAG_EVERY_MS * UINT64_C(1000000);
    listeners_count(&serve->app);
}

static void collect(void *ctx, struct metrics_collector *collector)
{
    struct serve *serve = ctx;
    gateways_collect(serve->app.gateways, collector);
    for (struct project *project = serve->app.projects; project; project = project_next(project)) {
        const struct core *core = project_core(project);
        if (!core)
            continue;
        for (uint32_t queue = 0; queue < core->config->queue_count; queue++) {
            for (int channel = 0; channel < CHANNEL_COUNT; channel++) {
                struct core_depth depth = core_depth(core, (int)queue, (enum channel)channel);
                double wait = depth.waiting ? (double)(core->at_ms - depth.since_ms) / 1000 : 0;
                metrics_queue(collector, project_name(project), core->config->queues[queue].name,
                              (enum channel)channel, depth.waiting, wait);
            }
        }
    }
}

static void open_timers(struct serve *serve)
{
    static const int numbers[] = {SIGTERM, SIGINT, SIGHUP};
    for (int i = 0; i < 3; i++) {
        uv_signal_init(&serve->loop, &serve->signals[i]);
        serve->signals[i].data = serve;
        uv_signal_start(&serve->signals[i], on_signal, numbers[i]);
    }
    uv_timer_init(&serve->loop, &serve->lag);
    uv_timer_init(&serve->loop, &serve->drain);
    loop_end_init(&serve->end, &serve->loop);
    serve->lag.data = serve->drain.data = serve;
    table_care_init(&serve->tables, &serve->app);
    uv_timer_start(&serve->lag, on_lag, LAG_EVERY_MS, LAG_EVERY_MS);
    loop_meter_init(&serve->meter, &serve->loop);
}

int serve_run(const struct settings *settings)
{
    struct serve *serve = calloc(1, sizeof *serve);
    char why[256] = "";
    if (!serve || getrandom(serve->app.instance.bytes, sizeof serve->app.instance.bytes, 0) !=
                      (ssize_t)sizeof serve->app.instance.bytes)
        abort();
    serve->settings = *settings;
    uv_loop_init(&serve->loop);
    serve->app.loop = &serve->loop;
    serve->app.settings = &serve->settings;
    open_timers(serve);
    serve->app.publisher = publisher_open(&serve->app);
    serve->app.streams = streams_open(&serve->app);
    serve->app.gateways = gateways_open(&serve->app);
    metrics_on_collect(collect, serve);
    bool good = open_links(serve, why, sizeof why);
    if (good) {
        serve->app.auth = auth_open(&serve->loop, serve->app.watch, &serve->app.instance);
        good = listeners_open(&serve->app, why, sizeof why);
    }
    if (good) {
        listeners_print(&serve->app);
        serve->watchdog = service_watchdog_open(&serve->loop);
    } else {
        log_event(LOG_ERROR, "cannot start", (struct log_field[]){log_str("why", why)}, 1);
        stop(serve);
    }
    uv_run(&serve->loop, UV_RUN_DEFAULT);
    metrics_on_collect(NULL, NULL);
    loop_end(&serve->end, good ? 0 : 1);
    free(serve);
    return good ? 0 : 1;
}
