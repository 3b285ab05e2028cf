/* Owning a project: taking it, loading its state, keeping the lease, settling a commit whose connection was
 * lost, and standing down when another has it. PostgreSQL's clock decides leases; safety hangs on the fence
 * alone. */
#include <assert.h>
#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "proto/project_file.h"
#include "server/log.h"
#include "server/project_internal.h"
#include "server/publisher.h"
#include "server/streams.h"
#include "storage/pg_array_read.h"

bool project_ask(struct project *project, const char *name, const struct query_params *params,
                 pg_on_reply on_reply)
{
    struct pg_query query = {
        .name = name, .params = params->items, .param_count = params->count, .binary_result = true};
    return project_query(project, project->app->writer, &query, on_reply);
}

bool project_query(struct project *project, struct pg_link *link, const struct pg_query *query,
                   pg_on_reply on_reply)
{
    if (!pg_link_submit(link, query, on_reply, project))
        return false;
    project->replies++;
    return true;
}

/* --- States --- */

static const char *const state_names[] = {"standby",  "acquiring", "loading", "owned",
                                          "settling", "closing",   "closed"};

void project_enter(struct project *project, enum project_state state)
{
    static const unsigned legal[] = {
        [PROJECT_STANDBY] = 1u << PROJECT_ACQUIRING | 1u << PROJECT_CLOSING,
        [PROJECT_ACQUIRING] = 1u << PROJECT_LOADING | 1u << PROJECT_STANDBY | 1u << PROJECT_CLOSING,
        [PROJECT_LOADING] = 1u << PROJECT_OWNED | 1u << PROJECT_STANDBY | 1u << PROJECT_CLOSING,
        [PROJECT_OWNED] = 1u << PROJECT_SETTLING | 1u << PROJECT_STANDBY | 1u << PROJECT_CLOSING,
        [PROJECT_SETTLING] = 1u << PROJECT_OWNED | 1u << PROJECT_STANDBY | 1u << PROJECT_CLOSING,
        [PROJECT_CLOSING] = 1u << PROJECT_CLOSED,
        [PROJECT_CLOSED] = 0,
    };
    assert(legal[project->state] & 1u << state);
    log_event(LOG_DEBUG, "project state",
              (struct log_field[]){log_text("project", project_name(project)),
                                   log_str("from", state_names[project->state]),
                                   log_str("to", state_names[state])},
              3);
    project->state = state;
}

static void retry_later(struct project *project)
{
    project->retry_at_ms = (int64_t)uv_now(project->app->loop) + PROJECT_RETRY_MS;
}

static void read_owner(struct project *project);

void owner_drop(struct project *project)
{
    if (!project->has_core)
        return;
    resolution_give_up(project);
    for (struct intake_request *request = project->queue.first; request; request = request->next)
        request_unpin(project, request);
    core_deinit(&project->core);
    flight_drop(project);
    project->has_core = false;
    audit_forget(&project->audit);
    uv_timer_stop(&project->core_timer);
    facts_forget_all(project->facts);
    known_forget(project);
    changes_clear(project);
    config_drop(&project->next_config);
    publisher_project_gone(project->app->publisher, project);
    streams_project_gone(project->app->streams, project);
}

void owner_stand_down(struct project *project, const char *why)
{
    log_event(LOG_INFO, "standing down",
              (struct log_field[]){log_text("project", project_name(project)), log_str("why", why)}, 2);
    if (project->state != PROJECT_STANDBY)
        project_enter(project, PROJECT_STANDBY);
    owner_drop(project);
    project->reloading = false;
    retry_later(project);
    intake_fail_unavailable(project, &project->queue);
    if (pg_link_is_up(project->app->writer))
        read_owner(project); /* for whoever asks next */
}

void owner_reload(struct project *project, const char *why)
{
    log_event(LOG_INFO, "loading the project again",
              (struct log_field[]){log_text("project", project_name(project)), log_str("why", why)}, 2);
    project_enter(project, PROJECT_STANDBY);
    owner_drop(project);
    project->reloading = true;
    project->retry_at_ms = 0;
}

/* --- Taking --- */

/* Somebody else has it, or the database is slow. */
static void give_up_taking(struct project *project)
{
    project_enter(project, PROJECT_STANDBY);
    project->reloading = false;
    retry_later(project);
    intake_fail_unavailable(project, &project->queue);
}

