/* Gateways and hooks that could be connected and would not do what was meant: they lead to an endpoint of
 * another channel, listen where another one does, look for a signature that nobody checks, or read events
 * that never can be any. */
#include "proto/fault.h"
#include "proto/hook_generic.h"
#include "proto/project_check.h"
#include "proto/project_lint.h"

static void check_channel(const struct project_config *config, const struct project_node *node, int endpoint,
                          enum channel channel)
{
    const struct config_endpoint *to = &config->endpoints[endpoint];
    if (to->channel != channel)
        project_node_refuse(node, "\"%.*s\" is an endpoint of the channel %s, and what comes is of %s",
                            fault_quote(to->address), to->address.ptr, channel_name(to->channel),
                            channel_name(channel));
}

/* --- gateways --- */

static bool listens_at(const struct config_gateway *a, const struct config_gateway *b)
{
    return a->listens && b->listens && b->port && a->port == b->port && slice_equal(a->host, b->host);
}

static void check_gateways(const struct project_config *config, const struct project_node *file)
{
    struct project_node section = project_node_member(file, "gateways");
    for (uint32_t i = 0; i < config->gateway_count; i++) {
        const struct config_gateway *gateway = &config->gateways[i];
        struct project_node entry = project_node_entry(&section, i);
        struct project_node endpoint = project_node_member(&entry, "endpoint");
        struct project_node listen = project_node_member(&entry, "listen");
        if (gateway->endpoint >= 0)
            check_channel(config, &endpoint, gateway->endpoint, CHANNEL_CALL);
        uint32_t other = 0;
        while (other < i && !listens_at(&config->gateways[other], gateway))
            other++;
        if (other < i)
            project_node_refuse(&listen, "the gateway \"%.*s\" listens there",
                                fault_quote(config->gateways[other].name), config->gateways[other].name.ptr);
    }
}

/* --- hooks --- */

static bool is_beginning(enum event_type type)
{
    return type == EVENT_CALL_RINGING || type == EVENT_CHAT_MESSAGE || type == EVENT_EMAIL_RECEIVED;
}

static void check_rule(const struct config_hook *hook, const struct hook_rule *rule,
                       const struct project_node *item)
{
    struct project_node id = project_node_member(item, "id");
    if (rule->parts[HOOK_ID].text.ptr[0] == '=')
        project_node_refuse(&id, "a constant: all after the first would be repeats of it");
    if (is_beginning(rule->type) && !rule->parts[HOOK_TO].text.len && !hook->endpoint.len)
        project_node_refuse(item, "%s needs to, or the hook an endpoint", event_type_name(rule->type));
}

static void check_rules(const struct project_config *config, const struct config_hook *hook,
                        const struct project_node *entry, int endpoint)
{
    const struct hook_mapping *mapping = hook->mapping;
    struct project_node map = project_node_member(entry, "map");
    struct project_node signature = project_node_member(entry, "signature");
    uint32_t last = 0;
    if (signature.value && !hook->secret_count)
        project_node_refuse(&signature, "nothing is checked without secret_files");
    while (last < mapping->rule_count && mapping->rules[last].condition_count)
        last++;
    for (uint32_t i = 0; i < mapping->rule_count; i++) {
        struct project_node item = project_node_item(&map, i);
        struct project_node event = project_node_member(&item, "event");
        check_rule(hook, &mapping->rules[i], &item);
        if (endpoint >= 0 && is_beginning(mapping->rules[i].type))
            check_channel(config, &event, endpoint, event_type_channel(mapping->rules[i].type));
        if (i > last)
            project_node_refuse(&item, "cannot be reached: map[%u] before it has no when", last);
    }
}

static void check_hooks(const struct project_config *config, const struct project_node *file)
{
    struct project_node section = project_node_member(file, "hooks");
    for (uint32_t i = 0; i < config->hook_count; i++) {
        const struct config_hook *hook = &config->hooks[i];
        struct project_node entry = project_node_entry(&section, i);
        struct project_node node = project_node_member(&entry, "endpoint");
        int endpoint = -1;
        (void)project_check_endpoint(&node, config, &endpoint);
        if (hook->mapping)
            check_rules(config, hook, &entry, endpoint);
        else if (endpoint >= 0)
            check_channel(config, &node, endpoint, hook->preset->channel);
    }
}

void project_lint_peers(const struct project_config *config, const struct project_node *file)
{
    check_gateways(config, file);
    check_hooks(config, file);
}
