#include <stdlib.h>

#include "proto/fault.h"
#include "proto/project_check.h"
#include "proto/project_sections.h"

#define HOST_MAX 253
#define ADDRESS_MAX (HOST_MAX + 8)
#define USER_MAX 64
#define PATH_MAX_BYTES 1024
#define NUMBER_MAX 32
#define CONTEXT_MAX 80

/* Which keys a protocol has besides those of all. */
static const struct protocol {
    bool has_user, has_login, has_contexts, has_default_secret, has_redirect, has_blocked, needs_secret,
        connects, listens;
} protocols[GATEWAY_PROTOCOL_COUNT] = {
    [GATEWAY_ASTERISK] = {.has_user = true,
                          .has_login = true,
                          .has_contexts = true,
                          .has_redirect = true,
                          .has_blocked = true,
                          .needs_secret = true,
                          .connects = true},
    [GATEWAY_FREESWITCH] = {.has_contexts = true,
                            .has_default_secret = true,
                            .has_redirect = true,
                            .has_blocked = true,
                            .needs_secret = true,
                            .connects = true,
                            .listens = true},
    [GATEWAY_KAMAILIO] = {.connects = true},
};

static bool read_port(uint16_t *out, struct slice text)
{
    unsigned port = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] < '0' || text.ptr[i] > '9' || port > UINT16_MAX)
            return false;
        port = port * 10 + (unsigned)(text.ptr[i] - '0');
    }
    *out = (uint16_t)port;
    return text.len && port <= UINT16_MAX;
}

/* "pbx.example:5038", "10.0.0.1:5038", "[::1]:5038". */
static bool read_address(struct config_gateway *gateway, const struct project_node *node, bool listens)
{
    struct slice text = {NULL, 0};
    size_t at;
    if (!project_node_text(node, &text, ADDRESS_MAX))
        return false;
    for (at = text.len; at && text.ptr[at - 1] != ':'; at--)
        ;
    struct slice host = {text.ptr, at ? at - 1 : 0};
    if (host.len > 2 && host.ptr[0] == '[' && host.ptr[host.len - 1] == ']')
        host = (struct slice){host.ptr + 1, host.len - 2};
    else
        for (size_t i = 0; i < host.len; i++)
            if (host.ptr[i] == ':')
                host.len = 0; /* IPv6 without brackets */
    bool good = host.len && host.len <= HOST_MAX &&
                read_port(&gateway->port, (struct slice){text.ptr + at, text.len - at}) &&
                (gateway->port || listens);
    gateway->host = host;
    return good || project_node_refuse(node, "must be HOST:PORT");
}

static void read_place(struct config_gateway *gateway, const struct project_node *entry)
{
    const struct protocol *protocol = &protocols[gateway->protocol];
    struct project_node address = project_node_member(entry, "address");
    struct project_node listen = project_node_member(entry, "listen");
    const char *name = gateway_protocol_name(gateway->protocol);
    if (listen.value && !protocol->listens) {
        project_node_refuse(&listen, "%s is connected to: give its address", name);
        return;
    }
    if (!address.value == !listen.value) {
        project_node_refuse(entry, protocol->listens ? "needs either address or listen" : "needs address");
        return;
    }
    gateway->listens = listen.value != NULL;
    read_address(gateway, gateway->listens ? &listen : &address, gateway->listens);
}

static bool is_plain(struct slice text, const char *others)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        bool good = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        for (const char *other = others; *other && !good; other++)
            good = c == *other;
        if (!good)
            return false;
    }
    return true;
}

/* Text that is sent to an exchange: nothing in it can end a line or begin a variable. */
static bool read_plain(const struct project_node *node, struct slice *out, size_t max, const char *others)
{
    struct slice text = {NULL, 0};
    if (!node->value)
        return true;
    if (node->value->kind == VALUE_INT && node->value->integer >= 0)
        text = arena_format(node->reading->arena, "%lld", (long long)node->value->integer);
    else if (!project_node_text(node, &text, max))
        return false;
    if (!is_plain(text, others))
        return project_node_refuse(node, "may hold A-Z, a-z, 0-9 and %s", others);
    *out = text;
    return true;
}

static void read_extensions(struct config_gateway *gateway, const struct project_config *config,
                            const struct project_node *entry)
{
    struct project_node map = project_node_member(entry, "extensions");
    if (!project_node_check_entries(&map, CONFIG_AGENTS_MAX))
        return;
    gateway->extensions =
        arena_array(entry->reading->arena, struct config_extension, project_node_count(&map));
    for (uint32_t i = 0; i < project_node_count(&map); i++) {
        struct project_node item = project_node_entry(&map, i);
        struct slice number = {NULL, 0};
        int agent = config_find_agent(config, item.name);
        if (agent < 0)
            project_node_refuse(&item, "there is no agent \"%.*s\"", fault_quote(item.name), item.name.ptr);
        else if (!item.value)
            project_node_refuse(&item, "an extension is missing");
        else if (read_plain(&item, &number, NUMBER_MAX, "*#+._-"))
            gateway->extensions[gateway->extension_count++] =
                (struct config_extension){.agent = (uint32_t)agent, .number = number};
    }
}

static void read_contexts(struct config_gateway *gateway, const struct project_node *entry)
{
    struct project_node list = project_node_member(entry, "contexts");
    if (!project_node_check_list(&list) || !project_node_check_count(&list, CONFIG_GATEWAY_CONTEXTS_MAX))
        return;
    gateway->contexts = arena_array(entry->reading->arena, struct slice, project_node_count(&list));
    for (uint32_t i = 0; i < project_node_count(&list); i++) {
        struct project_node item = project_node_item(&list, i);
        struct slice *context = &gateway->contexts[gateway->context_count];
        if (!item.value)
            project_node_refuse(&item, "a context is missing");
        else if (read_plain(&item, context, CONTEXT_MAX, "._-"))
            gateway->context_count++;
    }
}

