/* Who can take what, and who comes first: docs/routing.md once more, worked out from data and configuration.
 * Nothing here may call the core's own answers to the same questions. */
#include "rules/invariant_check.h"

bool check_is_held(const struct interaction_data *data)
{
    return data->agent >= 0 && (data->state == INTERACTION_OFFERED || data->state == INTERACTION_ACTIVE);
}

/* --- What is asked for --- */

static int32_t level_in(const struct config_skills *skills, uint16_t skill)
{
    for (uint32_t i = 0; i < skills->count; i++) {
        if (skills->items[i].skill == skill)
            return skills->items[i].level;
    }
    return 0;
}

const struct config_skills *able_skills(const struct core *core, const struct able_needs *needs)
{
    static const struct config_skills nothing = {NULL, 0};
    return needs->rule < 0 ? &nothing : &core->config->rules[needs->rule].skills;
}

int32_t able_level(const struct core *core, const struct able_needs *needs, uint16_t skill)
{
    int32_t level = level_in(able_skills(core, needs), skill);
    for (int32_t step = 0; step < needs->step; step++) {
        int32_t most = level_in(&core->config->queues[needs->queue].relax[step].skills, skill);
        level = most < level ? most : level;
    }
    return level;
}

struct able_needs able_needs_of(const struct interaction_data *data)
{
    return (struct able_needs){data->queue, data->moved == MOVE_NONE ? data->rule : -1, data->relax_step};
}

bool able_same_step(const struct core *core, const struct able_needs *needs, int32_t step)
{
    const struct config_skills *skills = able_skills(core, needs);
    struct able_needs then = {needs->queue, needs->rule, step};
    for (uint32_t i = 0; i < skills->count; i++) {
        if (able_level(core, needs, skills->items[i].skill) !=
            able_level(core, &then, skills->items[i].skill))
            return false;
    }
    return true;
}

bool able_is_skilled(const struct core *core, const struct agent *agent, const struct able_needs *needs)
{
    const struct config_skills *skills = able_skills(core, needs);
    for (uint32_t i = 0; i < skills->count; i++) {
        uint16_t skill = skills->items[i].skill;
        if (level_in(&core->config->agents[agent->config].skills, skill) < able_level(core, needs, skill))
            return false;
    }
    return true;
}

bool able_is_skilled_for(const struct core *core, const struct agent *agent,
                         const struct config_skills *asked)
{
    for (uint32_t i = 0; i < asked->count; i++) {
        if (level_in(&core->config->agents[agent->config].skills, asked->items[i].skill) <
            asked->items[i].level)
            return false;
    }
    return true;
}

/* Steps of the queue's relaxation that are behind this age. */
int32_t able_step_at(const struct core *core, const struct interaction_data *data, int64_t at_ms)
{
    const struct config_queue *queue = &core->config->queues[data->queue];
    int32_t step = 0;
    for (uint32_t i = 0; i < queue->relax_count; i++)
        step += data->enqueued_ms + queue->relax[i].after_ms <= at_ms;
    return step;
}

/* --- The six tests --- */

bool able_is_present(const struct agent *agent, const struct agent_data *data)
{
    return agent->config >= 0 && data->state == AGENT_AVAILABLE;
}

bool able_is_rested(const struct agent_data *data)
{
    return data->wrap_until == TIME_NEVER && data->cool_until == TIME_NEVER;
}

bool able_has_room(const struct core *core, const struct agent *agent, const struct agent_data *data,
                   enum channel channel)
{
    for (int other = 0; other < CHANNEL_COUNT; other++) {
        if (core->config->exclusive[other] && data->load[other])
            return false;
    }
    return data->load[channel] < core->config->agents[agent->config].capacity[channel];
}

bool able_is_member(const struct core *core, const struct agent *agent, int queue)
{
    const struct config_agent *config = &core->config->agents[agent->config];
    for (uint32_t i = 0; i < config->queue_count; i++) {
        if (config->queues[i] == queue)
            return true;
    }
    return false;
}

bool able_is_excluded(const struct core *core, const struct agent *agent, const struct interaction_data *data)
{
    return data->excluded == (int)(agent - core->agents);
}

