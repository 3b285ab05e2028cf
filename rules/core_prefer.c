/* Whom a customer knows is asked before the queue: the agent who is with the customer already, the owner, the
 * last agent. Who cannot take it right now is skipped at once. */
#include "rules/core_state.h"

/* The newest of the customer's interactions that somebody holds. */
static const struct interaction *held_of_customer(const struct core *core,
                                                  const struct interaction *interaction)
{
    const struct interaction *best = NULL;
    const struct table_node *node = table_find(&core->customers, uuid_bytes(&interaction->data.customer));
    for (; node; node = table_next(node)) {
        const struct interaction *other = node->owner;
        if (other != interaction && (!best || uuid_compare(&other->id, &best->id) > 0))
            best = other;
    }
    return best;
}

static int preferred(const struct step *step, const struct interaction *interaction, enum prefer_stage stage)
{
    const struct core *core = step->core;
    const struct config_prefer *prefer = &core->config->prefer;
    const struct customer_fact *fact = &interaction->data.fact;
    const struct interaction *other;
    switch (stage) {
    case PREFER_SAME:
        other = held_of_customer(core, interaction);
        return other ? other->data.agent : -1;
    case PREFER_OWNER:
        return prefer->owner_ms ? core_agent_index(core, fact->owner) : -1;
    case PREFER_LAST:
        if (!prefer->last_agent_ms || step->input->at_ms - fact->last_ms > prefer->within_ms)
            return -1;
        return core_agent_index(core, fact->last_agent);
    case PREFER_QUEUE:
        break;
    }
    return -1;
}

static int64_t lasts(const struct core *core, const struct interaction *interaction, enum prefer_stage stage)
{
    int64_t usual = core->config->queues[interaction->data.queue].offer_timeout_ms;
    int64_t own = stage == PREFER_OWNER  ? core->config->prefer.owner_ms
                  : stage == PREFER_LAST ? core->config->prefer.last_agent_ms
                                         : usual;
    return own < usual ? own : usual;
}

/* All six tests, for the lane in which it waits. */
static bool passes(const struct core *core, const struct interaction *interaction, int index)
{
    if (index < 0 || core->agents[index].config < 0 || interaction->data.excluded == index)
        return false;
    const struct agent *agent = &core->agents[index];
    int place = lanes_place(&core->lanes, agent->config, interaction->lane);
    return place >= 0 && agent->ready[place * CHANNEL_COUNT + (int)interaction->channel].linked;
}

bool prefer_is_on(const struct project_config *config)
{
    return config->prefer.owner_ms || config->prefer.last_agent_ms;
}

bool offer_to_preferred(struct step *step, struct interaction *interaction, enum prefer_stage from)
{
    const struct core *core = step->core;
    int owner = preferred(step, interaction, PREFER_OWNER);
    if (!prefer_is_on(core->config) || uuid_is_nil(&interaction->data.customer) ||
        !interaction->waiting.linked)
        return false;
    for (enum prefer_stage stage = from; stage < PREFER_QUEUE; stage++) {
        int agent = preferred(step, interaction, stage);
        bool was_asked = stage == PREFER_LAST && from > PREFER_OWNER && agent == owner;
        if (!was_asked && passes(core, interaction, agent))
            return offer_to(step, interaction, &core->agents[agent], stage, lasts(core, interaction, stage));
    }
    return false;
}
