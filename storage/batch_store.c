#include "storage/batch_store.h"

#include <assert.h>
#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "rules/record.h"
#include "storage/batch_columns.h"

#define SCALARS_BEFORE 9 /* $1 to $9 */
#define SCALARS_BEHIND 2 /* the bounds of MOVED_ID */
#define PARAM_COUNT (COLUMN_COUNT + SCALARS_BEFORE + 1 + SCALARS_BEHIND)

struct batch_store {
    struct pg_array columns[COLUMN_COUNT];
    int64_t numbers[SCALARS_BEFORE + 1]; /* big endian */
    int32_t project;                     /* big endian */
    struct uuid owner, moved_first, moved_last;
    bool shares; /* the facts: see batch_store_share() */
    const struct core *core;
    struct arena *arena;
};

struct batch_store *batch_store_alloc(void)
{
    struct batch_store *store = calloc(1, sizeof *store);
    if (!store)
        abort();
    for (int i = 0; i < COLUMN_COUNT; i++)
        pg_array_init(&store->columns[i], batch_column_types[i]);
    return store;
}

void batch_store_free(struct batch_store **store)
{
    if (!*store)
        return;
    for (int i = 0; i < COLUMN_COUNT; i++)
        pg_array_deinit(&(*store)->columns[i]);
    free(*store);
    *store = NULL;
}

static void put_int(struct batch_store *store, enum batch_column column, int64_t value)
{
    pg_array_int(&store->columns[column], value);
}

static void put_time(struct batch_store *store, enum batch_column column, int64_t value)
{
    if (value == TIME_NEVER)
        pg_array_null(&store->columns[column]);
    else
        pg_array_int(&store->columns[column], value);
}

/* Absent text is NULL. */
static void put_text(struct batch_store *store, enum batch_column column, struct slice text)
{
    if (text.len)
        pg_array_bytes(&store->columns[column], text);
    else
        pg_array_null(&store->columns[column]);
}

static void put_uuid(struct batch_store *store, enum batch_column column, const struct uuid *id)
{
    pg_array_uuid(&store->columns[column], id);
}

/* An array literal: PostgreSQL has no arrays of arrays of different lengths. */
static struct slice candidates_literal(const struct interaction_data *data, struct arena *arena)
{
    if (!data->candidate_count)
        return (struct slice){NULL, 0};
    char *text = arena_alloc(arena, (size_t)data->candidate_count * (UUID_TEXT_LEN + 1) + 2), *to = text;
    for (uint32_t i = 0; i < data->candidate_count; i++) {
        *to++ = i ? ',' : '{';
        uuid_format(&data->candidates[i], to);
        to += UUID_TEXT_LEN;
    }
    *to++ = '}';
    return (struct slice){text, (size_t)(to - text)};
}

/* The columns that a new row and a moved one share, at their two places. */
static void put_state(struct batch_store *store, const struct interaction *interaction, bool is_new)
{
    const struct interaction_data *data = &interaction->data;
    bool held = data->agent >= 0;
    put_int(store, is_new ? NEW_STATE : MOVED_STATE, data->state);
    put_text(store, is_new ? NEW_QUEUE : MOVED_QUEUE,
             data->queue < 0 ? (struct slice){NULL, 0} : store->core->config->queues[data->queue].name);
    put_text(store, is_new ? NEW_AGENT : MOVED_AGENT,
             held ? store->core->agents[data->agent].name : (struct slice){NULL, 0});
    put_uuid(store, is_new ? NEW_OFFER : MOVED_OFFER, &data->offer);
    put_time(store, is_new ? NEW_OFFERED : MOVED_OFFERED, data->offered_ms);
    put_time(store, is_new ? NEW_EXPIRES : MOVED_EXPIRES, data->expires_ms);
    put_time(store, is_new ? NEW_ACCEPTED : MOVED_ACCEPTED, data->accepted_ms);
    put_int(store, is_new ? NEW_ATTEMPTS : MOVED_ATTEMPTS, data->attempts);
    put_int(store, is_new ? NEW_IDENTITY : MOVED_IDENTITY, data->identity);
    put_uuid(store, is_new ? NEW_CUSTOMER : MOVED_CUSTOMER, &data->customer);
    put_text(store, is_new ? NEW_CANDIDATES : MOVED_CANDIDATES, candidates_literal(data, store->arena));
    put_time(store, is_new ? NEW_CLOSED : MOVED_CLOSED, data->closed_ms);
    put_text(store, is_new ? NEW_CAUSE : MOVED_CAUSE, data->cause);
    put_text(store, is_new ? NEW_ROUTING : MOVED_ROUTING,
             data->state == INTERACTION_CLOSED ? (struct slice){NULL, 0}
                                               : record_open(store->core, interaction, store->arena));
}

