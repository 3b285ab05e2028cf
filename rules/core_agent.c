/* Presence, and what time does: offers end, leases run out, wrap-up and cool-down are over, work goes back.
 */
#include <assert.h>
#include <string.h>

#include "rules/core_state.h"

static const struct comeback nothing_came = {.next = PREFER_QUEUE};

static void set_reason(struct agent *agent, struct slice reason)
{
    size_t len = reason.len < AGENT_REASON_MAX ? reason.len : AGENT_REASON_MAX;
    memset(agent->data.reason, 0, sizeof agent->data.reason);
    if (len)
        memcpy(agent->data.reason, reason.ptr, len);
}

void announce_presence(struct step *step, struct agent *agent)
{
    struct announcement *announcement = step_announce(step, ANNOUNCE_PRESENCE, NULL, agent);
    announcement->state = agent->data.state;
    announcement->cause = arena_copy(step->arena, slice_of(agent->data.reason));
}

/* Gives back every offer that the agent holds; each goes to the next agent. */
static void return_offers(struct step *step, struct agent *agent, const char *cause)
{
    struct rank_node *next;
    for (struct rank_node *node = rank_first(&agent->work); node; node = next) {
        struct interaction *interaction = node->owner;
        next = rank_next(node);
        if (interaction->data.state != INTERACTION_OFFERED)
            continue;
        struct comeback back = offer_withdraw(step, interaction, cause);
        place_on(step, interaction, back.arrives);
        offer_or_wait(step, interaction, back.next);
    }
}

static void start_grace(struct step *step, struct agent *agent)
{
    bool has_work = agent->work.count > 0;
    agent_edit(step->core, agent);
    agent->data.grace_until = has_work ? step->input->at_ms + step->core->config->grace_ms : TIME_NEVER;
    agent_settle(step->core, agent);
}

/* A desktop goes on renewing its lease while nobody sits in front of it: that is no word of its agent's. */
static bool is_renewal(const struct agent *agent, const struct input *input)
{
    return agent->data.state == AGENT_NOT_RESPONDING && agent->data.lease_until != TIME_NEVER &&
           input->actor.len && input->presence == AGENT_AVAILABLE && input->lease_ms;
}

static void renew(struct step *step, struct agent *agent)
{
    agent_edit(step->core, agent);
    agent->data.lease_ms = step->input->lease_ms;
    agent->data.lease_until = step->input->at_ms + step->input->lease_ms;
    agent_settle(step->core, agent);
    step->out->outcome = OUTCOME_DONE;
    step->out->agent = agent->name;
    step->out->state = agent->data.state;
}

void step_presence(struct step *step)
{
    const struct input *input = step->input;
    struct agent *agent = core_find_agent(step->core, input->agent);
    if (!agent || agent->config < 0) {
        step->out->refusal = REFUSAL_NO_AGENT;
        return;
    }
    if (is_renewal(agent, input)) {
        renew(step, agent);
        return;
    }
    enum agent_state before = agent->data.state;
    char reason_before[AGENT_REASON_MAX + 1];
    memcpy(reason_before, agent->data.reason, sizeof reason_before);

    agent_edit(step->core, agent);
    agent->data.state = input->presence;
    set_reason(agent, input->reason);
    agent->data.lease_ms = input->presence == AGENT_OFFLINE ? 0 : input->lease_ms;
    agent->data.lease_until = agent->data.lease_ms ? input->at_ms + agent->data.lease_ms : TIME_NEVER;
    if (before == AGENT_OFFLINE || before == AGENT_NOT_RESPONDING) {
        agent->data.misses = 0;
        agent->data.cool_until = TIME_NEVER;
        if (input->presence == AGENT_AVAILABLE)
            agent->data.idle_since = input->at_ms;
    }
    if (input->presence != AGENT_OFFLINE)
        agent->data.grace_until = TIME_NEVER;
    agent_settle(step->core, agent);

    step->out->outcome = OUTCOME_DONE;
    step->out->agent = agent->name;
    step->out->state = input->presence;
    if (before != input->presence || strcmp(reason_before, agent->data.reason) != 0)
        announce_presence(step, agent);
    if (input->presence == AGENT_OFFLINE) {
        return_offers(step, agent, "offline");
        if (agent->data.grace_until == TIME_NEVER)
            start_grace(step, agent);
    }
    place_left_by(step, agent, NULL, nothing_came);
    drain_agent(step, agent);
}

