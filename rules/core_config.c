/* A new configuration: everything open moves over by name, no agent or timer is disturbed. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "rules/core_state.h"

static int compare_agents(const void *a, const void *b)
{
    return slice_compare(((const struct agent *)a)->name, ((const struct agent *)b)->name);
}

/* Agents who are no longer configured stay: their work needs the name, and their numbers go on when they come
 * back. */
static void merge_agents(struct core *core, const struct project_config *config)
{
    struct agent *agents = core_allocate(sizeof *agents * (config->agent_count + core->agent_count));
    uint32_t kept = core->agent_count, count = kept;
    if (kept)
        memcpy(agents, core->agents, sizeof *agents * kept);
    for (uint32_t i = 0; i < config->agent_count; i++) {
        struct agent wanted = {.name = config->agents[i].name};
        if (!bsearch(&wanted, agents, kept, sizeof *agents, compare_agents))
            agent_init(&agents[count++], config->agents[i].name);
    }
    qsort(agents, count, sizeof *agents, compare_agents);
    free(core->agents);
    core->agents = agents;
    core->agent_count = count;
}

/* While loading, so nobody has work yet. */
struct agent *core_keep_agent(struct core *core, struct slice name)
{
    struct agent *agents = core_allocate(sizeof *agents * (core->agent_count + (size_t)1));
    for (uint32_t i = 0; i < core->agent_count; i++) {
        agent_unlink(core, &core->agents[i]);
        agents[i] = core->agents[i];
    }
    agent_init(&agents[core->agent_count], name);
    free(core->agents);
    core->agents = agents;
    qsort(agents, ++core->agent_count, sizeof *agents, compare_agents);
    for (uint32_t i = 0; i < core->agent_count; i++) {
        agents[i].timer.owner = &agents[i];
        agent_configure(core, &agents[i]);
        agent_link(core, &agents[i]);
    }
    return core_find_agent(core, name);
}

/* Back in the configuration after a time: offline, like anybody who has not said otherwise. */
static void come_back(struct core *core, struct agent *agent)
{
    agent_edit(core, agent);
    agent->data.state = AGENT_OFFLINE;
    memset(agent->data.reason, 0, sizeof agent->data.reason);
    agent->data.lease_ms = 0;
    agent->data.lease_until = TIME_NEVER;
    agent->data.grace_until = core->at_ms + core->config->grace_ms;
}

/* What indexes meant in the old configuration. Its names live until the batch is committed. */
struct remembered {
    struct interaction *interaction;
    struct slice queue, rule, agent, excluded;
};

static struct remembered remember(const struct core *core, struct interaction *interaction)
{
    const struct interaction_data *data = &interaction->data;
    struct remembered names = {.interaction = interaction, .queue = core_queue_name(core, data->queue)};
    if (data->rule >= 0)
        names.rule = core->config->rules[data->rule].name;
    if (data->agent >= 0)
        names.agent = core->agents[data->agent].name;
    if (data->excluded >= 0)
        names.excluded = core->agents[data->excluded].name;
    return names;
}

static void move_over(struct core *core, const struct remembered *names)
{
    struct interaction *interaction = names->interaction;
    struct interaction_data *data = &interaction->data;
    bool was_relaxed = data->relax_step > 0;
    data->queue = names->queue.len ? config_find_queue(core->config, names->queue) : -1;
    data->rule = config_find_rule(core->config, names->rule);
    data->agent = core_agent_index(core, names->agent);
    data->excluded = core_agent_index(core, names->excluded);
    /* The old step may be more than the queue has now; what waits is ruled anew anyway. */
    data->relax_step = 0;
    /* What is forgotten here must not stand in the tables: a later configuration may know the name again. */
    if ((names->queue.len && data->queue < 0) || (names->rule.len && data->rule < 0) || was_relaxed)
        undo_interaction(core, interaction);
    interaction_link(core, interaction);
}

