/* An agent's places: among those who could take work of a lane and channel now, among the timers, and in its
 * queues' counts. All of them follow from its data. */
#include <stdlib.h>
#include <string.h>

#include "rules/core_state.h"

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

void agent_configure(struct core *core, struct agent *agent)
{
    agent->config = config_find_agent(core->config, agent->name);
    agent->ready_count = agent->config < 0 ? 0 : core->lanes.agents[agent->config].count * CHANNEL_COUNT;
    free(agent->ready);
    agent->ready = core_allocate(sizeof *agent->ready * agent->ready_count);
    for (uint32_t i = 0; i < agent->ready_count; i++)
        agent->ready[i].owner = agent;
}

/* --- The tests that do not depend on the interaction --- */

static bool holds_exclusive(const struct core *core, const struct agent *agent)
{
    for (int channel = 0; channel < CHANNEL_COUNT; channel++) {
        if (core->config->exclusive[channel] && agent->data.load[channel] > 0)
            return true;
    }
    return false;
}

static enum candidate_reason stands(const struct core *core, const struct agent *agent, enum channel channel)
{
    static const enum candidate_reason absent[] = {[AGENT_OFFLINE] = CANDIDATE_OFFLINE,
                                                   [AGENT_BREAK] = CANDIDATE_ON_BREAK,
                                                   [AGENT_NOT_RESPONDING] = CANDIDATE_NOT_RESPONDING};
    const struct agent_data *data = &agent->data;
    if (data->state != AGENT_AVAILABLE)
        return absent[data->state];
    if (data->wrap_until != TIME_NEVER)
        return CANDIDATE_WRAP_UP;
    if (data->cool_until != TIME_NEVER)
        return CANDIDATE_COOL_DOWN;
    if (data->load[channel] >= core->config->agents[agent->config].capacity[channel])
        return CANDIDATE_FULL;
    return holds_exclusive(core, agent) ? CANDIDATE_EXCLUSIVE : CANDIDATE_LATER;
}

bool agent_can_take(const struct core *core, const struct agent *agent, enum channel channel)
{
    return agent->config >= 0 &&
           core->standing[agent->config * CHANNEL_COUNT + (int)channel] == CANDIDATE_LATER;
}

/* Rest is the agent's own to cut short. */
bool agent_has_room(const struct core *core, const struct agent *agent, enum channel channel)
{
    return agent->config >= 0 && agent->data.state == AGENT_AVAILABLE &&
           agent->data.load[channel] < core->config->agents[agent->config].capacity[channel] &&
           !holds_exclusive(core, agent);
}

/* --- Ranks --- */

static void put_big_endian(uint8_t *to, uint64_t value, int bytes)
{
    for (int i = 0; i < bytes; i++)
        to[i] = (uint8_t)(value >> 8 * (bytes - 1 - i));
}

/* The last tie: the name's place in the order of names. */
static struct uuid index_id(const struct core *core, const struct agent *agent)
{
    struct uuid id = {{0}};
    put_big_endian(id.bytes + 12, (uint64_t)(agent - core->agents), 4);
    return id;
}

static int64_t open_work(const struct agent_data *data)
{
    return (int64_t)data->load[CHANNEL_CALL] + data->load[CHANNEL_CHAT] + data->load[CHANNEL_EMAIL];
}

static struct rank rank_in_lane(const struct core *core, const struct agent *agent,
                                const struct lane_place *place, enum channel channel)
{
    const struct agent_data *data = &agent->data;
    const struct config_agent *config = &core->config->agents[agent->config];
    struct rank rank = {.second = data->idle_since, .third = index_id(core, agent)};
    switch (core->config->queues[core->lanes.lanes[place->lane].queue].strategy) {
    case STRATEGY_LONGEST_IDLE:
        rank.first = open_work(data);
        break;
    case STRATEGY_ROUND_ROBIN:
        rank.first = (int64_t)data->turn[channel];
        break;
    case STRATEGY_MOST_SPARE:
        rank.first = -((int64_t)config->capacity[channel] - data->load[channel]);
        break;
    case STRATEGY_PACK:
        rank.first = (int64_t)config->capacity[channel] - data->load[channel];
        break;
    case STRATEGY_MOST_SKILLED:
        rank.first = -(int64_t)place->score;
        rank.second = open_work(data);
        put_big_endian(rank.third.bytes, (uint64_t)data->idle_since, 8);
        break;
    case STRATEGY_LINEAR:
        rank.first = config->position;
        break;
    }
    return rank;
}

