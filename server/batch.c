/* The life of a batch: decide what is resolved, commit it in one statement, make the announcements ready
 * meanwhile, and tell once the database says that it is durable. One batch is in flight, or two when enough
 * waits for a second one on top of it: then the database need not wait for us. When the first comes to
 * nothing so does the second, whose fence says that the first is in. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "proto/decision.h"
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
    batch->changes = batch->touched = 0;
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

/* --- Commit --- */

static void count_outcome(const struct outcome *outcome)
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
        metric_observe(METRIC_WAIT_SECONDS, outcome->snapshot->channel, (double)outcome->waited_ms / 1000);
    for (const struct announcement *a = outcome->announcements; a; a = a->next) {
        if (a->type == ANNOUNCE_OFFERED)
            metric_add(METRIC_OFFERS, 0, 1);
    }
}

/* While the database works: answers and announcements, ready to be sent. */
static void make_ready(struct project *project, struct batch *batch)
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

/* Answers that need no commit: repeats and refusals, and those that share the batch's fate no longer. */
static void tell_refused(struct batch *batch)
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
    struct loaded_config *old = project->config;
    project->config = project->next_config;
    project->next_config = NULL;
    arena_deinit(&old->arena);
    free(old);
    log_event(LOG_INFO, "configuration is active",
              (struct log_field[]){log_text("project", project_name(project)),
                                   log_int("version", (int64_t)project->config->version)},
              2);
}

static void drop_changes(struct project *project, size_t count)
{
    for (; count; count--) {
        struct change *change = project->changes;
        project->changes = change->next;
        free(change);
        project->change_count--;
    }
    if (project->changes)
        return;
    project->changes_tail = &project->changes;
    changes_settle(project, true);
}

/* What was committed and nobody has heard of yet. */
static void tell_committed(struct project *project)
{
    struct batch *batch = project->untold;
    struct intake_request *request;
    if (!batch)
        return;
    project->untold = NULL;
    for (size_t i = 0; i < batch->row_count; i++)
        count_outcome(batch->rows[i].outcome);
    publisher_tell(project->app->publisher, project, &batch->announced);
    streams_tell(project->app->streams, project, &batch->announced);
    while ((request = request_list_pop(&batch->requests)))
        intake_finish(request);
    tell_refused(batch);
    core_bury(&project->core);
    if (batch->configures)
        take_config(project);
    batch_reset(batch);
    project->idle[project->idle_count++] = batch;
}

static void on_committed(void *ctx, const struct pg_reply *reply);
static void roll_back(struct project *project, struct batch *batch);

/* Facts that move all the time, somewhere, must not keep decisions about others waiting. */
static void share_facts(struct project *project)
{
    const struct batch *batch = project->batch;
    batch_store_share(project->store);
    for (size_t i = 0; i < batch->row_count; i++) {
        const struct intake_request *request = batch->row_requests[i];
        if (request && request->phone_facts)
            batch_store_decided_on(project->store, facts_key(request->phone_facts));
        if (request && request->email_facts)
            batch_store_decided_on(project->store, facts_key(request->email_facts));
    }
}

static void submit(struct project *project)
{
    struct batch *batch = project->batch;
    struct batch_fence fence = {
        .project = project->id,
        .owner = project->app->instance,
        .epoch = project->epoch,
        .seq_before = batch->seq_before,
        .seq_after = batch->seq_after,
        .facts_version = project->facts_version,
        .config_version = project->core.config_version,
        .published_seq = publisher_watermark(project->app->publisher, project),
        .last_ms = project->core.at_ms,
        .lease_ms = project->app->settings->lease_ms,
    };
    batch_store_fill(project->store, &project->core, &fence, batch->rows, batch->row_count, &batch->arena);
    if (project->outdated >= PROJECT_OUTDATED_MAX)
        share_facts(project);
    batch->started_ns = uv_hrtime();
    batch->in_flight = batch_store_submit(project->store, project->app->writer, on_committed, project);
    if (!batch->in_flight) {
        roll_back(project, batch);
        return;
    }
    project->replies++;
    metric_observe(METRIC_BATCH_SIZE, 0, (double)batch->row_count);
    tell_committed(project);
    project->flights[project->flight_count++] = batch;
    project->batch = project->idle[--project->idle_count];
    make_ready(project, batch);
}

