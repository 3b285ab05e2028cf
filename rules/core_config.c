/* A new configuration: everything open moves over by name, no agent or timer is disturbed. */
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
    agent->data.lease_ms = 0;
    agent->data.lease_until = TIME_NEVER;
    agent->data.grace_until = core->at_ms + core->config->grace_ms;
}

struct remembered {
    struct interaction *interaction;
    struct slice queue, agent;
};

void core_reconfigure(struct core *core, const struct project_config *config, uint64_t version)
{
    uint32_t count = core->open.count, n = 0;
    struct remembered *all = core_allocate(sizeof *all * count);
    for (struct rank_node *node = rank_first(&core->open); node; node = rank_next(node)) {
        struct interaction *interaction = node->owner;
        struct slice agent = interaction->data.agent < 0 ? (struct slice){NULL, 0}
                                                         : core->agents[interaction->data.agent].name;
        all[n++] = (struct remembered){interaction, core_queue_name(core, interaction->data.queue), agent};
    }
    for (uint32_t i = 0; i < core->agent_count; i++)
        agent_unlink(core, &core->agents[i]);
    merge_agents(core, config);
    for (uint32_t i = 0; i < n; i++) {
        struct interaction *interaction = all[i].interaction;
        interaction->work.linked = false; /* its tree is made anew below */
        interaction_unlink(core, interaction);
    }
    free(core->waiting);
    free(core->ready);
    core->config = config;
    core->config_version = version;
    core_make_queues(core);
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
    for (uint32_t i = 0; i < n; i++) {
        struct interaction *interaction = all[i].interaction;
        struct agent *agent = all[i].agent.len ? core_find_agent(core, all[i].agent) : NULL;
        interaction->data.queue = all[i].queue.len ? config_find_queue(config, all[i].queue) : -1;
        interaction->data.agent = agent ? (int)(agent - core->agents) : -1;
        interaction_link(core, interaction);
    }
    free(all);
    core->reconfigured = true;
}
