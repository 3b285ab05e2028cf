/* An interaction's places: by conversation, by offer, among the waiting, the timers, the open
 * ones and its agent's work. All of them follow from its data. */
#include "rules/core_state.h"

static bool holds_agent(const struct interaction *interaction)
{
    const struct interaction_data *data = &interaction->data;
    return data->agent >= 0 && (data->state == INTERACTION_OFFERED || data->state == INTERACTION_ACTIVE);
}

uint32_t interaction_lane(const struct core *core, const struct interaction *interaction)
{
    const struct interaction_data *data = &interaction->data;
    return lanes_find(&core->lanes, data->queue, data->moved == MOVE_NONE ? data->rule : -1,
                      data->relax_step);
}

bool interaction_is_dialled(const struct interaction *interaction)
{
    return interaction->outbound && interaction->data.queue < 0;
}

static int64_t earlier(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

/* What time does to it next, and only if it changes something. */
static int64_t waiting_due(const struct core *core, const struct interaction_data *data)
{
    const struct config_queue *queue = &core->config->queues[data->queue];
    int64_t due = data->held_until;
    if (due != TIME_NEVER)
        return due;
    int64_t age = lanes_next_age(&core->lanes, data->queue, data->moved == MOVE_NONE ? data->rule : -1,
                                 data->relax_step);
    if (age != TIME_NEVER)
        due = data->enqueued_ms + age;
    if (queue->wait_max_ms && queue->overflow >= 0)
        due = earlier(due, data->entered_ms + queue->wait_max_ms);
    return due;
}

static int64_t interaction_due(const struct core *core, const struct interaction *interaction)
{
    const struct interaction_data *data = &interaction->data;
    switch (data->state) {
    case INTERACTION_QUEUED:
        return data->queue < 0 ? TIME_NEVER : waiting_due(core, data);
    case INTERACTION_OFFERED:
        return data->expires_ms;
    case INTERACTION_ACTIVE:
        return data->reply_by;
    case INTERACTION_CLOSED:
        break;
    }
    return TIME_NEVER;
}

/* Priority is time, so nothing starves within its queue's weight, and the order is total. */
static void link_waiting(struct core *core, struct interaction *interaction)
{
    const struct interaction_data *data = &interaction->data;
    struct rank rank = {-(int64_t)core->config->queues[data->queue].weight,
                        data->enqueued_ms - CORE_POINT_MS * data->priority, interaction->id};
    interaction->lane = interaction_lane(core, interaction);
    rank_insert(core_waiting(core, interaction->lane, interaction->channel), &interaction->waiting, rank);
    rank_insert(core_ages(core, data->queue, interaction->channel), &interaction->age,
                (struct rank){data->enqueued_ms, 0, interaction->id});
    core->queues[data->queue].waiting++;
}

void interaction_unlink(struct core *core, struct interaction *interaction)
{
    table_remove(&core->offers, &interaction->by_offer);
    table_remove(&core->conversations, &interaction->by_conversation);
    table_remove(&core->customers, &interaction->by_customer);
    if (interaction->waiting.linked) {
        int queue = core->lanes.lanes[interaction->lane].queue;
        rank_remove(core_waiting(core, interaction->lane, interaction->channel), &interaction->waiting);
        rank_remove(core_ages(core, queue, interaction->channel), &interaction->age);
        core->queues[queue].waiting--;
    }
    rank_remove(&core->timers, &interaction->timer);
    rank_remove(&core->open, &interaction->open);
    if (interaction->work.linked)
        rank_remove(&core->agents[interaction->data.agent].work, &interaction->work);
}

void interaction_link(struct core *core, struct interaction *interaction)
{
    const struct interaction_data *data = &interaction->data;
    struct rank by_age = {interaction->opened_ms, 0, interaction->id};
    if (data->state == INTERACTION_CLOSED)
        return;
    table_insert(&core->conversations, &interaction->by_conversation, uuid_bytes(&interaction->conversation));
    rank_insert(&core->open, &interaction->open, by_age);
    if (data->state == INTERACTION_QUEUED && data->queue >= 0 && data->held_until == TIME_NEVER)
        link_waiting(core, interaction);
    int64_t due = interaction_due(core, interaction);
    if (due != TIME_NEVER)
        rank_insert(&core->timers, &interaction->timer, (struct rank){due, 0, interaction->id});
    if (holds_agent(interaction)) {
        if (!uuid_is_nil(&data->offer))
            table_insert(&core->offers, &interaction->by_offer, uuid_bytes(&data->offer));
        if (prefer_is_on(core->config) && !uuid_is_nil(&data->customer))
            table_insert(&core->customers, &interaction->by_customer, uuid_bytes(&data->customer));
        rank_insert(&core->agents[data->agent].work, &interaction->work, by_age);
    }
}

struct interaction *interaction_alloc(struct core *core, struct uuid id)
{
    struct interaction *interaction = core_allocate(sizeof *interaction);
    interaction->id = id;
    interaction->by_id.owner = interaction->by_offer.owner = interaction->by_conversation.owner =
        interaction->by_customer.owner = interaction;
    interaction->waiting.owner = interaction->age.owner = interaction->timer.owner = interaction->open.owner =
        interaction->work.owner = interaction;
    interaction->data = (struct interaction_data){.queue = -1,
                                                  .agent = -1,
                                                  .offered_ms = TIME_NEVER,
                                                  .expires_ms = TIME_NEVER,
                                                  .accepted_ms = TIME_NEVER,
                                                  .closed_ms = TIME_NEVER,
                                                  .rule = -1,
                                                  .stage = PREFER_QUEUE,
                                                  .held_until = TIME_NEVER,
                                                  .reply_by = TIME_NEVER,
                                                  .excluded = -1};
    table_insert(&core->interactions, &interaction->by_id, uuid_bytes(&interaction->id));
    return interaction;
}

struct interaction *interaction_new(struct step *step, struct uuid id)
{
    struct interaction *interaction = interaction_alloc(step->core, id);
    interaction->undo = undo_push(step->core, UNDO_INTERACTION_NEW);
    interaction->undo->interaction = interaction;
    return interaction;
}

/* The agent's load follows its work: taken off here, put on in settle. */
static void count_load(struct core *core, const struct interaction *interaction, int by)
{
    if (!holds_agent(interaction))
        return;
    struct agent *agent = &core->agents[interaction->data.agent];
    agent_edit(core, agent);
    agent->data.load[interaction->channel] += by;
    agent_settle(core, agent);
}

void interaction_edit(struct step *step, struct interaction *interaction)
{
    struct core *core = step->core;
    if (step->cached_of == interaction)
        step->cached = NULL;
    if (!undo_is_saved(core, interaction->undo))
        undo_interaction(core, interaction);
    interaction_unlink(core, interaction);
    count_load(core, interaction, -1);
}

void interaction_settle(struct step *step, struct interaction *interaction)
{
    interaction_link(step->core, interaction);
    count_load(step->core, interaction, 1);
}
