/* Where an interaction goes: by its rule, and on from there. */
#include "rules/core_state.h"

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

/* Stays where it is when the rule leads to an endpoint that there is no more. */
void place_by_rule(struct step *step, struct interaction *interaction)
{
    struct ruling ruling = rule_for_interaction(step, interaction);
    place_ruled(step, interaction, ruling,
                rule_queue(step->core, ruling.rule, interaction->channel, interaction->texts.recipient));
}

void queued_due(struct step *step, struct interaction *interaction)
{
    step->trigger = TRIGGER_RELAXED;
    interaction_edit(step, interaction);
    place_relax(step->core, interaction, step->input->at_ms);
    interaction_settle(step, interaction);
    if (!offer_to_first(step, interaction) && interaction->data.state == INTERACTION_QUEUED)
        explain(step, interaction, NULL, true);
    step->out->snapshot = step_snapshot(step, interaction);
}
