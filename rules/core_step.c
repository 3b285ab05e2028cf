/* One step: one input in, one outcome out. Timers that are due come as inputs of their own before anything
 * else of their time, so accept and expiry of one millisecond have one order: the expiry. */
#include <assert.h>
#include <string.h>

#include "rules/core_state.h"
#include "rules/match.h"

struct uuid step_next_id(struct step *step)
{
    return uuid_derive(step->input->at_ms, step->core->project, step->core->seq, step->next_id++);
}

const struct snapshot *step_snapshot(struct step *step, const struct interaction *interaction)
{
    const struct interaction_data *data = &interaction->data;
    if (step->cached && step->cached_of == interaction)
        return step->cached;
    struct snapshot *snapshot = arena_new(step->arena, struct snapshot);
    bool held = data->state == INTERACTION_OFFERED || data->state == INTERACTION_ACTIVE;
    *snapshot = (struct snapshot){
        .interaction = interaction->id,
        .offer = data->state == INTERACTION_OFFERED || data->state == INTERACTION_ACTIVE ? data->offer
                                                                                         : (struct uuid){{0}},
        .customer = data->customer,
        .channel = interaction->channel,
        .outbound = interaction->outbound,
        .state = data->state,
        .queue = core_queue_name(step->core, data->queue),
        .agent = held && data->agent >= 0 ? step->core->agents[data->agent].name : (struct slice){NULL, 0},
        .expires_ms = data->state == INTERACTION_OFFERED ? data->expires_ms : TIME_NEVER,
        .identity = data->identity,
        .candidates = data->candidates,
        .candidate_count = data->candidate_count,
        .opened_seq = interaction->opened_seq,
        .texts = &interaction->texts,
        .fact = data->fact,
    };
    step->cached = snapshot;
    step->cached_of = interaction;
    return snapshot;
}

struct announcement *step_announce(struct step *step, enum announcement_type type,
                                   const struct interaction *interaction, struct agent *agent)
{
    struct announcement *announcement = arena_new(step->arena, struct announcement);
    announcement->type = type;
    announcement->snapshot = interaction ? step_snapshot(step, interaction) : NULL;
    if (agent) {
        agent_edit(step->core, agent);
        announcement->agent = agent->name;
        announcement->agentsequence = ++agent->data.agentsequence;
        agent_settle(step->core, agent);
    }
    *step->tail = announcement;
    step->tail = &announcement->next;
    step->out->announcement_count++;
    return announcement;
}

void step_waited(struct step *step, const struct interaction *interaction, bool abandoned)
{
    if (interaction->data.queue < 0)
        return;
    step->out->waited_ms = step->input->at_ms - interaction->data.enqueued_ms;
    step->out->within_ms = step->core->config->queues[interaction->data.queue].service_within_ms;
    step->out->abandoned = abandoned;
}

/* --- Offers answered --- */

static struct interaction *live_offer(struct step *step)
{
    struct interaction *interaction = (struct interaction *)core_find_offer(step->core, &step->input->offer);
    uint64_t seq;
    if (interaction && interaction->data.state == INTERACTION_OFFERED)
        return interaction;
    if (!interaction) {
        bool ours = uuid_derived_seq(&step->input->offer, step->core->project, &seq);
        step->out->refusal = ours && seq < step->core->seq ? REFUSAL_OFFER_GONE : REFUSAL_NOT_FOUND;
    }
    return interaction;
}

static bool acts_for(struct step *step, const struct interaction *interaction)
{
    struct slice holder = step->core->agents[interaction->data.agent].name;
    if (!step->input->actor.len || slice_equal(step->input->actor, holder))
        return true;
    step->out->refusal = REFUSAL_FORBIDDEN;
    return false;
}

