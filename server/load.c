/* Loading a project that was just taken, exactly as it was after the journal's last row: configuration,
 * agents, what is open, the blocks that the journal knows. What is newer becomes inputs of their own, before
 * any other: so the journal alone says what the core did (docs/replay.md). */
#include <stdlib.h>
#include <string.h>

#include "proto/json.h"
#include "proto/project_file.h"
#include "rules/rule_env.h"
#include "server/gateways.h"
#include "server/log.h"
#include "server/people_texts.h"
#include "server/project_internal.h"
#include "rules/record.h"
#include "server/publisher.h"
#include "server/secret_file.h"
#include "storage/pg_array_read.h"

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

static void take_block(struct project *project, const struct pg_reply *reply, int row)
{
    struct block block = {.id = pg_uuid(reply, row, 2),
                          .customer = pg_uuid(reply, row, 4),
                          .key = pg_cell(reply, row, 5),
                          .channels = (uint8_t)pg_int64(reply, row, 6),
                          .start_ms = pg_int64(reply, row, 7),
                          .until_ms = time_cell(reply, row, 8)};
    bool taken = pg_bool(reply, row, 9), lifted = pg_bool(reply, row, 10);
    if (!block_kind_parse(&block.kind, pg_cell(reply, row, 3)))
        return;
    if (taken)
        core_load_block(&project->core, &block);
    if (!taken || lifted)
        changes_add(project, taken ? INPUT_UNBLOCK : INPUT_BLOCK, &block);
}

static void on_blocks(void *ctx, const struct pg_reply *reply)
{
    struct project *project = ctx;
    if (load_goes_on(project, "blocks", reply)) {
        for (int row = 0; row < reply->rows; row++) {
            if (!pg_is_null(reply, row, 2))
                take_block(project, reply, row);
        }
        project->facts_version = (uint64_t)pg_int64(reply, 0, 0);
        project->config_wanted = project->changes_wanted =
            (uint64_t)pg_int64(reply, 0, 1) != project->core.config_version;
        clock_raise(project->core.at_ms); /* time never goes back, also across owners */
        core_loaded(&project->core, project->journal_seq, project->core.at_ms);
        publisher_project_loaded(project->app->publisher, project, project->published_seq,
                                 project->journal_seq);
        project->owner_address[0] = 0;
        project->reloading = false;
        project->renewed_ms = (int64_t)uv_now(project->app->loop);
        project_enter(project, PROJECT_OWNED);
        known_load_start(project);
        log_event(LOG_INFO, "project is owned",
                  (struct log_field[]){log_text("project", project_name(project)),
                                       log_int("epoch", (int64_t)project->epoch),
                                       log_int("sequence", (int64_t)project->journal_seq),
                                       log_int("open", project->core.open.count)},
                  4);
        gateways_sync(project->app->gateways, project);
        turn_request(&project->turn);
    }
    project_reply_done(project);
}

static bool load_blocks(struct project *project)
{
    struct query_params params = {.count = 0};
    params_int(&params, project->id);
    return project_ask(project, "load_blocks", &params, on_blocks);
}

/* A row of before there was such a column: nothing is known but who it is, and no rule. */
static void read_routing(struct interaction *i, struct record_names *names, struct slice bytes,
                         struct arena *arena)
{
    if (record_read_open(i, names, bytes, arena))
        return;
    *names = (struct record_names){.rule = {NULL, 0}};
    i->data.fact = (struct customer_fact){.id = i->data.customer};
    i->data.stage = PREFER_QUEUE;
    i->data.entered_ms = i->data.enqueued_ms;
    i->data.held_until = i->data.reply_by = TIME_NEVER;
}

/* As the event had them, which was read once already. */
static void read_attributes(struct interaction *i, struct slice text, struct arena *arena)
{
    struct fault fault;
    i->attributes = value_null();
    if (text.len && !json_read(&i->attributes, text, arena, &fault))
        i->attributes = value_null();
}

static struct interaction read_interaction(struct record_names *names, const struct pg_reply *reply, int row,
                                           struct arena *arena)
{
    struct interaction i = {.id = pg_uuid(reply, row, 0),
                            .channel = (enum channel)pg_int64(reply, row, 1),
                            .outbound = pg_bool(reply, row, 2),
                            .conversation = pg_uuid(reply, row, 3),
                            .opened_seq = (uint64_t)pg_int64(reply, row, 4),
                            .opened_ms = pg_int64(reply, row, 5)};
    struct slice *candidates;
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
        .rule = -1,
        .stage = PREFER_QUEUE,
        .entered_ms = pg_int64(reply, row, 9),
        .held_until = TIME_NEVER,
        .reply_by = TIME_NEVER,
        .excluded = -1,
        .candidates = arena_array(arena, struct uuid, count),
    };
    for (uint32_t n = 0; n < count && n < CORE_CANDIDATES_MAX; n++) {
        if (uuid_parse(&i.data.candidates[i.data.candidate_count], candidates[n]))
            i.data.candidate_count++;
    }
    i.texts = people_texts(reply, row, 19, NULL);
    read_routing(&i, names, pg_cell(reply, row, 30), arena);
    i.data.fact.name = pg_cell(reply, row, 29);
    read_attributes(&i, pg_cell(reply, row, 31), arena);
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
            struct record_names names;
            struct interaction interaction = read_interaction(&names, reply, row, &arena);
            core_load_interaction(&project->core, &interaction, pg_cell(reply, row, 7),
                                  pg_cell(reply, row, 10), names.rule, names.excluded);
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
    struct query_params params = {.count = 0};
    params_int(&params, project->id);
    params_uuid(&params, &project->load_after);
    params_number(&params, PROJECT_LOAD_PAGE);
    return project_ask(project, "load_interactions", &params, on_interactions);
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
            for (int channel = 0; channel < CHANNEL_COUNT; channel++)
                data.turn[channel] = (uint64_t)pg_int64(reply, row, 11 + channel);
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

