/* An agent's places: among those who could take work of a queue and channel now, and among the timers. */
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
    agent->ready_count =
        agent->config < 0 ? 0 : core->config->agents[agent->config].queue_count * CHANNEL_COUNT;
    free(agent->ready);
    agent->ready = core_allocate(sizeof *agent->ready * agent->ready_count);
    for (uint32_t i = 0; i < agent->ready_count; i++)
        agent->ready[i].owner = agent;
}

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
    if (!undo_is_saved(core, agent->undo)) {
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
