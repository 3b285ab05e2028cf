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

#define PARAMS_MAX 8

/* Big-endian parameters of small queries. */
struct params {
    struct pg_param items[PARAMS_MAX];
    int64_t numbers[PARAMS_MAX];
    int count;
};

static void add_number(struct params *params, uint64_t value)
{
    params->numbers[params->count] = (int64_t)htobe64(value);
    params->items[params->count] =
        (struct pg_param){.data = &params->numbers[params->count], .len = sizeof(int64_t), .binary = true};
    params->count++;
}

static void add_project(struct params *params, const struct project *project)
{
    int32_t id = (int32_t)htobe32(project->id);
    memcpy(&params->numbers[params->count], &id, sizeof id);
    params->items[params->count] =
        (struct pg_param){.data = &params->numbers[params->count], .len = sizeof id, .binary = true};
    params->count++;
}

static void add_uuid(struct params *params, const struct uuid *id)
{
    params->items[params->count++] =
        (struct pg_param){.data = id->bytes, .len = sizeof id->bytes, .binary = true};
}

static void add_text(struct params *params, const char *text)
{
    params->items[params->count++] = (struct pg_param){.data = text, .len = strlen(text)};
}

static bool ask(struct project *project, const char *name, const struct params *params, pg_on_reply on_reply)
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

void owner_drop(struct project *project)
{
    if (!project->has_core)
        return;
    resolution_give_up(project);
    for (struct intake_request *request = project->queue.first; request; request = request->next)
        request_unpin(project, request);
    core_deinit(&project->core);
    project->has_core = false;
    uv_timer_stop(&project->core_timer);
    facts_forget_all(project->facts);
    changes_clear(project);
    if (project->next_config) {
        arena_deinit(&project->next_config->arena);
        free(project->next_config);
        project->next_config = NULL;
    }
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
    retry_later(project);
    intake_fail_unavailable(project, &project->queue);
}

/* --- Loading --- */

static void fail_load(struct project *project, const char *what, const struct pg_reply *reply)
{
    if (reply->outcome == PG_REFUSED)
        log_event(LOG_ERROR, "a project cannot be loaded",
                  (struct log_field[]){log_text("project", project_name(project)), log_str("what", what),
                                       log_str("why", reply->message)},
                  3);
    owner_stand_down(project, "loading failed");
}

/* Every load callback begins with this: gone on, or given up in between. */
static bool load_goes_on(struct project *project, const char *what, const struct pg_reply *reply)
{
    if (project->state != PROJECT_LOADING)
        return false;
    if (reply->outcome == PG_OK)
        return true;
    fail_load(project, what, reply);
    return false;
}

static int64_t time_cell(const struct pg_reply *reply, int row, int column)
{
    return pg_is_null(reply, row, column) ? TIME_NEVER : pg_int64(reply, row, column);
}

static void on_blocks(void *ctx, const struct pg_reply *reply)
{
    struct project *project = ctx;
    if (load_goes_on(project, "blocks", reply)) {
        for (int row = 0; row < reply->rows; row++) {
            struct block block = {.id = pg_uuid(reply, row, 0),
                                  .customer = pg_uuid(reply, row, 2),
                                  .key = pg_cell(reply, row, 3),
                                  .channels = (uint8_t)pg_int64(reply, row, 4),
                                  .start_ms = pg_int64(reply, row, 5),
                                  .until_ms = time_cell(reply, row, 6)};
            if (block_kind_parse(&block.kind, pg_cell(reply, row, 1)))
                core_load_block(&project->core, &block);
        }
        clock_raise(project->core.at_ms); /* time never goes back, also across owners */
        core_loaded(&project->core, project->journal_seq, project->core.at_ms);
        publisher_project_loaded(project->app->publisher, project, project->published_seq,
                                 project->journal_seq);
        project->owner_address[0] = 0;
        project->renewed_ms = (int64_t)uv_now(project->app->loop);
        project_enter(project, PROJECT_OWNED);
        log_event(LOG_INFO, "project is owned",
                  (struct log_field[]){log_text("project", project_name(project)),
                                       log_int("epoch", (int64_t)project->epoch),
                                       log_int("sequence", (int64_t)project->journal_seq),
                                       log_int("open", project->core.open.count)},
                  4);
        turn_request(&project->turn);
    }
    project_reply_done(project);
}

static bool load_blocks(struct project *project)
{
    struct params params = {.count = 0};
    add_project(&params, project);
    add_number(&params, (uint64_t)project->core.at_ms);
    return ask(project, "load_blocks", &params, on_blocks);
}

