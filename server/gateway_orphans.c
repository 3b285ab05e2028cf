#include "server/gateway_orphans.h"

#include <stdlib.h>

#include "proto/cloudevent.h"
#include "server/gateway_calls.h"
#include "server/gateways.h"
#include "server/log.h"
#include "server/project_internal.h"

struct ending {
    struct project *project;
    struct arena arena;
    struct intake_request request;
};

/* --- which calls --- */

/* "asterisk/pbx1", where the file has no such gateway. */
static bool is_foreign(const struct project_config *config, struct slice source)
{
    size_t at = 0;
    int protocol = 0;
    while (at < source.len && source.ptr[at] != '/')
        at++;
    if (at == source.len)
        return false;
    struct slice kind = {source.ptr, at}, name = {source.ptr + at + 1, source.len - at - 1};
    while (protocol < GATEWAY_PROTOCOL_COUNT &&
           !slice_is(kind, gateway_protocol_name((enum gateway_protocol)protocol)))
        protocol++;
    for (uint32_t i = 0; i < config->gateway_count; i++) {
        if ((int)config->gateways[i].protocol == protocol && slice_equal(config->gateways[i].name, name))
            return false;
    }
    return protocol < GATEWAY_PROTOCOL_COUNT;
}

static bool is_orphan(const struct project *project, const struct interaction *interaction)
{
    return interaction->channel == CHANNEL_CALL &&
           is_foreign(project_config(project), interaction->texts.source);
}

/* Of those that were not looked at yet. */
static bool has_orphan(const struct project *project)
{
    const struct rank_node *node = rank_after(&project->core.open, &project->orphans.passed);
    while (node && !is_orphan(project, node->owner))
        node = rank_next(node);
    return node;
}

/* Whoever reports calls over HTTP may give them a source that looks like a gateway's. */
static bool is_among(const struct pg_reply *sources, struct slice source)
{
    int row = 0;
    while (row < sources->rows && !slice_equal(pg_cell(sources, row, 0), source))
        row++;
    return row < sources->rows;
}

/* --- ending them --- */

static void on_ended(struct intake_request *request)
{
    struct ending *ending = request->ctx;
    struct project *project = ending->project;
    static struct log_limit limit;
    project->orphans.ending--;
    if (request->refused && problem_is_retryable(request->problem.code))
        project->orphans.is_put_off = true;
    else if (request->refused)
        log_event_limited(&limit, LOG_WARN, "a call of a gateway that is no more cannot be ended",
                          (struct log_field[]){log_text("project", project_name(project)),
                                               log_str("code", problem_code_name(request->problem.code))},
                          2);
    arena_deinit(&ending->arena);
    free(ending);
}

static void end_call(struct project *project, const struct interaction *interaction)
{
    struct ending *ending = calloc(1, sizeof *ending);
    struct intake_request *request;
    char text[UUID_TEXT_LEN + 1];
    struct fault fault;
    if (!ending)
        abort();
    ending->project = project;
    arena_init(&ending->arena);
    request = &ending->request;
    *request = (struct intake_request){.arena = &ending->arena,
                                       .input = {.kind = INPUT_EVENT, .event = &request->event},
                                       .on_done = on_ended,
                                       .ctx = ending};
    uuid_format(&interaction->id, text);
    struct slice source = arena_copy(&ending->arena, interaction->texts.source);
    struct slice id = arena_format(&ending->arena, "%s:removed", text);
    struct value document = gateway_call_lost(source, interaction->texts.subject, id, &ending->arena);
    project->orphans.ending++;
    if (cloudevent_read(&request->event, &document, &ending->arena, &fault)) {
        intake_submit(project, request);
        return;
    }
    intake_refuse(request, PROBLEM_INVALID, NULL, "it is no event");
    on_ended(request);
}

static void end_foreign(struct project *project, const struct pg_reply *sources)
{
    struct gateway_orphans *orphans = &project->orphans;
    for (const struct rank_node *node = rank_after(&project->core.open, &orphans->passed);
         node && orphans->ending < GATEWAY_ORPHANS_MAX; node = rank_next(node)) {
        const struct interaction *interaction = node->owner;
        orphans->passed = node->rank;
        if (is_orphan(project, interaction) && is_among(sources, interaction->texts.source))
            end_call(project, interaction);
    }
    if (orphans->ending)
        log_event(LOG_INFO, "calls of gateways that are no more end",
                  (struct log_field[]){log_text("project", project_name(project)),
                                       log_int("calls", orphans->ending)},
                  2);
}

static void start_again(struct project *project)
{
    struct gateway_orphans *orphans = &project->orphans;
    orphans->passed = (struct rank){.first = INT64_MIN};
    orphans->is_put_off = orphans->is_settled = false;
}

/* All were looked at. */
static void finish(struct project *project)
{
    struct gateway_orphans *orphans = &project->orphans;
    if (!orphans->is_put_off) {
        orphans->is_settled = true;
        return;
    }
    orphans->due_ms = uv_now(project->app->loop) + orphans->retry_ms;
    orphans->retry_ms = orphans->retry_ms * 2 < GATEWAY_ORPHANS_RETRY_MAX_MS ? orphans->retry_ms * 2
                                                                             : GATEWAY_ORPHANS_RETRY_MAX_MS;
    start_again(project);
}

static void on_sources(void *ctx, const struct pg_reply *reply)
{
    struct project *project = ctx;
    struct gateway_orphans *orphans = &project->orphans;
    orphans->is_asked = false;
    if (reply->outcome == PG_OK && project->state == PROJECT_OWNED && orphans->epoch == project->epoch &&
        orphans->version == project->config->version)
        end_foreign(project, reply);
    project_reply_done(project);
}

/* What a gateway had under way when it went is decided first. */
void gateway_orphans_go_on(struct project *project)
{
    struct gateway_orphans *orphans = &project->orphans;
    struct query_params params = {.count = 0};
    const struct pg_query query = {.name = "gateway_sources", .params = params.items, .param_count = 1};
    if (orphans->epoch != project->epoch || orphans->version != project->config->version) {
        orphans->epoch = project->epoch;
        orphans->version = project->config->version;
        orphans->retry_ms = GATEWAY_ORPHANS_RETRY_FIRST_MS;
        orphans->due_ms = 0;
        start_again(project);
    }
    if (orphans->is_settled || orphans->is_asked || orphans->ending || project->app->draining ||
        orphans->due_ms > uv_now(project->app->loop) || gateways_are_closing(project->app->gateways, project))
        return;
    if (!has_orphan(project)) {
        finish(project);
        return;
    }
    params_int(&params, project->id);
    orphans->is_asked = project_query(project, project->app->desk, &query, on_sources);
}