static struct batch *take_oldest(struct project *project)
{
    struct batch *batch = project->flights[0];
    project->flight_count--;
    memmove(project->flights, project->flights + 1, sizeof batch * project->flight_count);
    return batch;
}

/* The batch is durable. The database gets its next one before this one is told: it must not wait for answers
 * to be written. */
static void succeed(struct project *project)
{
    struct batch *batch = take_oldest(project);
    metric_observe(METRIC_COMMIT_SECONDS, 0, (double)(uv_hrtime() - batch->started_ns) / 1e9);
    project->journal_seq = batch->seq_after;
    project->refusals = 0;
    project->single = false;
    /* After what was due alone, the request that stood behind it alone. */
    project->batch_limit = project->batch_limit ? (size_t)project->app->settings->batch_max : 1;
    project->renewed_ms = project->committed_ms = (int64_t)uv_now(project->app->loop);
    core_commit(&project->core);
    facts_commit(project->facts, batch->touched);
    drop_changes(project, batch->changes);
    project->untold = batch;
    if (!batch->configures)
        project_pump(project);
    tell_committed(project);
}

static void forget_created(struct project *project, const struct outcome *outcome)
{
    const struct party_texts *texts = outcome->created_from;
    if (uuid_is_nil(&outcome->created))
        return;
    if (texts->phone_key.len)
        facts_forget(project->facts, FACTS_PHONE, texts->phone_key);
    if (texts->email_key.len)
        facts_forget(project->facts, FACTS_EMAIL, texts->email_key);
}

/* Nothing of the newest batch is in. Its requests go back to the front, in order, before those being
 * resolved. */
static void roll_back(struct project *project, struct batch *batch)
{
    for (size_t i = 0; i < batch->row_count; i++)
        forget_created(project, batch->rows[i].outcome);
    facts_rollback(project->facts, batch->touched);
    resolution_give_up(project);
    request_list_prepend(&project->queue, &batch->refused); /* judged by a state that is undone */
    request_list_prepend(&project->queue, &batch->requests);
    if (batch->configures)
        owner_stand_down(project, "a new configuration could not be committed");
    else
        core_rollback(&project->core);
    batch_reset(batch);
}

static void roll_back_all(struct project *project)
{
    while (project->flight_count) {
        struct batch *batch = project->flights[--project->flight_count];
        project->idle[project->idle_count++] = batch;
        roll_back(project, batch);
    }
}

void batch_settle(struct project *project, uint64_t seq)
{
    while (project->flight_count && project->flights[0]->seq_after <= seq)
        succeed(project);
    roll_back_all(project);
}

void batch_drop(struct project *project)
{
    while (project->flight_count) {
        struct batch *batch = project->flights[--project->flight_count];
        batch_reset(batch);
        project->idle[project->idle_count++] = batch;
    }
}

bool batch_is_disowned(const struct project *project)
{
    return project->flight_count && project->flights[0]->disowned;
}

static void discard_requests(struct batch *batch)
{
    for (size_t i = 0; i < batch->row_count; i++)
        batch->row_requests[i] = NULL;
    batch->disowned = true;
    intake_refuse_all(&batch->requests, PROBLEM_STORAGE_UNAVAILABLE,
                      "the database was lost during the commit; ask again with the same id");
    tell_refused(batch);
}

void batch_discard_requests(struct project *project)
{
    for (uint32_t i = 0; i < project->flight_count; i++)
        discard_requests(project->flights[i]);
}

/* Passing trouble (locks, shutdown, resources, a standby, a day without partitions) is tried again; a row
 * that the database will never take is looked for by halves, answered alone, and its neighbours go on. */
static bool is_passing(const struct pg_reply *reply)
{
    const char *sqlstate = reply->sqlstate;
    /* A row without a partition violates no constraint that has a name. */
    bool no_partition = strcmp(sqlstate, "23514") == 0 && !reply->constraint;
    return no_partition || strncmp(sqlstate, "25", 2) == 0 || strncmp(sqlstate, "40", 2) == 0 ||
           strncmp(sqlstate, "53", 2) == 0 || strncmp(sqlstate, "55", 2) == 0 ||
           strncmp(sqlstate, "57", 2) == 0 || strncmp(sqlstate, "58", 2) == 0;
}

