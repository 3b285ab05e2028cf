#include "server/upkeep.h"

#include <string.h>

#include "proto/cloudevent.h"
#include "proto/json.h"
#include "rules/assign_rule.h"
#include "server/log.h"
#include "server/notice.h"
#include "server/project_internal.h"
#include "storage/pg_array_read.h"

static void ask(struct project *project, const char *name, const struct query_params *params,
                pg_on_reply on_reply)
{
    const struct pg_query query = {
        .name = name, .params = params->items, .param_count = params->count, .binary_result = true};
    project->upkeep.asked = project_query(project, project->app->desk, &query, on_reply);
}

/* Deadlocks, and a database that is going down: the next look comes soon. */
static bool is_passing(const struct pg_reply *reply)
{
    return strncmp(reply->sqlstate, "40", 2) == 0 || strncmp(reply->sqlstate, "57", 2) == 0;
}

/* Every callback begins with this: whether there is an answer to go on with. */
static bool is_answered(struct project *project, const char *what, const struct pg_reply *reply)
{
    static struct log_limit limit;
    project->upkeep.asked = false;
    if (reply->outcome == PG_REFUSED && !is_passing(reply))
        log_event_limited(&limit, LOG_WARN, "upkeep of customers was refused",
                          (struct log_field[]){log_text("project", project_name(project)),
                                               log_str("what", what), log_str("why", reply->message)},
                          3);
    return reply->outcome == PG_OK && project->state == PROJECT_OWNED;
}

static void note_changes(struct project *project, const struct pg_reply *reply)
{
    if (pg_int64(reply, 0, 0) > 0)
        project_facts_changed(project, NULL, NULL);
}

static void add_owner(struct query_params *params, struct project *project)
{
    params_int(params, project->id);
    params_uuid(params, &project->app->instance);
    params_number(params, project->epoch);
}

/* --- Assigning --- */

static void on_assigned(void *ctx, const struct pg_reply *reply)
{
    struct project *project = ctx;
    if (is_answered(project, "assign", reply)) {
        note_changes(project, reply);
        if (project->upkeep.is_full)
            project->upkeep.assign_at_ms = 0;
    }
    project_reply_done(project);
}

static struct value names_value(const struct slice *names, uint32_t count, struct arena *arena)
{
    struct value list = value_list(arena, count);
    for (uint32_t i = 0; i < count; i++)
        value_append(&list, value_string(names[i]));
    return list;
}

static void set_target(struct value *item, const struct config_assign *assign, struct arena *arena)
{
    value_set(item, "rule", value_string(assign->name));
    if (assign->pool.len)
        value_set(item, "pool", value_string(assign->pool));
    if (assign->agent_count)
        value_set(item, "agents", names_value(assign->agents, assign->agent_count, arena));
    if (assign->department_count)
        value_set(item, "departments", names_value(assign->departments, assign->department_count, arena));
}

static struct value make_item(const struct project_config *config, const struct pg_reply *reply, int row,
                              struct arena *arena)
{
    struct value item = value_map(arena, 6);
    struct customer_fact fact = {.id = pg_uuid(reply, row, 0),
                                 .stage = SLICE("to_be_assigned"),
                                 .source = pg_cell(reply, row, 3),
                                 .fields = value_null()};
    struct slice *tags;
    struct fault fault;
    fact.tag_count = pg_text_array(reply, row, 2, &tags, arena);
    fact.tags = tags;
    if (!json_read(&fact.fields, pg_cell(reply, row, 4), arena, &fault))
        fact.fields = value_null();
    int match = assign_match(config, &fact, clock_now_ms(), arena);
    value_set_uuid(&item, arena, "customer", &fact.id);
    value_set(&item, "version", value_int(pg_int64(reply, row, 1)));
    if (match >= 0)
        set_target(&item, &config->assigns[match], arena);
    return item;
}

static void assign(struct project *project, const struct pg_reply *reply)
{
    struct query_params params = {.count = 0};
    struct arena arena;
    arena_init(&arena);
    struct value items = value_list(&arena, (uint32_t)reply->rows);
    for (int row = 0; row < reply->rows; row++)
        value_append(&items, make_item(&project->config->config, reply, row, &arena));
    add_owner(&params, project);
    params_number(&params, project->upkeep.file_version);
    params_number(&params, (uint64_t)clock_now_ms());
    params_text(&params, arena_string(&arena, json_write(&items, &arena)));
    ask(project, "assign_by_rules", &params, on_assigned);
    arena_deinit(&arena);
}