static struct interaction read_interaction(const struct pg_reply *reply, int row, struct arena *arena)
{
    struct interaction i = {.id = pg_uuid(reply, row, 0),
                            .channel = (enum channel)pg_int64(reply, row, 1),
                            .outbound = pg_bool(reply, row, 2),
                            .conversation = pg_uuid(reply, row, 3),
                            .opened_seq = (uint64_t)pg_int64(reply, row, 4),
                            .opened_ms = pg_int64(reply, row, 5)};
    struct slice *candidates, *tags;
    uint32_t count = pg_text_array(reply, row, 18, &candidates, arena);
    i.data = (struct interaction_data){
        .state = (enum interaction_state)pg_int64(reply, row, 6),
        .priority = (int32_t)pg_int64(reply, row, 8),
        .enqueued_ms = pg_int64(reply, row, 9),
        .offer = pg_uuid(reply, row, 11),
        .offered_ms = time_cell(reply, row, 12),
        .expires_ms = time_cell(reply, row, 13),
        .accepted_ms = time_cell(reply, row, 14),
        .attempts = (int32_t)pg_int64(reply, row, 15),
        .identity = (enum identity_outcome)pg_int64(reply, row, 16),
        .customer = pg_uuid(reply, row, 17),
        .closed_ms = TIME_NEVER,
        .candidates = arena_array(arena, struct uuid, count),
    };
    for (uint32_t n = 0; n < count && n < CORE_CANDIDATES_MAX; n++) {
        if (uuid_parse(&i.data.candidates[i.data.candidate_count], candidates[n]))
            i.data.candidate_count++;
    }
    i.texts = (struct party_texts){.phone = pg_cell(reply, row, 19),
                                   .email = pg_cell(reply, row, 20),
                                   .id = pg_cell(reply, row, 21),
                                   .name = pg_cell(reply, row, 22),
                                   .recipient = pg_cell(reply, row, 23),
                                   .phone_key = pg_cell(reply, row, 24),
                                   .email_key = pg_cell(reply, row, 25),
                                   .source = pg_cell(reply, row, 26),
                                   .subject = pg_cell(reply, row, 27),
                                   .title = pg_cell(reply, row, 28)};
    if (!uuid_is_nil(&i.data.customer)) {
        i.data.fact = (struct customer_fact){
            .id = i.data.customer, .name = pg_cell(reply, row, 29), .owner = pg_cell(reply, row, 30)};
        i.data.fact.tag_count = pg_text_array(reply, row, 31, &tags, arena);
        i.data.fact.tags = tags;
    }
    return i;
}

static bool load_interactions(struct project *project);

static void on_interactions(void *ctx, const struct pg_reply *reply)
{
    struct project *project = ctx;
    if (load_goes_on(project, "interactions", reply)) {
        for (int row = 0; row < reply->rows; row++) {
            struct arena arena;
            arena_init(&arena);
            struct interaction interaction = read_interaction(reply, row, &arena);
            core_load_interaction(&project->core, &interaction, pg_cell(reply, row, 7),
                                  pg_cell(reply, row, 10));
            project->load_after = interaction.id;
            arena_deinit(&arena);
        }
        bool asked = reply->rows == PROJECT_LOAD_PAGE ? load_interactions(project) : load_blocks(project);
        if (!asked)
            owner_stand_down(project, "the database went away");
    }
    project_reply_done(project);
}

static bool load_interactions(struct project *project)
{
    struct params params = {.count = 0};
    add_project(&params, project);
    add_uuid(&params, &project->load_after);
    add_number(&params, PROJECT_LOAD_PAGE);
    return ask(project, "load_interactions", &params, on_interactions);
}

