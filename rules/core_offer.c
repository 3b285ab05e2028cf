/* Offers and work: made, taken, ended, and how they come back. */
#include <assert.h>
#include <string.h>

#include "rules/core_state.h"

const struct block *blocked_now(const struct step *step, const struct interaction *interaction)
{
    const struct blacklist *blacklist = &step->core->blacklist;
    struct block_subject subject = {.channel = interaction->channel,
                                    .phone_key = interaction->texts.phone_key,
                                    .email_key = interaction->texts.email_key};
    int64_t at = step->input->at_ms;
    if (interaction->outbound)
        return NULL;
    const struct block *block = blacklist_match_keys(blacklist, &subject, at, step->arena);
    return block ? block
                 : blacklist_match_customer(blacklist, interaction->channel, &interaction->data.customer, at);
}

static void stamp_turn(struct step *step, struct agent *agent, enum channel channel)
{
    agent_edit(step->core, agent);
    agent->data.turn[channel] = step->core->seq * (CORE_IDS_MAX + 1) + ++step->offers;
    agent_settle(step->core, agent);
}

void offer(struct step *step, struct interaction *interaction, struct agent *agent, enum prefer_stage stage,
           int64_t lasts_ms)
{
    stamp_turn(step, agent, interaction->channel);
    interaction_edit(step, interaction);
    interaction->data.state = INTERACTION_OFFERED;
    interaction->data.agent = (int)(agent - step->core->agents);
    interaction->data.offer = step_next_id(step);
    interaction->data.offered_ms = step->input->at_ms;
    interaction->data.expires_ms = step->input->at_ms + lasts_ms;
    interaction->data.stage = stage;
    interaction->data.is_relinked = false;
    interaction->data.held_until = TIME_NEVER;
    interaction->data.attempts++;
    interaction_settle(step, interaction);
    step_announce(step, ANNOUNCE_OFFERED, interaction, agent)->cause = explain_cause(step, interaction);
}

/* By the rules as they are now, or as it stood. */
static struct comeback back_to_queue(struct step *step, struct interaction *interaction, bool by_rule)
{
    struct comeback back = {.next = PREFER_QUEUE};
    int queue = interaction->data.queue;
    if (interaction->data.is_relinked)
        back.next = PREFER_SAME;
    else if (interaction->data.state == INTERACTION_OFFERED && interaction->data.stage < PREFER_QUEUE)
        back.next = interaction->data.stage + 1;
    interaction_edit(step, interaction);
    interaction->data.state = INTERACTION_QUEUED;
    interaction->data.agent = -1;
    interaction->data.offer = (struct uuid){{0}};
    interaction->data.offered_ms = interaction->data.expires_ms = interaction->data.accepted_ms = TIME_NEVER;
    interaction->data.reply_by = TIME_NEVER;
    interaction->data.stage = PREFER_QUEUE;
    interaction->data.is_relinked = false;
    step->trigger = TRIGGER_RETURNED;
    if ((by_rule && interaction->data.moved == MOVE_NONE) || interaction->data.queue < 0)
        place_by_rule(step, interaction);
    interaction_settle(step, interaction);
    back.arrives = interaction->data.queue != queue;
    return back;
}

static void tell_withdrawn(struct step *step, struct interaction *interaction, const char *cause)
{
    struct agent *agent = &step->core->agents[interaction->data.agent];
    step_announce(step, ANNOUNCE_WITHDRAWN, interaction, agent)->cause = slice_of(cause);
    step->out->offer_end = cause;
}

struct comeback offer_withdraw(struct step *step, struct interaction *interaction, const char *cause)
{
    tell_withdrawn(step, interaction, cause);
    return back_to_queue(step, interaction, true);
}

void offer_give_over(struct step *step, struct interaction *interaction, const char *cause)
{
    tell_withdrawn(step, interaction, cause);
    back_to_queue(step, interaction, false);
}

bool requeue_active(struct step *step, struct interaction *interaction, const char *cause)
{
    struct agent *agent = &step->core->agents[interaction->data.agent];
    struct comeback back = back_to_queue(step, interaction, true);
    step_announce(step, ANNOUNCE_QUEUED, interaction, agent)->cause = slice_of(cause);
    return back.arrives;
}

/* When the agent's first reply is expected: where somebody watches over it, and to what is
 * written; only calls go out. */
static int64_t reply_by(const struct core *core, const struct interaction *interaction, int64_t at_ms)
{
    int queue = interaction->data.queue;
    if (queue < 0 || interaction->channel == CHANNEL_CALL || !core->config->queues[queue].first_reply_ms)
        return TIME_NEVER;
    return at_ms + core->config->queues[queue].first_reply_ms;
}

