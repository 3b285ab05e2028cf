/* Offers and work: who gets what, and how it comes back. */
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

static void offer(struct step *step, struct interaction *interaction, struct agent *agent)
{
    const struct config_queue *queue = &step->core->config->queues[interaction->data.queue];
    interaction_edit(step, interaction);
    interaction->data.state = INTERACTION_OFFERED;
    interaction->data.agent = (int)(agent - step->core->agents);
    interaction->data.offer = step_next_id(step);
    interaction->data.offered_ms = step->input->at_ms;
    interaction->data.expires_ms = step->input->at_ms + queue->offer_timeout_ms;
    interaction->data.attempts++;
    interaction_settle(step, interaction);
    step_announce(step, ANNOUNCE_OFFERED, interaction, agent);
}

/* Asked again at the offer: who is blocked by now is never offered. */
static bool shut_out(struct step *step, struct interaction *interaction)
{
    const struct block *block = blocked_now(step, interaction);
    if (!block)
        return false;
    step->out->hit = block->id;
    interaction_edit(step, interaction);
    interaction->data.identity = IDENTITY_BLOCKED;
    interaction_settle(step, interaction);
    close_interaction(step, interaction, "blocked", ANNOUNCE_BLOCKED);
    return true;
}

static bool has_ids(struct step *step)
{
    if (step->next_id < CORE_IDS_MAX)
        return true;
    step->core->drain_pending = true;
    return false;
}

bool offer_to_first(struct step *step, struct interaction *interaction)
{
    struct core *core = step->core;
    if (interaction->data.state != INTERACTION_QUEUED || interaction->data.queue < 0)
        return false;
    const struct rank_node *first =
        rank_first(&core->ready[(size_t)interaction->data.queue * CHANNEL_COUNT + interaction->channel]);
    if (!first || !has_ids(step) || shut_out(step, interaction))
        return false;
    offer(step, interaction, first->owner);
    return true;
}

/* The best of everything the agent could take now, over all its queues and channels. */
static struct interaction *best_for(const struct core *core, const struct agent *agent)
{
    const struct rank_node *best = NULL;
    if (agent->config < 0)
        return NULL;
    const uint16_t *queues = core->config->agents[agent->config].queues;
    for (uint32_t i = 0; i < agent->ready_count; i++) {
        if (!agent->ready[i].linked)
            continue;
        const struct rank_node *first =
            rank_first(core_waiting(core, queues[i / CHANNEL_COUNT], (enum channel)(i % CHANNEL_COUNT)));
        if (first && (!best || rank_compare(&first->rank, &best->rank) < 0))
            best = first;
    }
    return best ? best->owner : NULL;
}

void drain_agent(struct step *step, struct agent *agent)
{
    struct interaction *interaction;
    while ((interaction = best_for(step->core, agent)) && has_ids(step)) {
        if (!shut_out(step, interaction))
            offer(step, interaction, agent);
    }
}

/* Longest waiting first over each queue; agents in the queues' own order. */
void drain_all(struct step *step)
{
    struct core *core = step->core;
    core->drain_pending = false;
    for (uint32_t i = 0; i < core->config->queue_count * CHANNEL_COUNT; i++) {
        struct rank_node *first;
        while ((first = rank_first(&core->waiting[i])) && core->ready[i].count) {
            struct interaction *interaction = first->owner;
            if (!has_ids(step))
                return;
            if (!offer_to_first(step, interaction) && interaction->data.state == INTERACTION_QUEUED)
                return;
        }
    }
}

static void back_to_queue(struct step *step, struct interaction *interaction)
{
    interaction_edit(step, interaction);
    interaction->data.state = INTERACTION_QUEUED;
    if (interaction->data.queue < 0)
        interaction->data.queue = core_home_queue(step->core, interaction);
    interaction->data.agent = -1;
    interaction->data.offer = (struct uuid){{0}};
    interaction->data.offered_ms = interaction->data.expires_ms = interaction->data.accepted_ms = TIME_NEVER;
    interaction_settle(step, interaction);
}

void offer_withdraw(struct step *step, struct interaction *interaction, const char *cause)
{
    struct agent *agent = &step->core->agents[interaction->data.agent];
    step_announce(step, ANNOUNCE_WITHDRAWN, interaction, agent)->cause = slice_of(cause);
    step->out->offer_end = cause;
    back_to_queue(step, interaction);
}

void requeue_active(struct step *step, struct interaction *interaction)
{
    struct agent *agent = &step->core->agents[interaction->data.agent];
    back_to_queue(step, interaction);
    step_announce(step, ANNOUNCE_QUEUED, interaction, agent)->cause = slice_of("agent_gone");
}

void offer_again(struct step *step, struct interaction *interaction)
{
    if (interaction->data.state == INTERACTION_QUEUED && !offer_to_first(step, interaction) &&
        interaction->data.state == INTERACTION_QUEUED)
        step_announce(step, ANNOUNCE_QUEUED, interaction, NULL);
}

void assign(struct step *step, struct interaction *interaction, struct agent *agent)
{
    int64_t at = step->input->at_ms;
    interaction_edit(step, interaction);
    interaction->data.state = INTERACTION_ACTIVE;
    interaction->data.agent = agent ? (int)(agent - step->core->agents) : -1;
    interaction->data.expires_ms = TIME_NEVER;
    interaction->data.accepted_ms = at;
    interaction_settle(step, interaction);
    if (agent) {
        agent_edit(step->core, agent);
        agent->data.misses = 0;
        agent->data.idle_since = at;
        agent_settle(step->core, agent);
    }
}

/* Work that ends frees its agent, after the wrap-up that the queue grants. */
static void release(struct step *step, struct agent *agent, int queue)
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
    interaction->data.state = INTERACTION_CLOSED;
    interaction->data.closed_ms = step->input->at_ms;
    interaction->data.cause = cause;
    interaction_settle(step, interaction);
    closing_add(step->core, interaction);
    if (state == INTERACTION_ACTIVE && agent)
        release(step, agent, interaction->data.queue);
    step_announce(step, announcement, interaction, state == INTERACTION_ACTIVE ? agent : NULL)->cause =
        slice_of(cause);
    if (agent)
        drain_agent(step, agent);
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