void step_identify(struct step *step, struct interaction *interaction, struct match match)
{
    const struct facts *facts = &step->input->facts;
    struct customer_fact none = {.name = {NULL, 0}};
    struct uuid ids[CORE_CANDIDATES_MAX];
    uint32_t count = 0;
    interaction->data.identity = match.outcome;
    if (match.outcome == IDENTITY_CREATED) {
        struct customer_fact fact = {.id = step_next_id(step), .name = interaction->texts.name};
        interaction->data.customer = step->out->created = fact.id;
        step->out->created_from = &interaction->texts;
        step->out->created_channel = interaction->channel;
        interaction_own_fact(interaction, &fact);
    } else if (match.customer >= 0) {
        interaction->data.customer = facts->candidates[match.customer].id;
        interaction_own_fact(interaction, &facts->candidates[match.customer]);
    } else {
        interaction_own_fact(interaction, &none);
        for (; count < facts->candidate_count; count++)
            ids[count] = facts->candidates[count].id;
    }
    interaction_own_candidates(interaction, ids, count);
    step->out->active_customer = interaction->data.customer;
}

/* Identity once more: what was new may be known by now. Returns the customer's block, or NULL. */
static const struct block *resolve_again(struct step *step, struct interaction *interaction)
{
    struct match_policy policy = {.creates = true, .at_once = true};
    struct match match = match_identity(&step->input->facts, true, false, &policy);
    interaction_edit(step, interaction);
    step_identify(step, interaction, match);
    interaction_settle(step, interaction);
    return blocked_now(step, interaction);
}

/* Answers as well for call.answered, where the gateway says who took it. */
void step_take(struct step *step, struct interaction *interaction, struct agent *agent)
{
    const struct block *block = blocked_now(step, interaction);
    if (!block && interaction->data.identity == IDENTITY_NEW)
        block = resolve_again(step, interaction);
    step->out->outcome = OUTCOME_ASSIGNED;
    if (block) {
        step->out->outcome = OUTCOME_BLOCKED;
        step->out->hit = block->id;
        close_blocked(step, interaction);
    } else {
        if (interaction->data.state == INTERACTION_OFFERED)
            step->out->offer_end = "accepted";
        assign(step, interaction, agent);
        step->out->active_customer = interaction->data.customer;
        step->out->active_agent = agent ? agent->name : (struct slice){NULL, 0};
        step_waited(step, interaction, false);
        step_announce(step, ANNOUNCE_ASSIGNED, interaction, agent);
    }
    step->out->snapshot = step_snapshot(step, interaction);
}

void step_accept(struct step *step)
{
    struct interaction *interaction = live_offer(step);
    if (!interaction || !acts_for(step, interaction))
        return;
    if (interaction->data.state == INTERACTION_ACTIVE) {
        /* The same accept again: it was its answer that got lost. */
        step->out->outcome = OUTCOME_ASSIGNED;
        step->out->snapshot = step_snapshot(step, interaction);
        return;
    }
    step_take(step, interaction, &step->core->agents[interaction->data.agent]);
}

void step_reject(struct step *step)
{
    struct interaction *interaction = live_offer(step);
    if (!interaction || !acts_for(step, interaction))
        return;
    if (interaction->data.state != INTERACTION_OFFERED) {
        step->out->refusal = REFUSAL_OFFER_GONE;
        return;
    }
    struct agent *agent = &step->core->agents[interaction->data.agent];
    enum reject_cause cause = step->input->cause;
    step->out->outcome = OUTCOME_REJECTED;
    bool was_available = agent->data.state == AGENT_AVAILABLE;
    struct comeback back = offer_withdraw(step, interaction, reject_cause_name(cause));
    agent_miss(step, agent, cause, cause == REJECT_NO_ANSWER || cause == REJECT_UNREACHABLE);
    if (!return_rest(step, agent, was_available, interaction, back))
        offer_returned(step, interaction, agent, back);
    step->out->snapshot = step_snapshot(step, interaction);
}

void step_end(struct step *step)
{
    struct interaction *interaction =
        (struct interaction *)core_find_interaction(step->core, &step->input->interaction);
    const struct input *input = step->input;
    if (!interaction || interaction->data.state == INTERACTION_CLOSED) {
        uint64_t seq;
        bool ours = uuid_derived_seq(&input->interaction, step->core->project, &seq) && seq < step->core->seq;
        step->out->refusal = ours ? REFUSAL_CLOSED : REFUSAL_NOT_FOUND;
        return;
    }
    bool active = interaction->data.state == INTERACTION_ACTIVE && interaction->data.agent >= 0;
    if (input->actor.len &&
        !(active && slice_equal(input->actor, step->core->agents[interaction->data.agent].name))) {
        step->out->refusal = REFUSAL_FORBIDDEN;
        return;
    }
    step->out->outcome = OUTCOME_ENDED;
    close_interaction(step, interaction, input->actor.len ? "agent" : "supervisor", ANNOUNCE_ENDED);
    step->out->snapshot = step_snapshot(step, interaction);
}