/* --- Linking --- */

static int64_t earliest(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static void move_node(struct rank_tree *tree, struct rank_node *node, bool wanted, struct rank rank)
{
    if (wanted && node->linked && rank_compare(&node->rank, &rank) == 0)
        return;
    rank_remove(tree, node);
    if (wanted)
        rank_insert(tree, node, rank);
}

static void count_in_queues(struct core *core, struct agent *agent, uint32_t by)
{
    const struct config_agent *config = &core->config->agents[agent->config];
    const struct lane_agent *places = &core->lanes.agents[agent->config];
    if (agent->counted != AGENT_OFFLINE) {
        for (uint32_t i = 0; i < config->queue_count; i++)
            core->queues[config->queues[i]].logged_in += by;
    }
    if (agent->counted == AGENT_AVAILABLE) {
        for (uint32_t i = 0; i < places->count; i++)
            core->available[places->places[i].lane] += by;
    }
}

static void count(struct core *core, struct agent *agent, bool is_counted)
{
    if (agent->is_counted == is_counted && agent->counted == agent->data.state)
        return;
    if (agent->is_counted)
        count_in_queues(core, agent, UINT32_MAX); /* one less */
    agent->counted = agent->data.state;
    agent->is_counted = is_counted;
    if (is_counted)
        count_in_queues(core, agent, 1);
}

void agent_unlink(struct core *core, struct agent *agent)
{
    rank_remove(&core->timers, &agent->timer);
    if (agent->config < 0)
        return;
    const struct lane_place *places = core->lanes.agents[agent->config].places;
    for (uint32_t i = 0; i < agent->ready_count; i++)
        rank_remove(&core->ready[places[i / CHANNEL_COUNT].lane * CHANNEL_COUNT + i % CHANNEL_COUNT],
                    &agent->ready[i]);
    count(core, agent, false);
}

/* Only what changed moves: an agent stands in many places, and most changes concern few. */
void agent_link(struct core *core, struct agent *agent)
{
    const struct agent_data *data = &agent->data;
    int64_t due = earliest(earliest(data->lease_until, data->grace_until),
                           earliest(data->wrap_until, data->cool_until));
    move_node(&core->timers, &agent->timer, due != TIME_NEVER, (struct rank){due, 1, index_id(core, agent)});
    if (agent->config < 0)
        return;
    count(core, agent, true);
    uint8_t *standing = &core->standing[agent->config * CHANNEL_COUNT];
    for (int channel = 0; channel < CHANNEL_COUNT; channel++)
        standing[channel] = (uint8_t)stands(core, agent, (enum channel)channel);
    const struct lane_place *place = core->lanes.agents[agent->config].places;
    for (uint32_t i = 0; i < agent->ready_count; place += ++i % CHANNEL_COUNT == 0) {
        enum channel channel = (enum channel)(i % CHANNEL_COUNT);
        bool wanted = standing[channel] == CANDIDATE_LATER;
        if (wanted || agent->ready[i].linked)
            move_node(&core->ready[place->lane * CHANNEL_COUNT + channel], &agent->ready[i], wanted,
                      wanted ? rank_in_lane(core, agent, place, channel) : (struct rank){.first = 0});
    }
}

void agent_edit(struct core *core, struct agent *agent)
{
    if (!undo_is_saved(core, agent->undo)) {
        agent->undo = undo_push(core, UNDO_AGENT);
        agent->undo->agent = agent;
        agent->undo->agent_data = agent->data;
    }
}

void agent_settle(struct core *core, struct agent *agent)
{
    agent_link(core, agent);
}