static void put_interaction(void *ctx, const struct interaction *interaction, bool is_new)
{
    struct batch_store *store = ctx;
    if (is_new) {
        put_uuid(store, NEW_ID, &interaction->id);
        put_int(store, NEW_CHANNEL, interaction->channel);
        pg_array_bool(&store->columns[NEW_OUTBOUND], interaction->outbound);
        put_uuid(store, NEW_CONVERSATION, &interaction->conversation);
        put_int(store, NEW_OPENED_SEQ, (int64_t)interaction->opened_seq);
        put_int(store, NEW_OPENED_MS, interaction->opened_ms);
        put_int(store, NEW_PRIORITY, interaction->data.priority);
        put_int(store, NEW_ENQUEUED, interaction->data.enqueued_ms);
    } else {
        if (!store->columns[MOVED_ID].count || uuid_compare(&interaction->id, &store->moved_first) < 0)
            store->moved_first = interaction->id;
        if (!store->columns[MOVED_ID].count || uuid_compare(&interaction->id, &store->moved_last) > 0)
            store->moved_last = interaction->id;
        put_uuid(store, MOVED_ID, &interaction->id);
        put_int(store, MOVED_PRIORITY, interaction->data.priority);
        put_int(store, MOVED_ENQUEUED, interaction->data.enqueued_ms);
    }
    put_state(store, interaction, is_new);
}

static void put_agent(void *ctx, const struct agent *agent)
{
    struct batch_store *store = ctx;
    const struct agent_data *data = &agent->data;
    put_text(store, AGENT_NAME, agent->name);
    put_int(store, AGENT_STATE, data->state);
    put_text(store, AGENT_REASON, slice_of(data->reason));
    put_int(store, AGENT_LEASE, data->lease_ms);
    put_time(store, AGENT_LEASE_UNTIL, data->lease_until);
    put_time(store, AGENT_GRACE_UNTIL, data->grace_until);
    put_time(store, AGENT_WRAP_UNTIL, data->wrap_until);
    put_time(store, AGENT_COOL_UNTIL, data->cool_until);
    put_int(store, AGENT_MISSES, data->misses);
    put_int(store, AGENT_IDLE_SINCE, data->idle_since);
    put_int(store, AGENT_SEQUENCE, (int64_t)data->agentsequence);
    for (int channel = 0; channel < CHANNEL_COUNT; channel++)
        put_int(store, (enum batch_column)(AGENT_TURN_CALL + channel), (int64_t)data->turn[channel]);
}

/* Call endings and the like say nothing about people: no content row. */
static bool has_content(const struct input *input)
{
    return input->kind == INPUT_EVENT &&
           (input->event->type == EVENT_CALL_RINGING || input->event->type == EVENT_CHAT_MESSAGE ||
            input->event->type == EVENT_EMAIL_RECEIVED);
}

static void put_content(struct batch_store *store, const struct batch_row *row)
{
    static const struct event none;
    const struct event *event = has_content(row->input) ? row->input->event : &none;
    put_int(store, CONTENT_SEQ, (int64_t)row->outcome->seq);
    put_int(store, CONTENT_AT, row->outcome->at_ms);
    put_text(store, CONTENT_PHONE, event->from.phone);
    put_text(store, CONTENT_EMAIL, event->from.email);
    put_text(store, CONTENT_PARTY_ID, event->from.id);
    put_text(store, CONTENT_NAME, event->from.name);
    put_text(store, CONTENT_RECIPIENT, row->input->recipient_key);
    put_text(store, CONTENT_PHONE_KEY, row->input->phone.key);
    put_text(store, CONTENT_EMAIL_KEY, row->input->email.key);
    put_text(store, CONTENT_SOURCE, event->source);
    put_text(store, CONTENT_SUBJECT, event->subject);
    put_text(store, CONTENT_TITLE, event->title);
    put_text(store, CONTENT_BODY, event->text);
    put_text(store, CONTENT_ATTRIBUTES, row->attributes);
    put_text(store, CONTENT_FIELDS, row->fields);
}

