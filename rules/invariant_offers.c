/* The offers that a batch made: to whom, and before whom. */
#include "rules/invariant_check.h"

static bool is_same_but_load(const struct agent_data *a, const struct agent_data *b)
{
    return a->state == b->state && a->wrap_until == b->wrap_until && a->cool_until == b->cool_until &&
           a->idle_since == b->idle_since;
}

static bool has_changed_config(const struct touched *touched)
{
    return touched->row_count && touched->rows[0].input->kind == INPUT_CONFIG;
}

/* A supervisor may assign to anybody who has room, an agent may hand over to anybody. */
static bool is_by_hand(const struct input *input)
{
    return input && (input->kind == INPUT_ASSIGN || (input->kind == INPUT_TRANSFER && input->agent.len));
}

/* As long as nothing else happened to it, the agent is now as it was when the offer was made. */
static void check_able(const struct check *check, const struct touched *touched,
                       const struct touched_agent *to, const struct touched_interaction *item)
{
    const struct core *core = check->core;
    const struct interaction *interaction = item->interaction;
    const struct agent *agent = to->agent;
    const struct agent_data *now = &agent->data;
    bool is_as_it_was = !to->is_present && is_same_but_load(to->before, now),
         by_hand = is_by_hand(item->offered_by);
    struct able_needs needs = able_needs_of(&interaction->data);
    const char *why = NULL;
    if (agent->config < 0)
        why = "not in the configuration";
    else if (!by_hand && !able_is_member(core, agent, interaction->data.queue))
        why = "no member of the queue";
    else if (is_as_it_was && !able_is_present(agent, now))
        why = "not available";
    else if (is_as_it_was && !able_is_rested(now))
        why = "wraps up or cools down";
    if (why)
        check_fail(check, INVARIANT_OFFER_TO_ABLE, interaction, agent, "%s", why);
    if (agent->config < 0)
        return;
    if (!by_hand &&
        (!able_is_skilled(core, agent, &needs) || able_is_excluded(core, agent, &interaction->data)))
        check_fail(check, INVARIANT_OFFER_TO_SKILLED, interaction, agent, "lacks skills or gave it away");
    enum channel channel = interaction->channel;
    int32_t held = now->load[channel];
    if (!to->is_reported && !has_changed_config(touched) &&
        held > core->config->agents[agent->config].capacity[channel])
        check_fail(check, INVARIANT_OFFER_WITHIN_CAPACITY, interaction, agent, "%s: %d",
                   channel_name(channel), held);
}

/* Nothing is offered on top of what excludes everything else, as far as the batch left that alone. */
static void check_exclusive(const struct check *check, const struct touched *touched,
                            const struct touched_agent *to, const struct interaction *interaction)
{
    for (const struct rank_node *node = rank_first(&to->agent->work); node; node = rank_next(node)) {
        const struct interaction *held = node->owner;
        if (check->core->config->exclusive[held->channel] && !touched_interaction(touched, &held->id) &&
            !has_changed_config(touched))
            check_fail(check, INVARIANT_OFFER_WITHIN_CAPACITY, interaction, to->agent,
                       "on top of %s, which excludes it", channel_name(held->channel));
    }
}

/* The best that the agent stood at when it was asked: of what it was offered in this batch some may have come
 * before. */
static struct rank rank_then(const struct core *core, const struct touched_agent *to, const struct lane *lane,
                             enum channel channel)
{
    struct agent_data then = to->agent->data;
    then.turn[channel] = to->before->turn[channel];
    then.load[channel]--;
    struct rank last = able_rank(core, to->agent, &then, lane, channel);
    then.load[channel] -= (int32_t)to->offers - 1;
    struct rank first = able_rank(core, to->agent, &then, lane, channel);
    return rank_compare(&first, &last) < 0 ? first : last;
}

/* Nothing but offers came to it in this batch, so that it is known how it stood at each. */
static bool has_only_offers(const struct touched_agent *to)
{
    const struct agent_data *before = to->before, *now = &to->agent->data;
    int64_t more = 0;
    for (int i = 0; i < CHANNEL_COUNT; i++)
        more += now->load[i] - before->load[i];
    return is_same_but_load(before, now) && more == (int64_t)to->offers;
}

