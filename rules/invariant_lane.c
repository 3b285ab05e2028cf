/* Where what waits meets who is ready. */
#include "rules/invariant_check.h"

static const struct rank_tree *waiting_in(const struct core *core, uint32_t lane, enum channel channel)
{
    return &core->waiting[(size_t)lane * CHANNEL_COUNT + channel];
}

static const struct rank_tree *ready_in(const struct core *core, uint32_t lane, enum channel channel)
{
    return &core->ready[(size_t)lane * CHANNEL_COUNT + channel];
}

/* Whether a lane asks for just this. */
static bool is_lane_of(const struct core *core, uint32_t number, const struct able_needs *needs)
{
    const struct config_skills *skills = able_skills(core, needs);
    uint32_t asked = 0;
    if (number >= core->lanes.count || core->lanes.lanes[number].queue != needs->queue)
        return false;
    for (uint32_t i = 0; i < skills->count; i++)
        asked += able_level(core, needs, skills->items[i].skill) > 0;
    const struct config_skills *there = &core->lanes.lanes[number].needs;
    for (uint32_t i = 0; i < there->count; i++) {
        if (able_level(core, needs, there->items[i].skill) != there->items[i].level)
            return false;
    }
    return there->count == asked;
}

uint32_t check_find_lane(const struct core *core, const struct able_needs *needs)
{
    uint32_t lane = core->lanes.queues[needs->queue].first_lane;
    while (lane < core->lanes.count && !is_lane_of(core, lane, needs))
        lane++;
    return lane;
}

/* Waits exactly when it is queued and not held, in the lane of what it asks for, at its rank; and asks for no
 * more than its age allows. */
void check_lane(const struct check *check, const struct interaction *interaction)
{
    const struct core *core = check->core;
    const struct interaction_data *data = &interaction->data;
    bool waits = data->state == INTERACTION_QUEUED && data->held_until == TIME_NEVER;
    if (!waits) {
        if (interaction->waiting.linked)
            check_fail(check, INVARIANT_WAITS_IN_PLACE, interaction, NULL, "%s, and waits in a lane",
                       interaction_state_name(data->state));
        return;
    }
    struct able_needs needs = able_needs_of(data);
    struct rank rank = able_waiting_rank(core, interaction, data);
    struct rank age = {data->enqueued_ms, 0, interaction->id};
    if (!is_lane_of(core, interaction->lane, &needs))
        check_fail(check, INVARIANT_WAITS_IN_PLACE, interaction, NULL, "waits in the lane of others: %u",
                   interaction->lane);
    else if (!check_stands_in(waiting_in(core, interaction->lane, interaction->channel),
                              &interaction->waiting, &rank))
        check_fail(check, INVARIANT_WAITS_IN_PLACE, interaction, NULL, "does not wait at its rank");
    else if (!check_stands_in(&core->ages[(size_t)data->queue * CHANNEL_COUNT + interaction->channel],
                              &interaction->age, &age))
        check_fail(check, INVARIANT_WAITS_IN_PLACE, interaction, NULL, "does not wait at its age");
    int32_t by_age = able_step_at(core, data, core->at_ms);
    if (!check->has_due && !able_same_step(core, &needs, by_age))
        check_fail(check, INVARIANT_RELAXED_BY_AGE, interaction, NULL, "step %d, %d by its age",
                   data->relax_step, by_age);
}

static void check_ready_in(const struct check *check, const struct agent *agent, uint32_t lane,
                           const struct rank_node *nodes)
{
    const struct core *core = check->core;
    const struct lane *asks = &core->lanes.lanes[lane];
    if (!able_is_member(core, agent, asks->queue) || !able_is_skilled_for(core, agent, &asks->needs)) {
        check_fail(check, INVARIANT_READY_IN_PLACE, NULL, agent, "has a place in lane %u without its skills",
                   lane);
        return;
    }
    for (int i = 0; i < CHANNEL_COUNT; i++) {
        enum channel channel = (enum channel)i;
        bool could = able_is_present(agent, &agent->data) && able_is_rested(&agent->data) &&
                     able_has_room(core, agent, &agent->data, channel);
        struct rank rank = able_rank(core, agent, &agent->data, asks, channel);
        if (could ? !check_stands_in(ready_in(core, lane, channel), &nodes[i], &rank) : nodes[i].linked)
            check_fail(check, INVARIANT_READY_IN_PLACE, NULL, agent, "lane %u, %s: %s", lane,
                       channel_name(channel),
                       could ? "not ready at its rank" : "ready for what it could not take");
    }
}

void check_ready(const struct check *check, const struct agent *agent)
{
    const struct core *core = check->core;
    if (agent->config < 0) {
        if (agent->ready_count)
            check_fail(check, INVARIANT_READY_IN_PLACE, NULL, agent, "ready without a configuration");
        return;
    }
    const struct lane_agent *places = &core->lanes.agents[agent->config];
    for (uint32_t i = 0; i < places->count; i++)
        check_ready_in(check, agent, places->places[i].lane, &agent->ready[(size_t)i * CHANNEL_COUNT]);
}

