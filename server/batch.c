/* A batch's memory, how it is told, and the pump that says when the next one is made. */
#include <stdlib.h>

#include "proto/decision.h"
#include "server/gateways.h"
#include "server/log.h"
#include "server/metrics.h"
#include "server/project_internal.h"
#include "server/publisher.h"
#include "server/streams.h"

void batch_reset(struct batch *batch)
{
    arena_reset(&batch->arena);
    request_list_init(&batch->requests);
    request_list_init(&batch->refused);
    announced_init(&batch->announced);
    batch->row_count = 0;
    batch->counted = NULL;
    batch->changes = batch->touched = batch->audited = 0;
    batch->configures = batch->in_flight = batch->disowned = false;
}

struct batch *batch_alloc(void)
{
    struct batch *batch = calloc(1, sizeof *batch);
    if (!batch)
        abort();
    arena_init(&batch->arena);
    batch_reset(batch);
    return batch;
}

void batch_free(struct batch **batch)
{
    arena_deinit(&(*batch)->arena);
    free(*batch);
    *batch = NULL;
}

/* --- Telling --- */

static void count_take(struct project *project, const struct outcome *outcome)
{
    const struct snapshot *snapshot = outcome->snapshot;
    metric_observe(METRIC_WAIT_SECONDS, snapshot->channel, (double)outcome->waited_ms / 1000);
    waits_taken(&project->waits, config_find_queue(project->core.config, snapshot->queue), snapshot->channel,
                outcome->at_ms);
}

static void count_outcome(struct project *project, const struct outcome *outcome)
{
    if (outcome->kind == INPUT_EVENT) {
        enum event_outcome shown = outcome->outcome == OUTCOME_ASSIGNED ? OUTCOME_ATTACHED : outcome->outcome;
        metric_add(METRIC_ANSWERS, metric_label(METRIC_ANSWERS, event_outcome_name(shown)), 1);
        if (outcome->snapshot)
            metric_add(METRIC_IDENTITY, outcome->snapshot->identity, 1);
    }
    if (outcome->miss)
        metric_add(METRIC_MISSES, metric_label(METRIC_MISSES, outcome->miss), 1);
    if (outcome->offer_end)
        metric_add(METRIC_OFFER_ENDS, metric_label(METRIC_OFFER_ENDS, outcome->offer_end), 1);
    if (outcome->waited_ms >= 0) {
        bool within = outcome->waited_ms <= outcome->within_ms;
        enum metric_met accepted = within ? METRIC_MET : METRIC_MISSED;
        enum metric_met given_up = within ? METRIC_ABANDONED_WITHIN : METRIC_ABANDONED_AFTER;
        metric_add(METRIC_SERVICE_LEVEL, outcome->abandoned ? given_up : accepted, 1);
    }
    if (outcome->waited_ms >= 0 && !outcome->abandoned && outcome->snapshot)
        count_take(project, outcome);
    for (const struct announcement *a = outcome->announcements; a; a = a->next) {
        if (a->type == ANNOUNCE_OFFERED)
            metric_add(METRIC_OFFERS, 0, 1);
    }
}

/* While the database works: answers and announcements, ready to be sent. */
void batch_make_ready(struct project *project, struct batch *batch)
{
    for (size_t i = 0; i < batch->row_count; i++) {
        struct intake_request *request = batch->row_requests[i];
        const struct outcome *outcome = batch->rows[i].outcome;
        announced_add(&batch->announced, outcome, project_name(project), &batch->arena);
        if (!request)
            continue;
        if (outcome->kind == INPUT_EVENT)
            request->answer =
                decision_event_answer(outcome, request->event.id, request->event.source, request->arena);
        else if (outcome->outcome == OUTCOME_BLOCKED)
            batch_refuse(request, REFUSAL_OFFER_GONE);
        else
            request->answer = decision_command_answer(outcome, request->arena);
    }
}

void batch_tell_refused(struct batch *batch)
{
    struct request_list now = batch->refused;
    struct intake_request *request;
    if (!now.first)
        return;
    request_list_init(&batch->refused);
    while ((request = request_list_pop(&now)))
        intake_finish(request);
}