bool return_rest(struct step *step, struct agent *agent, bool was_available,
                 const struct interaction *returned, struct comeback back)
{
    if (!was_available || agent->data.state != AGENT_NOT_RESPONDING)
        return false;
    return_offers(step, agent, "not_responding");
    return place_left_by(step, agent, returned, back);
}

static void offer_expired(struct step *step, struct interaction *interaction)
{
    struct agent *agent = &step->core->agents[interaction->data.agent];
    bool was_available = agent->data.state == AGENT_AVAILABLE;
    struct comeback back = offer_withdraw(step, interaction, "timeout");
    agent_miss(step, agent, REJECT_NO_ANSWER, true);
    if (!return_rest(step, agent, was_available, interaction, back))
        offer_returned(step, interaction, agent, back);
    step->out->snapshot = step_snapshot(step, interaction);
}

/* Taken, and then nothing: to the customer that is a miss like any. */
static void reply_missed(struct step *step, struct interaction *interaction)
{
    struct agent *agent = &step->core->agents[interaction->data.agent];
    bool was_available = agent->data.state == AGENT_AVAILABLE;
    struct comeback back = {PREFER_QUEUE, requeue_active(step, interaction, "no_reply")};
    agent_miss(step, agent, REJECT_NO_ANSWER, true);
    if (!return_rest(step, agent, was_available, interaction, back)) {
        place_quietly(step, interaction, agent, back.arrives);
        drain_agent(step, agent);
    }
    step->out->snapshot = step_snapshot(step, interaction);
}

static void lease_lost(struct step *step, struct agent *agent)
{
    agent_edit(step->core, agent);
    agent->data.state = AGENT_OFFLINE;
    set_reason(agent, SLICE("lease_expired"));
    agent->data.lease_until = TIME_NEVER;
    agent_settle(step->core, agent);
    announce_presence(step, agent);
    start_grace(step, agent);
    place_left_by(step, agent, NULL, nothing_came);
}

/* The agent did not come back: everything it held waits again, at the place that its age gives it. */
static void grace_over(struct step *step, struct agent *agent)
{
    struct rank_node *node;
    agent_edit(step->core, agent);
    agent->data.grace_until = TIME_NEVER;
    agent_settle(step->core, agent);
    while ((node = rank_first(&agent->work))) {
        struct interaction *interaction = node->owner;
        if (interaction->data.state == INTERACTION_OFFERED) {
            struct comeback back = offer_withdraw(step, interaction, "agent_gone");
            place_on(step, interaction, back.arrives);
            offer_or_wait(step, interaction, back.next);
        } else if (!interaction_is_dialled(interaction)) {
            bool arrives = requeue_active(step, interaction, "agent_gone");
            place_quietly(step, interaction, NULL, arrives);
        } else {
            close_interaction(step, interaction, "agent_gone", ANNOUNCE_ENDED);
        }
    }
}

static void agent_due(struct step *step, struct agent *agent)
{
    int64_t at = step->input->at_ms;
    struct agent_data *data = &agent->data;
    step->out->agent = agent->name;
    if (data->wrap_until <= at || data->cool_until <= at) {
        agent_edit(step->core, agent);
        if (data->wrap_until <= at)
            data->wrap_until = TIME_NEVER;
        if (data->cool_until <= at)
            data->cool_until = TIME_NEVER;
        agent_settle(step->core, agent);
        drain_agent(step, agent);
    } else if (data->grace_until <= at) {
        grace_over(step, agent);
    } else {
        assert(data->lease_until <= at);
        lease_lost(step, agent);
    }
    step->out->state = data->state;
}

static void interaction_timer(struct step *step, struct interaction *interaction)
{
    if (interaction->data.state == INTERACTION_OFFERED)
        offer_expired(step, interaction);
    else if (interaction->data.state == INTERACTION_ACTIVE)
        reply_missed(step, interaction);
    else
        queued_due(step, interaction);
}

void step_timer(struct step *step)
{
    struct core *core = step->core;
    step->out->outcome = OUTCOME_DONE;
    if (step->input->drain) {
        step->trigger = TRIGGER_LOADED;
        shut_out_blocked(step); /* blocks that begin later than they were journaled */
        drain_all(step);
        return;
    }
    const struct rank_node *first = rank_first(&core->timers);
    assert(first && first->rank.first <= step->input->at_ms);
    if (first->rank.second == 0)
        interaction_timer(step, first->owner);
    else
        agent_due(step, first->owner);
}
