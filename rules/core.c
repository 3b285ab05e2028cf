/* The state: making, loading and finding it, and the transaction over it. An undo entry is the first copy of
 * an object within the batch; a rollback puts the copies back, newest first, and every index follows from the
 * data. */
#include "rules/core.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "rules/core_state.h"

enum undo_kind { UNDO_INTERACTION, UNDO_INTERACTION_NEW, UNDO_AGENT, UNDO_BLOCK_ADDED, UNDO_BLOCK_TAKEN };

struct undo {
    struct undo *next;
    enum undo_kind kind;
    union {
        struct {
            struct interaction *interaction;
            struct interaction_data interaction_data;
        };
        struct {
            struct agent *agent;
            struct agent_data agent_data;
        };
        struct blacklist_entry *entry;
    };
};

struct owned_block {
    struct owned_block *next;
    max_align_t data[];
};

void *core_allocate(size_t size)
{
    void *memory = calloc(1, size ? size : 1);
    if (!memory)
        abort();
    return memory;
}

static struct undo *undo_push(struct core *core, enum undo_kind kind)
{
    struct undo *undo = core_allocate(sizeof *undo);
    assert(core->in_batch);
    undo->kind = kind;
    undo->next = core->undo_log;
    core->undo_log = undo;
    return undo;
}

/* --- Interactions --- */

static void *own(struct interaction *interaction, size_t size)
{
    struct owned_block *block = core_allocate(sizeof *block + size);
    block->next = interaction->blocks;
    interaction->blocks = block;
    return block->data;
}

static void interaction_free(struct interaction *interaction)
{
    while (interaction->blocks) {
        struct owned_block *next = interaction->blocks->next;
        free(interaction->blocks);
        interaction->blocks = next;
    }
    free(interaction);
}

static struct slice place(char **to, struct slice text)
{
    if (!text.len)
        return (struct slice){NULL, 0};
    memcpy(*to, text.ptr, text.len);
    struct slice copy = {*to, text.len};
    *to += text.len;
    return copy;
}

void interaction_own_texts(struct interaction *interaction, const struct party_texts *texts)
{
    const struct slice *from = (const struct slice *)texts;
    struct slice *to = (struct slice *)&interaction->texts;
    size_t fields = sizeof *texts / sizeof *from, size = 0;
    for (size_t i = 0; i < fields; i++)
        size += from[i].len;
    char *room = own(interaction, size);
    for (size_t i = 0; i < fields; i++)
        to[i] = place(&room, from[i]);
}

void interaction_own_fact(struct interaction *interaction, const struct customer_fact *fact)
{
    size_t size = fact->name.len + fact->owner.len;
    for (uint32_t i = 0; i < fact->tag_count; i++)
        size += fact->tags[i].len;
    struct slice *tags = own(interaction, sizeof *tags * fact->tag_count);
    char *room = own(interaction, size);
    interaction->data.fact = *fact;
    interaction->data.fact.name = place(&room, fact->name);
    interaction->data.fact.owner = place(&room, fact->owner);
    for (uint32_t i = 0; i < fact->tag_count; i++)
        tags[i] = place(&room, fact->tags[i]);
    interaction->data.fact.tags = tags;
}

void interaction_own_candidates(struct interaction *interaction, const struct uuid *ids, uint32_t count)
{
    struct uuid *copy = own(interaction, sizeof *copy * count);
    if (count)
        memcpy(copy, ids, sizeof *copy * count);
    interaction->data.candidates = copy;
    interaction->data.candidate_count = count;
}

static struct slice id_key(const struct uuid *id)
{
    return (struct slice){(const char *)id->bytes, sizeof id->bytes};
}

static bool holds_agent(const struct interaction *interaction)
{
    const struct interaction_data *data = &interaction->data;
    return data->agent >= 0 && (data->state == INTERACTION_OFFERED || data->state == INTERACTION_ACTIVE);
}