static void take_config(struct project *project)
{
    config_replace(project, project->next_config);
    project->next_config = NULL;
    gateways_sync(project->app->gateways, project);
    log_event(LOG_INFO, "configuration is active",
              (struct log_field[]){log_text("project", project_name(project)),
                                   log_int("version", (int64_t)project->config->version)},
              2);
}

void batch_tell_committed(struct project *project)
{
    struct batch *batch = project->untold;
    struct intake_request *request;
    if (!batch)
        return;
    project->untold = NULL;
    for (size_t i = 0; i < batch->row_count; i++)
        count_outcome(project, batch->rows[i].outcome);
    publisher_tell(project->app->publisher, project, &batch->announced);
    streams_tell(project->app->streams, project, &batch->announced);
    gateways_tell(project->app->gateways, project, &batch->announced);
    while ((request = request_list_pop(&batch->requests)))
        intake_finish(request);
    batch_tell_refused(batch);
    core_bury(&project->core);
    if (batch->configures)
        take_config(project);
    batch_reset(batch);
    project->idle[project->idle_count++] = batch;
}

/* --- The pump --- */

static void on_core_timer(uv_timer_t *timer)
{
    project_pump(timer->data);
}

static void arm_timer(struct project *project)
{
    int64_t next = core_next_timer(&project->core);
    if (next == TIME_NEVER) {
        uv_timer_stop(&project->core_timer);
        return;
    }
    int64_t wait = next - clock_now_ms();
    /* Never 0: libuv runs such a timer again within the same turn, for ever where nothing can be decided. */
    uv_timer_start(&project->core_timer, on_core_timer, wait > 0 ? (uint64_t)wait : 1, 0);
}

static bool may_write(const struct project *project)
{
    return project->state == PROJECT_OWNED && !project->changes_asked && !project->examining &&
           pg_link_is_up(project->app->writer) && (int64_t)uv_now(project->app->loop) >= project->retry_at_ms;
}

static bool may_commit(const struct project *project)
{
    return !project->flight_count && may_write(project);
}

/* Not on top of what changes the configuration or the facts, nor while the database is being asked which row
 * it refuses. There is time: what is being looked up comes along, for rows are cheaper by the hundred. */
static bool may_stack(const struct project *project)
{
    bool is_gathered =
        project->ready.count >= project->batch_limit ||
        (project->ready.count >= PROJECT_STACK_MIN && !project->resolving && !project->queue.first);
    return is_gathered && project->flight_count == 1 && project->flights[0]->in_flight && !project->single &&
           !project->next_config && !project->changes && !project->changes_wanted && !project->outdated &&
           project->batch_limit == (size_t)project->app->settings->batch_max && may_write(project);
}

static void decide(struct project *project)
{
    batch_decide(project);
    if (project->batch->row_count) {
        flight_start(project);
        return;
    }
    core_rollback(&project->core);
    if (project->flight_count)
        request_list_append(&project->flights[project->flight_count - 1]->refused, &project->batch->refused);
    else
        batch_tell_refused(project->batch);
    batch_reset(project->batch);
}

static bool has_due(const struct project *project)
{
    int64_t next = core_next_timer(&project->core);
    return project->next_config || project->changes || next <= clock_now_ms();
}

void project_pump(struct project *project)
{
    intake_tell_immediate(project);
    if (!project_is_owned(project) || !pg_link_is_up(project->app->writer))
        changes_settle(project, false);
    if (project->state != PROJECT_OWNED)
        return;
    if (project->changes_wanted && !project->changes_asked && !project->flight_count)
        changes_read(project);
    if (!project->batch_limit && !project->flight_count && !has_due(project))
        project->batch_limit = 1;
    /* A repeat of what is in doubt must not be looked up before its fate shows in the journal. */
    if (!project->resolving && !flight_is_disowned(project) && project->queue.first &&
        project->ready.count < project->batch_limit && pg_link_is_up(project->app->reader))
        resolution_start(project);
    if ((may_commit(project) && (project->ready.first || has_due(project))) || may_stack(project)) {
        decide(project);
        if (project->queue.first || project->immediate.first || !project->flight_count)
            turn_request(&project->turn);
    }
    /* What is due but may not be committed waits for the reply or the link that holds it up, not for time. */
    if (may_commit(project))
        arm_timer(project);
    else
        uv_timer_stop(&project->core_timer);
    metric_set(METRIC_INTAKE, 0, (double)project->queue.count);
}