void config_drop(struct loaded_config **loaded)
{
    struct loaded_config *old = *loaded;
    *loaded = NULL;
    if (!old)
        return;
    config_close(&old->config);
    arena_deinit(&old->arena);
    free(old);
}

void config_replace(struct project *project, struct loaded_config *loaded)
{
    config_drop(&project->config);
    project->config = loaded;
    waits_reset(&project->waits, loaded ? loaded->config.queue_count : 0);
}

static bool reads_fields(const struct project_config *config)
{
    for (uint32_t i = 0; i < config->rule_count; i++) {
        if (config->rules[i].when && cel_uses(config->rules[i].when, RULE_CUSTOMER_FIELDS))
            return true;
    }
    return false;
}

static void take_mail_keys(struct mail_keys *out, const struct pg_reply *reply, struct arena *arena)
{
    struct slice *keys;
    uint32_t count = pg_text_array(reply, 0, 3, &keys, arena);
    for (uint32_t i = 0; i < count; i++)
        (void)!mail_keys_add(out, keys[i]);
}

struct loaded_config *config_load(struct project *project, const struct pg_reply *reply)
{
    struct loaded_config *loaded = calloc(1, sizeof *loaded);
    struct project_faults *faults = calloc(1, sizeof *faults);
    if (!loaded || !faults)
        abort();
    arena_init(&loaded->arena);
    bool good = reply->rows == 1 &&
                project_file_load(&loaded->config, arena_copy(&loaded->arena, pg_cell(reply, 0, 1)),
                                  pg_cell(reply, 0, 2), &loaded->arena, faults);
    if (!good) {
        log_event(
            LOG_ERROR, "the stored configuration cannot be read",
            (struct log_field[]){log_text("project", project_name(project)),
                                 log_str("why", faults->count ? faults->items[0].detail : "there is none")},
            2);
        config_drop(&loaded);
    } else {
        loaded->version = (uint64_t)pg_int64(reply, 0, 0);
        loaded->reads_fields = reads_fields(&loaded->config);
        take_mail_keys(&loaded->mail_keys, reply, &loaded->arena);
        secret_file_log_outside(project_name(project), &loaded->config,
                                project->app->settings->secret_folder);
    }
    free(faults);
    return loaded;
}

static void on_config(void *ctx, const struct pg_reply *reply);

/* A file that an older server took and this one does not read must not keep the project from going on with
 * the current one. From here on its journal cannot be replayed. */
static void load_current(struct project *project)
{
    project->taken_config = 0;
    log_event(LOG_WARN,
              "the configuration of the last decision cannot be read; going on with the current one",
              (struct log_field[]){log_text("project", project_name(project))}, 1);
    if (!config_ask(project, 0, on_config))
        owner_stand_down(project, "the database went away");
}

static void on_config(void *ctx, const struct pg_reply *reply)
{
    struct project *project = ctx;
    if (load_goes_on(project, "configuration", reply)) {
        struct loaded_config *loaded = config_load(project, reply);
        struct query_params params = {.count = 0};
        params_int(&params, project->id);
        if (!loaded && project->taken_config) {
            load_current(project);
        } else if (!loaded) {
            owner_stand_down(project, "no configuration");
        } else {
            config_replace(project, loaded);
            int64_t at = project->core.at_ms;
            core_init(&project->core, project->id, &loaded->config, loaded->version);
            project->core.at_ms = at;
            project->has_core = true;
            if (!project_ask(project, "load_agents", &params, on_agents))
                owner_stand_down(project, "the database went away");
        }
    }
    project_reply_done(project);
}

bool config_ask(struct project *project, uint64_t version, pg_on_reply on_reply)
{
    struct query_params params = {.count = 0};
    params_int(&params, project->id);
    if (version)
        params_number(&params, version);
    else
        params_null(&params);
    return project_ask(project, "load_config", &params, on_reply);
}

void load_start(struct project *project)
{
    if (!config_ask(project, project->taken_config, on_config))
        owner_stand_down(project, "the database went away");
}