void interaction_unlink(struct core *core, struct interaction *interaction)
{
    table_remove(&core->offers, &interaction->by_offer);
    table_remove(&core->conversations, &interaction->by_conversation);
    if (interaction->waiting.linked)
        rank_remove(core_waiting(core, interaction->data.queue, interaction->channel), &interaction->waiting);
    rank_remove(&core->timers, &interaction->timer);
    rank_remove(&core->open, &interaction->open);
    if (interaction->work.linked)
        rank_remove(&core->agents[interaction->data.agent].work, &interaction->work);
}

void interaction_link(struct core *core, struct interaction *interaction)
{
    const struct interaction_data *data = &interaction->data;
    struct rank by_age = {interaction->opened_ms, 0, interaction->id};
    if (data->state == INTERACTION_CLOSED)
        return;
    table_insert(&core->conversations, &interaction->by_conversation, id_key(&interaction->conversation));
    rank_insert(&core->open, &interaction->open, by_age);
    if (data->state == INTERACTION_QUEUED && data->queue >= 0) {
        struct rank rank = {data->enqueued_ms - INT64_C(60000) * data->priority, 0, interaction->id};
        rank_insert(core_waiting(core, data->queue, interaction->channel), &interaction->waiting, rank);
    }
    if (data->state == INTERACTION_OFFERED)
        rank_insert(&core->timers, &interaction->timer, (struct rank){data->expires_ms, 0, interaction->id});
    if (holds_agent(interaction)) {
        if (!uuid_is_nil(&data->offer))
            table_insert(&core->offers, &interaction->by_offer, id_key(&data->offer));
        rank_insert(&core->agents[data->agent].work, &interaction->work, by_age);
    }
}

static struct interaction *interaction_alloc(struct core *core, struct uuid id)
{
    struct interaction *interaction = core_allocate(sizeof *interaction);
    interaction->id = id;
    interaction->by_id.owner = interaction->by_offer.owner = interaction->by_conversation.owner = interaction;
    interaction->waiting.owner = interaction->timer.owner = interaction->open.owner =
        interaction->work.owner = interaction;
    interaction->data = (struct interaction_data){.queue = -1,
                                                  .agent = -1,
                                                  .offered_ms = TIME_NEVER,
                                                  .expires_ms = TIME_NEVER,
                                                  .accepted_ms = TIME_NEVER,
                                                  .closed_ms = TIME_NEVER};
    table_insert(&core->interactions, &interaction->by_id, id_key(&interaction->id));
    return interaction;
}

struct interaction *interaction_new(struct step *step, struct uuid id)
{
    struct interaction *interaction = interaction_alloc(step->core, id);
    interaction->fresh = true;
    interaction->undo = undo_push(step->core, UNDO_INTERACTION_NEW);
    interaction->undo->interaction = interaction;
    return interaction;
}

/* The agent's load follows its work: taken off here, put on in settle. */
static void count_load(struct core *core, const struct interaction *interaction, int by)
{
    if (!holds_agent(interaction))
        return;
    struct agent *agent = &core->agents[interaction->data.agent];
    agent_edit(core, agent);
    agent->data.load[interaction->channel] += by;
    agent_settle(core, agent);
}

void interaction_edit(struct step *step, struct interaction *interaction)
{
    struct core *core = step->core;
    if (step->cached_of == interaction)
        step->cached = NULL;
    if (!interaction->undo) {
        interaction->undo = undo_push(core, UNDO_INTERACTION);
        interaction->undo->interaction = interaction;
        interaction->undo->interaction_data = interaction->data;
    }
    interaction_unlink(core, interaction);
    count_load(core, interaction, -1);
}

void interaction_settle(struct step *step, struct interaction *interaction)
{
    interaction_link(step->core, interaction);
    count_load(step->core, interaction, 1);
}

/* --- Agents --- */

