/* What goes to somebody in particular: to whom the customer knows, to whom people hand it, back from who does
 * not reply. */
#include "rules/invariant_check.h"

/* --- Transfer, assign, pull --- */

static bool is_to(const struct outcome *outcome, enum event_outcome expected, struct slice agent)
{
    return outcome->outcome == OUTCOME_BLOCKED ||
           (outcome->outcome == expected && slice_equal(outcome->snapshot->agent, agent));
}

static void check_target(const struct check *check, const struct invariant_row *row)
{
    const struct input *input = row->input;
    bool is_pull = input->kind == INPUT_PULL,
         is_named = input->kind == INPUT_ASSIGN || (input->kind == INPUT_TRANSFER && input->agent.len);
    if (!is_pull && !is_named)
        return;
    if (!is_to(row->outcome, is_pull ? OUTCOME_ASSIGNED : OUTCOME_OFFERED, input->agent) &&
        !check->core->drain_pending)
        check_fail(check, INVARIANT_HANDED_AS_ASKED, NULL, core_find_agent(check->core, input->agent),
                   "%s was for this one", input_kind_name(input->kind));
}

static const struct explanation *first_about(const struct outcome *outcome, const struct uuid *interaction)
{
    const struct explanation *why = outcome->explanations;
    while (why && !uuid_equal(&why->interaction, interaction))
        why = why->next;
    return why;
}

/* Who had it, and has it no more. */
static void check_wraps_up(const struct check *check, const struct touched_interaction *item, int64_t at_ms)
{
    const struct core *core = check->core;
    const struct interaction_data *before = item->before;
    const struct agent *agent = &core->agents[before->agent];
    int64_t wrap = before->queue < 0 ? 0 : core->config->queues[before->queue].wrap_up_ms;
    if (wrap > 0 && agent->data.wrap_until < at_ms + wrap)
        check_fail(check, INVARIANT_REST_STARTED, item->interaction, agent, "no wrap-up of %lld ms",
                   (long long)wrap);
}

static void check_transfer(const struct check *check, const struct touched_interaction *item,
                           const struct invariant_row *row)
{
    const struct core *core = check->core;
    const struct input *input = row->input;
    const struct interaction_data *before = item->before, *now = &item->interaction->data;
    bool was_active = before->state == INTERACTION_ACTIVE;
    const struct explanation *why = first_about(row->outcome, &item->interaction->id);
    const char *wrong = NULL;
    if (now->enqueued_ms != (input->keep_age ? before->enqueued_ms : input->at_ms))
        wrong = "has not the age that was asked for";
    else if (now->excluded != (was_active ? before->agent : before->excluded))
        wrong = "excludes another than who gave it away";
    else if (input->queue.len && why && why->queue >= 0) {
        int first = why->path_count ? why->path[0].queue : why->queue;
        if (!slice_equal(core->config->queues[first].name, input->queue))
            wrong = "went to another queue first";
    }
    if (wrong)
        check_fail(check, INVARIANT_HANDED_AS_ASKED, item->interaction, NULL, "%s", wrong);
    if (was_active && before->agent >= 0)
        check_wraps_up(check, item, input->at_ms);
}

static void check_pull(const struct check *check, const struct touched_interaction *item)
{
    const struct core *core = check->core;
    const struct interaction *interaction = item->interaction;
    if (interaction->data.state != INTERACTION_ACTIVE)
        return; /* blocked */
    const struct agent *agent = &core->agents[interaction->data.agent];
    struct agent_data then = agent->data;
    then.load[interaction->channel]--;
    if (!able_is_member(core, agent, interaction->data.queue) || !able_is_present(agent, &then) ||
        !able_has_room(core, agent, &then, interaction->channel))
        check_fail(check, INVARIANT_HANDED_AS_ASKED, interaction, agent, "pulled what it may not take");
}

