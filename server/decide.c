/* Stepping the core: what changed, what is due, then the requests whose facts are known, in the order they
 * came. */
#include <assert.h>
#include <stdlib.h>

#include "proto/decision.h"
#include "proto/json.h"
#include "rules/record.h"
#include "server/mail_thread.h"
#include "server/project_internal.h"

/* Bytes: what long texts cost the loop, to commit them and to tell them. */
#define BATCH_TEXT_MAX (256u << 10)

static struct input *add_row(struct batch *batch, const struct input *input, struct intake_request *request)
{
    struct input *copy = arena_new(&batch->arena, struct input);
    assert(batch->row_count < PROJECT_ROWS_MAX);
    *copy = *input;
    batch->row_requests[batch->row_count] = request;
    batch->rows[batch->row_count] = (struct batch_row){.input = copy};
    return copy;
}

/* Steps one input; true when it made a row. */
static bool step(struct project *project, const struct input *input, struct intake_request *request)
{
    struct batch *batch = project->batch;
    struct input *copy = add_row(batch, input, request);
    struct batch_row *row = &batch->rows[batch->row_count];
    row->outcome = core_step(&project->core, copy, &batch->arena);
    if (row->outcome->refusal != REFUSAL_NONE)
        return false;
    struct value fields = record_facts_fields(&copy->facts, &batch->arena);
    if (fields.kind != VALUE_NULL)
        row->fields = json_write(&fields, &batch->arena);
    if (request) {
        row->event_key = request->event_key;
        row->digest = request->digest;
        row->attributes = request->attributes;
        row->link = request->link;
    }
    batch->row_count++;
    return true;
}

/* --- Requests --- */

void batch_refuse(struct intake_request *request, enum refusal refusal)
{
    switch (refusal) {
    case REFUSAL_OFFER_GONE:
        intake_refuse(request, PROBLEM_OFFER_GONE, NULL, "the offer has ended");
        break;
    case REFUSAL_NOT_FOUND:
        intake_refuse(request, PROBLEM_NOT_FOUND, NULL, "there is no such offer or interaction");
        break;
    case REFUSAL_FORBIDDEN:
        intake_refuse(request, PROBLEM_FORBIDDEN, NULL, "it is another agent's");
        break;
    case REFUSAL_NO_ENDPOINT:
        intake_refuse(request, PROBLEM_INVALID, "/data/to", "no endpoint of the project has this address");
        break;
    case REFUSAL_NO_AGENT:
        intake_refuse(request, PROBLEM_NOT_FOUND, NULL, "the project has no such agent");
        break;
    case REFUSAL_NO_QUEUE:
        intake_refuse(request, PROBLEM_INVALID, "/queue", "the project has no such queue");
        break;
    case REFUSAL_AGENT_UNAVAILABLE:
        intake_refuse(request, PROBLEM_AGENT_UNAVAILABLE, NULL, "the agent cannot take it now");
        break;
    case REFUSAL_TAKEN:
        intake_refuse(request, PROBLEM_ALREADY_TAKEN, NULL, "it does not wait any more");
        break;
    case REFUSAL_CLOSED:
        intake_refuse(request, PROBLEM_NOT_FOUND, NULL, "the interaction has ended");
        break;
    case REFUSAL_NONE:
        abort();
    }
}

/* Also of another content under the same id: a webhook's peer is told what was decided. */
static void answer_earlier(struct intake_request *request)
{
    request->answer = decision_event_answer(request->earlier, arena_copy(request->arena, request->event.id),
                                            request->event.source, request->arena);
    if (!uuid_equal(&request->earlier_digest, &request->digest)) {
        intake_refuse(request, PROBLEM_ID_CONFLICT, "/id", "this source and id stand for another event");
        return;
    }
    request->duplicate = true;
}

/* The customer that this decision makes or meets is known to the next one. */
static void remember_facts(struct project *project, struct intake_request *request,
                           const struct outcome *outcome)
{
    if (!uuid_is_nil(&outcome->created)) {
        struct customer_fact fact = {.id = outcome->created,
                                     .name = outcome->created_from->name,
                                     .stage = project->core.config->create_to_assign ? SLICE("to_be_assigned")
                                                                                     : SLICE("new"),
                                     .source = slice_of(channel_name(outcome->created_channel))};
        struct uuid newest = outcome->snapshot ? outcome->snapshot->interaction : (struct uuid){{0}};
        if (request->phone_facts)
            facts_add(project->facts, request->phone_facts, &fact, &newest);
        if (request->email_facts)
            facts_add(project->facts, request->email_facts, &fact, &newest);
    }
    if (!uuid_is_nil(&outcome->active_customer) && outcome->snapshot)
        facts_touch(project->facts, &outcome->active_customer, &outcome->snapshot->interaction,
                    outcome->active_agent, outcome->at_ms);
}

/* The tables may know an older one than the core, which has what closed since they were asked. */
static void find_closed(const struct core *core, struct input *input)
{
    struct uuid closed;
    if (core_find_closed(core, &input->conversation, &closed) &&
        uuid_compare(&closed, &input->facts.closed) > 0)
        input->facts.closed = closed;
}