bool able_to_take(const struct core *core, const struct agent *agent, const struct interaction *interaction)
{
    const struct agent_data *data = &agent->data;
    struct able_needs needs = able_needs_of(&interaction->data);
    return able_is_present(agent, data) && able_is_rested(data) &&
           able_has_room(core, agent, data, interaction->channel) &&
           able_is_member(core, agent, interaction->data.queue) && able_is_skilled(core, agent, &needs) &&
           !able_is_excluded(core, agent, &interaction->data);
}

/* --- Orders --- */

static struct uuid tie_of(const struct core *core, const struct agent *agent, int64_t idle_since)
{
    struct uuid id = {{0}};
    uint32_t index = (uint32_t)(agent - core->agents);
    for (int i = 15; i >= 12; i--, index >>= 8)
        id.bytes[i] = (uint8_t)index;
    for (int i = 7; i >= 0; i--, idle_since >>= 8)
        id.bytes[i] = (uint8_t)idle_since;
    return id;
}

/* How good the agent is at what is asked for. */
static int64_t score_of(const struct core *core, const struct agent *agent, const struct lane *lane)
{
    int64_t score = 0;
    for (uint32_t i = 0; i < lane->needs.count; i++)
        score += level_in(&core->config->agents[agent->config].skills, lane->needs.items[i].skill);
    return score;
}

struct rank able_rank(const struct core *core, const struct agent *agent, const struct agent_data *data,
                      const struct lane *lane, enum channel channel)
{
    int64_t busy = 0, spare = core->config->agents[agent->config].capacity[channel] - data->load[channel];
    struct uuid tie = tie_of(core, agent, 0);
    for (int other = 0; other < CHANNEL_COUNT; other++)
        busy += data->load[other];
    switch (core->config->queues[lane->queue].strategy) {
    case STRATEGY_ROUND_ROBIN:
        return (struct rank){(int64_t)data->turn[channel], data->idle_since, tie};
    case STRATEGY_MOST_SPARE:
        return (struct rank){-spare, data->idle_since, tie};
    case STRATEGY_PACK:
        return (struct rank){spare, data->idle_since, tie};
    case STRATEGY_MOST_SKILLED:
        return (struct rank){-score_of(core, agent, lane), busy, tie_of(core, agent, data->idle_since)};
    case STRATEGY_LINEAR:
        return (struct rank){core->config->agents[agent->config].position, data->idle_since, tie};
    case STRATEGY_LONGEST_IDLE:
        break;
    }
    return (struct rank){busy, data->idle_since, tie};
}

struct rank able_waiting_rank(const struct core *core, const struct interaction *interaction,
                              const struct interaction_data *data)
{
    return (struct rank){-core->config->queues[data->queue].weight,
                         data->enqueued_ms - INT64_C(60000) * data->priority, interaction->id};
}

/* --- Times --- */

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* The next step of relaxation that changes what is asked for, the end of patience; nothing while it is held.
 */
static int64_t waiting_due(const struct core *core, const struct interaction_data *data)
{
    const struct config_queue *queue = &core->config->queues[data->queue];
    struct able_needs now = able_needs_of(data);
    int64_t due = TIME_NEVER;
    if (data->held_until != TIME_NEVER)
        return data->held_until;
    for (uint32_t i = (uint32_t)data->relax_step; i < queue->relax_count && due == TIME_NEVER; i++) {
        if (!able_same_step(core, &now, (int32_t)i + 1))
            due = data->enqueued_ms + queue->relax[i].after_ms;
    }
    if (queue->wait_max_ms && queue->overflow >= 0)
        due = earlier(due, data->entered_ms + queue->wait_max_ms);
    return due;
}

int64_t able_due(const struct core *core, const struct interaction *interaction)
{
    const struct interaction_data *data = &interaction->data;
    if (data->state == INTERACTION_OFFERED)
        return data->expires_ms;
    if (data->state == INTERACTION_ACTIVE)
        return data->reply_by;
    return data->state == INTERACTION_QUEUED && data->queue >= 0 ? waiting_due(core, data) : TIME_NEVER;
}

int64_t able_agent_due(const struct agent_data *data)
{
    return earlier(earlier(data->lease_until, data->grace_until),
                   earlier(data->wrap_until, data->cool_until));
}
