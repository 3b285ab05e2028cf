#include "rules/project_config.h"

#include "rules/cel.h"

static const char *const cause_names[REJECT_CAUSE_COUNT] = {"reject", "busy", "no_answer", "unreachable"};

const char *reject_cause_name(enum reject_cause cause)
{
    return cause_names[cause];
}

bool reject_cause_parse(enum reject_cause *out, struct slice name)
{
    for (int i = 0; i < REJECT_CAUSE_COUNT; i++) {
        if (slice_is(name, cause_names[i])) {
            *out = (enum reject_cause)i;
            return true;
        }
    }
    return false;
}

static const char *const strategy_names[STRATEGY_COUNT] = {"longest_idle", "round_robin",  "most_spare",
                                                           "pack",         "most_skilled", "linear"};

const char *strategy_name(enum strategy strategy)
{
    return strategy_names[strategy];
}

static const char *const empty_names[EMPTY_REASON_COUNT] = {"none_logged_in", "all_on_break", "none_skilled",
                                                            "all_at_capacity"};

const char *empty_reason_name(enum empty_reason reason)
{
    return empty_names[reason];
}

static const char *const protocol_names[GATEWAY_PROTOCOL_COUNT] = {"asterisk", "freeswitch", "kamailio"};

const char *gateway_protocol_name(enum gateway_protocol protocol)
{
    return protocol_names[protocol];
}

struct config_queue config_queue_default(struct slice name)
{
    return (struct config_queue){
        .name = name,
        .offer_timeout_ms = 20000,
        .service_within_ms = 20000,
        .when_empty = {-1, -1, -1, -1},
        .hours = -1,
        .overflow = -1,
    };
}

void config_close(struct project_config *config)
{
    for (uint32_t i = 0; i < config->rule_count; i++)
        cel_close(&config->rules[i].when);
    for (uint32_t i = 0; i < config->assign_count; i++)
        cel_close(&config->assigns[i].when);
}

const struct config_hook *config_find_hook(const struct project_config *config, struct slice name)
{
    for (uint32_t i = 0; i < config->hook_count; i++) {
        if (slice_equal(config->hooks[i].name, name))
            return &config->hooks[i];
    }
    return NULL;
}

int config_find_queue(const struct project_config *config, struct slice name)
{
    for (uint32_t i = 0; i < config->queue_count; i++) {
        if (slice_equal(config->queues[i].name, name))
            return (int)i;
    }
    return -1;
}

int config_find_rule(const struct project_config *config, struct slice name)
{
    for (uint32_t i = 0; name.len && i < config->rule_count; i++) {
        if (slice_equal(config->rules[i].name, name))
            return (int)i;
    }
    return -1;
}

int config_find_agent(const struct project_config *config, struct slice name)
{
    uint32_t low = 0, high = config->agent_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        int order = slice_compare(config->agents[middle].name, name);
        if (order == 0)
            return (int)middle;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return -1;
}

static bool is_script_for(const struct script_config *script, int queue)
{
    for (uint32_t i = 0; i < script->queue_count; i++)
        if (script->queues[i] == queue)
            return true;
    return !script->has_queues;
}

static bool is_script_before(const struct script_config *one, const struct script_config *other)
{
    if (!other || one->has_queues != other->has_queues)
        return !other || one->has_queues;
    return slice_compare(one->name, other->name) < 0;
}

const struct script_config *config_find_script(const struct project_config *config, struct slice queue)
{
    const struct script_config *found = NULL;
    int index = config_find_queue(config, queue);
    for (uint32_t i = 0; i < config->script_count; i++) {
        const struct script_config *script = &config->scripts[i];
        if (is_script_for(script, index) && is_script_before(script, found))
            found = script;
    }
    return found;
}

const struct config_endpoint *config_find_endpoint(const struct project_config *config, enum channel channel,
                                                   struct slice key)
{
    uint32_t low = 0, high = config->endpoint_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        const struct config_endpoint *endpoint = &config->endpoints[middle];
        int order = (endpoint->channel > channel) - (endpoint->channel < channel);
        if (order == 0)
            order = slice_compare(endpoint->key, key);
        if (order == 0)
            return endpoint;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}
