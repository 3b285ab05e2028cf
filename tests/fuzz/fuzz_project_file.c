/* A file is read whole or its faults are listed in the order of lines; what is read refers only to what is
 * there. */
#include <assert.h>

#include "proto/project_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void check_config(const struct project_config *config)
{
    assert(config->project.len && config->rule_count);
    for (uint32_t i = 0; i < config->agent_count; i++) {
        const struct config_agent *agent = &config->agents[i];
        assert(config_find_agent(config, agent->name) == (int)i);
        assert(!agent->reports_to.len || config_find_agent(config, agent->reports_to) >= 0);
        for (uint32_t j = 0; j < agent->queue_count; j++)
            assert(agent->queues[j] < config->queue_count);
    }
    for (uint32_t i = 0; i < config->endpoint_count; i++) {
        const struct config_endpoint *endpoint = &config->endpoints[i];
        assert(config_find_endpoint(config, endpoint->channel, endpoint->key) == endpoint);
        assert(endpoint->queue < config->queue_count);
    }
    for (uint32_t i = 0; i < config->rule_count; i++)
        assert(config->rules[i].queue < config->queue_count ||
               config->rules[i].queue == CONFIG_QUEUE_OF_ENDPOINT);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    static struct project_faults faults;
    struct arena arena;
    struct project_config config;
    arena_init(&arena);
    if (project_file_read(&config, (struct slice){(const char *)bytes, len}, &arena, &faults)) {
        assert(!faults.count);
        check_config(&config);
    } else {
        assert(faults.count && faults.count <= PROJECT_FAULTS_MAX);
        for (uint32_t i = 0; i < faults.count; i++) {
            assert(faults.items[i].detail[0]);
            assert(!i || faults.items[i - 1].line <= faults.items[i].line);
        }
    }
    arena_deinit(&arena);
    return 0;
}
