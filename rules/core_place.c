/* Where an interaction goes: by its rule, and on from there. */
#include "rules/core_state.h"

#define HELD_MAX_MS INT64_C(86400000) /* for hours that do not open: looked at again */

void place_relax(const struct core *core, struct interaction *interaction, int64_t at_ms)
{
    struct interaction_data *data = &interaction->data;
    data->relax_step = data->moved == MOVE_NONE && data->queue >= 0
                           ? lanes_step(&core->lanes, data->queue, at_ms - data->enqueued_ms)
                           : 0;
}

void place_orphan(const struct core *core, struct interaction *interaction)
{
    const struct config_endpoint *endpoint =
        config_find_endpoint(core->config, interaction->channel, interaction->texts.recipient);
    interaction->data.queue = endpoint ? endpoint->queue : 0;
    interaction->data.moved = MOVE_ORPHAN;
    interaction->data.relax_step = 0;
}

void place_ruled(struct step *step, struct interaction *interaction, struct ruling ruling, int queue)
{
    const struct core *core = step->core;
    struct interaction_data *data = &interaction->data;
    explain_look_at(step, interaction);
    step->is_ruled = true;
    step->errors = ruling.errors;
    data->rule = ruling.rule;
    data->priority = core->config->rules[ruling.rule].priority;
    data->moved = MOVE_NONE;
    if (queue < 0 && data->queue < 0)
        place_orphan(core, interaction);
    if (queue >= 0 && queue != data->queue) {
        data->queue = queue;
        data->entered_ms = step->input->at_ms;
    }
    place_relax(core, interaction, step->input->at_ms);
}

/* Stays where it is when the rule leads to an endpoint that there is no more. Rules say where arrivals go: a
 * call that went out and was handed on follows none. */
void place_by_rule(struct step *step, struct interaction *interaction)
{
    if (interaction->outbound) {
        place_orphan(step->core, interaction);
        interaction->data.entered_ms = step->input->at_ms;
        return;
    }
    struct ruling ruling = rule_for_interaction(step, interaction);
    place_ruled(step, interaction, ruling,
                rule_queue(step->core, ruling.rule, interaction->channel, interaction->texts.recipient));
}

/* --- On from a queue that cannot take it --- */

/* Within one step no queue is visited twice, so that chains end wherever they lead. */
static bool can_go_to(const struct step *step, const struct interaction *interaction, int queue)
{
    if (queue < 0 || queue == interaction->data.queue)
        return false;
    if (step->looked_at != interaction)
        return true;
    for (uint32_t i = 0; i < step->path_count; i++) {
        if (step->path[i].queue == queue)
            return false;
    }
    return step->path_count < CORE_PATH_MAX;
}

static void move_on(struct step *step, struct interaction *interaction, int queue, enum move move,
                    enum empty_reason empty)
{
    explain_move(step, interaction, move, empty);
    interaction_edit(step, interaction);
    interaction->data.queue = queue;
    interaction->data.moved = move;
    interaction->data.relax_step = 0;
    interaction->data.entered_ms = step->input->at_ms;
    interaction->data.held_until = TIME_NEVER;
    interaction_settle(step, interaction);
}

static void hold(struct step *step, struct interaction *interaction, int64_t until_ms)
{
    interaction_edit(step, interaction);
    interaction->data.held_until = until_ms == TIME_NEVER ? step->input->at_ms + HELD_MAX_MS : until_ms;
    interaction_settle(step, interaction);
}

/* True when it went on, or is held. */
static bool is_closed(struct step *step, struct interaction *interaction)
{
    const struct project_config *config = step->core->config;
    int index = config->queues[interaction->data.queue].hours;
    if (index < 0 || hours_are_open(&config->hours[index], step->input->at_ms))
        return false;
    const struct hours *hours = &config->hours[index];
    if (can_go_to(step, interaction, hours->otherwise))
        move_on(step, interaction, hours->otherwise, MOVE_CLOSED, 0);
    else
        hold(step, interaction, hours_next_open(hours, step->input->at_ms));
    return true;
}

/* Only what would have to wait is too much. */
static bool is_overloaded(struct step *step, struct interaction *interaction)
{
    const struct core *core = step->core;
    const struct config_queue *queue = &core->config->queues[interaction->data.queue];
    uint32_t waiting = core->queues[interaction->data.queue].waiting - interaction->waiting.linked;
    if (!queue->waiting_max || waiting < (uint32_t)queue->waiting_max ||
        !can_go_to(step, interaction, queue->overflow) || first_agent_for(core, interaction))
        return false;
    move_on(step, interaction, queue->overflow, MOVE_OVERLOAD, 0);
    return true;
}

static bool is_empty(struct step *step, struct interaction *interaction)
{
    const struct config_queue *queue = &step->core->config->queues[interaction->data.queue];
    enum empty_reason reason;
    if (!empty_reason_of(&reason, step->core, interaction) ||
        !can_go_to(step, interaction, queue->when_empty[reason]))
        return false;
    move_on(step, interaction, queue->when_empty[reason], MOVE_EMPTY, reason);
    return true;
}

void place_on(struct step *step, struct interaction *interaction, bool arrives)
{
    int queue;
    do {
        queue = interaction->data.queue;
        if (arrives && is_closed(step, interaction))
            continue;
        if ((arrives && is_overloaded(step, interaction)) || is_empty(step, interaction))
            arrives = true;
    } while (queue != interaction->data.queue);
}

