/* Changes of facts, made by anybody on any router: read from the change list, forgotten from the cache, and
 * those that the core keeps (blocks, the configuration) made inputs of their own. */
#include <stdlib.h>
#include <string.h>

#include "server/log.h"
#include "server/project_internal.h"
#include "storage/pg_array_read.h"

void changes_clear(struct project *project)
{
    while (project->changes) {
        struct change *change = project->changes;
        project->changes = change->next;
        free(change);
    }
    project->changes_tail = &project->changes;
    project->change_count = 0;
    changes_settle(project, false);
}

void changes_settle(struct project *project, bool settled)
{
    struct settled_waiter **link = &project->waiters, *waiter;
    while ((waiter = *link)) {
        if (settled && (waiter->version == 0 || waiter->version > project->facts_version)) {
            link = &waiter->next;
            continue;
        }
        *link = waiter->next;
        waiter->on_settled(waiter->ctx, settled);
        free(waiter);
        link = &project->waiters; /* the callback may have changed the list */
    }
}

static void forget_keys(struct project *project, const struct pg_reply *reply, int row)
{
    struct arena arena;
    struct slice *keys;
    arena_init(&arena);
    uint32_t count = pg_text_array(reply, row, 3, &keys, &arena);
    if (count == 0)
        facts_forget_all(project->facts); /* of somebody whose keys may not be written down */
    for (uint32_t i = 0; i < count; i++) {
        facts_forget(project->facts, FACTS_PHONE, keys[i]);
        facts_forget(project->facts, FACTS_EMAIL, keys[i]);
    }
    arena_deinit(&arena);
}

void changes_add(struct project *project, enum input_kind kind, const struct block *block)
{
    struct change *change = calloc(1, sizeof *change + block->key.len);
    if (!change)
        abort();
    change->kind = kind;
    change->block = *block;
    memcpy(change->key, block->key.len ? block->key.ptr : "", block->key.len);
    change->block.key = (struct slice){change->key, block->key.len};
    *project->changes_tail = change;
    project->changes_tail = &change->next;
    project->change_count++;
}

static void add_block(struct project *project, const struct pg_reply *reply, int row)
{
    struct block block = {.id = pg_uuid(reply, row, 2),
                          .customer = pg_uuid(reply, row, 5),
                          .key = pg_cell(reply, row, 6),
                          .channels = (uint8_t)pg_int64(reply, row, 7),
                          .start_ms = pg_int64(reply, row, 8),
                          .until_ms = pg_is_null(reply, row, 9) ? TIME_NEVER : pg_int64(reply, row, 9)};
    if (block_kind_parse(&block.kind, pg_cell(reply, row, 4)))
        changes_add(project, INPUT_BLOCK, &block);
}

static void add_unblock(struct project *project, const struct pg_reply *reply, int row)
{
    struct block block = {.id = pg_uuid(reply, row, 2)};
    changes_add(project, INPUT_UNBLOCK, &block);
}

static void on_config(void *ctx, const struct pg_reply *reply)
{
    struct project *project = ctx;
    project->changes_asked = false;
    if (project->state == PROJECT_OWNED) {
        struct loaded_config *loaded = reply->outcome == PG_OK ? config_load(project, reply) : NULL;
        if (loaded) {
            config_drop(&project->next_config);
            project->next_config = loaded;
            if (loaded->reads_fields && !project->config->reads_fields)
                facts_forget_all(project->facts); /* what is remembered has none */
        } else if (reply->outcome != PG_OK) {
            project->config_wanted = project->changes_wanted = true;
        } else {
            changes_settle(project, true); /* unreadable, and said so: the old one stays */
        }
    }
    turn_request(&project->turn);
    project_reply_done(project);
}

static void take_changes(struct project *project, const struct pg_reply *reply)
{
    for (int row = 0; row < reply->rows; row++) {
        struct slice kind = pg_cell(reply, row, 1);
        if (slice_is(kind, "block") && !pg_is_null(reply, row, 4))
            add_block(project, reply, row);
        else if (slice_is(kind, "unblock"))
            add_unblock(project, reply, row);
        else if (slice_is(kind, "config"))
            project->config_wanted = true;
        else if (slice_is(kind, "customer"))
            forget_keys(project, reply, row);
    }
    if (reply->rows)
        project->facts_version = (uint64_t)pg_int64(reply, 0, 10);
    /* Whoever waited for the reading waits for this version now. */
    for (struct settled_waiter *waiter = project->waiters; waiter; waiter = waiter->next) {
        if (waiter->version == 0 && waiter->asked)
            waiter->version = project->facts_version;
    }
}

static void on_changes(void *ctx, const struct pg_reply *reply)
{
    struct project *project = ctx;
    project->changes_asked = false;
    if (project->state == PROJECT_OWNED) {
        if (reply->outcome == PG_OK)
            take_changes(project, reply);
        else
            project->changes_wanted = true;
        if (project->config_wanted && config_ask(project, 0, on_config)) {
            project->config_wanted = false;
            project->changes_asked = true;
        }
        if (!project->changes && !project->next_config && !project->changes_asked)
            changes_settle(project, true);
    }
    turn_request(&project->turn);
    project_reply_done(project);
}

void changes_read(struct project *project)
{
    struct query_params params = {.count = 0};
    params_int(&params, project->id);
    params_number(&params, project->facts_version);
    project->changes_asked = project_ask(project, "load_changes", &params, on_changes);
    if (!project->changes_asked)
        return;
    project->changes_wanted = false;
    for (struct settled_waiter *waiter = project->waiters; waiter; waiter = waiter->next)
        waiter->asked = true;
}

void project_facts_changed(struct project *project, void (*on_settled)(void *ctx, bool settled), void *ctx)
{
    if (on_settled) {
        struct settled_waiter *waiter = calloc(1, sizeof *waiter);
        if (!waiter)
            abort();
        *waiter = (struct settled_waiter){.on_settled = on_settled, .ctx = ctx, .next = project->waiters};
        project->waiters = waiter;
    }
    project->changes_wanted = true;
    turn_request(&project->turn);
}

/* --- The end of the list --- */

static void on_trimmed(void *ctx, const struct pg_reply *reply)
{
    struct project *project = ctx;
    project->trimming = false;
    bool goes_on = reply->outcome == PG_OK && pg_int64(reply, 0, 0) > 0;
    if (reply->outcome == PG_REFUSED)
        log_event(
            LOG_WARN, "the change list cannot be trimmed",
            (struct log_field[]){log_text("project", project_name(project)), log_str("why", reply->message)},
            2);
    if (!goes_on && reply->outcome != PG_UNCERTAIN)
        project->trimmed_version = project->trim_to; /* refused: not before there is more of it */
    project_reply_done(project);
}

/* Nobody reads again what the owner has taken over; the newest stay for people who want to know. */
void changes_trim(struct project *project)
{
    struct query_params params = {.count = 0};
    if (project->trimming || project->facts_version < project->trimmed_version + 2 * PROJECT_CHANGES_KEPT)
        return;
    project->trim_to = project->facts_version - PROJECT_CHANGES_KEPT;
    params_int(&params, project->id);
    params_uuid(&params, &project->app->instance);
    params_number(&params, project->epoch);
    params_number(&params, project->trim_to);
    params_number(&params, PROJECT_TRIM_PAGE);
    struct pg_query query = {
        .name = "changes_trim", .params = params.items, .param_count = params.count, .binary_result = true};
    project->trimming = project_query(project, project->app->desk, &query, on_trimmed);
}
