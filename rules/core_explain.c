/* Why: written down while it is decided, one byte for each member of the queue. */
#include <string.h>

#include "rules/core_state.h"

void explain_look_at(struct step *step, const struct interaction *interaction)
{
    if (step->looked_at == interaction)
        return;
    step->looked_at = interaction;
    step->path_count = 0;
    step->is_ruled = false;
    step->errors = 0;
}

void explain_move(struct step *step, const struct interaction *interaction, enum move move,
                  enum empty_reason empty)
{
    explain_look_at(step, interaction);
    if (!step->path)
        step->path = arena_array(step->arena, struct explained_move, CORE_PATH_MAX);
    if (step->path_count < CORE_PATH_MAX)
        step->path[step->path_count++] = (struct explained_move){interaction->data.queue, move, empty};
}

struct slice explain_cause(const struct step *step, const struct interaction *interaction)
{
    if (step->cause)
        return slice_of(step->cause);
    if (step->looked_at != interaction || !step->path_count)
        return (struct slice){NULL, 0};
    const struct explained_move *last = &step->path[step->path_count - 1];
    return slice_of(last->move == MOVE_EMPTY ? empty_reason_name(last->empty) : move_name(last->move));
}

/* Read before the offer changes how its agent stands. */
static void look_at_candidates(const struct core *core, struct explanation *why,
                               const struct interaction *interaction, const struct agent *chosen,
                               struct arena *arena)
{
    const struct lane *lane = &core->lanes.lanes[interaction_lane(core, interaction)];
    const struct lane_queue *queue = &core->lanes.queues[lane->queue];
    uint8_t *reasons = arena_alloc(arena, queue->member_count);
    int excluded = interaction->data.excluded < 0 ? -1 : core->agents[interaction->data.excluded].config;
    int chosen_config = chosen ? chosen->config : -1;
    const uint8_t *standing = core->standing + interaction->channel;
    for (uint32_t i = 0; i < queue->member_count; i++) {
        int member = (int)queue->members[i];
        uint8_t reason = standing[member * CHANNEL_COUNT];
        if (reason == CANDIDATE_LATER && !lane->meets[i])
            reason = CANDIDATE_SKILLS;
        else if (reason == CANDIDATE_LATER && member == excluded)
            reason = CANDIDATE_EXCLUDED;
        reasons[i] = member == chosen_config ? CANDIDATE_CHOSEN : reason;
    }
    why->candidates = reasons;
    why->candidate_count = queue->member_count;
}

void explain(struct step *step, const struct interaction *interaction, const struct agent *chosen,
             bool was_looked_for)
{
    const struct interaction_data *data = &interaction->data;
    struct explanation *why = arena_new(step->arena, struct explanation);
    explain_look_at(step, interaction);
    *why = (struct explanation){
        .interaction = interaction->id,
        .trigger = step->trigger,
        .is_ruled = step->is_ruled,
        .errors = step->errors,
        .rule = data->rule,
        .queue = data->queue,
        .channel = interaction->channel,
        .priority = data->priority,
        .relax_step = data->relax_step,
        .moved = data->moved,
        .stage = step->stage,
        .held_until = data->held_until,
        .excluded = data->excluded < 0 ? (struct slice){NULL, 0} : step->core->agents[data->excluded].name,
        .chosen = chosen ? chosen->name : (struct slice){NULL, 0},
        .path_count = step->path_count,
    };
    if (step->path_count) {
        why->path = arena_array(step->arena, struct explained_move, step->path_count);
        memcpy(why->path, step->path, sizeof *why->path * step->path_count);
    }
    if (was_looked_for && data->queue >= 0)
        look_at_candidates(step->core, why, interaction, chosen, step->arena);
    *step->why = why;
    step->why = &why->next;
    step->out->explanation_count++;
    step->stage = PREFER_QUEUE;
}

struct explanation core_why(const struct core *core, const struct interaction *interaction,
                            struct arena *arena)
{
    const struct interaction_data *data = &interaction->data;
    bool held = data->state == INTERACTION_OFFERED || data->state == INTERACTION_ACTIVE;
    const struct agent *holder = held && data->agent >= 0 ? &core->agents[data->agent] : NULL;
    struct explanation why = {
        .interaction = interaction->id,
        .trigger = TRIGGER_NOW,
        .rule = data->rule,
        .queue = data->queue,
        .channel = interaction->channel,
        .priority = data->priority,
        .relax_step = data->relax_step,
        .moved = data->moved,
        .stage = data->stage,
        .held_until = data->held_until,
        .excluded = data->excluded < 0 ? (struct slice){NULL, 0} : core->agents[data->excluded].name,
        .chosen = holder ? holder->name : (struct slice){NULL, 0},
    };
    if (data->queue >= 0 && data->held_until == TIME_NEVER)
        look_at_candidates(core, &why, interaction, holder, arena);
    return why;
}