static int64_t earliest(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static struct uuid index_id(const struct core *core, const struct agent *agent)
{
    struct uuid id = {{0}};
    uint32_t index = (uint32_t)(agent - core->agents);
    for (int i = 0; i < 4; i++)
        id.bytes[12 + i] = (uint8_t)(index >> (24 - 8 * i));
    return id;
}

void agent_unlink(struct core *core, struct agent *agent)
{
    rank_remove(&core->timers, &agent->timer);
    if (agent->config < 0)
        return;
    const uint16_t *queues = core->config->agents[agent->config].queues;
    for (uint32_t i = 0; i < agent->ready_count; i++) {
        if (agent->ready[i].linked)
            rank_remove(&core->ready[(size_t)queues[i / CHANNEL_COUNT] * CHANNEL_COUNT + i % CHANNEL_COUNT],
                        &agent->ready[i]);
    }
}

/* Ready for a channel: the tests presence, wrap-up and cool-down, capacity pass. Who has no work open comes
 * first, the longest idle before the others; among the busy the least busy. */
void agent_link(struct core *core, struct agent *agent)
{
    const struct agent_data *data = &agent->data;
    int64_t due = earliest(earliest(data->lease_until, data->grace_until),
                           earliest(data->wrap_until, data->cool_until));
    if (due != TIME_NEVER)
        rank_insert(&core->timers, &agent->timer, (struct rank){due, 1, index_id(core, agent)});
    if (agent->config < 0 || data->state != AGENT_AVAILABLE || data->wrap_until != TIME_NEVER ||
        data->cool_until != TIME_NEVER)
        return;
    const struct config_agent *config = &core->config->agents[agent->config];
    struct rank rank = {data->load[CHANNEL_CALL] + data->load[CHANNEL_CHAT] + data->load[CHANNEL_EMAIL],
                        data->idle_since, index_id(core, agent)};
    for (uint32_t i = 0; i < agent->ready_count; i++) {
        uint32_t channel = i % CHANNEL_COUNT;
        if (data->load[channel] < config->capacity[channel])
            rank_insert(&core->ready[(size_t)config->queues[i / CHANNEL_COUNT] * CHANNEL_COUNT + channel],
                        &agent->ready[i], rank);
    }
}

void agent_edit(struct core *core, struct agent *agent)
{
    if (!agent->undo) {
        agent->undo = undo_push(core, UNDO_AGENT);
        agent->undo->agent = agent;
        agent->undo->agent_data = agent->data;
    }
    agent_unlink(core, agent);
}

void agent_settle(struct core *core, struct agent *agent)
{
    agent_link(core, agent);
}

/* --- The whole --- */

struct rank_tree *core_waiting(const struct core *core, int queue, enum channel channel)
{
    return &core->waiting[(size_t)queue * CHANNEL_COUNT + channel];
}

struct slice core_queue_name(const struct core *core, int queue)
{
    return queue < 0 ? (struct slice){NULL, 0} : core->config->queues[queue].name;
}

static char *copy_name(struct slice name)
{
    char *copy = core_allocate(name.len + 1);
    memcpy(copy, name.ptr, name.len);
    return copy;
}

void agent_init(struct agent *agent, struct slice name)
{
    agent->name = (struct slice){copy_name(name), name.len};
    agent->config = -1;
    agent->data.lease_until = agent->data.grace_until = agent->data.wrap_until = agent->data.cool_until =
        TIME_NEVER;
}

void core_make_queues(struct core *core)
{
    size_t count = (size_t)core->config->queue_count * CHANNEL_COUNT;
    core->waiting = core_allocate(sizeof *core->waiting * count);
    core->ready = core_allocate(sizeof *core->ready * count);
}

void agent_configure(struct core *core, struct agent *agent)
{
    agent->config = config_find_agent(core->config, agent->name);
    agent->ready_count =
        agent->config < 0 ? 0 : core->config->agents[agent->config].queue_count * CHANNEL_COUNT;
    free(agent->ready);
    agent->ready = core_allocate(sizeof *agent->ready * agent->ready_count);
    for (uint32_t i = 0; i < agent->ready_count; i++)
        agent->ready[i].owner = agent;
}

void core_init(struct core *core, uint32_t project, const struct project_config *config,
               uint64_t config_version)
{
    *core = (struct core){.project = project, .config = config, .config_version = config_version};
    table_init(&core->interactions);
    table_init(&core->offers);
    table_init(&core->conversations);
    blacklist_init(&core->blacklist);
    core_make_queues(core);
    core->agent_count = config->agent_count;
    core->agents = core_allocate(sizeof *core->agents * core->agent_count);
    for (uint32_t i = 0; i < core->agent_count; i++) {
        agent_init(&core->agents[i], config->agents[i].name);
        core->agents[i].timer.owner = &core->agents[i];
        agent_configure(core, &core->agents[i]);
    }
}

void core_deinit(struct core *core)
{
    if (core->in_batch && core->reconfigured)
        core_commit(core); /* everything goes anyway */
    else if (core->in_batch)
        core_rollback(core);
    struct rank_node *node;
    while ((node = rank_first(&core->open))) {
        rank_remove(&core->open, node);
        interaction_free(node->owner);
    }
    for (uint32_t i = 0; i < core->agent_count; i++) {
        free((char *)core->agents[i].name.ptr);
        free(core->agents[i].ready);
    }
    free(core->agents);
    free(core->waiting);
    free(core->ready);
    table_deinit(&core->interactions);
    table_deinit(&core->offers);
    table_deinit(&core->conversations);
    blacklist_deinit(&core->blacklist);
    *core = (struct core){0};
}

bool core_load_agent(struct core *core, struct slice name, const struct agent_data *data)
{
    struct agent *agent = core_find_agent(core, name);
    if (!agent)
        return false;
    agent->data = *data;
    memset(agent->data.load, 0, sizeof agent->data.load);
    agent_link(core, agent);
    return true;
}

void core_load_interaction(struct core *core, const struct interaction *from, struct slice queue,
                           struct slice agent)
{
    struct interaction *interaction = interaction_alloc(core, from->id);
    interaction->channel = from->channel;
    interaction->outbound = from->outbound;
    interaction->conversation = from->conversation;
    interaction->opened_seq = from->opened_seq;
    interaction->opened_ms = from->opened_ms;
    interaction->data = from->data;
    interaction_own_texts(interaction, &from->texts);
    interaction_own_fact(interaction, &from->data.fact);
    interaction_own_candidates(interaction, from->data.candidates, from->data.candidate_count);
    interaction->data.queue = queue.len ? config_find_queue(core->config, queue) : -1;
    struct agent *holder = agent.len ? core_find_agent(core, agent) : NULL;
    interaction->data.agent = holder ? (int)(holder - core->agents) : -1;
    if (holder) {
        agent_unlink(core, holder);
        holder->data.load[interaction->channel]++;
        agent_link(core, holder);
    }
    interaction_link(core, interaction);
}

void core_load_block(struct core *core, const struct block *block)
{
    blacklist_add(&core->blacklist, block);
}

void core_loaded(struct core *core, uint64_t seq, int64_t at_ms)
{
    core->seq = seq;
    core->at_ms = at_ms;
    core->drain_pending = true;
}

void core_begin(struct core *core)
{
    assert(!core->in_batch && !core->undo_log);
    core->in_batch = true;
    core->reconfigured = false;
    core->seq_before = core->seq;
    core->at_before = core->at_ms;
    core->drain_before = core->drain_pending;
}

void core_commit(struct core *core)
{
    assert(core->in_batch);
    while (core->undo_log) {
        struct undo *undo = core->undo_log;
        core->undo_log = undo->next;
        switch (undo->kind) {
        case UNDO_INTERACTION:
        case UNDO_INTERACTION_NEW:
            undo->interaction->undo = NULL;
            undo->interaction->fresh = false;
            if (undo->interaction->data.state == INTERACTION_CLOSED) {
                table_remove(&core->interactions, &undo->interaction->by_id);
                interaction_free(undo->interaction);
            }
            break;
        case UNDO_AGENT:
            undo->agent->undo = NULL;
            break;
        case UNDO_BLOCK_ADDED:
            break;
        case UNDO_BLOCK_TAKEN:
            blacklist_entry_free(&undo->entry);
            break;
        }
        free(undo);
    }
    core->in_batch = false;
}

/* Everything comes out of the indexes first: they hold agents' work while agents are still as they were
 * changed. */
void core_rollback(struct core *core)
{
    assert(core->in_batch && !core->reconfigured);
    for (struct undo *undo = core->undo_log; undo; undo = undo->next) {
        if (undo->kind == UNDO_INTERACTION || undo->kind == UNDO_INTERACTION_NEW)
            interaction_unlink(core, undo->interaction);
        else if (undo->kind == UNDO_AGENT)
            agent_unlink(core, undo->agent);
    }
    while (core->undo_log) {
        struct undo *undo = core->undo_log;
        core->undo_log = undo->next;
        switch (undo->kind) {
        case UNDO_INTERACTION:
            undo->interaction->data = undo->interaction_data;
            undo->interaction->undo = NULL;
            interaction_link(core, undo->interaction);
            break;
        case UNDO_INTERACTION_NEW:
            table_remove(&core->interactions, &undo->interaction->by_id);
            interaction_free(undo->interaction);
            break;
        case UNDO_AGENT:
            undo->agent->data = undo->agent_data;
            undo->agent->undo = NULL;
            agent_link(core, undo->agent);
            break;
        case UNDO_BLOCK_ADDED: {
            struct uuid id = blacklist_entry_block(undo->entry)->id;
            struct blacklist_entry *entry = blacklist_take(&core->blacklist, &id);
            blacklist_entry_free(&entry);
            break;
        }
        case UNDO_BLOCK_TAKEN:
            blacklist_put_back(&core->blacklist, undo->entry);
            break;
        }
        free(undo);
    }
    core->seq = core->seq_before;
    core->at_ms = core->at_before;
    core->drain_pending = core->drain_before;
    core->in_batch = false;
}

void undo_block_added(struct core *core, struct blacklist_entry *entry)
{
    undo_push(core, UNDO_BLOCK_ADDED)->entry = entry;
}

void undo_block_taken(struct core *core, struct blacklist_entry *entry)
{
    undo_push(core, UNDO_BLOCK_TAKEN)->entry = entry;
}

void core_dirty(const struct core *core,
                void (*on_interaction)(void *ctx, const struct interaction *interaction),
                void (*on_agent)(void *ctx, const struct agent *agent), void *ctx)
{
    for (const struct undo *undo = core->undo_log; undo; undo = undo->next) {
        if (undo->kind == UNDO_INTERACTION || undo->kind == UNDO_INTERACTION_NEW)
            on_interaction(ctx, undo->interaction);
        else if (undo->kind == UNDO_AGENT)
            on_agent(ctx, undo->agent);
    }
}

int64_t core_next_timer(const struct core *core)
{
    const struct rank_node *first = rank_first(&core->timers);
    if (core->drain_pending)
        return core->at_ms;
    return first ? first->rank.first : TIME_NEVER;
}

static const struct interaction *find(const struct table *table, const struct uuid *key)
{
    const struct table_node *node = table_find(table, id_key(key));
    return node ? node->owner : NULL;
}

const struct interaction *core_find_interaction(const struct core *core, const struct uuid *id)
{
    return find(&core->interactions, id);
}

const struct interaction *core_find_offer(const struct core *core, const struct uuid *offer)
{
    return find(&core->offers, offer);
}

const struct interaction *core_find_conversation(const struct core *core, const struct uuid *conversation)
{
    return find(&core->conversations, conversation);
}

struct agent *core_find_agent(const struct core *core, struct slice name)
{
    uint32_t low = 0, high = core->agent_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        int order = slice_compare(core->agents[middle].name, name);
        if (order == 0)
            return &core->agents[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}
