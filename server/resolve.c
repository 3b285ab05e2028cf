/* The facts of the next batch: what the cache does not know is asked while the batch before commits, in two
 * questions of which mostly one has anything to ask: what was decided before, and who the customers are. */
#include <assert.h>
#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "proto/json.h"
#include "rules/record.h"
#include "server/log.h"
#include "server/metrics.h"
#include "server/project_internal.h"
#include "storage/pg_array.h"
#include "storage/pg_array_read.h"

enum resolve_kind { RESOLVE_EVENT = 1, RESOLVE_CLOSED, RESOLVE_PHONE, RESOLVE_EMAIL };

/* Which keys the decision will ask for: an event's own, or those of the interaction that is being taken. */
static void wanted_keys(const struct project *project, const struct intake_request *request,
                        struct slice *phone, struct slice *email)
{
    const struct input *input = &request->input;
    const struct interaction *interaction = NULL;
    *phone = *email = (struct slice){NULL, 0};
    if (input->kind == INPUT_ACCEPT)
        interaction = core_find_offer(&project->core, &input->offer);
    else if (input->kind == INPUT_PULL)
        interaction = core_find_interaction(&project->core, &input->interaction);
    else if (input->kind == INPUT_EVENT && input->event->type == EVENT_CALL_ANSWERED)
        interaction = core_find_conversation(&project->core, &input->conversation);
    else if (input->kind == INPUT_EVENT) {
        *phone = input->phone.key;
        *email = input->email.key;
    }
    if (interaction && interaction->data.identity == IDENTITY_NEW) {
        *phone = interaction->texts.phone_key;
        *email = interaction->texts.email_key;
    }
}

static void pin(struct project *project, struct facts_entry **entry, enum facts_kind kind, struct slice key)
{
    if (*entry && (!slice_equal(facts_key(*entry), key) || !facts_is_filled(*entry)))
        facts_unpin(project->facts, entry);
    if (!*entry && key.len)
        *entry = facts_pin(project->facts, kind, key);
}

static void request_pin(struct project *project, struct intake_request *request)
{
    struct slice phone, email;
    wanted_keys(project, request, &phone, &email);
    pin(project, &request->phone_facts, FACTS_PHONE, phone);
    pin(project, &request->email_facts, FACTS_EMAIL, email);
}

void request_unpin(struct project *project, struct intake_request *request)
{
    facts_unpin(project->facts, &request->phone_facts);
    facts_unpin(project->facts, &request->email_facts);
}

static bool has_filled(const struct facts_entry *entry, struct slice key)
{
    return !key.len || (entry && facts_is_filled(entry) && slice_equal(facts_key(entry), key));
}

bool request_facts_ready(struct project *project, struct intake_request *request)
{
    struct slice phone, email;
    wanted_keys(project, request, &phone, &email);
    return has_filled(request->phone_facts, phone) && has_filled(request->email_facts, email);
}

void resolution_cut_late(struct project *project)
{
    const struct resolution *resolution = project->resolving;
    if (resolution && resolution->asked && uv_hrtime() - resolution->asked_ns > PROJECT_COMMIT_WAIT_NS)
        pg_link_cut(project->app->reader, "facts were not answered in time");
}

void resolution_free(struct resolution **resolution)
{
    if (!*resolution)
        return;
    free(*resolution);
    *resolution = NULL;
}

void resolution_give_up(struct project *project)
{
    struct resolution *resolution = project->resolving;
    if (resolution)
        request_list_prepend(&project->queue, &resolution->requests);
    request_list_prepend(&project->queue, &project->ready);
    if (!resolution)
        return;
    project->resolving = NULL;
    resolution->project = NULL;
    if (!resolution->asked)
        resolution_free(&resolution);
}

/* --- The query --- */

/* Fields may be large, and few rules read them. */
static bool project_reads_fields(const struct project *project)
{
    const struct loaded_config *next = project->next_config, *now = project->config;
    return (now && now->reads_fields) || (next && next->reads_fields);
}

struct question {
    int64_t from_ms; /* the idempotency window */
    struct pg_array event_keys, conversations, phones, emails;
};

/* A conversation that is open needs no look at the closed ones. */
static bool asks_for_closed(const struct project *project, const struct input *input, int64_t from_ms)
{
    return !core_find_conversation(&project->core, &input->conversation) &&
           known_keys_may_have(project->known, &input->conversation, from_ms);
}

