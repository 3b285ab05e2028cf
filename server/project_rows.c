#include "server/project_rows.h"

#include "proto/json.h"

const char *project_rows_agents(const struct project_config *config, struct arena *arena)
{
    struct value list = value_list(arena, config->agent_count);
    for (uint32_t i = 0; i < config->agent_count; i++) {
        const struct config_agent *agent = &config->agents[i];
        struct value map = value_map(arena, 5);
        value_set_text(&map, "name", agent->name);
        value_set_text(&map, "display_name", agent->display_name);
        value_set_text(&map, "role", agent->role);
        value_set_text(&map, "department", agent->department);
        value_set_text(&map, "reports_to", agent->reports_to);
        value_append(&list, map);
    }
    return arena_string(arena, json_write(&list, arena));
}

const char *project_rows_queues(const struct project_config *config, struct arena *arena)
{
    struct value list = value_list(arena, config->queue_count);
    for (uint32_t i = 0; i < config->queue_count; i++) {
        struct value map = value_map(arena, 1);
        value_set_text(&map, "name", config->queues[i].name);
        value_append(&list, map);
    }
    return arena_string(arena, json_write(&list, arena));
}