/* The facts of a link were read by whoever asks for it: they must be no older than those of the batch. */
static bool take_linked(struct project *project, struct intake_request *request)
{
    struct facts *facts = &request->input.facts;
    if (request->input.kind != INPUT_LINK)
        return true;
    request->is_outdated = project->facts_version > request->linked_version;
    if (request->is_outdated) {
        intake_refuse(request, PROBLEM_OVERLOADED, NULL, "others are changing the same record");
        return false;
    }
    facts->candidates = arena_new(&project->batch->arena, struct customer_fact);
    facts->candidates[0] = *request->linked;
    facts->candidate_count = 1;
    if (!project->config->reads_fields)
        facts->candidates[0].fields = value_null();
    return true;
}

static void decide_request(struct project *project, struct intake_request *request, int64_t now)
{
    struct batch *batch = project->batch;
    const struct counted_mail *counted = batch->counted;
    request->refused = request->duplicate = false; /* whatever an earlier try said */
    if (request->earlier) {
        answer_earlier(request);
        request_list_push(&batch->refused, request);
        return;
    }
    request->input.at_ms = now;
    /* A retry begins anew: what the fact joins and outcomes of the last try said counts no more. */
    if (request->input.kind == INPUT_EVENT)
        find_closed(&project->core, &request->input);
    facts_join(&request->input.facts, request->phone_facts, request->email_facts, &batch->arena);
    if (request->input.kind == INPUT_EVENT && request->event.type == EVENT_EMAIL_RECEIVED) {
        mail_thread_settle(&project->core, project->writers, request);
        mail_meter(project, request, now);
    }
    if (!take_linked(project, request)) {
        request_list_push(&batch->refused, request);
        return;
    }
    if (step(project, &request->input, request)) {
        remember_facts(project, request, batch->rows[batch->row_count - 1].outcome);
        if (request->input.kind == INPUT_EVENT)
            known_add(project, request, batch->rows[batch->row_count - 1].outcome, now);
        request_list_push(&batch->requests, request);
        return;
    }
    mail_meter_give_back(project, batch, counted);
    batch_refuse(request, batch->rows[batch->row_count].outcome->refusal);
    request_list_push(&batch->refused, request);
}

/* What is left when the batch is full, or when a request's facts turn out to be missing, waits for the next
 * one: order stays. */
static void decide_requests(struct project *project, int64_t now)
{
    struct intake_request *request;
    size_t bytes = 0;
    for (size_t i = 0; i < project->batch_limit && (request = project->ready.first); i++) {
        if (project->batch->row_count >= PROJECT_ROWS_MAX || bytes >= BATCH_TEXT_MAX)
            return;
        bytes += request->event.text.len + request->attributes.len;
        if (!request->earlier && !request_facts_ready(project, request)) {
            resolution_give_up(project);
            return;
        }
        request_list_pop(&project->ready);
        decide_request(project, request, now);
    }
}

static void decide_changes(struct project *project, int64_t now)
{
    struct batch *batch = project->batch;
    for (struct change *change = project->changes; change; change = change->next) {
        struct input input = {.kind = change->kind, .at_ms = now, .block = change->block};
        if (batch->row_count >= PROJECT_ROWS_MAX)
            return;
        step(project, &input, NULL);
        batch->changes++;
    }
}

static void decide_timers(struct project *project, int64_t now)
{
    while (project->batch->row_count < PROJECT_ROWS_MAX / 2 && core_next_timer(&project->core) <= now) {
        struct input input = core_timer(&project->core, now);
        step(project, &input, NULL);
    }
}

static void decide_config(struct project *project, int64_t now)
{
    struct input input = {.kind = INPUT_CONFIG,
                          .at_ms = now,
                          .config = &project->next_config->config,
                          .config_version = project->next_config->version};
    step(project, &input, NULL);
    project->batch->configures = true;
}

/* Not on top of another batch, which may carry the same ones. */
static void decide_audit(struct project *project, int64_t now)
{
    struct batch *batch = project->batch;
    struct input input = {.kind = INPUT_AUDIT, .at_ms = now};
    while (!project->flight_count &&
           audit_next(&input.finding, &project->audit, batch->audited, &batch->arena)) {
        step(project, &input, NULL);
        batch->audited++;
    }
}

void batch_decide(struct project *project)
{
    struct batch *batch = project->batch;
    int64_t now = clock_now_ms();
    if (now < project->core.at_ms)
        now = project->core.at_ms;
    core_begin(&project->core);
    batch->seq_before = project->core.seq;
    batch->touched = facts_touched(project->facts);
    if (project->next_config) {
        decide_config(project, now);
    } else {
        decide_audit(project, now);
        decide_changes(project, now);
        decide_timers(project, now);
        /* What is due comes before any request of its time, also when it fills the batch. */
        if (batch->changes == project->change_count && core_next_timer(&project->core) > now)
            decide_requests(project, now);
    }
    batch->seq_after = project->core.seq;
    batch->touched = facts_touched(project->facts) - batch->touched;
}
