/* Ways out of queues: closed, overloaded, without anybody who could take it. */
#include <string.h>

#include "rules/invariant_check.h"

#define DAY_S 86400
#define EPOCH_WEEKDAY 3 /* 1970-01-01 was a Thursday, 0 is Monday */

/* --- Hours --- */

static int64_t divide_down(int64_t number, int64_t by)
{
    return number / by - (number % by < 0);
}

/* The latest that the zone's clock has shown by then. A span that begins once and ends once on a day is open
 * exactly while this stands in it, whatever the clock is set back by. */
static int64_t latest_shown(const struct zone_table *zone, int64_t at_s)
{
    int64_t latest = INT64_MIN, until = at_s;
    for (uint32_t i = zone->count; i > 0 && until >= at_s - 2 * ZONE_OFFSET_MAX_S; i--) {
        const struct zone_transition *since = &zone->transitions[i - 1];
        if (since->at_s > at_s)
            continue;
        latest = until + since->offset_s > latest ? until + since->offset_s : latest;
        until = i > 1 ? since->at_s - 1 : at_s; /* the first has no beginning */
    }
    return latest;
}

static bool is_working_day(const struct hours *hours, int64_t day)
{
    for (uint32_t i = 0; i < hours->closed_count; i++) {
        if (hours->closed[i].day == day)
            return false;
    }
    return true;
}

static bool has_span(const struct hours *hours, int64_t day, int64_t from_s, int64_t until_s)
{
    int64_t weekday = ((day + EPOCH_WEEKDAY) % 7 + 7) % 7;
    for (uint32_t i = 0; i < hours->span_count; i++) {
        const struct hours_span *span = &hours->spans[i];
        bool is_begun = !span->goes_on || is_working_day(hours, day - 1);
        if (is_begun && span->weekday == weekday && span->from_min * 60 <= until_s &&
            from_s < span->until_min * 60)
            return true;
    }
    return false;
}

static bool is_open(const struct hours *hours, int64_t at_ms)
{
    int64_t shown = latest_shown(hours->zone, divide_down(at_ms, 1000));
    int64_t day = divide_down(shown, DAY_S), second = shown - day * DAY_S;
    return is_working_day(hours, day) && has_span(hours, day, second, second);
}

static bool opens_some_day(const struct hours *hours, int64_t at_ms)
{
    int64_t today = divide_down(latest_shown(hours->zone, divide_down(at_ms, 1000)), DAY_S);
    for (int64_t day = today + 1; day < today + HOURS_AHEAD_DAYS; day++) {
        if (is_working_day(hours, day) && has_span(hours, day, 0, DAY_S))
            return true;
    }
    return false;
}

static const struct hours *hours_of(const struct core *core, int queue)
{
    int hours = core->config->queues[queue].hours;
    return hours < 0 ? NULL : &core->config->hours[hours];
}

static bool is_closed(const struct core *core, int queue, int64_t at_ms)
{
    const struct hours *hours = hours_of(core, queue);
    return hours && !is_open(hours, at_ms);
}

void check_held(const struct check *check, const struct interaction *interaction)
{
    const struct core *core = check->core;
    const struct interaction_data *data = &interaction->data;
    const struct hours *hours = hours_of(core, data->queue);
    const char *why = NULL;
    if (data->held_until == TIME_NEVER)
        return;
    if (!hours)
        why = "a queue without hours";
    else if (!check->has_due && is_open(hours, core->at_ms))
        why = "a queue that is open";
    else if (!is_open(hours, data->held_until) && opens_some_day(hours, data->held_until))
        why = "a queue until a time at which it is closed";
    if (why)
        check_fail(check, INVARIANT_HELD_WHILE_CLOSED, interaction, NULL, "is held in %s", why);
}

/* --- Nobody there --- */

