/* A project's life: opened, kept by a timer, closed. */
#include "server/project.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "server/gateways.h"
#include "server/log.h"
#include "server/long_links.h"
#include "server/metrics.h"
#include "server/project_internal.h"
#include "server/publisher.h"

static void on_turn(void *ctx)
{
    project_pump(ctx);
}

static void finish_close(struct project *project);

/* Nothing was committed for as long as a request may wait: the database is away, whatever its links say. */
static bool storage_is_silent(const struct project *project, int64_t now)
{
    return !pg_link_is_up(project->app->writer) || !pg_link_is_up(project->app->reader) ||
           now - project->committed_ms >= project->app->settings->storage_wait_ms;
}

/* Wherever they wait. What is in flight may still turn out to be in. */
static void expire(struct project *project, int64_t now)
{
    flight_expire(project, now);
    if (request_list_is_over(&project->ready, now))
        resolution_give_up(project);
    intake_expire(project);
}

static void cut_silent(struct project *project)
{
    pg_link_cut(project->app->writer, "it did not answer while stopping");
    if (project->holds || project->trimming || project->filling || project->index.running ||
        project->upkeep.asked || project->orphans.is_asked)
        pg_link_cut(project->app->desk, "it did not answer while stopping");
    if (project->holds && project->app->long_links)
        long_links_cut(project->app->long_links, "it did not answer while stopping");
}

/* Requests whose time is over, the lease, and whatever a lost message left undone. */
static void on_housekeeping(uv_timer_t *timer)
{
    struct project *project = timer->data;
    int64_t now = (int64_t)uv_now(project->app->loop);
    bool writer_up = pg_link_is_up(project->app->writer);
    resolution_cut_late(project);
    switch (project->state) {
    case PROJECT_STANDBY:
        if (writer_up && now >= project->retry_at_ms)
            owner_acquire(project);
        break;
    case PROJECT_OWNED:
        if (flight_is_late(project))
            pg_link_cut(project->app->writer, "a batch was not answered in time");
        if (writer_up && now - project->renewed_ms >= project->app->settings->lease_ms / 3)
            owner_renew(project);
        known_load_go_on(project);
        upkeep_go_on(project);
        break;
    case PROJECT_SETTLING:
        if (writer_up)
            owner_settle(project);
        break;
    case PROJECT_CLOSING:
        if (now >= project->retry_at_ms)
            cut_silent(project);
        finish_close(project);
        return;
    case PROJECT_ACQUIRING:
    case PROJECT_LOADING:
    case PROJECT_CLOSED:
        break;
    }
    if (storage_is_silent(project, now))
        expire(project, now);
    if (project->state == PROJECT_OWNED) {
        changes_trim(project);
        field_index_fill(project);
        customer_index_tick(project);
        audit_sweep(project);
    }
    gateways_sync(project->app->gateways, project);
    if (project->state == PROJECT_OWNED)
        gateway_orphans_go_on(project);
    project_pump(project);
}

struct project *project_open(struct app *app, uint32_t id, struct slice name)
{
    struct project *project = calloc(1, sizeof *project);
    if (!project)
        abort();
    project->app = app;
    project->id = id;
    project->name = strndup(name.ptr, name.len);
    project->facts = facts_cache_alloc((size_t)app->settings->cache_entries);
    project->known = known_keys_alloc(KNOWN_KEYS_MAX);
    project->writers = known_writers_alloc(KNOWN_WRITERS_MAX);
    project->mail_budget = mail_budget_alloc();
    project->store = batch_store_alloc();
    audit_init(&project->audit);
    while (project->idle_count < PROJECT_BATCHES)
        project->idle[project->idle_count++] = batch_alloc();
    project->batch = project->idle[--project->idle_count];
    if (!project->name)
        abort();
    request_list_init(&project->queue);
    request_list_init(&project->immediate);
    request_list_init(&project->ready);
    table_init(&project->pending);
    project->changes_tail = &project->changes;
    project->batch_limit = (size_t)app->settings->batch_max;
    turn_init(&project->turn, app->loop, on_turn, project);
    uv_timer_init(app->loop, &project->core_timer);
    uv_timer_init(app->loop, &project->housekeeping);
    customer_index_init(project);
    project->core_timer.data = project->housekeeping.data = project;
    uv_timer_start(&project->housekeeping, on_housekeeping, 0, PROJECT_HOUSEKEEPING_MS);
    project->next = app->projects;
    app->projects = project;
    return project;
}

void project_on_writer_up(struct project *project)
{
    project->retry_at_ms = 0;
    on_housekeeping(&project->housekeeping);
}