/* What the exchange handed on is with whom it named, unless that one gave it away later. */
static void check_answered(const struct check *check, const struct touched *touched)
{
    const struct invariant_row *row = touched->rows;
    const struct input *input = row->input;
    if (input->kind != INPUT_EVENT || input->event->type != EVENT_CALL_ANSWERED || !row->outcome->snapshot)
        return;
    const struct interaction *interaction =
        core_find_interaction(check->core, &row->outcome->snapshot->interaction);
    const struct touched_interaction *item =
        touched_interaction(touched, &row->outcome->snapshot->interaction);
    const struct agent *named = core_find_agent(check->core, input->event->agent);
    const struct interaction_data *before = item ? item->before : interaction ? &interaction->data : NULL;
    if (!before || before->state != INTERACTION_ACTIVE || before->agent < 0)
        return;
    int64_t time_ms = input->event->time_ms;
    bool is_old = named && before->excluded == (int)(named - check->core->agents) && time_ms != TIME_NEVER &&
                  time_ms < before->accepted_ms;
    int expected = named && !is_old ? (int)(named - check->core->agents) : before->agent;
    if (interaction->data.state != INTERACTION_ACTIVE || interaction->data.agent != expected)
        check_fail(check, INVARIANT_HANDED_AS_ASKED, interaction, named,
                   "is not with whom the exchange says");
    else if (expected != before->agent)
        check_wraps_up(check, item, input->at_ms);
}

static void check_by_hand(const struct check *check, const struct touched *touched)
{
    const struct invariant_row *row = touched->rows;
    const struct touched_interaction *item = touched_interaction(touched, &row->input->interaction);
    if (!item || !item->before)
        return;
    if (row->input->kind == INPUT_TRANSFER)
        check_transfer(check, item, row);
    else if (row->input->kind == INPUT_PULL)
        check_pull(check, item);
}

/* --- First replies --- */

static bool has_reply(const struct touched *touched, const struct interaction *interaction)
{
    for (size_t i = 0; i < touched->row_count; i++) {
        const struct input *input = touched->rows[i].input;
        const struct outcome *outcome = touched->rows[i].outcome;
        if (input->kind == INPUT_EVENT && input->event->outbound && outcome->outcome == OUTCOME_ATTACHED &&
            outcome->snapshot && uuid_equal(&outcome->snapshot->interaction, &interaction->id))
            return true;
    }
    return false;
}

static int64_t reply_due_of(const struct core *core, const struct interaction *interaction)
{
    const struct interaction_data *data = &interaction->data;
    if (data->queue < 0 || interaction->channel == CHANNEL_CALL || interaction->outbound ||
        !core->config->queues[data->queue].first_reply_ms)
        return TIME_NEVER;
    return data->accepted_ms + core->config->queues[data->queue].first_reply_ms;
}

/* As the queue says when it is taken, and gone once the agent has written. What was given away and taken back
 * in the millisecond in which it was accepted looks as if it had been there all the time. */
static void check_reply(const struct check *check, const struct touched *touched,
                        const struct touched_interaction *item)
{
    const struct interaction *interaction = item->interaction;
    const struct interaction_data *before = item->before, *now = &interaction->data;
    bool is_replied = has_reply(touched, interaction);
    if (now->state != INTERACTION_ACTIVE || now->agent < 0)
        return;
    bool is_kept = before && before->state == INTERACTION_ACTIVE && before->agent == now->agent &&
                   before->accepted_ms == now->accepted_ms && before->reply_by == now->reply_by;
    bool is_over = is_replied && now->reply_by == TIME_NEVER;
    if ((!is_kept && !is_over && now->reply_by != reply_due_of(check->core, interaction)) ||
        (is_replied && touched_is_alone(touched) && !is_over))
        check_fail(check, INVARIANT_REPLY_DUE, interaction, &check->core->agents[now->agent],
                   "due %lld ms behind the accept",
                   now->reply_by == TIME_NEVER ? -1 : (long long)(now->reply_by - now->accepted_ms));
}

/* --- Whom the customer knows --- */