/* Members stand as the file lists them. */
static void check_members(const struct check *check, uint32_t q)
{
    const struct core *core = check->core;
    const struct lane_queue *queue = &core->lanes.queues[q];
    uint32_t count = 0;
    for (uint32_t i = 0; i < core->agent_count; i++)
        count += core->agents[i].config >= 0 && able_is_member(core, &core->agents[i], (int)q);
    for (uint32_t i = 0; i < queue->member_count; i++) {
        const struct config_agent *member = &core->config->agents[queue->members[i]];
        if (i && core->config->agents[queue->members[i - 1]].position > member->position)
            check_fail(check, INVARIANT_COUNTS_RIGHT, NULL, NULL, "members of queue %u are not in order", q);
    }
    if (count != queue->member_count)
        check_fail(check, INVARIANT_COUNTS_RIGHT, NULL, NULL, "queue %u: %u members, %u listed", q, count,
                   queue->member_count);
}

/* What is counted of queues and lanes, counted again; and that nobody lacks a place. */
void check_counts(const struct check *check)
{
    const struct core *core = check->core;
    for (uint32_t q = 0; q < core->config->queue_count; q++) {
        uint32_t waiting = 0, logged_in = 0;
        check_members(check, q);
        for (const struct rank_node *node = rank_first(&core->open); node; node = rank_next(node)) {
            const struct interaction *interaction = node->owner;
            waiting += interaction->waiting.linked && interaction->data.queue == (int)q;
        }
        for (uint32_t i = 0; i < core->agent_count; i++) {
            const struct agent *agent = &core->agents[i];
            logged_in += agent->config >= 0 && agent->data.state != AGENT_OFFLINE &&
                         able_is_member(core, agent, (int)q);
        }
        if (core->queues[q].waiting != waiting || core->queues[q].logged_in != logged_in)
            check_fail(check, INVARIANT_COUNTS_RIGHT, NULL, NULL,
                       "queue %u: %u wait, counted %u; %u logged in, counted %u", q, waiting,
                       core->queues[q].waiting, logged_in, core->queues[q].logged_in);
    }
    for (uint32_t lane = 0; lane < core->lanes.count; lane++) {
        const struct lane *asks = &core->lanes.lanes[lane];
        uint32_t available = 0, places = 0, should = 0;
        for (uint32_t i = 0; i < core->agent_count; i++) {
            const struct agent *agent = &core->agents[i];
            if (agent->config < 0)
                continue;
            bool belongs =
                able_is_member(core, agent, asks->queue) && able_is_skilled_for(core, agent, &asks->needs);
            should += belongs;
            available += belongs && agent->data.state == AGENT_AVAILABLE;
            for (uint32_t p = 0; p < core->lanes.agents[agent->config].count; p++)
                places += core->lanes.agents[agent->config].places[p].lane == lane;
        }
        if (places != should || core->available[lane] != available)
            check_fail(check, INVARIANT_COUNTS_RIGHT, NULL, NULL,
                       "lane %u: %u places for %u; %u available, counted %u", lane, places, should, available,
                       core->available[lane]);
    }
}

/* Those who wait against everybody who could take them. */
void check_waiting(const struct check *check)
{
    const struct core *core = check->core;
    if (core->drain_pending)
        return;
    for (const struct rank_node *node = rank_first(&core->open); node; node = rank_next(node)) {
        const struct interaction *interaction = node->owner;
        if (!interaction->waiting.linked)
            continue;
        for (uint32_t i = 0; i < core->agent_count; i++) {
            if (able_to_take(core, &core->agents[i], interaction))
                check_fail(check, INVARIANT_NOBODY_WAITS_IN_VAIN, interaction, &core->agents[i],
                           "could take it");
        }
    }
}

/* Of an agent who is ready, the first of a lane that it is not excluded from. */
static const struct rank_node *first_for(const struct core *core, const struct rank_tree *waiting,
                                         const struct agent *agent)
{
    const struct rank_node *node = rank_first(waiting);
    while (node && able_is_excluded(core, agent, &((const struct interaction *)node->owner)->data))
        node = rank_next(node);
    return node;
}

/* The same from the indexes, for what a batch touched. */
void check_touched_waiting(const struct check *check, const struct touched *touched)
{
    const struct core *core = check->core;
    if (core->drain_pending)
        return;
    for (uint32_t i = 0; i < touched->interaction_count; i++) {
        const struct interaction *interaction = touched->interactions[i].interaction;
        if (!interaction->waiting.linked)
            continue;
        const struct rank_node *ready = rank_first(ready_in(core, interaction->lane, interaction->channel));
        while (ready && able_is_excluded(core, ready->owner, &interaction->data))
            ready = rank_next(ready);
        if (ready)
            check_fail(check, INVARIANT_NOBODY_WAITS_IN_VAIN, interaction, ready->owner, "could take it");
    }
    for (uint32_t i = 0; i < touched->agent_count; i++) {
        const struct agent *agent = touched->agents[i].agent;
        for (uint32_t r = 0; r < agent->ready_count; r++) {
            if (!agent->ready[r].linked)
                continue;
            uint32_t lane = core->lanes.agents[agent->config].places[r / CHANNEL_COUNT].lane;
            const struct rank_node *first =
                first_for(core, waiting_in(core, lane, (enum channel)(r % CHANNEL_COUNT)), agent);
            if (first)
                check_fail(check, INVARIANT_NOBODY_WAITS_IN_VAIN, first->owner, agent, "could take it");
        }
    }
}
