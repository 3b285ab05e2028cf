/* The state as a whole: making, loading and finding it. */
#include "rules/core.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "rules/core_state.h"

void *core_allocate(size_t size)
{
    void *memory = calloc(1, size ? size : 1);
    if (!memory)
        abort();
    return memory;
}

struct rank_tree *core_waiting(const struct core *core, uint32_t lane, enum channel channel)
{
    return &core->waiting[(size_t)lane * CHANNEL_COUNT + channel];
}

struct rank_tree *core_ages(const struct core *core, int queue, enum channel channel)
{
    return &core->ages[(size_t)queue * CHANNEL_COUNT + channel];
}

int64_t core_oldest(const struct core *core, int queue, enum channel channel)
{
    const struct rank_node *first = rank_first(core_ages(core, queue, channel));
    return first ? first->rank.first : TIME_NEVER;
}

struct rank_tree *core_ready(const struct core *core, uint32_t lane, enum channel channel)
{
    return &core->ready[(size_t)lane * CHANNEL_COUNT + channel];
}

struct slice core_queue_name(const struct core *core, int queue)
{
    return queue < 0 ? (struct slice){NULL, 0} : core->config->queues[queue].name;
}

void core_make_lanes(struct core *core)
{
    const struct project_config *config = core->config;
    lanes_init(&core->lanes, config);
    size_t count = (size_t)core->lanes.count * CHANNEL_COUNT;
    core->waiting = core_allocate(sizeof *core->waiting * count);
    core->ages = core_allocate(sizeof *core->ages * config->queue_count * CHANNEL_COUNT);
    core->ready = core_allocate(sizeof *core->ready * count);
    core->available = core_allocate(sizeof *core->available * core->lanes.count);
    core->queues = core_allocate(sizeof *core->queues * config->queue_count);
    core->standing = core_allocate(sizeof *core->standing * config->agent_count * CHANNEL_COUNT);
    core->rules_use = rules_variables(config);
}

void core_free_lanes(struct core *core)
{
    free(core->waiting);
    free(core->ages);
    free(core->ready);
    free(core->available);
    free(core->queues);
    free(core->standing);
    lanes_deinit(&core->lanes);
}

void core_init(struct core *core, uint32_t project, const struct project_config *config,
               uint64_t config_version)
{
    *core = (struct core){.project = project, .config = config, .config_version = config_version};
    table_init(&core->interactions);
    table_init(&core->offers);
    table_init(&core->conversations);
    table_init(&core->customers);
    table_init(&core->closings);
    blacklist_init(&core->blacklist);
    arena_init(&core->scratch);
    core_make_lanes(core);
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
    if (core->batch_count && core->reconfigured)
        core_commit(core); /* everything goes anyway */
    while (core->batch_count)
        core_rollback(core);
    core_bury(core);
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
    core_free_lanes(core);
    arena_deinit(&core->scratch);
    table_deinit(&core->interactions);
    table_deinit(&core->offers);
    table_deinit(&core->conversations);
    table_deinit(&core->customers);
    core_forget_closed(core, UINT64_MAX);
    table_deinit(&core->closings);
    blacklist_deinit(&core->blacklist);
    *core = (struct core){0};
}

bool core_load_agent(struct core *core, struct slice name, const struct agent_data *data)
{
    struct agent *agent = core_find_agent(core, name);
    if (!agent)
        agent = core_keep_agent(core, name);
    agent->data = *data;
    memset(agent->data.load, 0, sizeof agent->data.load);
    agent_link(core, agent);
    return agent->config >= 0;
}

void core_load_interaction(struct core *core, const struct interaction *from, struct slice queue,
                           struct slice agent, struct slice rule, struct slice excluded)
{
    struct interaction *interaction = interaction_alloc(core, from->id);
    interaction->channel = from->channel;
    interaction->outbound = from->outbound;
    interaction->conversation = from->conversation;
    interaction->opened_seq = from->opened_seq;
    interaction->opened_ms = from->opened_ms;
    interaction->data = from->data;
    interaction_own_texts(interaction, &from->texts);
    interaction_own_attributes(interaction, &from->attributes);
    interaction_own_fact(interaction, &from->data.fact);
    interaction_own_candidates(interaction, from->data.candidates, from->data.candidate_count);
    interaction->data.queue = queue.len ? config_find_queue(core->config, queue) : -1;
    interaction->data.rule = config_find_rule(core->config, rule);
    interaction->data.excluded = core_agent_index(core, excluded);
    if (interaction->data.queue < 0 && interaction->data.state == INTERACTION_QUEUED)
        place_orphan(core, interaction);
    interaction->data.agent = core_agent_index(core, agent);
    if (interaction->data.agent >= 0) {
        struct agent *holder = &core->agents[interaction->data.agent];
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

int64_t core_next_timer(const struct core *core)
{
    const struct rank_node *first = rank_first(&core->timers);
    if (core->drain_pending)
        return core->at_ms;
    return first ? first->rank.first : TIME_NEVER;
}

struct input core_timer(const struct core *core, int64_t at_ms)
{
    return (struct input){.kind = INPUT_TIMER, .at_ms = at_ms, .drain = core->drain_pending};
}

static const struct interaction *find(const struct table *table, const struct uuid *key)
{
    const struct table_node *node = table_find(table, uuid_bytes(key));
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

int core_agent_index(const struct core *core, struct slice name)
{
    const struct agent *agent = name.len ? core_find_agent(core, name) : NULL;
    return agent ? (int)(agent - core->agents) : -1;
}