static bool ask_for(struct project *project, struct intake_request *request, struct question *question)
{
    bool asks = false;
    if (request->input.kind == INPUT_EVENT &&
        known_keys_may_have(project->known, &request->event_key, question->from_ms)) {
        metric_add(METRIC_LOOKED_UP, 0, 1);
        pg_array_uuid(&question->event_keys, &request->event_key);
        asks = true;
    }
    if (request->input.kind == INPUT_EVENT && asks_for_closed(project, &request->input, question->from_ms)) {
        pg_array_uuid(&question->conversations, &request->input.conversation);
        asks = true;
    }
    if (request->phone_facts && !facts_is_filled(request->phone_facts)) {
        pg_array_bytes(&question->phones, facts_key(request->phone_facts));
        asks = true;
    }
    if (request->email_facts && !facts_is_filled(request->email_facts)) {
        pg_array_bytes(&question->emails, facts_key(request->email_facts));
        asks = true;
    }
    return asks;
}

static struct intake_request *find_event(struct project *project, struct slice key_text)
{
    struct uuid key;
    if (!uuid_parse(&key, key_text))
        return NULL;
    struct table_node *node =
        table_find(&project->pending, (struct slice){(const char *)key.bytes, sizeof key.bytes});
    return node ? node->owner : NULL;
}

static void take_earlier(struct resolution *resolution, const struct pg_reply *reply, int row)
{
    struct intake_request *request = find_event(resolution->project, pg_cell(reply, row, 1));
    if (!request)
        return;
    struct outcome *outcome = arena_new(request->arena, struct outcome);
    struct slice bytes = arena_copy(request->arena, pg_cell(reply, row, 5));
    if (!record_read_decision(outcome, bytes, request->arena)) {
        log_event(LOG_ERROR, "a decision in the journal cannot be read",
                  (struct log_field[]){log_int("sequence", pg_int64(reply, row, 3))}, 1);
        return;
    }
    outcome->seq = (uint64_t)pg_int64(reply, row, 3);
    outcome->at_ms = pg_int64(reply, row, 4);
    request->earlier = outcome;
    request->earlier_digest = pg_uuid(reply, row, 2);
}

static void take_closed(struct resolution *resolution, const struct pg_reply *reply, int row)
{
    struct uuid conversation;
    if (!uuid_parse(&conversation, pg_cell(reply, row, 1)))
        return;
    for (struct intake_request *request = resolution->requests.first; request; request = request->next) {
        if (request->input.kind == INPUT_EVENT && uuid_equal(&request->input.conversation, &conversation))
            request->input.facts.closed = pg_uuid(reply, row, 2);
    }
}

static void take_customer(struct resolution *resolution, const struct pg_reply *reply, int row,
                          enum facts_kind kind)
{
    struct project *project = resolution->project;
    struct arena scratch;
    arena_init(&scratch);
    struct facts_entry *entry = facts_pin(project->facts, kind, pg_cell(reply, row, 1));
    struct fault fault;
    struct customer_fact fact = {.id = pg_uuid(reply, row, 2),
                                 .name = pg_cell(reply, row, 4),
                                 .owner = pg_cell(reply, row, 5),
                                 .stage = pg_cell(reply, row, 7),
                                 .source = pg_cell(reply, row, 8),
                                 .last_agent = pg_cell(reply, row, 9),
                                 .last_ms =
                                     pg_is_null(reply, row, 10) ? TIME_NEVER : pg_int64(reply, row, 10)};
    struct uuid newest = pg_uuid(reply, row, 3);
    fact.tag_count = pg_text_array(reply, row, 6, &fact.tags, &scratch);
    if (!pg_is_null(reply, row, 11) && !json_read(&fact.fields, pg_cell(reply, row, 11), &scratch, &fault))
        fact.fields = value_null(); /* nested too deeply to be read: as if there were none */
    if (!facts_is_filled(entry))
        facts_add(project->facts, entry, &fact, &newest);
    facts_unpin(project->facts, &entry);
    arena_deinit(&scratch);
}

static void mark_filled(struct resolution *resolution)
{
    for (struct intake_request *request = resolution->requests.first; request; request = request->next) {
        if (request->phone_facts)
            facts_filled(request->phone_facts);
        if (request->email_facts)
            facts_filled(request->email_facts);
    }
}

/* Behind those that are ready already: the order of the queue stays. */
static void resolution_finish(struct resolution *resolution)
{
    struct project *project = resolution->project;
    struct intake_request *request;
    if (!project->ready.first)
        project->ready_seen = resolution->seen;
    while ((request = request_list_pop(&resolution->requests)))
        request_list_push(&project->ready, request);
    project->resolving = NULL;
    resolution_free(&resolution);
}