static void refuse_poison(struct project *project, const struct pg_reply *reply)
{
    struct intake_request *request = request_list_pop(&project->queue);
    log_event(LOG_ERROR, "the database refuses an input; it is answered with an error",
              (struct log_field[]){log_text("project", project_name(project)),
                                   log_str("sqlstate", reply->sqlstate), log_str("why", reply->message),
                                   log_str("kind", request ? input_kind_name(request->input.kind) : "timer"),
                                   log_text("source", request ? request->event.source : SLICE("")),
                                   log_text("id", request ? request->event.id : SLICE(""))},
              6);
    project->batch_limit = (size_t)project->app->settings->batch_max;
    if (!request)
        return;
    intake_refuse(request, PROBLEM_INTERNAL, NULL, "the database refuses this input");
    intake_finish(request);
}

/* No request is blamed for a timer or a change: those that shared its batch go first, without any. */
static void refused(struct project *project, const struct pg_reply *reply)
{
    size_t count = project->flights[0]->requests.count;
    bool alone = project->flights[0]->row_count == 1;
    static struct log_limit limit;
    roll_back_all(project);
    project->refusals++;
    if (is_passing(reply) || count == 0) {
        log_event_limited(&limit, LOG_WARN, "the database refuses a batch for now",
                          (struct log_field[]){log_text("project", project_name(project)),
                                               log_str("sqlstate", reply->sqlstate),
                                               log_str("why", reply->message)},
                          3);
        project->retry_at_ms = (int64_t)uv_now(project->app->loop) + PROJECT_HOUSEKEEPING_MS;
        owner_examine(project);
    } else if (!alone) {
        project->batch_limit = count / 2;
    } else {
        refuse_poison(project, reply);
    }
}

static void note_facts(struct project *project, uint64_t version)
{
    if (version == project->facts_version)
        project->outdated = 0;
    else
        project->changes_wanted = true;
}

static void give_back(struct project *project)
{
    roll_back_all(project);
    owner_examine(project);
}

static void take_reply(struct project *project, const struct pg_reply *reply)
{
    if (reply->outcome == PG_UNCERTAIN) {
        if (project->state == PROJECT_OWNED)
            project_enter(project, PROJECT_SETTLING); /* closing: the next owner finds out */
    } else if (reply->outcome == PG_OK && pg_bool(reply, 0, 0)) {
        note_facts(project, (uint64_t)pg_int64(reply, 0, 1));
        succeed(project);
    } else if (project->flight_count > 1) {
        project->single = true; /* its reply comes next; whatever was wrong shows again without it */
    } else if (reply->outcome == PG_REFUSED) {
        refused(project, reply);
    } else {
        project->outdated += reply->outcome == PG_OK;
        give_back(project);
    }
}

static void on_committed(void *ctx, const struct pg_reply *reply)
{
    struct project *project = ctx;
    if (project->flights[0]->in_flight) {
        project->flights[0]->in_flight = false;
        take_reply(project, reply);
    } else {
        /* The one below came to nothing, or nobody knows. */
        project->flights[1]->in_flight = false;
        if (project->single)
            give_back(project);
    }
    project_reply_done(project);
    turn_request(&project->turn);
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
 * it refuses. */
static bool may_stack(const struct project *project)
{
    return project->flight_count == 1 && project->flights[0]->in_flight && !project->single &&
           !project->next_config && !project->changes && !project->changes_wanted && !project->outdated &&
           project->batch_limit == (size_t)project->app->settings->batch_max && may_write(project);
}

static void decide(struct project *project)
{
    batch_decide(project);
    if (project->batch->row_count) {
        submit(project);
        return;
    }
    core_rollback(&project->core);
    if (project->flight_count)
        request_list_append(&project->flights[project->flight_count - 1]->refused, &project->batch->refused);
    else
        tell_refused(project->batch);
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
    if (!project->resolving && !batch_is_disowned(project) && project->queue.first &&
        project->ready.count < project->batch_limit && pg_link_is_up(project->app->reader))
        resolution_start(project);
    if ((may_commit(project) && (project->ready.first || has_due(project))) ||
        (may_stack(project) && project->ready.count >= PROJECT_STACK_MIN)) {
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