static int holder_of_newest(const struct core *core, const struct interaction *interaction)
{
    const struct interaction *newest = NULL;
    for (const struct table_node *node =
             table_find(&core->customers, uuid_bytes(&interaction->data.customer));
         node; node = table_next(node)) {
        const struct interaction *other = node->owner;
        if (other != interaction && (!newest || uuid_compare(&other->id, &newest->id) > 0))
            newest = other;
    }
    return newest ? newest->data.agent : -1;
}

static int known_at(const struct core *core, const struct interaction *interaction, enum prefer_stage stage)
{
    const struct config_prefer *prefer = &core->config->prefer;
    const struct customer_fact *fact = &interaction->data.fact;
    if (stage == PREFER_SAME)
        return holder_of_newest(core, interaction);
    if (stage == PREFER_OWNER)
        return prefer->owner_ms ? core_agent_index(core, fact->owner) : -1;
    bool is_recent = core->at_ms - fact->last_ms <= prefer->within_ms;
    return prefer->last_agent_ms && is_recent ? core_agent_index(core, fact->last_agent) : -1;
}

/* Each stage from there up to that of its offer, or all when it waits. */
static void check_stages(const struct check *check, const struct touched *touched,
                         const struct interaction *interaction, enum prefer_stage from)
{
    const struct core *core = check->core;
    const struct interaction_data *now = &interaction->data;
    bool is_offered = now->state == INTERACTION_OFFERED;
    enum prefer_stage last = is_offered ? now->stage : PREFER_QUEUE;
    if (uuid_is_nil(&now->customer) || now->held_until != TIME_NEVER || core->drain_pending)
        return;
    for (enum prefer_stage stage = from; stage < PREFER_QUEUE && stage <= last; stage++) {
        int known = known_at(core, interaction, stage);
        if (is_offered && stage == last && now->agent != known)
            check_fail(check, INVARIANT_KNOWN_FIRST, interaction, &core->agents[now->agent],
                       "is asked as who knows the customer");
        bool was_asked =
            stage == PREFER_LAST && from > PREFER_OWNER && known == known_at(core, interaction, PREFER_OWNER);
        if (known < 0 || stage == last || was_asked || touched_agent(touched, core->agents[known].name))
            continue;
        if (able_to_take(core, &core->agents[known], interaction))
            check_fail(check, INVARIANT_KNOWN_FIRST, interaction, &core->agents[known], "was passed over");
    }
}

/* What arrives, and what comes back from who did not take it. */
static void check_known(const struct check *check, const struct touched *touched,
                        const struct touched_interaction *item)
{
    const struct interaction_data *before = item->before, *now = &item->interaction->data;
    const struct config_prefer *prefer = &check->core->config->prefer;
    enum input_kind kind = touched->rows[0].input->kind;
    bool is_open = now->state == INTERACTION_QUEUED || now->state == INTERACTION_OFFERED,
         was_offered =
             before && before->state == INTERACTION_OFFERED && !uuid_equal(&before->offer, &now->offer);
    if (!is_open || (before && !was_offered) || kind == INPUT_TRANSFER || kind == INPUT_ASSIGN)
        return;
    enum prefer_stage from = PREFER_SAME;
    if (before && !before->is_relinked)
        from = before->stage < PREFER_QUEUE ? before->stage + 1 : PREFER_QUEUE;
    if (prefer->owner_ms || prefer->last_agent_ms)
        check_stages(check, touched, item->interaction, from);
    if (now->state == INTERACTION_OFFERED && now->stage < from)
        check_fail(check, INVARIANT_KNOWN_FIRST, item->interaction, NULL, "goes back from stage %d to %d",
                   (int)before->stage, (int)now->stage);
}

void check_handed(const struct check *check, const struct touched *touched)
{
    for (size_t i = 0; i < touched->row_count; i++)
        check_target(check, &touched->rows[i]);
    for (uint32_t i = 0; i < touched->interaction_count; i++) {
        check_reply(check, touched, &touched->interactions[i]);
        if (touched_is_alone(touched))
            check_known(check, touched, &touched->interactions[i]);
    }
    if (touched_is_alone(touched)) {
        check_by_hand(check, touched);
        check_answered(check, touched);
    }
}