/* Why nobody of its queue could take it, whatever relaxation comes to; EMPTY_REASON_COUNT: somebody could. */
static enum empty_reason reason_of(const struct core *core, const struct interaction *interaction)
{
    struct able_needs needs = able_needs_of(&interaction->data);
    bool is_logged_in = false, is_available = false, is_skilled = false;
    needs.step = (int32_t)core->config->queues[needs.queue].relax_count;
    for (uint32_t i = 0; i < core->agent_count; i++) {
        const struct agent *agent = &core->agents[i];
        if (agent->config < 0 || !able_is_member(core, agent, needs.queue))
            continue;
        is_logged_in |= agent->data.state != AGENT_OFFLINE;
        if (!able_is_present(agent, &agent->data))
            continue;
        is_available = true;
        if (!able_is_skilled(core, agent, &needs))
            continue;
        is_skilled = true;
        if (able_is_rested(&agent->data) && able_has_room(core, agent, &agent->data, interaction->channel))
            return EMPTY_REASON_COUNT;
    }
    return is_skilled     ? EMPTY_ALL_AT_CAPACITY
           : is_available ? EMPTY_NONE_SKILLED
           : is_logged_in ? EMPTY_ALL_ON_BREAK
                          : EMPTY_NONE_LOGGED_IN;
}

static bool spread(const struct core *core, const struct config_queue *queue, bool *reached)
{
    const struct hours *hours = queue->hours < 0 ? NULL : &core->config->hours[queue->hours];
    bool is_new = false;
    int ways[EMPTY_REASON_COUNT + 2];
    memcpy(ways, queue->when_empty, sizeof queue->when_empty);
    ways[EMPTY_REASON_COUNT] = queue->overflow;
    ways[EMPTY_REASON_COUNT + 1] = hours ? hours->otherwise : -1;
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        is_new |= ways[i] >= 0 && !reached[ways[i]];
        if (ways[i] >= 0)
            reached[ways[i]] = true;
    }
    return is_new;
}

/* Then it may have been there before in that step, and ends anywhere. */
static bool is_in_ring(const struct check *check, int queue)
{
    const struct project_config *config = check->core->config;
    bool *reached = arena_array(check->scratch, bool, config->queue_count);
    memset(reached, 0, sizeof *reached * config->queue_count);
    spread(check->core, &config->queues[queue], reached);
    for (bool is_new = true; is_new;) {
        is_new = false;
        for (uint32_t i = 0; i < config->queue_count; i++)
            is_new |= reached[i] && spread(check->core, &config->queues[i], reached);
    }
    return reached[queue];
}

void check_left(const struct check *check, const struct interaction *interaction)
{
    const struct core *core = check->core;
    int queue = interaction->data.queue, to = -1;
    if (!core->queues[queue].logged_in)
        to = core->config->queues[queue].when_empty[EMPTY_NONE_LOGGED_IN];
    else if (!core->available[core->lanes.queues[queue].first_lane])
        to = core->config->queues[queue].when_empty[EMPTY_ALL_ON_BREAK];
    if (to >= 0 && interaction->waiting.linked && !is_in_ring(check, queue))
        check_fail(check, INVARIANT_NOTHING_STUCK, interaction, NULL, "waits in a queue that all have left");
}

/* --- What a step sent on, or did not --- */

static int way_of(const struct core *core, const struct explained_move *move, int64_t at_ms)
{
    const struct config_queue *queue = &core->config->queues[move->queue];
    switch (move->move) {
    case MOVE_CLOSED:
        return is_closed(core, move->queue, at_ms) ? hours_of(core, move->queue)->otherwise : -1;
    case MOVE_EMPTY:
        return queue->when_empty[move->empty];
    case MOVE_OVERLOAD:
        return queue->waiting_max ? queue->overflow : -1;
    case MOVE_WAITED:
        return queue->wait_max_ms ? queue->overflow : -1;
    default:
        return -1;
    }
}

static void check_path(const struct check *check, const struct explanation *why,
                       const struct interaction *interaction, int64_t at_ms)
{
    for (uint32_t i = 0; i < why->path_count; i++) {
        const struct explained_move *move = &why->path[i];
        int next = i + 1 < why->path_count ? why->path[i + 1].queue : why->queue;
        if (way_of(check->core, move, at_ms) != next)
            check_fail(check, INVARIANT_GOES_ON_AS_SET, interaction, NULL, "from queue %d to %d (%s)",
                       move->queue, next, move_name(move->move));
    }
    if (why->path_count && why->moved != why->path[why->path_count - 1].move)
        check_fail(check, INVARIANT_GOES_ON_AS_SET, interaction, NULL, "moved as %s", move_name(why->moved));
}

