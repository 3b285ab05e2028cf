/* Who gets what: the first agent of a lane for an interaction, the best of all lanes for an agent. */
#include "rules/core_state.h"

static bool has_ids(struct step *step)
{
    if (step->next_id < CORE_IDS_MAX)
        return true;
    step->core->drain_pending = true;
    return false;
}

/* Asked again at the offer: who is blocked by now is never offered. */
static bool shut_out(struct step *step, struct interaction *interaction)
{
    const struct block *block = blocked_now(step, interaction);
    if (!block)
        return false;
    step->out->hit = block->id;
    close_blocked(step, interaction);
    return true;
}

/* Whoever gave it away is not asked again. */
static bool is_excluded(const struct core *core, const struct interaction *interaction,
                        const struct agent *agent)
{
    return interaction->data.excluded == (int)(agent - core->agents);
}

struct agent *first_agent_for(const struct core *core, const struct interaction *interaction)
{
    const struct rank_node *node =
        rank_first(core_ready(core, interaction_lane(core, interaction), interaction->channel));
    while (node && is_excluded(core, interaction, node->owner))
        node = rank_next(node);
    return node ? node->owner : NULL;
}

bool offer_to_first(struct step *step, struct interaction *interaction)
{
    if (!interaction->waiting.linked)
        return false;
    struct agent *agent = first_agent_for(step->core, interaction);
    return agent && offer_to(step, interaction, agent, PREFER_QUEUE,
                             step->core->config->queues[interaction->data.queue].offer_timeout_ms);
}

bool offer_to(struct step *step, struct interaction *interaction, struct agent *agent,
              enum prefer_stage stage, int64_t lasts_ms)
{
    if (!has_ids(step) || shut_out(step, interaction))
        return false;
    step->stage = stage;
    explain(step, interaction, agent, true);
    offer(step, interaction, agent, stage, lasts_ms);
    return true;
}

void offer_to_named(struct step *step, struct interaction *interaction, struct agent *agent)
{
    if (!has_ids(step) || shut_out(step, interaction))
        return;
    explain(step, interaction, agent, false);
    offer(step, interaction, agent, PREFER_QUEUE,
          step->core->config->queues[interaction->data.queue].offer_timeout_ms);
}

bool offer_or_stay(struct step *step, struct interaction *interaction, enum prefer_stage from)
{
    if (interaction->data.state != INTERACTION_QUEUED || offer_to_preferred(step, interaction, from) ||
        interaction->data.state != INTERACTION_QUEUED || offer_to_first(step, interaction) ||
        interaction->data.state != INTERACTION_QUEUED)
        return false;
    explain(step, interaction, NULL, interaction->data.held_until == TIME_NEVER);
    return true;
}

void offer_or_wait(struct step *step, struct interaction *interaction, enum prefer_stage from)
{
    if (offer_or_stay(step, interaction, from))
        step_announce(step, ANNOUNCE_QUEUED, interaction, NULL)->cause = explain_cause(step, interaction);
}

void arrive(struct step *step, struct interaction *interaction)
{
    place_on(step, interaction, true);
    offer_or_wait(step, interaction, PREFER_SAME);
}

/* --- An agent who became free --- */

static const struct rank_node *first_not_excluded(const struct core *core, const struct rank_tree *waiting,
                                                  const struct agent *agent)
{
    const struct rank_node *node = rank_first(waiting);
    while (node && is_excluded(core, node->owner, agent))
        node = rank_next(node);
    return node;
}

/* The best of everything the agent could take now, over all its lanes and channels. */
static struct interaction *best_for(const struct core *core, const struct agent *agent)
{
    const struct rank_node *best = NULL;
    if (agent->config < 0)
        return NULL;
    const struct lane_place *places = core->lanes.agents[agent->config].places;
    for (uint32_t i = 0; i < agent->ready_count; i++) {
        const struct rank_tree *waiting =
            core_waiting(core, places[i / CHANNEL_COUNT].lane, (enum channel)(i % CHANNEL_COUNT));
        if (!agent->ready[i].linked || !waiting->count)
            continue;
        const struct rank_node *first = first_not_excluded(core, waiting, agent);
        if (first && (!best || rank_compare(&first->rank, &best->rank) < 0))
            best = first;
    }
    return best ? best->owner : NULL;
}

