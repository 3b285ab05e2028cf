/* What the newest batch touched, from its log of first copies, and what its announcements say of it. */
#include <stdlib.h>
#include <string.h>

#include "rules/invariant_check.h"

static int compare_interactions(const void *a, const void *b)
{
    const struct touched_interaction *left = a, *right = b;
    return uuid_compare(&left->interaction->id, &right->interaction->id);
}

static int compare_agents(const void *a, const void *b)
{
    const struct agent *left = ((const struct touched_agent *)a)->agent;
    const struct agent *right = ((const struct touched_agent *)b)->agent;
    return (left > right) - (left < right); /* they stand by name */
}

static void note_row(struct touched *touched, const struct input *input)
{
    struct touched_agent *agent = NULL;
    if (input->kind == INPUT_PRESENCE && (agent = touched_agent(touched, input->agent)))
        agent->is_present = true;
    if (input->kind != INPUT_EVENT)
        return;
    const struct value *name = value_member(&input->event->attributes, "agent");
    struct slice reported = input->event->agent;
    if (input->event->outbound && name && name->kind == VALUE_STRING)
        reported = name->string;
    if (reported.len && (agent = touched_agent(touched, reported)))
        agent->is_reported = true;
}

struct touched touched_collect(const struct core *core, const struct invariant_row *rows, size_t count,
                               struct arena *arena)
{
    const struct core_batch *batch = &core->batches[core->batch_count - 1];
    struct touched touched = {.rows = rows, .row_count = count, .batch = batch};
    uint32_t interactions = 0, agents = 0;
    for (const struct undo *undo = batch->log; undo; undo = undo->next) {
        interactions += undo->kind == UNDO_INTERACTION || undo->kind == UNDO_INTERACTION_NEW;
        agents += undo->kind == UNDO_AGENT;
    }
    touched.interactions = arena_array(arena, struct touched_interaction, interactions);
    touched.agents = arena_array(arena, struct touched_agent, agents);
    for (const struct undo *undo = batch->log; undo; undo = undo->next) {
        if (undo->kind == UNDO_AGENT) {
            touched.agents[touched.agent_count++] =
                (struct touched_agent){.agent = undo->agent,
                                       .before = &undo->agent_data,
                                       .sequence = undo->agent_data.agentsequence};
        } else if (undo->kind == UNDO_INTERACTION || undo->kind == UNDO_INTERACTION_NEW) {
            const struct interaction_data *before =
                undo->kind == UNDO_INTERACTION ? &undo->interaction_data : NULL;
            struct touched_interaction *item = &touched.interactions[touched.interaction_count++];
            *item = (struct touched_interaction){.interaction = undo->interaction, .before = before};
            if (!before)
                continue;
            item->told = before->state;
            item->told_offer = before->offer;
            item->told_customer = before->customer;
            if (check_is_held(before))
                item->told_agent = core->agents[before->agent].name;
        }
    }
    qsort(touched.interactions, interactions, sizeof *touched.interactions, compare_interactions);
    qsort(touched.agents, agents, sizeof *touched.agents, compare_agents);
    for (size_t i = 0; i < count; i++)
        note_row(&touched, rows[i].input);
    return touched;
}

struct touched_interaction *touched_interaction(const struct touched *touched, const struct uuid *id)
{
    uint32_t low = 0, high = touched->interaction_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        int order = uuid_compare(&touched->interactions[middle].interaction->id, id);
        if (order == 0)
            return &touched->interactions[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

struct touched_agent *touched_agent(const struct touched *touched, struct slice name)
{
    uint32_t low = 0, high = touched->agent_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        int order = slice_compare(touched->agents[middle].agent->name, name);
        if (order == 0)
            return &touched->agents[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

bool touched_is_alone(const struct touched *touched)
{
    return touched->row_count == 1;
}