void core_reconfigure(struct core *core, const struct project_config *config, uint64_t version)
{
    uint32_t count = core->open.count, n = 0;
    struct remembered *all = core_allocate(sizeof *all * count);
    for (struct rank_node *node = rank_first(&core->open); node; node = rank_next(node))
        all[n++] = remember(core, node->owner);
    for (uint32_t i = 0; i < core->agent_count; i++)
        agent_unlink(core, &core->agents[i]);
    merge_agents(core, config);
    for (uint32_t i = 0; i < n; i++) {
        struct interaction *interaction = all[i].interaction;
        interaction->work.linked = false; /* its tree is made anew below */
        interaction_unlink(core, interaction);
    }
    core_free_lanes(core);
    core->config = config;
    core->config_version = version;
    core_make_lanes(core);
    for (uint32_t i = 0; i < core->agent_count; i++) {
        struct agent *agent = &core->agents[i];
        agent->work = (struct rank_tree){0};
        agent->timer.owner = agent;
        agent->undo = NULL;
        bool was_gone = agent->config < 0;
        agent_configure(core, agent);
        if (was_gone && agent->config >= 0 && agent->data.state != AGENT_OFFLINE)
            come_back(core, agent);
        agent_link(core, agent);
    }
    for (uint32_t i = 0; i < n; i++)
        move_over(core, &all[i]);
    free(all);
    core->reconfigured = true;
}

/* --- What waits is ruled anew --- */

/* One that comes into a queue, or stood before it until it opens. */
struct newcomer {
    struct rank_node node;
    struct interaction *interaction;
    int queue; /* where it was */
};

/* Aside, where it counts in no queue, until all are ruled: what leaves a queue makes room there first. */
static void set_aside(struct step *step, struct interaction *interaction, int queue,
                      struct rank_tree *newcomers)
{
    struct interaction_data *data = &interaction->data;
    struct newcomer *newcomer = arena_new(step->arena, struct newcomer);
    *newcomer = (struct newcomer){.interaction = interaction, .queue = queue};
    newcomer->node.owner = newcomer;
    data->held_until = step->input->at_ms;
    rank_insert(newcomers, &newcomer->node,
                (struct rank){-(int64_t)step->core->config->queues[data->queue].weight,
                              data->enqueued_ms - CORE_POINT_MS * data->priority, interaction->id});
}

static void rule_anew(struct step *step, struct interaction *interaction, struct rank_tree *newcomers)
{
    struct interaction_data *data = &interaction->data;
    bool is_ruled = data->moved == MOVE_NONE || data->queue < 0, is_held = data->held_until != TIME_NEVER;
    int queue = data->queue;
    if (data->state != INTERACTION_QUEUED || !(is_ruled || is_held))
        return;
    interaction_edit(step, interaction);
    if (is_ruled)
        place_by_rule(step, interaction);
    if (is_held || data->queue != queue)
        set_aside(step, interaction, queue, newcomers);
    interaction_settle(step, interaction);
}

/* As it would arrive there, behind what stands before it. */
static void come_in(struct step *step, const struct newcomer *newcomer)
{
    struct interaction *interaction = newcomer->interaction;
    interaction_edit(step, interaction);
    interaction->data.held_until = TIME_NEVER;
    interaction_settle(step, interaction);
    place_on(step, interaction, true);
    if (interaction->data.queue == newcomer->queue)
        return;
    if (interaction->waiting.linked && first_agent_for(step->core, interaction))
        drain_until(step, &interaction->waiting.rank);
    offer_or_wait(step, interaction, PREFER_QUEUE);
}

/* What is not waiting stays where it is, and is ruled when it comes back. */
void step_config(struct step *step)
{
    struct core *core = step->core;
    struct rank_tree newcomers = {.root = NULL};
    assert(core->batch_count == 1 && !core->batches[0].log); /* a batch of its own */
    core_reconfigure(core, step->input->config, step->input->config_version);
    for (uint32_t i = 0; i < core->agent_count; i++) {
        if (core->agents[i].undo) /* it came back */
            announce_presence(step, &core->agents[i]);
    }
    rules_begin(step); /* of the new ones */
    step->trigger = TRIGGER_CONFIG;
    step->out->config_version = step->input->config_version;
    step->out->outcome = OUTCOME_DONE;
    for (struct rank_node *node = rank_first(&core->open); node; node = rank_next(node))
        rule_anew(step, node->owner, &newcomers);
    for (struct rank_node *node = rank_first(&newcomers); node; node = rank_next(node))
        come_in(step, node->owner);
    for (uint32_t queue = 0; queue < core->config->queue_count; queue++)
        place_left(step, (int)queue);
    drain_until(step, NULL); /* what is left to do after loading stays to be done */
}