/* Nobody whom the batch left alone, who could take it now as before, comes first in the strategy. */
static void check_best_agent(const struct check *check, const struct touched *touched,
                             const struct touched_agent *to, const struct interaction *interaction)
{
    const struct core *core = check->core;
    struct able_needs needs = able_needs_of(&interaction->data);
    uint32_t lane = check_find_lane(core, &needs);
    if (!touched_is_alone(touched) && !has_only_offers(to))
        return;
    if (lane == core->lanes.count) {
        check_fail(check, INVARIANT_WAITS_IN_PLACE, interaction, NULL, "there is no lane for it");
        return;
    }
    struct rank rank = rank_then(core, to, &core->lanes.lanes[lane], interaction->channel);
    const struct rank_node *node =
        rank_first(&core->ready[(size_t)lane * CHANNEL_COUNT + interaction->channel]);
    while (node &&
           (node->owner == to->agent || touched_agent(touched, ((const struct agent *)node->owner)->name) ||
            able_is_excluded(core, node->owner, &interaction->data)))
        node = rank_next(node);
    if (node && rank_compare(&node->rank, &rank) < 0)
        check_fail(check, INVARIANT_BEST_AGENT, interaction, node->owner, "came before %.*s",
                   (int)to->agent->name.len, to->agent->name.ptr);
}

/* Nobody who waited all the time, and whom the agent could have taken instead, stands before it. */
static void check_best_waiting(const struct check *check, const struct touched *touched,
                               const struct touched_agent *to, const struct interaction *interaction)
{
    const struct core *core = check->core;
    struct rank rank = able_waiting_rank(core, interaction, &interaction->data);
    const struct lane_agent *places = &core->lanes.agents[to->agent->config];
    for (uint32_t i = 0; i < places->count; i++) {
        const struct rank_node *node =
            rank_first(&core->waiting[(size_t)places->places[i].lane * CHANNEL_COUNT + interaction->channel]);
        while (node && (touched_interaction(touched, &((const struct interaction *)node->owner)->id) ||
                        able_is_excluded(core, to->agent, &((const struct interaction *)node->owner)->data)))
            node = rank_next(node);
        if (node && rank_compare(&node->rank, &rank) < 0)
            check_fail(check, INVARIANT_BEST_WAITING, node->owner, to->agent, "was passed over");
    }
}

static void check_turn(const struct check *check, const struct touched_agent *told)
{
    const struct agent_data *before = told->before, *now = &told->agent->data;
    for (int i = 0; i < CHANNEL_COUNT; i++) {
        if (now->turn[i] == before->turn[i])
            continue;
        if (now->turn[i] < before->turn[i] || !told->offers)
            check_fail(check, INVARIANT_TURN_TAKEN, NULL, told->agent, "turn without an offer");
        for (uint32_t a = 0; a < check->core->agent_count; a++) {
            const struct agent *other = &check->core->agents[a];
            if (other != told->agent && other->data.turn[i] == now->turn[i])
                check_fail(check, INVARIANT_TURN_TAKEN, NULL, told->agent, "the same turn as another's");
        }
    }
}

static void check_offer(const struct check *check, const struct touched *touched,
                        const struct touched_interaction *item)
{
    const struct core *core = check->core;
    const struct interaction *interaction = item->interaction;
    const struct interaction_data *now = &interaction->data;
    const struct touched_agent *to = touched_agent(touched, core->agents[now->agent].name);
    if (!to || now->queue < 0) {
        check_fail(check, INVARIANT_OFFER_TO_ABLE, interaction, NULL, "to nobody, or from no queue");
        return;
    }
    check_able(check, touched, to, item);
    check_exclusive(check, touched, to, interaction);
    if (to->before->turn[interaction->channel] >= to->agent->data.turn[interaction->channel])
        check_fail(check, INVARIANT_TURN_TAKEN, interaction, to->agent, "an offer without a turn");
    int64_t most = core->config->queues[now->queue].offer_timeout_ms;
    if (now->stage == PREFER_OWNER && core->config->prefer.owner_ms < most)
        most = core->config->prefer.owner_ms;
    if (now->stage == PREFER_LAST && core->config->prefer.last_agent_ms < most)
        most = core->config->prefer.last_agent_ms;
    if (now->expires_ms != now->offered_ms + most)
        check_fail(check, INVARIANT_OFFER_LASTS, interaction, to->agent, "%lld ms",
                   (long long)(now->expires_ms - now->offered_ms));
    if (touched->batch->drain_before || has_changed_config(touched) || is_by_hand(item->offered_by) ||
        now->stage != PREFER_QUEUE || to->agent->config < 0)
        return;
    check_best_agent(check, touched, to, interaction);
    check_best_waiting(check, touched, to, interaction);
}

void check_offers(const struct check *check, const struct touched *touched)
{
    for (uint32_t i = 0; i < touched->interaction_count; i++) {
        const struct touched_interaction *item = &touched->interactions[i];
        const struct interaction_data *now = &item->interaction->data;
        if (now->state == INTERACTION_OFFERED &&
            !(item->before && uuid_equal(&item->before->offer, &now->offer)))
            check_offer(check, touched, item);
    }
    for (uint32_t i = 0; i < touched->agent_count; i++)
        check_turn(check, &touched->agents[i]);
}