static void on_agents(void *ctx, const struct pg_reply *reply)
{
    struct project *project = ctx;
    if (load_goes_on(project, "agents", reply)) {
        for (int row = 0; row < reply->rows; row++) {
            struct slice reason = pg_cell(reply, row, 2);
            struct agent_data data = {.state = (enum agent_state)pg_int64(reply, row, 1),
                                      .lease_ms = pg_int64(reply, row, 3),
                                      .lease_until = time_cell(reply, row, 4),
                                      .grace_until = time_cell(reply, row, 5),
                                      .wrap_until = time_cell(reply, row, 6),
                                      .cool_until = time_cell(reply, row, 7),
                                      .misses = (int32_t)pg_int64(reply, row, 8),
                                      .idle_since = pg_int64(reply, row, 9),
                                      .agentsequence = (uint64_t)pg_int64(reply, row, 10)};
            memcpy(data.reason, reason.ptr, reason.len < AGENT_REASON_MAX ? reason.len : AGENT_REASON_MAX);
            if (!core_load_agent(&project->core, pg_cell(reply, row, 0), &data))
                log_event(LOG_DEBUG, "an agent is no longer configured",
                          (struct log_field[]){log_text("agent", pg_cell(reply, row, 0))}, 1);
        }
        project->load_after = (struct uuid){{0}};
        if (!load_interactions(project))
            owner_stand_down(project, "the database went away");
    }
    project_reply_done(project);
}

static void replace_config(struct project *project, struct loaded_config *loaded)
{
    if (project->config) {
        arena_deinit(&project->config->arena);
        free(project->config);
    }
    project->config = loaded;
}

struct loaded_config *config_load(struct project *project, const struct pg_reply *reply)
{
    struct loaded_config *loaded = calloc(1, sizeof *loaded);
    struct project_faults *faults = calloc(1, sizeof *faults);
    if (!loaded || !faults)
        abort();
    arena_init(&loaded->arena);
    bool good = reply->rows == 1 &&
                project_file_read(&loaded->config, arena_copy(&loaded->arena, pg_cell(reply, 0, 1)),
                                  &loaded->arena, faults);
    if (!good) {
        log_event(
            LOG_ERROR, "the stored configuration cannot be read",
            (struct log_field[]){log_text("project", project_name(project)),
                                 log_str("why", faults->count ? faults->items[0].detail : "there is none")},
            2);
        arena_deinit(&loaded->arena);
        free(loaded);
        loaded = NULL;
    } else {
        loaded->version = (uint64_t)pg_int64(reply, 0, 0);
    }
    free(faults);
    return loaded;
}

static void on_config(void *ctx, const struct pg_reply *reply)
{
    struct project *project = ctx;
    if (load_goes_on(project, "configuration", reply)) {
        struct loaded_config *loaded = config_load(project, reply);
        struct params params = {.count = 0};
        add_project(&params, project);
        if (!loaded) {
            owner_stand_down(project, "no configuration");
        } else {
            replace_config(project, loaded);
            int64_t at = project->core.at_ms;
            core_init(&project->core, project->id, &loaded->config, loaded->version);
            project->core.at_ms = at;
            project->has_core = true;
            if (!ask(project, "load_agents", &params, on_agents))
                owner_stand_down(project, "the database went away");
        }
    }
    project_reply_done(project);
}

/* --- Taking --- */

static void take_fence(struct project *project, const struct pg_reply *reply)
{
    project->epoch = (uint64_t)pg_int64(reply, 0, 0);
    project->journal_seq = (uint64_t)pg_int64(reply, 0, 1);
    project->facts_version = (uint64_t)pg_int64(reply, 0, 2);
    project->published_seq = (uint64_t)pg_int64(reply, 0, 4);
}

/* A router that does not own a project still serves its customers and says who does: it needs the
 * configuration. */
static void on_standby_config(void *ctx, const struct pg_reply *reply)
{
    struct project *project = ctx;
    if (project->state == PROJECT_STANDBY && reply->outcome == PG_OK) {
        struct loaded_config *loaded = config_load(project, reply);
        if (loaded)
            replace_config(project, loaded);
    }
    project_reply_done(project);
}

static void load_standby_config(struct project *project)
{
    struct params params = {.count = 0};
    add_project(&params, project);
    ask(project, "load_config", &params, on_standby_config);
}

static void on_owner_read(void *ctx, const struct pg_reply *reply)
{
    struct project *project = ctx;
    if (reply->outcome == PG_OK && reply->rows == 1 && project->state == PROJECT_STANDBY) {
        struct slice address = pg_cell(reply, 0, 1);
        size_t len =
            address.len < sizeof project->owner_address ? address.len : sizeof project->owner_address - 1;
        memcpy(project->owner_address, address.ptr, len);
        project->owner_address[len] = 0;
        if (!project->config || project->config->version != (uint64_t)pg_int64(reply, 0, 5))
            load_standby_config(project);
    }
    project_reply_done(project);
}

static void read_owner(struct project *project)
{
    struct params params = {.count = 0};
    add_project(&params, project);
    ask(project, "fence_read", &params, on_owner_read);
}

