#include "rules/sim/sim_tables.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "rules/core_state.h"
#include "rules/record.h"

struct sim_row {
    struct sim_row *next, *before, **link; /* of a write; among the tables' rows */
    bool is_new, is_agent;
    struct slice queue, agent_name;      /* names that outlive all configurations */
    struct slice customer_name, routing; /* routing: its own bytes */
    struct interaction *interaction;     /* a shell: texts and columns, in no core */
    uint32_t agent;
    struct agent_data agent_data;
    struct table_node by_id;
};

void sim_tables_init(struct sim_tables *tables)
{
    *tables = (struct sim_tables){.config_version = 1, .at_ms = 0};
    table_init(&tables->interactions);
}

static void row_free(struct sim_row *row)
{
    if (row->interaction)
        interaction_free(row->interaction);
    free((char *)row->routing.ptr);
    free(row);
}

static void drop_row(struct sim_tables *tables, struct sim_row *row)
{
    table_remove(&tables->interactions, &row->by_id);
    *row->link = row->next;
    if (row->next)
        row->next->link = row->link;
    row_free(row);
}

void sim_tables_deinit(struct sim_tables *tables)
{
    while (tables->rows)
        drop_row(tables, tables->rows);
    for (int i = 0; i < SIM_AGENTS_MAX; i++)
        free(tables->agents[i]);
    table_deinit(&tables->interactions);
}

struct uuid sim_conversation(uint32_t subject)
{
    struct uuid id = {{0xC0}};
    id.bytes[1] = (uint8_t)(subject >> 8);
    id.bytes[2] = (uint8_t)subject;
    return id;
}

uint32_t sim_subject_of(const struct uuid *conversation)
{
    return (uint32_t)conversation->bytes[1] << 8 | conversation->bytes[2];
}

/* --- What a commit writes --- */

/* The columns that are written whenever the interaction moved: MOVED_* of storage/batch_store.c. */
static void copy_moved(struct interaction *to, const struct interaction_data *from)
{
    to->data.state = from->state;
    to->data.offer = from->offer;
    to->data.offered_ms = from->offered_ms;
    to->data.expires_ms = from->expires_ms;
    to->data.accepted_ms = from->accepted_ms;
    to->data.attempts = from->attempts;
    to->data.identity = from->identity;
    to->data.priority = from->priority;
    to->data.enqueued_ms = from->enqueued_ms;
    to->data.customer = from->customer;
    to->data.closed_ms = from->closed_ms;
    interaction_own_candidates(to, from->candidates, from->candidate_count);
}

/* Those that are written once: NEW_*. */
static void copy_new(struct interaction *to, const struct interaction *from)
{
    to->channel = from->channel;
    to->outbound = from->outbound;
    to->conversation = from->conversation;
    to->opened_seq = from->opened_seq;
    to->opened_ms = from->opened_ms;
    interaction_own_texts(to, &from->texts);
    to->texts.region = (struct slice){NULL, 0}; /* with the routing */
    interaction_own_attributes(to, &from->attributes);
}

/* The column `routing`. */
static void keep_routing(struct sim_row *row, const struct core *core, const struct interaction *interaction)
{
    struct arena arena;
    arena_init(&arena);
    struct slice bytes = record_open(core, interaction, &arena);
    char *copy = core_allocate(bytes.len);
    memcpy(copy, bytes.ptr, bytes.len);
    row->routing = (struct slice){copy, bytes.len};
    arena_deinit(&arena);
}

static void push(struct sim_write *write, struct sim_row *row)
{
    *write->tail = row;
    write->tail = &row->next;
}

struct collecting {
    const struct core *core;
    struct sim_write write;
};

static void collect_interaction(void *ctx, const struct interaction *interaction, bool is_new)
{
    struct collecting *collecting = ctx;
    const struct core *core = collecting->core;
    struct sim_row *row = core_allocate(sizeof *row);
    row->is_new = is_new;
    row->queue = core_queue_name(core, interaction->data.queue);
    if (interaction->data.agent >= 0)
        row->agent_name = sim_agent_named(core->agents[interaction->data.agent].name);
    row->customer_name = interaction->data.fact.name.len ? SLICE("someone") : (struct slice){NULL, 0};
    keep_routing(row, core, interaction);
    row->interaction = core_allocate(sizeof *row->interaction);
    row->interaction->id = interaction->id;
    row->interaction->conversation = interaction->conversation;
    if (is_new)
        copy_new(row->interaction, interaction);
    copy_moved(row->interaction, &interaction->data);
    push(&collecting->write, row);
}