static void put_created(struct batch_store *store, const struct outcome *outcome)
{
    const struct party_texts *texts = outcome->created_from;
    put_uuid(store, CUSTOMER_ID, &outcome->created);
    pg_array_bytes(&store->columns[CUSTOMER_NAME], texts->name.len ? texts->name : SLICE(""));
    put_text(store, CUSTOMER_SOURCE, slice_of(channel_name(outcome->created_channel)));
    put_text(store, CUSTOMER_PHONE, texts->phone_key.len ? texts->phone : (struct slice){NULL, 0});
    put_text(store, CUSTOMER_EMAIL, texts->email_key.len ? texts->email : (struct slice){NULL, 0});
    put_text(store, CUSTOMER_PHONE_KEY, texts->phone_key);
    put_text(store, CUSTOMER_EMAIL_KEY, texts->email_key);
}

/* The last one of the first `count` in which an agent took work of the customer; NULL: none did. */
static const struct outcome *last_taken(const struct batch_row *rows, size_t count,
                                        const struct uuid *customer)
{
    while (count--) {
        const struct outcome *outcome = rows[count].outcome;
        if (outcome->active_agent.len && uuid_equal(customer, &outcome->active_customer))
            return outcome;
    }
    return NULL;
}

/* A customer twice in one batch: only the newest counts, and one statement must not touch a row twice. */
static void put_activity(struct batch_store *store, const struct batch_row *rows, size_t count, size_t at)
{
    const struct uuid *customer = &rows[at].outcome->active_customer;
    if (uuid_is_nil(customer) || !rows[at].outcome->snapshot)
        return;
    for (size_t i = at + 1; i < count; i++) {
        if (uuid_equal(customer, &rows[i].outcome->active_customer) && rows[i].outcome->snapshot)
            return;
    }
    put_uuid(store, ACTIVITY_CUSTOMER, customer);
    put_uuid(store, ACTIVITY_INTERACTION, &rows[at].outcome->snapshot->interaction);
    const struct outcome *taken = last_taken(rows, at + 1, customer);
    put_text(store, ACTIVITY_AGENT, taken ? taken->active_agent : (struct slice){NULL, 0});
    put_time(store, ACTIVITY_AT, taken ? taken->at_ms : TIME_NEVER);
}

static void put_feed(struct batch_store *store, const struct outcome *outcome)
{
    int n = 0;
    for (const struct announcement *a = outcome->announcements; a; a = a->next) {
        n++;
        if (!a->agent.len)
            continue;
        put_text(store, FEED_AGENT, a->agent);
        put_int(store, FEED_SEQUENCE, (int64_t)a->agentsequence);
        put_int(store, FEED_AT, outcome->at_ms);
        put_int(store, FEED_SEQ, (int64_t)outcome->seq);
        put_int(store, FEED_N, n);
    }
}

static void put_block(struct batch_store *store, const struct uuid *id, int64_t taken)
{
    put_uuid(store, HIT, id);
    put_int(store, HIT_TAKEN, taken);
}

/* A block that was met, and one that the journal takes (its row) or takes back (its row, negative): the next
 * load knows by it which ones the core had. */
static void put_blocks(struct batch_store *store, const struct batch_row *row)
{
    const struct outcome *outcome = row->outcome;
    if (!uuid_is_nil(&outcome->hit))
        put_block(store, &outcome->hit, 0);
    if (outcome->kind == INPUT_BLOCK)
        put_block(store, &row->input->block.id, (int64_t)outcome->seq);
    if (outcome->kind == INPUT_UNBLOCK)
        put_block(store, &row->input->block.id, -(int64_t)outcome->seq);
}

static void put_link(struct batch_store *store, const struct batch_row *row)
{
    const struct outcome *outcome = row->outcome;
    put_int(store, LINK_SEQ, (int64_t)outcome->seq);
    put_uuid(store, LINK_INTERACTION, &outcome->snapshot->interaction);
    put_uuid(store, LINK_BEFORE, &outcome->linked_before);
    put_uuid(store, LINK_AFTER, &outcome->snapshot->customer);
    put_text(store, LINK_LOG, row->link);
}