static void take_fence(struct project *project, const struct pg_reply *reply)
{
    project->epoch = (uint64_t)pg_int64(reply, 0, 0);
    project->journal_seq = (uint64_t)pg_int64(reply, 0, 1);
    project->facts_version = (uint64_t)pg_int64(reply, 0, 2);
    project->published_seq = (uint64_t)pg_int64(reply, 0, 4);
}

/* A process before this one may still be known at this very address: nobody is sent there. */
static void note_owner(struct project *project, struct slice address)
{
    if (slice_equal(address, slice_of(project->app->address)))
        address.len = 0;
    size_t len =
        address.len < sizeof project->owner_address ? address.len : sizeof project->owner_address - 1;
    memcpy(project->owner_address, address.ptr, len);
    project->owner_address[len] = 0;
}

/* A router that does not own a project still serves its customers and says who does: it needs the
 * configuration. */
static void on_standby_config(void *ctx, const struct pg_reply *reply)
{
    struct project *project = ctx;
    if (project->state == PROJECT_STANDBY && reply->outcome == PG_OK) {
        struct loaded_config *loaded = config_load(project, reply);
        if (loaded)
            config_replace(project, loaded);
    }
    project_reply_done(project);
}

static void on_owner_read(void *ctx, const struct pg_reply *reply)
{
    struct project *project = ctx;
    if (reply->outcome == PG_OK && reply->rows == 1 && project->state == PROJECT_STANDBY) {
        note_owner(project, pg_cell(reply, 0, 1));
        if (!project->config || project->config->version != (uint64_t)pg_int64(reply, 0, 5))
            config_ask(project, 0, on_standby_config);
    }
    project_reply_done(project);
}

static void read_owner(struct project *project)
{
    struct query_params params = {.count = 0};
    params_int(&params, project->id);
    project_ask(project, "fence_read", &params, on_owner_read);
}

static void on_acquired(void *ctx, const struct pg_reply *reply)
{
    struct project *project = ctx;
    if (project->state == PROJECT_ACQUIRING) {
        if (reply->outcome == PG_OK && reply->rows == 1) {
            take_fence(project, reply);
            project->owner_address[0] = 0; /* of the one before */
            project->core.at_ms = pg_int64(reply, 0, 5);
            project->taken_config = (uint64_t)pg_int64(reply, 0, 6);
            project_enter(project, PROJECT_LOADING);
            load_start(project);
        } else {
            give_up_taking(project);
            if (reply->outcome == PG_OK)
                read_owner(project);
            else if (reply->outcome == PG_REFUSED && strcmp(reply->sqlstate, "55P03") != 0)
                log_event(LOG_ERROR, "a project cannot be taken",
                          (struct log_field[]){log_text("project", project_name(project)),
                                               log_str("why", reply->message)},
                          2);
        }
    }
    project_reply_done(project);
}

/* A dead owner's row lock outlives no backend: those of owners whose lease has run out are ended first. */
static void on_evicted(void *ctx, const struct pg_reply *reply)
{
    struct project *project = ctx;
    struct query_params params = {.count = 0};
    if (project->state == PROJECT_ACQUIRING) {
        params_int(&params, project->id);
        params_uuid(&params, &project->app->instance);
        params_text(&params, project->app->address);
        params_number(&params, (uint64_t)project->app->settings->lease_ms);
        if (reply->outcome != PG_OK || !project_ask(project, "fence_acquire", &params, on_acquired))
            give_up_taking(project);
    }
    project_reply_done(project);
}

void owner_acquire(struct project *project)
{
    struct query_params params = {.count = 0};
    params_int(&params, project->id);
    if (project->replies || !project_ask(project, "fence_evict", &params, on_evicted))
        return;
    project_enter(project, PROJECT_ACQUIRING);
}

/* --- Keeping --- */

static void on_renewed(void *ctx, const struct pg_reply *reply)
{
    struct project *project = ctx;
    project->renewing = false;
    if (reply->outcome == PG_OK && project->state == PROJECT_OWNED) {
        if (reply->rows == 0 && !project->core.batch_count)
            owner_stand_down(project, "another router owns the project");
        else if (reply->rows == 0)
            project->renewed_ms = 0; /* the batch in flight will tell */
        else if ((uint64_t)pg_int64(reply, 0, 0) != project->facts_version)
            project->changes_wanted = true;
        if (project->changes_wanted)
            turn_request(&project->turn);
    }
    project_reply_done(project);
}

