#include "proto/project_check.h"

#include <stdlib.h>

#include "proto/fault.h"
#include "proto/phone.h"

bool project_check_queue(const struct project_node *node, const struct project_config *config, uint16_t *out)
{
    struct slice name = {NULL, 0};
    if (!node->value)
        return project_node_refuse(node, "a queue is required");
    if (!project_node_text(node, &name, CONFIG_NAME_MAX))
        return false;
    int index = config_find_queue(config, name);
    if (index < 0)
        return project_node_refuse(node, "there is no queue \"%.*s\"", fault_quote(name), name.ptr);
    *out = (uint16_t)index;
    return true;
}

bool project_check_endpoint(const struct project_node *node, const struct project_config *config, int *out)
{
    struct slice name = {NULL, 0};
    if (!node->value)
        return true;
    if (!project_node_text(node, &name, EVENT_ATTRIBUTE_MAX))
        return false;
    for (uint32_t i = 0; i < config->endpoint_count; i++) {
        const struct config_endpoint *endpoint = &config->endpoints[i];
        if (slice_equal(endpoint->name, name) || slice_equal(endpoint->address, name)) {
            *out = (int)i;
            return true;
        }
    }
    return project_node_refuse(node, "there is no endpoint \"%.*s\"", fault_quote(name), name.ptr);
}

bool project_check_region(const struct project_node *node, struct slice *out)
{
    struct slice region = {NULL, 0};
    if (!project_node_text(node, &region, 2) || !region.len)
        return !node->value;
    if (!slice_is(region, "ZZ") && !phone_region_is_known(region))
        return project_node_refuse(node, "\"%.*s\" is no region: two capital letters, as in DE",
                                   (int)region.len, region.ptr);
    *out = region;
    return true;
}

/* Every chain of superiors is walked once: `seen` holds the number of the walk that came by first, so meeting
 * one's own number again is a ring. */
void project_check_superiors(const struct project_config *config, const struct project_node *agents)
{
    uint32_t *seen = arena_array(agents->reading->arena, uint32_t, config->agent_count);
    for (uint32_t i = 0; i < config->agent_count; i++) {
        struct project_node entry = project_node_entry(agents, i);
        struct project_node reports_to = project_node_member(&entry, "reports_to");
        int start = config_find_agent(config, entry.name);
        struct slice superior = config->agents[start].reports_to;
        if (superior.len && config_find_agent(config, superior) < 0) {
            project_node_refuse(&reports_to, "there is no agent \"%.*s\"", fault_quote(superior),
                                superior.ptr);
            continue;
        }
        int at = start;
        while (at >= 0 && !seen[at]) {
            seen[at] = i + 1;
            struct slice up = config->agents[at].reports_to;
            at = up.len ? config_find_agent(config, up) : -1;
        }
        if (at >= 0 && seen[at] == i + 1)
            project_node_refuse(&reports_to, "leads back to \"%.*s\"", fault_quote(config->agents[at].name),
                                config->agents[at].name.ptr);
    }
}