static void put_row(struct batch_store *store, const struct batch_row *row)
{
    static const struct uuid nil;
    const struct outcome *outcome = row->outcome;
    put_int(store, JOURNAL_SEQ, (int64_t)outcome->seq);
    put_int(store, JOURNAL_AT, outcome->at_ms);
    put_int(store, JOURNAL_KIND, outcome->kind);
    put_uuid(store, JOURNAL_EVENT_KEY, &row->event_key);
    put_uuid(store, JOURNAL_DIGEST, &row->digest);
    put_uuid(store, JOURNAL_INTERACTION, outcome->snapshot ? &outcome->snapshot->interaction : &nil);
    pg_array_bytes(&store->columns[JOURNAL_INPUT], record_input(row->input, store->arena));
    pg_array_bytes(&store->columns[JOURNAL_FACTS], record_facts(&row->input->facts, store->arena));
    pg_array_bytes(&store->columns[JOURNAL_DECISION], record_decision(outcome, store->arena));
    if (has_content(row->input) || row->fields.len)
        put_content(store, row);
    if (!uuid_is_nil(&outcome->created))
        put_created(store, outcome);
    if (outcome->is_linked)
        put_link(store, row);
    put_blocks(store, row);
    put_feed(store, outcome);
}

void batch_store_fill(struct batch_store *store, const struct core *core, const struct batch_fence *fence,
                      const struct batch_row *rows, size_t count, struct arena *arena)
{
    store->core = core;
    store->arena = arena;
    for (int i = 0; i < COLUMN_COUNT; i++)
        pg_array_reset(&store->columns[i]);
    store->shares = false;
    store->project = (int32_t)htobe32(fence->project);
    store->owner = fence->owner;
    uint64_t numbers[] = {
        fence->epoch,         fence->seq_before,        fence->seq_after,          fence->facts_version,
        fence->published_seq, (uint64_t)fence->last_ms, (uint64_t)fence->lease_ms, fence->config_version};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        store->numbers[i] = (int64_t)htobe64(numbers[i]);
    for (size_t i = 0; i < count; i++) {
        put_row(store, &rows[i]);
        put_activity(store, rows, count, i);
    }
    core_dirty(core, put_interaction, put_agent, store);
}

void batch_store_share(struct batch_store *store)
{
    store->shares = true;
    pg_array_bytes(&store->columns[DECIDED_KEY], SLICE("")); /* nobody's: an empty array would be NULL */
}

void batch_store_decided_on(struct batch_store *store, struct slice key)
{
    pg_array_bytes(&store->columns[DECIDED_KEY], key);
}

static struct pg_param binary(const void *data, size_t len)
{
    return (struct pg_param){.data = data, .len = len, .binary = true};
}

/* Of commit_batch.sql: what the batch has rows for. The bits are those of PARTS in cmake/embed_sql.cmake. */
static const char *variant(const struct batch_store *store)
{
    static const char *const names[] = {
        "commit_batch_00", "commit_batch_01", "commit_batch_02", "commit_batch_03",
        "commit_batch_04", "commit_batch_05", "commit_batch_06", "commit_batch_07",
        "commit_batch_08", "commit_batch_09", "commit_batch_10", "commit_batch_11",
        "commit_batch_12", "commit_batch_13", "commit_batch_14", "commit_batch",
    };
    const struct pg_array *columns = store->columns;
    bool arrivals = columns[CONTENT_SEQ].count || columns[NEW_ID].count;
    bool moves = columns[MOVED_ID].count;
    bool made = columns[CUSTOMER_ID].count;
    bool rare = columns[HIT].count || columns[LINK_SEQ].count;
    return names[arrivals | moves << 1 | made << 2 | rare << 3];
}

bool batch_store_submit(struct batch_store *store, struct pg_link *link, pg_on_reply on_reply, void *ctx)
{
    struct pg_param params[PARAM_COUNT];
    int n = 0, number = 0;
    params[n++] = binary(&store->project, sizeof store->project);
    params[n++] = binary(&store->owner, sizeof store->owner);
    while (n < SCALARS_BEFORE)
        params[n++] = binary(&store->numbers[number++], sizeof(int64_t));
    params[n++] = pg_array_param(&store->columns[HIT]);
    params[n++] = binary(&store->numbers[number], sizeof(int64_t));
    for (int column = JOURNAL_SEQ; column < COLUMN_COUNT; column++)
        params[n++] = pg_array_param(&store->columns[column]);
    if (!store->shares)
        params[n - (COLUMN_COUNT - DECIDED_KEY)] = (struct pg_param){.data = NULL};
    params[n++] = binary(&store->moved_first, sizeof store->moved_first);
    params[n++] = binary(&store->moved_last, sizeof store->moved_last);
    assert(n == PARAM_COUNT);
    struct pg_query query = {
        .name = variant(store), .params = params, .param_count = n, .binary_result = true};
    return pg_link_submit(link, &query, on_reply, ctx);
}