/* At what was being moved before something else was looked at. */
static void look_back(struct step *step, const struct step *kept)
{
    step->looked_at = kept->looked_at;
    step->path_count = kept->path_count;
    step->is_ruled = kept->is_ruled;
    step->errors = kept->errors;
}

/* What waits, the best first, as far as it stands before `end` (NULL: all of it). */
static void drain_before(struct step *step, struct agent *agent, const struct rank *end)
{
    struct interaction *interaction;
    struct step kept = *step; /* of what is being moved, not of what it leaves room for */
    step->cause = NULL;
    while ((interaction = best_for(step->core, agent)) && has_ids(step) &&
           !(end && rank_compare(&interaction->waiting.rank, end) >= 0)) {
        step->trigger = TRIGGER_FREE;
        offer_to(step, interaction, agent, PREFER_QUEUE,
                 step->core->config->queues[interaction->data.queue].offer_timeout_ms);
    }
    step->trigger = kept.trigger;
    step->cause = kept.cause;
    look_back(step, &kept);
}

void drain_agent(struct step *step, struct agent *agent)
{
    drain_before(step, agent, NULL);
}

/* Without a cool-down the agent is free at once, for older work too. */
void offer_returned(struct step *step, struct interaction *interaction, struct agent *agent,
                    struct comeback back)
{
    place_on(step, interaction, back.arrives);
    if (interaction->waiting.linked)
        drain_before(step, agent, &interaction->waiting.rank);
    offer_or_wait(step, interaction, back.next);
    drain_agent(step, agent);
}

void place_quietly(struct step *step, struct interaction *interaction, struct agent *freed, bool arrives)
{
    int queue = interaction->data.queue;
    place_on(step, interaction, arrives);
    if (freed && interaction->waiting.linked)
        drain_before(step, freed, &interaction->waiting.rank);
    if (interaction->data.queue != queue)
        offer_or_wait(step, interaction, PREFER_QUEUE);
    else
        offer_or_stay(step, interaction, PREFER_QUEUE);
}

/* --- Everything at once --- */

/* A lane and channel in which somebody waits and somebody is ready; ranked as the next of those who wait. */
struct stream {
    struct rank_node node;
    struct rank_node *next;
};

static void rank_stream(struct rank_tree *streams, struct stream *stream, struct rank_node *next)
{
    stream->next = next;
    if (next)
        rank_insert(streams, &stream->node, next->rank);
}

/* The best of all that waits first, whatever its lane, as far as it stands before `end` (NULL: all of it). */
static void drain_streams(struct step *step, const struct rank *end)
{
    struct core *core = step->core;
    uint32_t count = core->lanes.count * CHANNEL_COUNT;
    struct rank_tree streams = {.root = NULL};
    struct rank_node *first;
    for (uint32_t i = 0; i < count; i++) {
        if (!core->waiting[i].count || !core->ready[i].count)
            continue;
        struct stream *stream = arena_new(step->arena, struct stream);
        stream->node.owner = stream;
        rank_stream(&streams, stream, rank_first(&core->waiting[i]));
    }
    while ((first = rank_first(&streams)) && !(end && rank_compare(&first->rank, end) >= 0) &&
           has_ids(step)) {
        struct stream *stream = first->owner;
        struct interaction *interaction = stream->next->owner;
        struct rank_node *next = rank_next(stream->next);
        rank_remove(&streams, first);
        offer_to_first(step, interaction);
        bool goes_on = core_ready(core, interaction->lane, interaction->channel)->count > 0;
        rank_stream(&streams, stream, goes_on ? next : NULL);
    }
}

void drain_until(struct step *step, const struct rank *end)
{
    struct step kept = *step;
    drain_streams(step, end);
    look_back(step, &kept);
}

void drain_all(struct step *step)
{
    step->core->drain_pending = false;
    drain_streams(step, NULL);
}
