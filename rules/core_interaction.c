/* An interaction's memory and its places: by conversation, by offer, among the waiting, the timers, the open
 * ones and its agent's work. All of them follow from its data. */
#include <stdlib.h>
#include <string.h>

#include "rules/core_state.h"

struct owned_block {
    struct owned_block *next;
    max_align_t data[];
};

static void *own(struct interaction *interaction, size_t size)
{
    struct owned_block *block = core_allocate(sizeof *block + size);
    block->next = interaction->blocks;
    interaction->blocks = block;
    return block->data;
}

void interaction_free(struct interaction *interaction)
{
    while (interaction->blocks) {
        struct owned_block *next = interaction->blocks->next;
        free(interaction->blocks);
        interaction->blocks = next;
    }
    free(interaction);
}

static struct slice place(char **to, struct slice text)
{
    if (!text.len)
        return (struct slice){NULL, 0};
    memcpy(*to, text.ptr, text.len);
    struct slice copy = {*to, text.len};
    *to += text.len;
    return copy;
}

void interaction_own_texts(struct interaction *interaction, const struct party_texts *texts)
{
    const struct slice *from = (const struct slice *)texts;
    struct slice *to = (struct slice *)&interaction->texts;
    size_t fields = sizeof *texts / sizeof *from, size = 0;
    for (size_t i = 0; i < fields; i++)
        size += from[i].len;
    char *room = own(interaction, size);
    for (size_t i = 0; i < fields; i++)
        to[i] = place(&room, from[i]);
}

void interaction_own_fact(struct interaction *interaction, const struct customer_fact *fact)
{
    size_t size = fact->name.len + fact->owner.len;
    for (uint32_t i = 0; i < fact->tag_count; i++)
        size += fact->tags[i].len;
    struct slice *tags = own(interaction, sizeof *tags * fact->tag_count);
    char *room = own(interaction, size);
    interaction->data.fact = *fact;
    interaction->data.fact.name = place(&room, fact->name);
    interaction->data.fact.owner = place(&room, fact->owner);
    for (uint32_t i = 0; i < fact->tag_count; i++)
        tags[i] = place(&room, fact->tags[i]);
    interaction->data.fact.tags = tags;
}

void interaction_own_candidates(struct interaction *interaction, const struct uuid *ids, uint32_t count)
{
    struct uuid *copy = own(interaction, sizeof *copy * count);
    if (count)
        memcpy(copy, ids, sizeof *copy * count);
    interaction->data.candidates = copy;
    interaction->data.candidate_count = count;
}

static bool holds_agent(const struct interaction *interaction)
{
    const struct interaction_data *data = &interaction->data;
    return data->agent >= 0 && (data->state == INTERACTION_OFFERED || data->state == INTERACTION_ACTIVE);
}

void interaction_unlink(struct core *core, struct interaction *interaction)
{
    table_remove(&core->offers, &interaction->by_offer);
    table_remove(&core->conversations, &interaction->by_conversation);
    if (interaction->waiting.linked)
        rank_remove(core_waiting(core, interaction->data.queue, interaction->channel), &interaction->waiting);
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
    if (data->state == INTERACTION_QUEUED && data->queue >= 0) {
        struct rank rank = {data->enqueued_ms - INT64_C(60000) * data->priority, 0, interaction->id};
        rank_insert(core_waiting(core, data->queue, interaction->channel), &interaction->waiting, rank);
    }
    if (data->state == INTERACTION_OFFERED)
        rank_insert(&core->timers, &interaction->timer, (struct rank){data->expires_ms, 0, interaction->id});
    if (holds_agent(interaction)) {
        if (!uuid_is_nil(&data->offer))
            table_insert(&core->offers, &interaction->by_offer, uuid_bytes(&data->offer));
        rank_insert(&core->agents[data->agent].work, &interaction->work, by_age);
    }
}

struct interaction *interaction_alloc(struct core *core, struct uuid id)
{
    struct interaction *interaction = core_allocate(sizeof *interaction);
    interaction->id = id;
    interaction->by_id.owner = interaction->by_offer.owner = interaction->by_conversation.owner = interaction;
    interaction->waiting.owner = interaction->timer.owner = interaction->open.owner =
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
    if (!undo_is_saved(core, interaction->undo)) {
        interaction->undo = undo_push(core, UNDO_INTERACTION);
        interaction->undo->interaction = interaction;
        interaction->undo->interaction_data = interaction->data;
    }
    interaction_unlink(core, interaction);
    count_load(core, interaction, -1);
}

void interaction_settle(struct step *step, struct interaction *interaction)
{
    interaction_link(step->core, interaction);
    count_load(step->core, interaction, 1);
}
