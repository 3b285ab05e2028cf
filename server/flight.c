/* Batches on their way to the database, each in one statement. One is, or two when enough waits for a second
 * one on top of the first: then the database need not wait for us. When the first comes to nothing so does
 * the second, whose fence says that the first is in. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "server/audit.h"
#include "server/log.h"
#include "server/metrics.h"
#include "server/project_internal.h"
#include "server/publisher.h"

static void on_committed(void *ctx, const struct pg_reply *reply);
static void roll_back(struct project *project, struct batch *batch);

/* Whoever is linked was read by its id, not by a key: any facts that moved may be about them. */
static bool has_link(const struct batch *batch)
{
    for (size_t i = 0; i < batch->row_count; i++) {
        const struct intake_request *request = batch->row_requests[i];
        if (request && request->input.kind == INPUT_LINK)
            return true;
    }
    return false;
}

/* Facts that move, somewhere, must not keep decisions about others waiting. */
static void share_facts(struct project *project)
{
    const struct batch *batch = project->batch;
    if (has_link(batch) && project->outdated < PROJECT_OUTDATED_MAX)
        return;
    batch_store_share(project->store);
    for (size_t i = 0; i < batch->row_count; i++) {
        const struct intake_request *request = batch->row_requests[i];
        if (request && request->phone_facts)
            batch_store_decided_on(project->store, facts_key(request->phone_facts));
        if (request && request->email_facts)
            batch_store_decided_on(project->store, facts_key(request->email_facts));
    }
}

void flight_start(struct project *project)
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
    share_facts(project);
    batch->started_ns = uv_hrtime();
    batch->in_flight = batch_store_submit(project->store, project->app->writer, on_committed, project);
    if (!batch->in_flight) {
        roll_back(project, batch);
        return;
    }
    project->replies++;
    metric_observe(METRIC_BATCH_SIZE, 0, (double)batch->row_count);
    metric_add(METRIC_STACKED, 0, project->flight_count);
    batch_tell_committed(project);
    project->flights[project->flight_count++] = batch;
    project->batch = project->idle[--project->idle_count];
    batch_make_ready(project, batch);
    audit_batch(project, batch);
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
    project->audit.journaled += batch->audited;
    customer_index_news(project);
    project->untold = batch;
    if (!batch->configures)
        project_pump(project);
    batch_tell_committed(project);
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
    mail_meter_give_back(project, batch, NULL);
    resolution_give_up(project);
    request_list_prepend(&project->queue, &batch->refused); /* judged by a state that is undone */
    request_list_prepend(&project->queue, &batch->requests);
    if (batch->configures)
        owner_reload(project, "a new configuration could not be committed");
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

void flight_settle(struct project *project, uint64_t seq)
{
    while (project->flight_count && project->flights[0]->seq_after <= seq)
        succeed(project);
    roll_back_all(project);
}

void flight_drop(struct project *project)
{
    while (project->flight_count) {
        struct batch *batch = project->flights[--project->flight_count];
        batch_reset(batch);
        project->idle[project->idle_count++] = batch;
    }
}

bool flight_is_disowned(const struct project *project)
{
    bool disowned = false;
    for (uint32_t i = 0; i < project->flight_count; i++)
        disowned |= project->flights[i]->disowned;
    return disowned;
}

/* Repeats have their answer, whatever becomes of the batch; what its state judged waits for that. */
static void give_up_refused(struct request_list *refused)
{
    struct intake_request *request;
    while ((request = request_list_pop(refused))) {
        if (!request->earlier)
            intake_refuse(request, PROBLEM_STORAGE_UNAVAILABLE, NULL, "the database did not answer in time");
        intake_finish(request);
    }
}

static void discard_requests(struct batch *batch)
{
    for (size_t i = 0; i < batch->row_count; i++)
        batch->row_requests[i] = NULL;
    batch->disowned = true;
    intake_refuse_all(&batch->requests, PROBLEM_STORAGE_UNAVAILABLE,
                      "the database was lost during the commit; ask again with the same id");
    give_up_refused(&batch->refused);
}

void flight_discard_requests(struct project *project)
{
    for (uint32_t i = 0; i < project->flight_count; i++)
        discard_requests(project->flights[i]);
}

void flight_expire(struct project *project, int64_t now)
{
    for (uint32_t i = 0; i < project->flight_count; i++) {
        struct batch *batch = project->flights[i];
        if (request_list_is_over(&batch->requests, now) || request_list_is_over(&batch->refused, now))
            discard_requests(batch);
    }
}

/* Answers come in order: the time of the next one begins when the one before has come. */
bool flight_is_late(const struct project *project)
{
    for (uint32_t i = 0; i < project->flight_count; i++) {
        const struct batch *batch = project->flights[i];
        uint64_t since = batch->started_ns > project->replied_ns ? batch->started_ns : project->replied_ns;
        if (batch->in_flight)
            return uv_hrtime() - since > PROJECT_COMMIT_WAIT_NS;
    }
    return false;
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

/* The event by its key: its id may name people, as a Message-ID does. */
static void refuse_poison(struct project *project, const struct pg_reply *reply)
{
    struct intake_request *request = request_list_pop(&project->queue);
    char event[UUID_TEXT_LEN + 1] = "";
    if (request && request->input.kind == INPUT_EVENT)
        uuid_format(&request->event_key, event);
    log_event(LOG_ERROR, "the database refuses an input; it is answered with an error",
              (struct log_field[]){log_text("project", project_name(project)),
                                   log_str("sqlstate", reply->sqlstate), log_str("why", reply->message),
                                   log_str("kind", request ? input_kind_name(request->input.kind) : "timer"),
                                   log_text("source", request ? request->event.source : SLICE("")),
                                   log_str("event", event)},
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
    project->outdated = 0;
    if (version != project->facts_version)
        project->changes_wanted = true;
}

static void give_back(struct project *project)
{
    roll_back_all(project);
    owner_examine(project);
}

static void doubt(struct project *project)
{
    if (project->state == PROJECT_OWNED)
        project_enter(project, PROJECT_SETTLING); /* closing: the next owner finds out */
}

static void take_reply(struct project *project, const struct pg_reply *reply)
{
    if (reply->outcome == PG_UNCERTAIN) {
        doubt(project);
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

/* The one below came to nothing, or nobody knows. One that was lost on the way may still arrive, when others
 * have brought the journal to the very place that it was decided for: only a settlement fences it. */
static void take_second_reply(struct project *project, const struct pg_reply *reply)
{
    if (reply->outcome == PG_UNCERTAIN)
        doubt(project);
    else if (project->single)
        give_back(project);
}

static void on_committed(void *ctx, const struct pg_reply *reply)
{
    struct project *project = ctx;
    bool first = project->flights[0]->in_flight;
    project->replied_ns = uv_hrtime();
    project->flights[first ? 0 : 1]->in_flight = false;
    if (first)
        take_reply(project, reply);
    else
        take_second_reply(project, reply);
    project_reply_done(project);
    turn_request(&project->turn);
}
