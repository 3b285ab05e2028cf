/* Every offer and every wait has its explanation, and what it says of those whom the step left alone is so.
 */
#include <string.h>

#include "rules/invariant_check.h"

/* What somebody pulls is chosen without being offered. */
static const struct explanation *next_offer(const struct explanation *why)
{
    while (why && (!why->chosen.len || why->trigger == TRIGGER_PULL))
        why = why->next;
    return why;
}

static bool is_explained(const struct outcome *outcome, const struct uuid *interaction)
{
    for (const struct explanation *why = outcome->explanations; why; why = why->next) {
        if (uuid_equal(&why->interaction, interaction))
            return true;
    }
    return false;
}

/* What is offered, or shut out, further on in the step has not waited. */
static bool is_told_again(const struct announcement *announcement)
{
    for (const struct announcement *a = announcement->next; a; a = a->next) {
        if (a->snapshot && uuid_equal(&a->snapshot->interaction, &announcement->snapshot->interaction))
            return true;
    }
    return false;
}

/* Offers in their order; of what waits, that it is there. */
static void check_all_there(const struct check *check, const struct outcome *outcome)
{
    const struct explanation *why = next_offer(outcome->explanations);
    for (const struct announcement *a = outcome->announcements; a; a = a->next) {
        if (a->type == ANNOUNCE_QUEUED && !is_told_again(a) &&
            !is_explained(outcome, &a->snapshot->interaction))
            check_fail(check, INVARIANT_EXPLAINED, NULL, NULL, "a wait without an explanation");
        if (a->type != ANNOUNCE_OFFERED)
            continue;
        if (!why || !uuid_equal(&why->interaction, &a->snapshot->interaction) ||
            !slice_equal(why->chosen, a->agent)) {
            check_fail(check, INVARIANT_EXPLAINED, NULL, NULL, "an offer to %.*s without an explanation",
                       (int)a->agent.len, a->agent.ptr);
            return;
        }
        why = next_offer(why->next);
    }
    if (why)
        check_fail(check, INVARIANT_EXPLAINED, NULL, NULL, "an explanation of an offer that was not made");
}

/* The first test that the agent fails now, as the documentation lists them. */
static enum candidate_reason reason_for(const struct core *core, const struct agent *agent,
                                        const struct explanation *why)
{
    const struct agent_data *data = &agent->data;
    struct able_needs needs = {why->queue, why->moved == MOVE_NONE ? why->rule : -1, why->relax_step};
    if (data->state != AGENT_AVAILABLE)
        return data->state == AGENT_OFFLINE ? CANDIDATE_OFFLINE
               : data->state == AGENT_BREAK ? CANDIDATE_ON_BREAK
                                            : CANDIDATE_NOT_RESPONDING;
    if (data->wrap_until != TIME_NEVER)
        return CANDIDATE_WRAP_UP;
    if (data->cool_until != TIME_NEVER)
        return CANDIDATE_COOL_DOWN;
    if (data->load[why->channel] >= core->config->agents[agent->config].capacity[why->channel])
        return CANDIDATE_FULL;
    if (!able_has_room(core, agent, data, why->channel))
        return CANDIDATE_EXCLUSIVE;
    if (!able_is_skilled(core, agent, &needs))
        return CANDIDATE_SKILLS;
    return slice_equal(why->excluded, agent->name) ? CANDIDATE_EXCLUDED : CANDIDATE_LATER;
}

/* The agents by their place in the configuration; who was touched by the batch is left out. */
static const struct agent **left_alone(const struct check *check, const struct touched *touched)
{
    const struct core *core = check->core;
    const struct agent **agents =
        arena_array(check->scratch, const struct agent *, core->config->agent_count);
    memset(agents, 0, sizeof *agents * core->config->agent_count);
    for (uint32_t i = 0; i < core->agent_count; i++) {
        if (core->agents[i].config >= 0)
            agents[core->agents[i].config] = &core->agents[i];
    }
    for (uint32_t i = 0; i < touched->agent_count; i++) {
        if (touched->agents[i].agent->config >= 0)
            agents[touched->agents[i].agent->config] = NULL;
    }
    return agents;
}

static void check_candidates(const struct check *check, const struct agent **agents,
                             const struct explanation *why)
{
    const struct core *core = check->core;
    const struct lane_queue *queue = &core->lanes.queues[why->queue];
    if (why->candidate_count != queue->member_count) {
        check_fail(check, INVARIANT_EXPLAINED, NULL, NULL, "%u candidates of %u members",
                   why->candidate_count, queue->member_count);
        return;
    }
    for (uint32_t i = 0; i < queue->member_count; i++) {
        const struct agent *agent = agents[queue->members[i]];
        enum candidate_reason said = (enum candidate_reason)why->candidates[i];
        bool is_chosen = slice_equal(why->chosen, core->config->agents[queue->members[i]].name);
        if (is_chosen != (said == CANDIDATE_CHOSEN))
            check_fail(check, INVARIANT_EXPLAINED, NULL, agent, "chosen, or not, against what is said");
        if (is_chosen || !agent)
            continue;
        if (said != reason_for(core, agent, why))
            check_fail(check, INVARIANT_EXPLAINED, NULL, agent, "%s, said to be %s",
                       candidate_reason_name(reason_for(core, agent, why)), candidate_reason_name(said));
    }
}

void check_explained(const struct check *check, const struct touched *touched)
{
    const struct agent **agents = NULL;
    for (size_t i = 0; i < touched->row_count; i++) {
        const struct outcome *outcome = touched->rows[i].outcome;
        uint32_t count = 0;
        check_all_there(check, outcome);
        for (const struct explanation *why = outcome->explanations; why; why = why->next) {
            if (touched_is_alone(touched) && why->candidate_count && why->queue >= 0) {
                agents = agents ? agents : left_alone(check, touched);
                check_candidates(check, agents, why);
            }
            count++;
        }
        if (count != outcome->explanation_count)
            check_fail(check, INVARIANT_EXPLAINED, NULL, NULL, "%u explanations, counted %u", count,
                       outcome->explanation_count);
    }
}
