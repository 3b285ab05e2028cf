/* One interaction: its fields, and that it stands where they say. */
#include <string.h>

#include "rules/invariant_check.h"

static void fail(const struct check *check, enum invariant invariant, const struct interaction *interaction,
                 const char *why)
{
    check_fail(check, invariant, interaction, NULL, "%s %s", interaction_state_name(interaction->data.state),
               why);
}

static void check_fields(const struct check *check, const struct interaction *interaction)
{
    const struct interaction_data *data = &interaction->data;
    bool waits = data->state == INTERACTION_QUEUED, is_offered = data->state == INTERACTION_OFFERED,
         is_active = data->state == INTERACTION_ACTIVE, is_closed = data->state == INTERACTION_CLOSED;
    const char *why = NULL;
    if (data->state > INTERACTION_CLOSED)
        check_fail(check, INVARIANT_STATE_FITS, interaction, NULL, "%d is no state", (int)data->state);
    else if (data->queue < -1 || data->queue >= (int)check->core->config->queue_count)
        why = "has a queue that is not there";
    else if (data->agent < -1 || data->agent >= (int)check->core->agent_count)
        why = "has an agent who is not there";
    else if (waits && (data->queue < 0 || data->agent >= 0))
        why = "has no queue, or an agent";
    else if (waits && !uuid_is_nil(&data->offer))
        why = "has an offer";
    else if (is_offered && (data->agent < 0 || uuid_is_nil(&data->offer)))
        why = "has no agent or no offer";
    else if (is_active && data->agent < 0 && !interaction->outbound)
        why = "has no agent";
    else if ((waits || is_offered) && interaction->outbound && data->moved == MOVE_NONE)
        why = "is outbound and was handed to nobody";
    else if ((data->expires_ms != TIME_NEVER) != is_offered && !is_closed)
        why = "has an end of the offer, or has none";
    else if ((data->accepted_ms != TIME_NEVER) != is_active && !is_closed)
        why = "was accepted, or was not";
    else if (data->held_until != TIME_NEVER && !waits && !is_closed)
        why = "is held";
    else if (data->reply_by != TIME_NEVER && !is_active && !is_closed)
        why = "owes a reply";
    else if (data->rule < -1 || data->rule >= (int)check->core->config->rule_count || data->excluded < -1 ||
             data->excluded >= (int)check->core->agent_count)
        why = "has a rule or an excluded agent who is not there";
    else if (data->relax_step < 0 ||
             (waits && data->relax_step > (int32_t)check->core->config->queues[data->queue].relax_count))
        why = "is at a step of relaxation that is not there";
    else if (data->is_relinked && data->state != INTERACTION_OFFERED)
        why = "asks anew without an offer that is out";
    else if (data->stage > PREFER_QUEUE || data->moved >= MOVE_COUNT ||
             (data->stage != PREFER_QUEUE && waits))
        why = "is at a stage that it cannot be at";
    else if ((data->closed_ms != TIME_NEVER) != is_closed || (data->cause.len != 0) != is_closed)
        why = "has a time and a cause of closing, or has none";
    if (why)
        fail(check, INVARIANT_STATE_FITS, interaction, why);
}

static void check_times(const struct check *check, const struct interaction *interaction)
{
    const struct interaction_data *data = &interaction->data;
    const int64_t past[] = {interaction->opened_ms, data->enqueued_ms, data->offered_ms, data->accepted_ms,
                            data->closed_ms};
    for (size_t i = 0; i < sizeof past / sizeof *past; i++) {
        if (past[i] != TIME_NEVER && (past[i] > check->core->at_ms || past[i] < interaction->opened_ms))
            fail(check, INVARIANT_TIMES_ORDERED, interaction, "has a time before it opened or after now");
    }
    if (data->state == INTERACTION_OFFERED && data->expires_ms < data->offered_ms)
        fail(check, INVARIANT_TIMES_ORDERED, interaction, "ends before it was made");
    if (data->attempts < 0 || interaction->opened_seq > check->core->seq)
        fail(check, INVARIANT_TIMES_ORDERED, interaction, "comes from a row that is not there yet");
    int64_t due = able_due(check->core, interaction);
    if (!check->has_due && due <= check->core->at_ms)
        check_fail(check, INVARIANT_NOTHING_OVERDUE, interaction, NULL, "due %lld ms ago",
                   (long long)(check->core->at_ms - due));
}

/* The only one of its key, and it is this one. */
static bool is_found_alone(const struct table *table, struct slice key, const struct interaction *interaction)
{
    const struct table_node *node = table_find(table, key);
    return node && node->owner == interaction && !table_next(node);
}