static void take_answer(struct resolution *resolution, const struct pg_reply *reply)
{
    for (int row = 0; row < reply->rows; row++) {
        switch ((enum resolve_kind)pg_int64(reply, row, 0)) {
        case RESOLVE_EVENT:
            take_earlier(resolution, reply, row);
            break;
        case RESOLVE_CLOSED:
            take_closed(resolution, reply, row);
            break;
        case RESOLVE_PHONE:
            take_customer(resolution, reply, row, FACTS_PHONE);
            break;
        case RESOLVE_EMAIL:
            take_customer(resolution, reply, row, FACTS_EMAIL);
            break;
        }
    }
}

/* Both questions are answered, or not: then everything is asked again. Stale facts at once; a database that
 * cannot answer with the next housekeeping. */
static void conclude(struct resolution *resolution)
{
    struct project *project = resolution->project;
    bool failed = resolution->failed;
    if (!failed && resolution->generation == facts_cache_generation(project->facts)) {
        mark_filled(resolution);
        resolution_finish(resolution);
    } else {
        resolution_give_up(project);
    }
    if (!failed)
        turn_request(&project->turn);
}

static void on_resolved(void *ctx, const struct pg_reply *reply)
{
    struct resolution *resolution = ctx;
    struct project *project = resolution->project;
    resolution->asked--;
    if (!project) {
        if (!resolution->asked)
            resolution_free(&resolution);
        return;
    }
    if (reply->outcome == PG_REFUSED)
        log_event(LOG_ERROR, "facts cannot be read", (struct log_field[]){log_str("why", reply->message)}, 1);
    if (reply->outcome != PG_OK)
        resolution->failed = true;
    else if (!resolution->failed && resolution->generation == facts_cache_generation(project->facts))
        take_answer(resolution, reply);
    if (!resolution->asked)
        conclude(resolution);
}

static bool submit(struct resolution *resolution, const char *name, const struct pg_param *params, int count)
{
    struct pg_query query = {.name = name, .params = params, .param_count = count, .binary_result = true};
    if (!pg_link_submit(resolution->project->app->reader, &query, on_resolved, resolution))
        return false;
    resolution->asked++;
    return true;
}

/* Two small statements: setting up the one over every day's partitions takes longer than finding a customer,
 * and only repeats and taken-up conversations need it. Customers come last: what they fill is never half. */
static void ask(struct resolution *resolution, struct question *question)
{
    int32_t id = (int32_t)htobe32(resolution->project->id);
    int64_t since = (int64_t)htobe64((uint64_t)question->from_ms);
    struct pg_param project = {.data = &id, .len = sizeof id, .binary = true};
    struct pg_param history[] = {project,
                                 pg_array_param(&question->event_keys),
                                 pg_array_param(&question->conversations),
                                 {.data = &since, .len = sizeof since, .binary = true}};
    char wants_fields = project_reads_fields(resolution->project);
    struct pg_param customers[] = {project,
                                   pg_array_param(&question->phones),
                                   pg_array_param(&question->emails),
                                   {.data = &wants_fields, .len = 1, .binary = true}};
    resolution->asked_ns = uv_hrtime();
    if (question->event_keys.count || question->conversations.count)
        resolution->failed = !submit(resolution, "resolve_history", history, 4);
    if (!resolution->failed && (question->phones.count || question->emails.count))
        resolution->failed = !submit(resolution, "resolve_customers", customers, 4);
}

void resolution_start(struct project *project)
{
    struct resolution *resolution = calloc(1, sizeof *resolution);
    struct question question;
    struct intake_request *request;
    bool asks = false;
    if (!resolution)
        abort();
    assert(!project->resolving);
    /* The question below will see them; so did those of the requests that are ready. */
    core_forget_closed(&project->core, project->ready.first ? project->ready_seen : project->journal_seq);
    request_list_init(&resolution->requests);
    resolution->project = project;
    resolution->seen = project->journal_seq;
    resolution->generation = facts_cache_generation(project->facts);
    project->resolving = resolution;
    question.from_ms = known_from_ms(project);
    pg_array_init(&question.event_keys, PG_UUID);
    pg_array_init(&question.conversations, PG_UUID);
    pg_array_init(&question.phones, PG_TEXT);
    pg_array_init(&question.emails, PG_TEXT);
    while (resolution->requests.count + project->ready.count < project->batch_limit &&
           (request = request_list_pop(&project->queue))) {
        request->earlier = NULL;
        request->input.facts = (struct facts){0};
        request_pin(project, request);
        asks |= ask_for(project, request, &question);
        request_list_push(&resolution->requests, request);
    }
    if (!asks)
        resolution_finish(resolution);
    else
        ask(resolution, &question);
    if (asks && !resolution->asked)
        resolution_give_up(project); /* nobody takes questions */
    pg_array_deinit(&question.event_keys);
    pg_array_deinit(&question.conversations);
    pg_array_deinit(&question.phones);
    pg_array_deinit(&question.emails);
}
