#include <stdlib.h>

#include "proto/fault.h"
#include "proto/phone.h"
#include "proto/project_check.h"
#include "proto/project_sections.h"
#include "rules/email_key.h"
#include "rules/table.h"

struct found {
    struct config_endpoint endpoint;
    uint32_t index; /* in the file */
};

static int compare_found(const void *a, const void *b)
{
    const struct found *left = a, *right = b;
    int order = (left->endpoint.channel > right->endpoint.channel) -
                (left->endpoint.channel < right->endpoint.channel);
    if (!order)
        order = slice_compare(left->endpoint.key, right->endpoint.key);
    return order ? order : (left->index > right->index) - (left->index < right->index);
}

static bool read_phone(struct config_endpoint *endpoint, const struct project_config *config,
                       const struct project_node *node)
{
    endpoint->channel = CHANNEL_CALL;
    /* A number without quotes is a number to YAML too. */
    if (node->value->kind == VALUE_INT && node->value->integer >= 0)
        endpoint->address = arena_format(node->reading->arena, "%lld", (long long)node->value->integer);
    else if (!project_node_text(node, &endpoint->address, PHONE_INPUT_MAX))
        return false;
    struct slice region = endpoint->region.len ? endpoint->region : config->region;
    struct phone_key key = phone_key(region, endpoint->address, false, node->reading->arena);
    if (!key.key.len)
        return project_node_refuse(node, "\"%.*s\" is no phone number (%s)", fault_quote(endpoint->address),
                                   endpoint->address.ptr, caller_class_name(key.class));
    endpoint->key = key.key;
    return true;
}

static bool read_email(struct config_endpoint *endpoint, const struct project_node *node)
{
    endpoint->channel = CHANNEL_EMAIL;
    struct email_key key = {{NULL, 0}};
    if (!project_node_text(node, &endpoint->address, EMAIL_KEY_MAX))
        return false;
    enum email_status status = email_key(&key, endpoint->address, node->reading->arena);
    if (status != EMAIL_OK)
        return project_node_refuse(node, "\"%.*s\" is no e-mail address (%s)", fault_quote(endpoint->address),
                                   endpoint->address.ptr, email_status_name(status));
    endpoint->key = key.key;
    return true;
}

static bool read_chat(struct config_endpoint *endpoint, const struct project_node *node)
{
    endpoint->channel = CHANNEL_CHAT;
    if (!project_node_text(node, &endpoint->address, EVENT_ATTRIBUTE_MAX))
        return false;
    endpoint->key = endpoint->address;
    return true;
}

/* Names are few: those of one project's endpoints that its gateways refer to. */
static void check_names(const struct project_config *config, const struct project_node *list)
{
    struct table names;
    table_init(&names);
    struct table_node *nodes = arena_array(list->reading->arena, struct table_node, config->endpoint_count);
    for (uint32_t i = 0; i < config->endpoint_count; i++) {
        struct slice name = config->endpoints[i].name;
        if (name.len && table_find(&names, name))
            project_node_refuse(list, "two endpoints have the name \"%.*s\"", fault_quote(name), name.ptr);
        else if (name.len)
            table_insert(&names, &nodes[i], name);
    }
    table_deinit(&names);
}

static bool read_endpoint(struct config_endpoint *endpoint, const struct project_config *config,
                          const struct project_node *item)
{
    static const char *const keys[] = {"name", "phone", "email", "chat", "queue", "region", "keep_raw", NULL};
    if (!item->value)
        return project_node_refuse(item, "must be a map");
    if (!project_node_check_map(item, keys))
        return false;
    struct project_node phone = project_node_member(item, "phone");
    struct project_node email = project_node_member(item, "email");
    struct project_node chat = project_node_member(item, "chat");
    struct project_node queue = project_node_member(item, "queue");
    struct project_node region = project_node_member(item, "region");
    struct project_node name = project_node_member(item, "name");
    struct project_node keep_raw = project_node_member(item, "keep_raw");
    bool ok = project_check_queue(&queue, config, &endpoint->queue);
    ok &= project_node_name(&name, &endpoint->name);
    if ((phone.value != NULL) + (email.value != NULL) + (chat.value != NULL) != 1)
        return project_node_refuse(item, "needs one of phone, email and chat");
    if (region.value && !phone.value)
        return project_node_refuse(&region, "only a phone has a region");
    if (keep_raw.value && !email.value)
        return project_node_refuse(&keep_raw, "only mail is kept as it came");
    endpoint->keep_raw = email.value && config->mail.keep_raw;
    if (!project_node_boolean(&keep_raw, &endpoint->keep_raw))
        return false;
    if (!project_check_region(&region, &endpoint->region))
        return false;
    if (phone.value)
        return read_phone(endpoint, config, &phone) && ok;
    return (email.value ? read_email(endpoint, &email) : read_chat(endpoint, &chat)) && ok;
}

void project_endpoints_read(struct project_config *config, const struct project_node *file)
{
    struct project_node list = project_node_member(file, "endpoints");
    if (!project_node_check_list(&list))
        return;
    uint32_t count = project_node_count(&list), have = 0;
    if (!project_node_check_count(&list, CONFIG_ENDPOINTS_MAX))
        return;
    struct found *found = arena_array(file->reading->arena, struct found, count);
    for (uint32_t i = 0; i < count; i++) {
        struct project_node item = project_node_item(&list, i);
        found[have] = (struct found){.index = i};
        have += read_endpoint(&found[have].endpoint, config, &item);
    }
    qsort(found, have, sizeof *found, compare_found);
    config->endpoints = arena_array(file->reading->arena, struct config_endpoint, have);
    for (uint32_t i = 0; i < have; i++) {
        const struct config_endpoint *endpoint = &found[i].endpoint;
        bool twice = i && endpoint->channel == found[i - 1].endpoint.channel &&
                     slice_equal(endpoint->key, found[i - 1].endpoint.key);
        struct project_node item = project_node_item(&list, found[i].index);
        if (twice)
            project_node_refuse(&item, "endpoints[%u] is the same: %.*s", found[i - 1].index,
                                fault_quote(endpoint->key), endpoint->key.ptr);
        config->endpoints[config->endpoint_count++] = *endpoint;
    }
    check_names(config, &list);
}