static void check_ids(const struct check *check, const struct interaction *interaction)
{
    const struct core *core = check->core;
    const struct interaction_data *data = &interaction->data;
    uint64_t seq;
    if (!is_found_alone(&core->interactions, uuid_bytes(&interaction->id), interaction))
        fail(check, INVARIANT_FOUND_BY_ID, interaction, "is not found by its id");
    if (!uuid_derived_seq(&interaction->id, core->project, &seq) || seq != interaction->opened_seq)
        fail(check, INVARIANT_IDS_OWN, interaction, "has an id of another row");
    if (data->state == INTERACTION_CLOSED)
        return;
    if (!is_found_alone(&core->conversations, uuid_bytes(&interaction->conversation), interaction))
        fail(check, INVARIANT_CONVERSATION_ONE, interaction, "is not its conversation's only one");
    if (!check_is_held(data) || uuid_is_nil(&data->offer)) {
        if (interaction->by_offer.linked)
            fail(check, INVARIANT_OFFER_IS_OWN, interaction, "is found by an offer that it does not have");
        return;
    }
    if (!is_found_alone(&core->offers, uuid_bytes(&data->offer), interaction))
        fail(check, INVARIANT_OFFER_IS_OWN, interaction, "is not found by its offer alone");
    if (!uuid_derived_seq(&data->offer, core->project, &seq) || seq > core->seq ||
        seq < interaction->opened_seq)
        fail(check, INVARIANT_OFFER_IS_OWN, interaction, "has an offer of a row that is not there");
}

bool check_stands_in(const struct rank_tree *tree, const struct rank_node *node, const struct rank *rank)
{
    if (!node->linked || rank_compare(&node->rank, rank) != 0)
        return false;
    while (node->parent)
        node = node->parent;
    return node == tree->root;
}

static void check_places(const struct check *check, const struct interaction *interaction)
{
    const struct core *core = check->core;
    const struct interaction_data *data = &interaction->data;
    struct rank by_age = {interaction->opened_ms, 0, interaction->id};
    if (!check_stands_in(&core->open, &interaction->open, &by_age))
        fail(check, INVARIANT_AMONG_OPEN, interaction, "does not stand among what is open");

    check_lane(check, interaction);
    bool held = check_is_held(data);
    if (held && !check_stands_in(&core->agents[data->agent].work, &interaction->work, &by_age))
        fail(check, INVARIANT_AMONG_WORK, interaction, "is not among its agent's work");
    if (!held && interaction->work.linked)
        fail(check, INVARIANT_AMONG_WORK, interaction, "is among an agent's work");

    int64_t due = able_due(core, interaction);
    struct rank due_rank = {due, 0, interaction->id};
    if (due != TIME_NEVER && !check_stands_in(&core->timers, &interaction->timer, &due_rank))
        fail(check, INVARIANT_TIMER_OF_INTERACTION, interaction, "has no timer for what is due");
    if (due == TIME_NEVER && interaction->timer.linked)
        fail(check, INVARIANT_TIMER_OF_INTERACTION, interaction, "has a timer for nothing");
}

static void check_closed(const struct check *check, const struct interaction *interaction)
{
    if (interaction->by_offer.linked || interaction->by_conversation.linked || interaction->waiting.linked ||
        interaction->timer.linked || interaction->open.linked || interaction->work.linked)
        fail(check, INVARIANT_CLOSED_IS_OUT, interaction, "still stands somewhere");
}

static void check_block(const struct check *check, const struct interaction *interaction)
{
    const struct interaction_data *data = &interaction->data;
    const struct blacklist *blacklist = &check->core->blacklist;
    struct block_subject subject = {.channel = interaction->channel,
                                    .phone_key = interaction->texts.phone_key,
                                    .email_key = interaction->texts.email_key};
    int64_t at = check->core->at_ms;
    if (data->state != INTERACTION_OFFERED || check->core->drain_pending || !blacklist->by_id.count ||
        interaction->outbound)
        return; /* after loading it comes with the drain; whom an agent called is not shut out */
    if (blacklist_match_keys(blacklist, &subject, at, check->scratch) ||
        blacklist_match_customer(blacklist, interaction->channel, &data->customer, at))
        fail(check, INVARIANT_BLOCKED_NOT_OFFERED, interaction, "is blocked");
}

void check_interaction(const struct check *check, const struct interaction *interaction)
{
    uint32_t before = check->findings->count;
    check_fields(check, interaction);
    if (check->findings->count > before)
        return; /* indexes out of range must not be followed */
    check_times(check, interaction);
    check_ids(check, interaction);
    if (interaction->data.state == INTERACTION_CLOSED)
        check_closed(check, interaction);
    else
        check_places(check, interaction);
    if (interaction->data.state == INTERACTION_QUEUED) {
        check_held(check, interaction);
        check_left(check, interaction);
    }
    check_block(check, interaction);
}
