#include "server/customer_index.h"

#include "server/log.h"
#include "server/notice.h"
#include "server/project_internal.h"

enum index_column { AGENT, CUSTOMER, INTERACTION, INDEX_CHANNEL, AT_MS, MORE };

static void run(struct project *project);

static struct value id_value(const struct pg_reply *reply, int row, int column, struct arena *arena)
{
    struct uuid id = pg_uuid(reply, row, column);
    char *text = arena_alloc(arena, UUID_TEXT_LEN + 1);
    uuid_format(&id, text);
    return value_string((struct slice){text, UUID_TEXT_LEN});
}

static void tell(struct project *project, const struct pg_reply *reply, int row)
{
    struct arena arena;
    arena_init(&arena);
    struct slice agent = arena_copy(&arena, pg_cell(reply, row, AGENT));
    struct value customer = id_value(reply, row, CUSTOMER, &arena);
    struct value interaction = id_value(reply, row, INTERACTION, &arena);
    int64_t at_ms = pg_int64(reply, row, AT_MS);
    struct value data = value_map(&arena, 4);
    value_set(&data, "agent", value_string(agent));
    value_set(&data, "customer", customer);
    value_set(&data, "interaction", interaction);
    value_set(&data, "channel",
              value_string(slice_of(channel_name((enum channel)pg_int64(reply, row, INDEX_CHANNEL)))));
    struct notice notice = {.type = "customer.activity",
                            .agent = agent,
                            .id = arena_format(&arena, "activity.%.*s.%lld", (int)interaction.string.len,
                                               interaction.string.ptr, (long long)at_ms),
                            .subject = customer,
                            .data = data,
                            .at_ms = at_ms};
    notice_tell(project, &notice, &arena);
    arena_deinit(&arena);
}

static void on_rested(uv_timer_t *timer)
{
    struct project *project = timer->data;
    if (project->state == PROJECT_OWNED && !project->index.running)
        run(project);
}

static void on_run(void *ctx, const struct pg_reply *reply)
{
    static struct log_limit limit;
    struct project *project = ctx;
    struct customer_index *index = &project->index;
    bool more = false;
    index->running = false;
    index->failed = reply->outcome != PG_OK;
    if (reply->outcome == PG_REFUSED)
        log_event_limited(
            &limit, LOG_WARN, "what finds customers cannot be kept up with",
            (struct log_field[]){log_text("project", project_name(project)), log_str("why", reply->message)},
            2);
    for (int row = 0; reply->outcome == PG_OK && row < reply->rows; row++) {
        if (pg_is_null(reply, row, AGENT))
            more = pg_bool(reply, row, MORE);
        else
            tell(project, reply, row);
    }
    if (more && project->state == PROJECT_OWNED)
        uv_timer_start(&index->pause, on_rested, CUSTOMER_INDEX_MORE_MS, 0);
    project_reply_done(project);
}

static void run(struct project *project)
{
    struct query_params params = {.count = 0};
    params_int(&params, project->id);
    params_uuid(&params, &project->app->instance);
    params_number(&params, project->epoch);
    params_number(&params, CUSTOMER_INDEX_PAGE);
    struct pg_query query = {.name = "customers_index",
                             .params = params.items,
                             .param_count = params.count,
                             .binary_result = true};
    project->index.seq = project->journal_seq;
    project->index.ran_ms = uv_now(project->app->loop);
    project->index.running = project_query(project, project->app->desk, &query, on_run);
}

void customer_index_tick(struct project *project)
{
    const struct customer_index *index = &project->index;
    bool is_due = index->seq != project->journal_seq ||
                  uv_now(project->app->loop) - index->ran_ms >= CUSTOMER_INDEX_EVERY_MS;
    if (is_due && !index->running && !uv_is_active((const uv_handle_t *)&index->pause))
        run(project);
}

void customer_index_news(struct project *project)
{
    const struct customer_index *index = &project->index;
    if (project->state == PROJECT_OWNED && !index->failed && !index->running &&
        project->journal_seq - index->seq >= CUSTOMER_INDEX_NEWS_ROWS &&
        !uv_is_active((const uv_handle_t *)&index->pause))
        uv_timer_start(&project->index.pause, on_rested, CUSTOMER_INDEX_NEWS_MS, 0);
}

void customer_index_init(struct project *project)
{
    uv_timer_init(project->app->loop, &project->index.pause);
    project->index.pause.data = project;
}

void customer_index_close(struct project *project, uv_close_cb on_closed)
{
    uv_close((uv_handle_t *)&project->index.pause, on_closed);
}
