/* Work that people move: handed on by its agent, given to an agent by a supervisor, taken by an agent. */
#include "rules/core_state.h"

struct interaction *step_open_one(struct step *step)
{
    const struct interaction *interaction = core_find_interaction(step->core, &step->input->interaction);
    if (interaction && interaction->data.state != INTERACTION_CLOSED)
        return (struct interaction *)interaction;
    uint64_t seq;
    bool ours =
        uuid_derived_seq(&step->input->interaction, step->core->project, &seq) && seq < step->core->seq;
    step->out->refusal = ours ? REFUSAL_CLOSED : REFUSAL_NOT_FOUND;
    return NULL;
}

static struct agent *configured_agent(struct step *step)
{
    struct agent *agent = core_find_agent(step->core, step->input->agent);
    if (agent && agent->config >= 0)
        return agent;
    step->out->refusal = REFUSAL_NO_AGENT;
    return NULL;
}

static void answer(struct step *step, const struct interaction *interaction)
{
    static const enum event_outcome outcomes[] = {[INTERACTION_QUEUED] = OUTCOME_QUEUED,
                                                  [INTERACTION_OFFERED] = OUTCOME_OFFERED,
                                                  [INTERACTION_ACTIVE] = OUTCOME_ASSIGNED,
                                                  [INTERACTION_CLOSED] = OUTCOME_BLOCKED};
    step->out->outcome = outcomes[interaction->data.state];
    step->out->snapshot = step_snapshot(step, interaction);
}

/* --- Transfer --- */

static struct agent *holder_of(const struct core *core, const struct interaction *interaction)
{
    return interaction->data.agent < 0 ? NULL : &core->agents[interaction->data.agent];
}

static bool may_transfer(struct step *step, const struct interaction *interaction)
{
    const struct agent *holder = holder_of(step->core, interaction);
    bool own = holder && interaction->data.state == INTERACTION_ACTIVE &&
               slice_equal(step->input->actor, holder->name);
    if (step->input->actor.len && !own)
        step->out->refusal = REFUSAL_FORBIDDEN;
    return !step->input->actor.len || own;
}

/* Who held it is never asked for it again. To a queue it asks for no skills and follows no rule; to an agent
 * it stays what it was, in case that one does not take it. */
static void hand_on(struct step *step, struct interaction *interaction, int queue)
{
    struct interaction_data *data = &interaction->data;
    int64_t at = step->input->at_ms;
    bool was_active = data->state == INTERACTION_ACTIVE;
    explain_look_at(step, interaction);
    interaction_edit(step, interaction);
    if (was_active)
        data->excluded = data->agent;
    data->state = INTERACTION_QUEUED;
    data->agent = -1;
    data->offer = (struct uuid){{0}};
    data->offered_ms = data->expires_ms = data->accepted_ms = data->reply_by = data->held_until = TIME_NEVER;
    data->stage = PREFER_QUEUE;
    data->is_relinked = false;
    if (!step->input->keep_age)
        data->enqueued_ms = at;
    if (queue >= 0) {
        data->queue = queue;
        data->moved = MOVE_TRANSFER;
        data->rule = -1;
        data->entered_ms = at;
    } else if (data->queue < 0) {
        place_orphan(step->core, interaction);
        data->entered_ms = at;
    }
    place_relax(step->core, interaction, at);
    interaction_settle(step, interaction);
}

void step_transfer(struct step *step)
{
    const struct input *input = step->input;
    struct core *core = step->core;
    struct interaction *interaction = step_open_one(step);
    struct agent *to = NULL;
    int queue = -1;
    if (!interaction || !may_transfer(step, interaction))
        return;
    struct agent *holder = holder_of(core, interaction);
    if (input->queue.len)
        queue = config_find_queue(core->config, input->queue);
    else if (!(to = configured_agent(step)))
        return;
    if (!to && queue < 0)
        step->out->refusal = REFUSAL_NO_QUEUE;
    else if (to && (to == holder || !agent_can_take(core, to, interaction->channel)))
        step->out->refusal = REFUSAL_AGENT_UNAVAILABLE;
    if (step->out->refusal != REFUSAL_NONE)
        return;
    bool was_active = interaction->data.state == INTERACTION_ACTIVE;
    int old_queue = interaction->data.queue;
    step->trigger = TRIGGER_TRANSFER;
    step->cause = "transfer";
    if (interaction->data.state == INTERACTION_OFFERED) {
        step_announce(step, ANNOUNCE_WITHDRAWN, interaction, holder)->cause = slice_of(step->cause);
        step->out->offer_end = step->cause;
    }
    hand_on(step, interaction, queue);
    if (was_active && holder)
        release(step, holder, old_queue);
    step_announce(step, ANNOUNCE_QUEUED, interaction, was_active ? holder : NULL)->cause =
        slice_of(step->cause);
    if (to)
        offer_to_named(step, interaction, to);
    else
        place_quietly(step, interaction, holder, true);
    step->cause = NULL;
    if (holder)
        drain_agent(step, holder);
    answer(step, interaction);
}

