/* Whom an interaction is about, as the people say who handle it. What they say holds like what the router
 * found out: for the rules when it comes back, for the blacklist, and for the owner's and the last agent's
 * preference wherever that is asked from then on. An offer that is out stays; when it is not taken, all who
 * know the new customer are asked. */
#include "rules/core_state.h"

static bool may_link(const struct step *step, const struct interaction *interaction)
{
    const struct interaction_data *data = &interaction->data;
    struct slice actor = step->input->actor;
    return !actor.len || (data->state == INTERACTION_ACTIVE && data->agent >= 0 &&
                          slice_equal(actor, step->core->agents[data->agent].name));
}

static void become(struct step *step, struct interaction *interaction, const struct customer_fact *customer)
{
    step->out->is_linked = true;
    step->out->linked_before = interaction->data.customer;
    interaction_edit(step, interaction);
    interaction->data.identity = IDENTITY_MATCHED;
    interaction->data.customer = customer->id;
    interaction->data.is_relinked = interaction->data.state == INTERACTION_OFFERED;
    interaction_own_fact(interaction, customer);
    interaction_own_candidates(interaction, NULL, 0);
    interaction_settle(step, interaction);
}

void step_link(struct step *step)
{
    const struct facts *facts = &step->input->facts;
    struct interaction *interaction = step_open_one(step);
    if (!interaction)
        return;
    if (facts->candidate_count != 1)
        step->out->refusal = REFUSAL_NOT_FOUND;
    else if (!may_link(step, interaction))
        step->out->refusal = REFUSAL_FORBIDDEN;
    if (step->out->refusal != REFUSAL_NONE)
        return;
    const struct customer_fact *customer = &facts->candidates[0];
    struct interaction_data *data = &interaction->data;
    struct agent *holder = data->agent < 0 ? NULL : &step->core->agents[data->agent];
    step->out->outcome = OUTCOME_DONE;
    if (!uuid_equal(&data->customer, &customer->id)) {
        become(step, interaction, customer);
        step_announce(step, ANNOUNCE_CUSTOMER, interaction, holder);
        step->out->active_customer = customer->id;
        if (data->state == INTERACTION_ACTIVE && holder)
            step->out->active_agent = holder->name;
        const struct block *block = data->state == INTERACTION_ACTIVE ? NULL : blocked_now(step, interaction);
        if (block) {
            step->out->hit = block->id;
            close_blocked(step, interaction);
        }
    }
    step->out->snapshot = step_snapshot(step, interaction);
}