static void read_redirect(struct config_gateway *gateway, const struct project_node *entry)
{
    static const char *const keys[] = {"context", NULL};
    struct project_node redirect = project_node_member(entry, "redirect");
    if (!redirect.value || !project_node_check_map(&redirect, keys))
        return;
    struct project_node context = project_node_member(&redirect, "context");
    if (!context.value)
        project_node_refuse(&redirect, "needs the context of the agents' extensions");
    else if (read_plain(&context, &gateway->redirect, CONTEXT_MAX, "._-") && !gateway->extension_count)
        project_node_refuse(&redirect, "needs extensions: where the agents are reached");
}

static void read_blocked(struct config_gateway *gateway, const struct project_node *entry)
{
    static const char *const choices[] = {"leave", "hangup", NULL};
    struct project_node blocked = project_node_member(entry, "blocked");
    int choice = 0;
    project_node_choice(&blocked, &choice, choices);
    gateway->hangs_up_blocked = choice == 1;
}

static void refuse_foreign(const struct project_node *entry, const char *key, bool is_known,
                           enum gateway_protocol protocol)
{
    struct project_node member = project_node_member(entry, key);
    if (member.value && !is_known)
        project_node_refuse(&member, "%s has no such key", gateway_protocol_name(protocol));
}

static void read_login(struct config_gateway *gateway, const struct project_node *entry)
{
    static const char *const logins[] = {"md5", "plain", NULL};
    const struct protocol *protocol = &protocols[gateway->protocol];
    struct project_node user = project_node_member(entry, "user");
    struct project_node secret = project_node_member(entry, "secret_file");
    struct project_node login = project_node_member(entry, "login");
    struct project_node common = project_node_member(entry, "allow_default_secret");
    int choice = 0;
    read_plain(&user, &gateway->user, USER_MAX, "._-@");
    project_node_choice(&login, &choice, logins);
    gateway->plain_login = choice == 1;
    project_node_boolean(&common, &gateway->default_secret);
    if (project_node_text(&secret, &gateway->secret_file, PATH_MAX_BYTES) && gateway->secret_file.len &&
        gateway->secret_file.ptr[0] != '/')
        project_node_refuse(&secret, "must be an absolute path");
    if (protocol->has_user && !user.value)
        project_node_refuse(entry, "needs user");
    if (protocol->needs_secret && !gateway->listens && !secret.value)
        project_node_refuse(entry, "needs secret_file");
}

static void read_gateway(struct config_gateway *gateway, const struct project_config *config,
                         const struct project_node *entry)
{
    static const char *const keys[] = {"kind",     "address",     "listen",   "user",
                                       "login",    "secret_file", "endpoint", "allow_default_secret",
                                       "contexts", "extensions",  "redirect", "blocked",
                                       NULL};
    static const char *const kinds[] = {"asterisk", "freeswitch", "kamailio", NULL};
    *gateway = (struct config_gateway){.name = entry->name, .endpoint = -1};
    project_node_check_name(entry, entry->name);
    if (!entry->value) {
        project_node_refuse(entry, "must be a map");
        return;
    }
    if (!project_node_check_map(entry, keys))
        return;
    struct project_node kind = project_node_member(entry, "kind");
    struct project_node endpoint = project_node_member(entry, "endpoint");
    int choice = 0;
    if (!kind.value)
        project_node_refuse(entry, "needs kind: asterisk, freeswitch or kamailio");
    if (!kind.value || !project_node_choice(&kind, &choice, kinds))
        return;
    gateway->protocol = (enum gateway_protocol)choice;
    const struct protocol *protocol = &protocols[choice];
    refuse_foreign(entry, "user", protocol->has_user, gateway->protocol);
    refuse_foreign(entry, "login", protocol->has_login, gateway->protocol);
    refuse_foreign(entry, "secret_file", protocol->needs_secret, gateway->protocol);
    refuse_foreign(entry, "allow_default_secret", protocol->has_default_secret, gateway->protocol);
    refuse_foreign(entry, "contexts", protocol->has_contexts, gateway->protocol);
    refuse_foreign(entry, "extensions", protocol->has_redirect, gateway->protocol);
    refuse_foreign(entry, "redirect", protocol->has_redirect, gateway->protocol);
    refuse_foreign(entry, "blocked", protocol->has_blocked, gateway->protocol);
    read_place(gateway, entry);
    read_login(gateway, entry);
    project_check_endpoint(&endpoint, config, &gateway->endpoint);
    read_contexts(gateway, entry);
    read_extensions(gateway, config, entry);
    read_redirect(gateway, entry);
    read_blocked(gateway, entry);
}

void project_gateways_read(struct project_config *config, const struct project_node *file)
{
    struct project_node gateways = project_node_member(file, "gateways");
    if (!project_node_check_entries(&gateways, CONFIG_GATEWAYS_MAX))
        return;
    uint32_t count = project_node_count(&gateways);
    config->gateways = arena_array(file->reading->arena, struct config_gateway, count);
    for (uint32_t i = 0; i < count; i++) {
        struct project_node entry = project_node_entry(&gateways, i);
        read_gateway(&config->gateways[config->gateway_count++], config, &entry);
    }
}