/* It was handed on outside, at the exchange: what has happened is followed, whether or not the agent could
 * have been asked. Who had it is told that it is gone, who has it now that it is there. */
void change_hands(struct step *step, struct interaction *interaction, struct agent *to)
{
    struct agent *holder = holder_of(step->core, interaction);
    interaction_edit(step, interaction);
    interaction->data.state = INTERACTION_QUEUED;
    interaction->data.agent = -1;
    interaction->data.offer = (struct uuid){{0}};
    interaction->data.offered_ms = TIME_NEVER;
    interaction_settle(step, interaction);
    release(step, holder, interaction->data.queue);
    step_announce(step, ANNOUNCE_QUEUED, interaction, holder)->cause = SLICE("answered");
    assign(step, interaction, to);
    interaction_edit(step, interaction);
    interaction->data.excluded = (int)(holder - step->core->agents);
    interaction_settle(step, interaction);
    step->out->active_customer = interaction->data.customer;
    step->out->active_agent = to->name;
    step_announce(step, ANNOUNCE_ASSIGNED, interaction, to);
    drain_agent(step, holder);
}

/* --- Assign --- */

void step_assign(struct step *step)
{
    struct interaction *interaction = step_open_one(step);
    struct agent *to = interaction ? configured_agent(step) : NULL;
    if (!to)
        return;
    struct agent *asked = holder_of(step->core, interaction);
    if (step->input->actor.len)
        step->out->refusal = REFUSAL_FORBIDDEN;
    else if (interaction->data.state == INTERACTION_ACTIVE)
        step->out->refusal = REFUSAL_TAKEN;
    else if (to != asked && !agent_can_take(step->core, to, interaction->channel))
        step->out->refusal = REFUSAL_AGENT_UNAVAILABLE;
    if (step->out->refusal != REFUSAL_NONE)
        return;
    if (to != asked) {
        if (asked)
            offer_give_over(step, interaction, "assigned");
        step->trigger = TRIGGER_ASSIGN;
        step->cause = "assigned";
        offer_to_named(step, interaction, to);
        step->cause = NULL;
        if (asked)
            drain_agent(step, asked);
    }
    answer(step, interaction);
}

/* --- Pull --- */

static bool is_member(const struct core *core, const struct agent *agent, int queue)
{
    const struct config_agent *config = &core->config->agents[agent->config];
    for (uint32_t i = 0; i < config->queue_count; i++) {
        if (config->queues[i] == queue)
            return true;
    }
    return false;
}

void step_pull(struct step *step)
{
    struct interaction *interaction = step_open_one(step);
    struct agent *agent = interaction ? configured_agent(step) : NULL;
    if (!agent)
        return;
    if (interaction->data.state == INTERACTION_ACTIVE && !interaction_is_dialled(interaction) &&
        interaction->data.agent == (int)(agent - step->core->agents)) {
        answer(step, interaction); /* the same again: it was its answer that got lost */
        return;
    }
    if (interaction->data.state != INTERACTION_QUEUED)
        step->out->refusal = REFUSAL_TAKEN;
    else if (!is_member(step->core, agent, interaction->data.queue))
        step->out->refusal = REFUSAL_FORBIDDEN;
    else if (!agent_has_room(step->core, agent, interaction->channel))
        step->out->refusal = REFUSAL_AGENT_UNAVAILABLE;
    if (step->out->refusal != REFUSAL_NONE)
        return;
    step->trigger = TRIGGER_PULL;
    explain(step, interaction, agent, false);
    step_take(step, interaction, agent);
}