void assign(struct step *step, struct interaction *interaction, struct agent *agent)
{
    int64_t at = step->input->at_ms;
    interaction_edit(step, interaction);
    interaction->data.state = INTERACTION_ACTIVE;
    interaction->data.agent = agent ? (int)(agent - step->core->agents) : -1;
    interaction->data.expires_ms = TIME_NEVER;
    interaction->data.accepted_ms = at;
    interaction->data.stage = PREFER_QUEUE;
    interaction->data.is_relinked = false;
    interaction->data.held_until = TIME_NEVER;
    interaction->data.excluded = -1;
    interaction->data.reply_by = agent ? reply_by(step->core, interaction, at) : TIME_NEVER;
    interaction_settle(step, interaction);
    if (agent) {
        agent_edit(step->core, agent);
        agent->data.misses = 0;
        agent->data.idle_since = at;
        agent_settle(step->core, agent);
    }
}

/* Work that ends frees its agent, after the wrap-up that the queue grants. */
void release(struct step *step, struct agent *agent, int queue)
{
    struct core *core = step->core;
    int64_t at = step->input->at_ms;
    int64_t wrap = queue < 0 ? 0 : core->config->queues[queue].wrap_up_ms;
    agent_edit(core, agent);
    agent->data.idle_since = at + wrap;
    if (wrap > 0 && (agent->data.wrap_until == TIME_NEVER || agent->data.wrap_until < at + wrap))
        agent->data.wrap_until = at + wrap;
    if (agent->work.count == 0)
        agent->data.grace_until = TIME_NEVER;
    agent_settle(core, agent);
}

void set_closed(struct step *step, struct interaction *interaction, const char *cause,
                enum announcement_type announcement)
{
    interaction->data.state = INTERACTION_CLOSED;
    interaction->data.closed_ms = step->input->at_ms;
    interaction_own_cause(interaction, announcement_cause(step->out, announcement, slice_of(cause)));
}

void close_interaction(struct step *step, struct interaction *interaction, const char *cause,
                       enum announcement_type announcement)
{
    enum interaction_state state = interaction->data.state;
    struct agent *agent = interaction->data.agent < 0 ? NULL : &step->core->agents[interaction->data.agent];
    if (state == INTERACTION_OFFERED) {
        step_announce(step, ANNOUNCE_WITHDRAWN, interaction, agent)->cause = slice_of(cause);
        step->out->offer_end = cause;
    }
    interaction_edit(step, interaction);
    set_closed(step, interaction, cause, announcement);
    interaction->data.is_relinked = false;
    interaction_settle(step, interaction);
    closing_add(step->core, interaction);
    if (state == INTERACTION_ACTIVE && agent)
        release(step, agent, interaction->data.queue);
    step_announce(step, announcement, interaction, state == INTERACTION_ACTIVE ? agent : NULL)->cause =
        slice_of(cause);
    if (agent)
        drain_agent(step, agent);
}

/* Whoever it was taken for: it was somebody whom nobody is to be offered. */
void close_blocked(struct step *step, struct interaction *interaction)
{
    interaction_edit(step, interaction);
    interaction->data.identity = IDENTITY_BLOCKED;
    interaction_settle(step, interaction);
    close_interaction(step, interaction, "blocked", ANNOUNCE_BLOCKED);
}

/* An offer came back unanswered or refused: the agent rests, and after k misses in a row is taken out. */
void agent_miss(struct step *step, struct agent *agent, enum reject_cause cause, bool missed)
{
    const struct project_config *config = step->core->config;
    int64_t until = step->input->at_ms + config->cool_down_ms[cause];
    agent_edit(step->core, agent);
    if (config->cool_down_ms[cause] > 0 &&
        (agent->data.cool_until == TIME_NEVER || agent->data.cool_until < until))
        agent->data.cool_until = until;
    bool out = false;
    if (missed) {
        step->out->miss = reject_cause_name(cause);
        agent->data.misses++;
        out = agent->data.misses >= config->misses && agent->data.state == AGENT_AVAILABLE;
    }
    if (out) {
        agent->data.state = AGENT_NOT_RESPONDING;
        memcpy(agent->data.reason, "misses", sizeof "misses");
    }
    agent_settle(step->core, agent);
    if (!out)
        return;
    struct announcement *announcement = step_announce(step, ANNOUNCE_PRESENCE, NULL, agent);
    announcement->state = AGENT_NOT_RESPONDING;
    announcement->cause = SLICE("misses");
}