/* --- The blacklist --- */

/* First who is concerned, then what follows: a close frees an agent, and the offers that brings move the
 * rest. */
void shut_out_blocked(struct step *step)
{
    struct core *core = step->core;
    struct interaction **shut = arena_array(step->arena, struct interaction *, core->open.count);
    uint32_t count = 0;
    for (struct rank_node *node = rank_first(&core->open); node; node = rank_next(node)) {
        struct interaction *interaction = node->owner;
        if (interaction->data.state != INTERACTION_ACTIVE && blocked_now(step, interaction))
            shut[count++] = interaction;
    }
    for (uint32_t i = 0; i < count; i++) {
        struct interaction *interaction = shut[i];
        if (interaction->data.state == INTERACTION_CLOSED)
            continue;
        close_blocked(step, interaction);
    }
}

/* One of the same id that is over but not freed yet: when a batch is committed must not show. */
static void drop_over(struct step *step, const struct uuid *id)
{
    struct blacklist_entry *entry = blacklist_take(&step->core->blacklist, id);
    if (!entry)
        return;
    if (blacklist_entry_block(entry)->until_ms <= step->input->at_ms)
        undo_block_taken(step->core, entry);
    else
        blacklist_put_back(&step->core->blacklist, entry);
}

void step_block(struct step *step)
{
    struct core *core = step->core;
    const struct block *block = &step->input->block;
    drop_over(step, &block->id);
    bool over = block->until_ms <= step->input->at_ms; /* before anybody could take it over */
    struct blacklist_entry *entry = over ? NULL : blacklist_add(&core->blacklist, block);
    step->out->outcome = OUTCOME_DONE;
    if (!entry)
        return;
    undo_block_added(core, entry);
    shut_out_blocked(step);
}

void step_unblock(struct step *step)
{
    struct blacklist_entry *entry = blacklist_take(&step->core->blacklist, &step->input->block.id);
    if (entry)
        undo_block_taken(step->core, entry);
    step->out->outcome = OUTCOME_DONE;
}

static void step_audit(struct step *step)
{
    step->out->outcome = OUTCOME_DONE;
}

/* --- The step --- */

static void (*const steps[])(struct step *step) = {
    [INPUT_EVENT] = step_event,       [INPUT_ACCEPT] = step_accept, [INPUT_REJECT] = step_reject,
    [INPUT_PRESENCE] = step_presence, [INPUT_END] = step_end,       [INPUT_TIMER] = step_timer,
    [INPUT_CONFIG] = step_config,     [INPUT_BLOCK] = step_block,   [INPUT_UNBLOCK] = step_unblock,
    [INPUT_TRANSFER] = step_transfer, [INPUT_ASSIGN] = step_assign, [INPUT_PULL] = step_pull,
    [INPUT_AUDIT] = step_audit,       [INPUT_LINK] = step_link,
};

const struct outcome *core_step(struct core *core, const struct input *input, struct arena *arena)
{
    struct outcome *out = arena_new(arena, struct outcome);
    struct step step = {.core = core,
                        .input = input,
                        .arena = arena,
                        .out = out,
                        .tail = &out->announcements,
                        .why = &out->explanations,
                        .stage = PREFER_QUEUE};
    int64_t at_before = core->at_ms;
    assert(core->batch_count && input->at_ms >= core->at_ms);
    *out = (struct outcome){.kind = input->kind,
                            .seq = ++core->seq,
                            .at_ms = input->at_ms,
                            .config_version = core->config_version,
                            .waited_ms = -1};
    core->at_ms = input->at_ms;
    rules_begin(&step);
    steps[input->kind](&step);
    if (out->refusal != REFUSAL_NONE) {
        core->seq--;
        core->at_ms = at_before;
    }
    return out;
}