static void collect_agent(void *ctx, const struct agent *agent)
{
    struct collecting *collecting = ctx;
    const struct agent_data *from = &agent->data;
    struct sim_row *row = core_allocate(sizeof *row);
    row->is_agent = true;
    while (!slice_equal(sim_agent_name(row->agent), agent->name))
        row->agent++;
    row->agent_data = (struct agent_data){.state = from->state,
                                          .lease_ms = from->lease_ms,
                                          .lease_until = from->lease_until,
                                          .grace_until = from->grace_until,
                                          .wrap_until = from->wrap_until,
                                          .cool_until = from->cool_until,
                                          .misses = from->misses,
                                          .idle_since = from->idle_since,
                                          .agentsequence = from->agentsequence};
    memcpy(row->agent_data.turn, from->turn, sizeof from->turn);
    memcpy(row->agent_data.reason, from->reason, sizeof from->reason);
    push(&collecting->write, row);
}

struct sim_write sim_tables_collect(const struct core *core)
{
    struct collecting collecting = {.core = core};
    collecting.write.tail = &collecting.write.first;
    core_dirty(core, collect_interaction, collect_agent, &collecting);
    if (!collecting.write.first)
        collecting.write.tail = NULL;
    return collecting.write;
}

void sim_write_drop(struct sim_write *write)
{
    while (write->first) {
        struct sim_row *row = write->first;
        write->first = row->next;
        row_free(row);
    }
}

/* --- Taking it --- */

static void insert(struct sim_tables *tables, struct sim_row *row)
{
    row->by_id.owner = row;
    table_insert(&tables->interactions, &row->by_id, uuid_bytes(&row->interaction->id));
    row->next = tables->rows;
    row->link = &tables->rows;
    if (row->next)
        row->next->link = &row->next;
    tables->rows = row;
}

static void take_interaction(struct sim_tables *tables, struct sim_row *row)
{
    struct table_node *node = table_find(&tables->interactions, uuid_bytes(&row->interaction->id));
    struct sim_row *there = node ? node->owner : NULL;
    bool is_closed = row->interaction->data.state == INTERACTION_CLOSED;
    if (is_closed) {
        struct uuid *last = &tables->closed[sim_subject_of(&row->interaction->conversation)];
        if (uuid_compare(&row->interaction->id, last) > 0)
            *last = row->interaction->id;
        if (there)
            drop_row(tables, there);
        row_free(row);
    } else if (row->is_new && !there) {
        insert(tables, row);
    } else {
        if (there) { /* an UPDATE of a row that is not there changes nothing */
            copy_moved(there->interaction, &row->interaction->data);
            there->queue = row->queue;
            there->agent_name = row->agent_name;
            there->customer_name = row->customer_name;
            struct slice old = there->routing;
            there->routing = row->routing;
            row->routing = old;
        }
        row_free(row);
    }
}

void sim_tables_take(struct sim_tables *tables, struct sim_write *write)
{
    while (write->first) {
        struct sim_row *row = write->first;
        write->first = row->next;
        if (!row->is_agent) {
            take_interaction(tables, row);
            continue;
        }
        free(tables->agents[row->agent]);
        tables->agents[row->agent] = row;
    }
}

void sim_tables_block(struct sim_tables *tables, uint32_t number, const struct block *block)
{
    tables->has_block[number] = block;
    if (block)
        tables->blocks[number] = *block;
}

/* As server/load.c does it. */
static void load_row(struct core *core, const struct sim_row *row)
{
    struct arena arena;
    struct interaction from = *row->interaction;
    struct record_names names;
    arena_init(&arena);
    from.data.closed_ms = TIME_NEVER;
    bool is_read = record_read_open(&from, &names, row->routing, &arena);
    assert(is_read);
    from.data.fact.name = row->customer_name;
    core_load_interaction(core, &from, row->queue, row->agent_name, names.rule, names.excluded);
    arena_deinit(&arena);
}

void sim_tables_load(const struct sim_tables *tables, struct core *core)
{
    for (uint32_t i = 0; i < SIM_AGENTS_MAX; i++) {
        bool is_configured =
            !tables->agents[i] || core_load_agent(core, sim_agent_name(i), &tables->agents[i]->agent_data);
        (void)is_configured;
    }
    for (const struct sim_row *row = tables->rows; row; row = row->next)
        load_row(core, row);
    for (uint32_t i = 0; i < SIM_PARTIES_MAX * 2; i++) {
        if (tables->has_block[i] && tables->blocks[i].until_ms > tables->at_ms)
            core_load_block(core, &tables->blocks[i]);
    }
    core_loaded(core, tables->seq, tables->at_ms);
}