static void on_acquired(void *ctx, const struct pg_reply *reply)
{
    struct project *project = ctx;
    if (project->state == PROJECT_ACQUIRING) {
        if (reply->outcome == PG_OK && reply->rows == 1) {
            struct params params = {.count = 0};
            take_fence(project, reply);
            project->core.at_ms = pg_int64(reply, 0, 5);
            add_project(&params, project);
            project_enter(project, PROJECT_LOADING);
            if (!ask(project, "load_config", &params, on_config))
                owner_stand_down(project, "the database went away");
        } else {
            project_enter(project, PROJECT_STANDBY);
            retry_later(project);
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
    struct params params = {.count = 0};
    if (project->state == PROJECT_ACQUIRING) {
        add_project(&params, project);
        add_uuid(&params, &project->app->instance);
        add_text(&params, project->app->address);
        add_number(&params, (uint64_t)project->app->settings->lease_ms);
        if (reply->outcome != PG_OK || !ask(project, "fence_acquire", &params, on_acquired)) {
            project_enter(project, PROJECT_STANDBY);
            retry_later(project);
        }
    }
    project_reply_done(project);
}

void owner_acquire(struct project *project)
{
    struct params params = {.count = 0};
    add_project(&params, project);
    if (project->replies || !ask(project, "fence_evict", &params, on_evicted))
        return;
    project_enter(project, PROJECT_ACQUIRING);
}

/* --- Keeping --- */

static void on_renewed(void *ctx, const struct pg_reply *reply)
{
    struct project *project = ctx;
    project->renewing = false;
    if (reply->outcome == PG_OK && project->state == PROJECT_OWNED) {
        if (reply->rows == 0 && !project->core.in_batch)
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
    struct params params = {.count = 0};
    if (project->renewing)
        return;
    add_project(&params, project);
    add_uuid(&params, &project->app->instance);
    add_number(&params, project->epoch);
    add_number(&params, (uint64_t)project->app->settings->lease_ms);
    add_number(&params, publisher_watermark(project->app->publisher, project));
    project->renewing = ask(project, "fence_renew", &params, on_renewed);
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
        if (!mine)
            owner_stand_down(project, "another router took the project");
        else if ((uint64_t)pg_int64(reply, 0, 4) != project->facts_version)
            project->changes_wanted = true;
    }
    turn_request(&project->turn);
    project_reply_done(project);
}

void owner_examine(struct project *project)
{
    struct params params = {.count = 0};
    add_project(&params, project);
    project->examining = ask(project, "fence_read", &params, on_examined);
}

/* --- In doubt --- */

static void on_settled(void *ctx, const struct pg_reply *reply)
{
    struct project *project = ctx;
    if (project->state == PROJECT_SETTLING && reply->outcome == PG_OK) {
        if (reply->rows == 0) {
            batch_discard_requests(project);
            owner_stand_down(project, "another router took the project while a commit was in doubt");
        } else {
            uint64_t seq = (uint64_t)pg_int64(reply, 0, 1);
            project->epoch = (uint64_t)pg_int64(reply, 0, 0);
            bool in = seq == project->core.seq;
            assert(in || seq == project->journal_seq);
            log_event(LOG_INFO, "a commit in doubt is settled",
                      (struct log_field[]){log_text("project", project_name(project)), log_bool("in", in),
                                           log_int("sequence", (int64_t)seq)},
                      3);
            project_enter(project, PROJECT_OWNED);
            if ((uint64_t)pg_int64(reply, 0, 2) != project->facts_version)
                project->changes_wanted = true;
            if (in)
                batch_succeed(project);
            else
                batch_rollback(project);
        }
    }
    /* Refused (a lock that the dead backend still holds) or lost again: asked once more with the next
     * housekeeping. */
    project->examining = false;
    turn_request(&project->turn);
    project_reply_done(project);
}

void owner_settle(struct project *project)
{
    struct params params = {.count = 0};
    if (project->examining)
        return;
    add_project(&params, project);
    add_uuid(&params, &project->app->instance);
    add_number(&params, project->epoch);
    add_number(&params, (uint64_t)project->app->settings->lease_ms);
    project->examining = ask(project, "fence_settle", &params, on_settled);
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
    struct params params = {.count = 0};
    add_project(&params, project);
    add_uuid(&params, &project->app->instance);
    add_number(&params, project->epoch);
    add_number(&params, publisher_watermark(project->app->publisher, project));
    project->releasing = ask(project, "fence_release", &params, on_released);
}
