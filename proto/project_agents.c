#include <stdlib.h>

#include "proto/project_check.h"
#include "proto/project_sections.h"

#define TEXT_MAX 256 /* bytes of a display name or a department */

const char *const project_roles[] = {"agent", "supervisor", "pool_admin", "admin", NULL};

static void read_agent_queues(struct config_agent *agent, const struct project_config *config,
                              const struct project_node *entry)
{
    struct project_node list = project_node_member(entry, "queues");
    if (!project_node_check_list(&list) || !project_node_check_count(&list, CONFIG_QUEUES_MAX))
        return;
    agent->queues = arena_array(entry->reading->arena, uint16_t, project_node_count(&list));
    for (uint32_t i = 0; i < project_node_count(&list); i++) {
        struct project_node item = project_node_item(&list, i);
        uint16_t queue = 0;
        if (!project_check_queue(&item, config, &queue))
            continue;
        bool twice = false;
        for (uint32_t j = 0; j < agent->queue_count; j++)
            twice = twice || agent->queues[j] == queue;
        if (twice)
            project_node_refuse(&item, "the queue is there twice");
        else
            agent->queues[agent->queue_count++] = queue;
    }
}

static void read_capacity(struct config_agent *agent, const struct project_node *entry)
{
    struct project_node capacity = project_node_member(entry, "capacity");
    if (!project_node_check_map(&capacity, project_channels))
        return;
    for (int i = 0; i < CHANNEL_COUNT; i++) {
        struct project_node channel = project_node_member(&capacity, project_channels[i]);
        project_node_integer(&channel, &agent->capacity[i], 0, CONFIG_CAPACITY_MAX);
    }
}

static void read_agent(struct config_agent *agent, struct project_config *config,
                       const struct project_node *entry)
{
    static const char *const keys[] = {"name",       "queues",     "capacity", "role",
                                       "department", "reports_to", "skills",   NULL};
    *agent = (struct config_agent){.name = entry->name,
                                   .display_name = entry->name,
                                   .role = SLICE("agent"),
                                   .capacity = {1, 3, 10},
                                   .position = config->agent_count};
    project_node_check_name(entry, entry->name);
    if (!project_node_check_map(entry, keys))
        return;
    struct project_node name = project_node_member(entry, "name");
    struct project_node department = project_node_member(entry, "department");
    struct project_node reports_to = project_node_member(entry, "reports_to");
    struct project_node role = project_node_member(entry, "role");
    struct project_node skills = project_node_member(entry, "skills");
    int choice = 0;
    project_node_text(&name, &agent->display_name, TEXT_MAX);
    project_node_text(&department, &agent->department, TEXT_MAX);
    project_node_name(&reports_to, &agent->reports_to);
    project_node_choice(&role, &choice, project_roles);
    agent->role = slice_of(project_roles[choice]);
    read_agent_queues(agent, config, entry);
    read_capacity(agent, entry);
    project_skills_read(config, &skills, &agent->skills);
}

static int compare_agents(const void *a, const void *b)
{
    return slice_compare(((const struct config_agent *)a)->name, ((const struct config_agent *)b)->name);
}

void project_agents_read(struct project_config *config, const struct project_node *file)
{
    struct project_node agents = project_node_member(file, "agents");
    if (!project_node_check_entries(&agents, CONFIG_AGENTS_MAX))
        return;
    config->agents = arena_array(file->reading->arena, struct config_agent, project_node_count(&agents));
    for (uint32_t i = 0; i < project_node_count(&agents); i++) {
        struct project_node entry = project_node_entry(&agents, i);
        read_agent(&config->agents[i], config, &entry);
        config->agent_count++;
    }
    qsort(config->agents, config->agent_count, sizeof *config->agents, compare_agents);
    project_check_superiors(config, &agents);
}