void project_on_writer_down(struct project *project)
{
    if (project->state == PROJECT_LOADING || project->state == PROJECT_ACQUIRING)
        owner_stand_down(project, "the database went away");
}

/* --- Closing --- */

static void unlink_project(struct project *project)
{
    struct project **link = &project->app->projects;
    while (*link != project)
        link = &(*link)->next;
    *link = project->next;
}

static void free_project(struct project *project)
{
    void (*on_closed)(void *) = project->on_closed;
    void *ctx = project->closed_ctx;
    batch_free(&project->batch);
    while (project->idle_count)
        batch_free(&project->idle[--project->idle_count]);
    batch_store_free(&project->store);
    facts_cache_free(&project->facts);
    known_keys_free(&project->known);
    known_writers_free(&project->writers);
    mail_budget_free(&project->mail_budget);
    table_deinit(&project->pending);
    config_drop(&project->config);
    waits_deinit(&project->waits);
    free(project->name);
    audit_deinit(&project->audit);
    free(project);
    on_closed(ctx);
}

static void on_turn_closed(void *ctx)
{
    struct project *project = ctx;
    if (--project->handles == 0)
        free_project(project);
}

static void on_timer_closed(uv_handle_t *handle)
{
    on_turn_closed(handle->data);
}

/* As soon as nothing is in flight any more. */
static void finish_close(struct project *project)
{
    if (project->replies || project->holds)
        return; /* answered by the database, or by the link when it is cut */
    if (project->core.batch_count)
        flight_discard_requests(project);
    /* What came back from a batch that failed meanwhile, and repeats that waited for it. */
    resolution_give_up(project);
    intake_refuse_all(&project->queue, PROBLEM_STORAGE_UNAVAILABLE, "the server is stopping");
    intake_tell_immediate(project);
    changes_settle(project, false);
    project_enter(project, PROJECT_CLOSED);
    owner_drop(project);
    project->handles = 4;
    unlink_project(project);
    turn_close(&project->turn, on_turn_closed);
    uv_close((uv_handle_t *)&project->core_timer, on_timer_closed);
    uv_close((uv_handle_t *)&project->housekeeping, on_timer_closed);
    customer_index_close(project, on_timer_closed);
}

void project_close(struct project *project, void (*on_closed)(void *ctx), void *ctx)
{
    bool owned = project->state == PROJECT_OWNED && !project->core.batch_count;
    project->on_closed = on_closed;
    project->closed_ctx = ctx;
    intake_refuse_all(&project->immediate, PROBLEM_STORAGE_UNAVAILABLE, "the server is stopping");
    resolution_give_up(project);
    intake_refuse_all(&project->queue, PROBLEM_STORAGE_UNAVAILABLE, "the server is stopping");
    project_enter(project, PROJECT_CLOSING);
    project->retry_at_ms = (int64_t)uv_now(project->app->loop) + PROJECT_CLOSE_WAIT_MS;
    if (owned && pg_link_is_up(project->app->writer))
        owner_release(project);
    finish_close(project);
}

void project_reply_done(struct project *project)
{
    assert(project->replies > 0);
    if (--project->replies == 0 && project->state == PROJECT_CLOSING)
        finish_close(project);
}

void project_hold(struct project *project)
{
    assert(project->state != PROJECT_CLOSED);
    project->holds++;
}

void project_let_go(struct project *project)
{
    assert(project->holds > 0);
    if (--project->holds == 0 && project->state == PROJECT_CLOSING)
        finish_close(project);
}

/* --- Reading it --- */

struct project *project_next(const struct project *project)
{
    return project->next;
}

struct slice project_name(const struct project *project)
{
    return slice_of(project->name);
}

uint32_t project_id(const struct project *project)
{
    return project->id;
}

bool project_is_owned(const struct project *project)
{
    return project->state == PROJECT_OWNED || project->state == PROJECT_SETTLING;
}

bool project_is_serving(const struct project *project)
{
    return (project_is_owned(project) || project->reloading) && project->config;
}

const struct project_config *project_config(const struct project *project)
{
    return project->config ? &project->config->config : NULL;
}

const struct core *project_core(const struct project *project)
{
    return project->has_core ? &project->core : NULL;
}

int64_t project_estimated_wait(const struct project *project, const struct interaction *interaction,
                               uint32_t position)
{
    return waits_estimate(&project->waits, interaction->data.queue, interaction->channel, position,
                          clock_now_ms());
}

int64_t project_waiting(const struct project *project)
{
    return (int64_t)project->queue.count;
}

bool project_is_idle(const struct project *project)
{
    return !project->queue.first && !project->immediate.first && !project->resolving &&
           !project->ready.first && !(project->has_core && project->core.batch_count);
}