bool empty_reason_of(enum empty_reason *reason, const struct core *core,
                     const struct interaction *interaction)
{
    int queue = interaction->data.queue;
    uint32_t loosest = lanes_loosest(&core->lanes, queue,
                                     interaction->data.moved == MOVE_NONE ? interaction->data.rule : -1);
    if (!core->queues[queue].logged_in)
        *reason = EMPTY_NONE_LOGGED_IN;
    else if (!core->available[core->lanes.queues[queue].first_lane])
        *reason = EMPTY_ALL_ON_BREAK;
    else if (!core->available[loosest])
        *reason = EMPTY_NONE_SKILLED;
    else if (!core_ready(core, loosest, interaction->channel)->count)
        *reason = EMPTY_ALL_AT_CAPACITY;
    else
        return false;
    return true;
}

/* --- Whole queues that were left by everybody --- */

static bool was_left(const struct core *core, int queue)
{
    const struct config_queue *config = &core->config->queues[queue];
    if (!core->queues[queue].waiting)
        return false;
    if (!core->queues[queue].logged_in)
        return config->when_empty[EMPTY_NONE_LOGGED_IN] >= 0;
    return !core->available[core->lanes.queues[queue].first_lane] &&
           config->when_empty[EMPTY_ALL_ON_BREAK] >= 0;
}

/* The best first, whatever the lane, so that those who go on stand in their old order. */
static struct interaction *best_waiting(const struct core *core, int queue, const struct rank *after)
{
    const struct lane_queue *lanes = &core->lanes.queues[queue];
    const struct rank_node *best = NULL;
    for (uint32_t i = lanes->first_lane * CHANNEL_COUNT;
         i < (lanes->first_lane + lanes->lane_count) * CHANNEL_COUNT; i++) {
        const struct rank_node *node =
            after ? rank_after(&core->waiting[i], after) : rank_first(&core->waiting[i]);
        if (node && (!best || rank_compare(&node->rank, &best->rank) < 0))
            best = node;
    }
    return best ? best->owner : NULL;
}

static void leave(struct step *step, int queue, const struct interaction *returned, struct comeback back)
{
    struct core *core = step->core;
    struct interaction *interaction;
    struct rank after;
    bool is_first = true;
    enum trigger before = step->trigger;
    while (was_left(core, queue) && (interaction = best_waiting(core, queue, is_first ? NULL : &after))) {
        after = interaction->waiting.rank;
        is_first = false;
        place_on(step, interaction, interaction == returned && back.arrives);
        step->trigger = TRIGGER_MOVED;
        if (interaction->data.queue != queue)
            offer_or_wait(step, interaction, interaction == returned ? back.next : PREFER_QUEUE);
    }
    step->trigger = before;
}

void place_left(struct step *step, int queue)
{
    leave(step, queue, NULL, (struct comeback){.next = PREFER_QUEUE});
}

bool place_left_by(struct step *step, const struct agent *agent, const struct interaction *returned,
                   struct comeback back)
{
    int queue = returned ? returned->data.queue : -1;
    if (agent->config < 0 || agent->data.state == AGENT_AVAILABLE)
        return false;
    const struct config_agent *config = &step->core->config->agents[agent->config];
    for (uint32_t i = 0; i < config->queue_count; i++)
        leave(step, config->queues[i], returned, back);
    return returned && returned->data.queue != queue;
}

/* --- What time does to what waits --- */

static void opened(struct step *step, struct interaction *interaction)
{
    step->trigger = TRIGGER_OPENED;
    interaction_edit(step, interaction);
    interaction->data.held_until = TIME_NEVER;
    place_relax(step->core, interaction, step->input->at_ms);
    interaction_settle(step, interaction);
    arrive(step, interaction);
}

/* A queue that it cannot go on to keeps it, and is asked again when it has waited for as long once more. */
static void waited_too_long(struct step *step, struct interaction *interaction)
{
    int overflow = step->core->config->queues[interaction->data.queue].overflow;
    step->trigger = TRIGGER_MOVED;
    move_on(step, interaction, overflow, MOVE_WAITED, 0);
    arrive(step, interaction);
}

static void relaxed(struct step *step, struct interaction *interaction)
{
    step->trigger = TRIGGER_RELAXED;
    interaction_edit(step, interaction);
    place_relax(step->core, interaction, step->input->at_ms);
    interaction_settle(step, interaction);
    int queue = interaction->data.queue;
    place_on(step, interaction, false);
    if (queue != interaction->data.queue)
        offer_or_wait(step, interaction, PREFER_QUEUE);
    else
        offer_or_stay(step, interaction, PREFER_QUEUE);
}

void queued_due(struct step *step, struct interaction *interaction)
{
    const struct interaction_data *data = &interaction->data;
    const struct config_queue *queue = &step->core->config->queues[data->queue];
    int64_t at = step->input->at_ms;
    if (data->held_until <= at)
        opened(step, interaction);
    else if (queue->wait_max_ms && queue->overflow >= 0 && data->entered_ms + queue->wait_max_ms <= at)
        waited_too_long(step, interaction);
    else
        relaxed(step, interaction);
    step->out->snapshot = step_snapshot(step, interaction);
}