/* It was not in the queue before this step, or not to be offered. Who hands it to an agent asks no queue. */
static bool has_arrived(const struct touched_interaction *item, const struct explanation *why,
                        const struct input *input)
{
    if (why->trigger == TRIGGER_TRANSFER)
        return why->path_count || input->queue.len;
    if (why->trigger == TRIGGER_ASSIGN && (!item->before || item->before->queue < 0))
        return false; /* its queue has gone: it got one for later */
    return !item->before || item->before->queue != why->queue || why->path_count ||
           why->trigger == TRIGGER_OPENED;
}

static bool can_go_to(const struct explanation *why, int queue)
{
    bool was_there = queue == why->queue;
    for (uint32_t i = 0; i < why->path_count; i++)
        was_there |= why->path[i].queue == queue;
    return queue >= 0 && !was_there && why->path_count < CORE_PATH_MAX;
}

/* Whether it was asked in this step if it has to go on. */
static bool was_placed(enum trigger trigger, bool has_come)
{
    return (trigger == TRIGGER_CONFIG && has_come) || trigger == TRIGGER_ARRIVAL ||
           trigger == TRIGGER_RETURNED || trigger == TRIGGER_RELAXED || trigger == TRIGGER_OPENED ||
           trigger == TRIGGER_MOVED || trigger == TRIGGER_TRANSFER;
}

/* The only one that the step touched, so that all else stands as it did. */
static void check_stays(const struct check *check, const struct explanation *why,
                        const struct interaction *interaction, bool has_come)
{
    const struct core *core = check->core;
    const struct config_queue *queue = &core->config->queues[why->queue];
    uint32_t others = core->queues[why->queue].waiting - 1;
    if (has_come && queue->waiting_max && others >= (uint32_t)queue->waiting_max &&
        can_go_to(why, queue->overflow))
        check_fail(check, INVARIANT_NOTHING_STUCK, interaction, NULL, "waits behind %u", others);
    enum empty_reason reason = reason_of(core, interaction);
    if (reason < EMPTY_REASON_COUNT && can_go_to(why, queue->when_empty[reason]))
        check_fail(check, INVARIANT_NOTHING_STUCK, interaction, NULL, "waits, though %s",
                   empty_reason_name(reason));
}

static void check_way(const struct check *check, const struct touched *touched,
                      const struct invariant_row *row, const struct explanation *why)
{
    const struct touched_interaction *item = touched_interaction(touched, &why->interaction);
    if (!item || why->queue < 0)
        return;
    check_path(check, why, item->interaction, row->input->at_ms);
    if (!touched_is_alone(touched))
        return;
    bool has_come = has_arrived(item, why, row->input), waits = item->interaction->waiting.linked;
    if (has_come && why->held_until == TIME_NEVER && why->trigger != TRIGGER_PULL &&
        is_closed(check->core, why->queue, row->input->at_ms))
        check_fail(check, INVARIANT_CLOSED_TAKES_NOTHING, item->interaction, NULL, "came into queue %d",
                   why->queue);
    if (waits && !why->chosen.len && was_placed(why->trigger, has_come) && touched->interaction_count == 1)
        check_stays(check, why, item->interaction, has_come);
}

/* Whatever brought it there: a way in that asks nothing explains nothing either. */
static void check_came(const struct check *check, const struct touched_interaction *item)
{
    const struct interaction_data *before = item->before, *now = &item->interaction->data;
    if (now->state == INTERACTION_QUEUED && now->queue >= 0 && now->held_until == TIME_NEVER &&
        !(before && before->queue == now->queue) && is_closed(check->core, now->queue, check->core->at_ms))
        check_fail(check, INVARIANT_CLOSED_TAKES_NOTHING, item->interaction, NULL, "waits in queue %d",
                   now->queue);
}

void check_ways(const struct check *check, const struct touched *touched)
{
    for (size_t i = 0; i < touched->row_count; i++) {
        const struct invariant_row *row = &touched->rows[i];
        for (const struct explanation *why = row->outcome->explanations; why; why = why->next)
            check_way(check, touched, row, why);
    }
    for (uint32_t i = 0; i < touched->interaction_count && touched_is_alone(touched); i++)
        check_came(check, &touched->interactions[i]);
}