static void on_waiting(void *ctx, const struct pg_reply *reply)
{
    struct project *project = ctx;
    if (is_answered(project, "who waits to be assigned", reply) &&
        project->config->version == project->upkeep.file_version && reply->rows) {
        project->upkeep.is_full = reply->rows == UPKEEP_PAGE;
        assign(project, reply);
    }
    project_reply_done(project);
}

static void look_for_waiting(struct project *project, int64_t now)
{
    struct query_params params = {.count = 0};
    project->upkeep.assign_at_ms = now + UPKEEP_ASSIGN_MS;
    project->upkeep.file_version = project->config->version;
    params_int(&params, project->id);
    params_number(&params, project->config->version);
    params_number(&params, UPKEEP_PAGE);
    ask(project, "assign_waiting", &params, on_waiting);
}

/* --- Taking back --- */

enum reclaim_column { DONE, OWNER, CUSTOMER, NAME, POOL, RETURNS_MS };

/* The list of reminders has it too, for who was not there to hear it. */
static void remind(struct project *project, const struct pg_reply *reply, int row)
{
    struct arena arena;
    struct value data;
    struct uuid customer = pg_uuid(reply, row, CUSTOMER), pool = pg_uuid(reply, row, POOL);
    arena_init(&arena);
    data = value_map(&arena, 5);
    value_set(&data, "agent", value_string(arena_copy(&arena, pg_cell(reply, row, OWNER))));
    value_set_uuid(&data, &arena, "customer", &customer);
    value_set(&data, "name", value_string(arena_copy(&arena, pg_cell(reply, row, NAME))));
    value_set_uuid(&data, &arena, "pool", &pool);
    value_set(&data, "returns_at", value_string(time_write(pg_int64(reply, row, RETURNS_MS), &arena)));
    struct slice id = value_member(&data, "customer")->string;
    int64_t now_ms = clock_now_ms();
    struct notice notice = {
        .type = "customer.reminder",
        .agent = value_member(&data, "agent")->string,
        .id = arena_format(&arena, "reminder.%.*s.%lld", (int)id.len, id.ptr, (long long)now_ms),
        .subject = value_string(id),
        .data = data,
        .at_ms = now_ms};
    notice_tell(project, &notice, &arena);
    arena_deinit(&arena);
}

static void on_reclaimed(void *ctx, const struct pg_reply *reply)
{
    struct project *project = ctx;
    if (is_answered(project, "reclaim", reply)) {
        for (int row = 1; row < reply->rows; row++)
            remind(project, reply, row);
        note_changes(project, reply);
        if (pg_int64(reply, 0, 0) == UPKEEP_PAGE)
            project->upkeep.reclaim_at_ms = 0;
    }
    project_reply_done(project);
}

static void reclaim(struct project *project, int64_t now)
{
    struct query_params params = {.count = 0};
    project->upkeep.reclaim_at_ms = now + UPKEEP_RECLAIM_MS;
    add_owner(&params, project);
    params_number(&params, (uint64_t)clock_now_ms());
    params_number(&params, UPKEEP_PAGE);
    ask(project, "reclaim_customers", &params, on_reclaimed);
}

/* --- Mail that was kept long enough --- */

static void on_dropped(void *ctx, const struct pg_reply *reply)
{
    struct project *project = ctx;
    if (is_answered(project, "kept mail", reply) && pg_int64(reply, 0, 0) == UPKEEP_PAGE)
        project->upkeep.raw_at_ms = 0;
    project_reply_done(project);
}

static void drop_raw_mail(struct project *project, int64_t now)
{
    struct query_params params = {.count = 0};
    project->upkeep.raw_at_ms = now + UPKEEP_RAW_MS;
    params_int(&params, project->id);
    params_number(&params, (uint64_t)clock_now_ms());
    params_number(&params, UPKEEP_PAGE);
    ask(project, "raw_mails_drop", &params, on_dropped);
}

void upkeep_go_on(struct project *project)
{
    int64_t now = (int64_t)uv_now(project->app->loop);
    if (project->upkeep.asked || !pg_link_is_up(project->app->desk))
        return;
    if (project->config->config.assign_count && now >= project->upkeep.assign_at_ms)
        look_for_waiting(project, now);
    else if (now >= project->upkeep.reclaim_at_ms)
        reclaim(project, now);
    else if (now >= project->upkeep.raw_at_ms)
        drop_raw_mail(project, now);
}