void owner_renew(struct project *project)
{
    struct query_params params = {.count = 0};
    if (project->renewing)
        return;
    params_int(&params, project->id);
    params_uuid(&params, &project->app->instance);
    params_number(&params, project->epoch);
    params_number(&params, (uint64_t)project->app->settings->lease_ms);
    params_number(&params, publisher_watermark(project->app->publisher, project));
    project->renewing = project_ask(project, "fence_renew", &params, on_renewed);
    project->renewed_ms = (int64_t)uv_now(project->app->loop);
}

/* --- A batch that found no row --- */

static void on_examined(void *ctx, const struct pg_reply *reply)
{
    struct project *project = ctx;
    project->examining = false;
    if (project->state == PROJECT_OWNED && reply->outcome == PG_OK && reply->rows == 1) {
        struct uuid owner = pg_uuid(reply, 0, 0);
        bool mine = uuid_equal(&owner, &project->app->instance) &&
                    (uint64_t)pg_int64(reply, 0, 2) == project->epoch &&
                    (uint64_t)pg_int64(reply, 0, 3) == project->journal_seq;
        if (!mine) {
            note_owner(project, pg_cell(reply, 0, 1));
            owner_stand_down(project, "another router took the project");
        } else if ((uint64_t)pg_int64(reply, 0, 4) != project->facts_version)
            project->changes_wanted = true;
    }
    turn_request(&project->turn);
    project_reply_done(project);
}

void owner_examine(struct project *project)
{
    struct query_params params = {.count = 0};
    params_int(&params, project->id);
    project->examining = project_ask(project, "fence_read", &params, on_examined);
}

/* --- In doubt --- */

static void on_settled(void *ctx, const struct pg_reply *reply)
{
    struct project *project = ctx;
    if (project->state == PROJECT_SETTLING && reply->outcome == PG_OK) {
        if (reply->rows == 0) {
            flight_discard_requests(project);
            owner_stand_down(project, "another router took the project while a commit was in doubt");
        } else {
            uint64_t seq = (uint64_t)pg_int64(reply, 0, 1);
            project->epoch = (uint64_t)pg_int64(reply, 0, 0);
            bool in = seq != project->journal_seq;
            log_event(LOG_INFO, "a commit in doubt is settled",
                      (struct log_field[]){log_text("project", project_name(project)), log_bool("in", in),
                                           log_int("sequence", (int64_t)seq)},
                      3);
            if ((uint64_t)pg_int64(reply, 0, 2) != project->facts_version)
                project->changes_wanted = true;
            flight_settle(project, seq);
            if (project->state == PROJECT_SETTLING) /* and not standing down */
                project_enter(project, PROJECT_OWNED);
        }
    }
    /* Refused (a lock that the dead backend still holds) or lost again: asked once more with the next
     * housekeeping. */
    project->examining = false;
    turn_request(&project->turn);
    project_reply_done(project);
}

static void on_old_backend_ended(void *ctx, const struct pg_reply *reply)
{
    (void)reply; /* what stands is what the settlement says */
    project_reply_done(ctx);
}

/* Our own lost backend may hold the fence's row for as long as the network does not tell it: once the lease
 * has run out it is ended like anybody else's. */
void owner_settle(struct project *project)
{
    struct query_params params = {.count = 0};
    if (project->examining)
        return;
    params_int(&params, project->id);
    project_ask(project, "fence_evict", &params, on_old_backend_ended);
    params_uuid(&params, &project->app->instance);
    params_number(&params, project->epoch);
    params_number(&params, (uint64_t)project->app->settings->lease_ms);
    project->examining = project_ask(project, "fence_settle", &params, on_settled);
}

/* --- Giving it back --- */

static void on_released(void *ctx, const struct pg_reply *reply)
{
    struct project *project = ctx;
    (void)reply; /* the lease runs out by itself where this did not arrive */
    project->releasing = false;
    project_reply_done(project);
}

void owner_release(struct project *project)
{
    struct query_params params = {.count = 0};
    params_int(&params, project->id);
    params_uuid(&params, &project->app->instance);
    params_number(&params, project->epoch);
    params_number(&params, publisher_watermark(project->app->publisher, project));
    project->releasing = project_ask(project, "fence_release", &params, on_released);
}
