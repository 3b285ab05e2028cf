/* `hooks: {NAME: {preset, endpoint, secret_files, ...}}`: what may come in by webhooks (proto/hook.h). */
#include "proto/project_sections.h"

#include "proto/fault.h"
#include "proto/hook_generic.h"
#include "proto/project_check.h"
#include "rules/ascii.h"

#define PATH_BYTES_MAX 1024
#define DEFAULT_HEADER "x-patchbay-signature"
#define DEFAULT_PREFIX "sha256="

/* --- the mapping of the preset generic --- */

static bool check_pointer(const struct project_node *node, struct slice pointer)
{
    for (size_t i = 0; i < pointer.len; i++) {
        bool is_escaped = i + 1 < pointer.len && (pointer.ptr[i + 1] == '0' || pointer.ptr[i + 1] == '1');
        if (pointer.ptr[i] == '~' && !is_escaped)
            return project_node_refuse_inside(node, i, "~ in a JSON Pointer must be ~0 or ~1");
    }
    return pointer.len > 0;
}

static bool read_place(const struct project_node *node, struct hook_place *out)
{
    if (!node->value)
        return true;
    if (!project_node_text(node, &out->text, HOOK_PLACE_MAX))
        return false;
    if (out->text.len && out->text.ptr[0] == '=')
        return true;
    if (!out->text.len || out->text.ptr[0] != '/')
        return project_node_refuse(node, "must be a JSON Pointer such as /a/b, or a constant such as =text");
    return check_pointer(node, out->text);
}

static bool read_pointer(const struct project_node *node, struct slice *out)
{
    if (!node->value)
        return true;
    if (!project_node_text(node, out, HOOK_PLACE_MAX))
        return false;
    if (!out->len || out->ptr[0] != '/')
        return project_node_refuse(node, "must be a JSON Pointer such as /a/b");
    return check_pointer(node, *out);
}

/* YAML's own words for numbers and switches are text here. */
static struct slice scalar_text(const struct project_node *node)
{
    return node->value ? hook_value_text(node->value, node->reading->arena) : (struct slice){NULL, 0};
}

static void read_conditions(struct hook_rule *rule, const struct project_node *item)
{
    struct project_node when = project_node_member(item, "when");
    if (!when.value || !project_node_check_entries(&when, HOOK_CONDITIONS_MAX))
        return;
    rule->conditions = arena_array(item->reading->arena, struct hook_condition, project_node_count(&when));
    for (uint32_t i = 0; i < project_node_count(&when); i++) {
        struct project_node entry = project_node_entry(&when, i);
        struct slice equals = scalar_text(&entry);
        if (!entry.name.len || entry.name.ptr[0] != '/')
            project_node_refuse(&entry, "the key must be a JSON Pointer such as /a/b");
        else if (!equals.ptr)
            project_node_refuse(&entry, "must be text, a number, true or false");
        else
            rule->conditions[rule->condition_count++] = (struct hook_condition){entry.name, equals};
    }
}

static void read_attributes(struct hook_rule *rule, const struct project_node *item)
{
    struct project_node map = project_node_member(item, "attributes");
    if (!map.value || !project_node_check_entries(&map, HOOK_ATTRIBUTES_MAX))
        return;
    rule->attributes = arena_array(item->reading->arena, struct hook_attribute, project_node_count(&map));
    for (uint32_t i = 0; i < project_node_count(&map); i++) {
        struct project_node entry = project_node_entry(&map, i);
        struct hook_attribute *attribute = &rule->attributes[rule->attribute_count];
        attribute->name = entry.name;
        if (!entry.value)
            project_node_refuse(&entry, "needs a place");
        else if (read_place(&entry, &attribute->place))
            rule->attribute_count++;
    }
}

static bool read_type(struct hook_rule *rule, const struct project_node *item)
{
    const char *types[EVENT_TYPE_COUNT + 1] = {NULL};
    struct project_node event = project_node_member(item, "event");
    int choice = 0;
    for (int i = 0; i < EVENT_TYPE_COUNT; i++)
        types[i] = event_type_name((enum event_type)i);
    if (!event.value)
        return project_node_refuse(&event, "is required");
    bool ok = project_node_choice(&event, &choice, types);
    rule->type = (enum event_type)choice;
    return ok;
}

static void read_from(struct hook_rule *rule, const struct project_node *item)
{
    static const char *const keys[] = {"phone", "email", "id", "name", NULL};
    struct project_node from = project_node_member(item, "from");
    if (!from.value || !project_node_check_map(&from, keys))
        return;
    for (int i = 0; keys[i]; i++) {
        struct project_node member = project_node_member(&from, keys[i]);
        read_place(&member, &rule->parts[HOOK_FROM_PHONE + i]);
    }
}

static void read_rule(struct hook_rule *rule, const struct project_node *item)
{
    static const char *const keys[] = {"when", "event", "id",    "subject", "time",      "from",       "to",
                                       "text", "title", "cause", "agent",   "direction", "attributes", NULL};
    static const struct {
        const char *name;
        enum hook_part part;
        bool is_required;
    } parts[] = {
        {"id", HOOK_ID, true},        {"subject", HOOK_SUBJECT, true}, {"time", HOOK_TIME, false},
        {"to", HOOK_TO, false},       {"text", HOOK_TEXT, false},      {"title", HOOK_TITLE, false},
        {"cause", HOOK_CAUSE, false}, {"agent", HOOK_AGENT, false},    {"direction", HOOK_DIRECTION, false}};
    if (!item->value) {
        project_node_refuse(item, "must be a map");
        return;
    }
    if (!project_node_check_map(item, keys) || !read_type(rule, item))
        return;
    read_conditions(rule, item);
    read_attributes(rule, item);
    read_from(rule, item);
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        struct project_node member = project_node_member(item, parts[i].name);
        if (!member.value && parts[i].is_required)
            project_node_refuse(&member, "is required");
        read_place(&member, &rule->parts[parts[i].part]);
    }
    bool has_from = rule->parts[HOOK_FROM_PHONE].text.len || rule->parts[HOOK_FROM_EMAIL].text.len ||
                    rule->parts[HOOK_FROM_ID].text.len;
    bool is_beginning = rule->type == EVENT_CALL_RINGING || rule->type == EVENT_CHAT_MESSAGE ||
                        rule->type == EVENT_EMAIL_RECEIVED;
    if (is_beginning && !has_from)
        project_node_refuse(item, "%s needs phone, email or id in from", event_type_name(rule->type));
}

static void read_signature(struct hook_mapping *mapping, const struct project_node *hook)
{
    static const char *const keys[] = {"header", "prefix", "algorithm", "encoding", NULL};
    static const char *const hashes[] = {"sha1", "sha256", NULL};
    static const char *const codings[] = {"hex", "base64", NULL};
    struct project_node signature = project_node_member(hook, "signature");
    int hash = HOOK_SHA256, coding = HOOK_HEX;
    mapping->header = SLICE(DEFAULT_HEADER);
    mapping->prefix = SLICE(DEFAULT_PREFIX);
    if (signature.value && project_node_check_map(&signature, keys)) {
        struct project_node header = project_node_member(&signature, "header");
        struct project_node prefix = project_node_member(&signature, "prefix");
        struct project_node algorithm = project_node_member(&signature, "algorithm");
        struct project_node encoding = project_node_member(&signature, "encoding");
        mapping->prefix = (struct slice){NULL, 0};
        project_node_text(&header, &mapping->header, HOOK_PLACE_MAX);
        project_node_text(&prefix, &mapping->prefix, HOOK_PLACE_MAX);
        project_node_choice(&algorithm, &hash, hashes);
        project_node_choice(&encoding, &coding, codings);
    }
    char *lower = arena_string(hook->reading->arena, mapping->header);
    for (size_t i = 0; i < mapping->header.len; i++)
        lower[i] = ascii_lower(lower[i]);
    mapping->header.ptr = lower;
    mapping->hash = (enum hook_hash)hash;
    mapping->coding = (enum hook_coding)coding;
}

static struct hook_mapping *read_mapping(const struct project_node *hook)
{
    struct hook_mapping *mapping = arena_new(hook->reading->arena, struct hook_mapping);
    struct project_node each = project_node_member(hook, "each"), map = project_node_member(hook, "map");
    read_signature(mapping, hook);
    read_pointer(&each, &mapping->each);
    if (!map.value) {
        project_node_refuse(&map, "is required: where in the peer's document events stand");
        return mapping;
    }
    if (!project_node_check_list(&map) || !project_node_check_count(&map, HOOK_RULES_MAX))
        return mapping;
    mapping->rules = arena_array(hook->reading->arena, struct hook_rule, project_node_count(&map));
    for (uint32_t i = 0; i < project_node_count(&map); i++) {
        struct project_node item = project_node_item(&map, i);
        read_rule(&mapping->rules[mapping->rule_count++], &item);
    }
    return mapping;
}

/* --- hooks --- */

static void read_endpoint(struct config_hook *hook, const struct project_config *config,
                          const struct project_node *node)
{
    struct project_node endpoint = project_node_member(node, "endpoint");
    int index = -1;
    if (project_check_endpoint(&endpoint, config, &index) && index >= 0)
        hook->endpoint = config->endpoints[index].address;
}

static void read_secrets(struct config_hook *hook, const struct project_node *node)
{
    struct project_node files = project_node_member(node, "secret_files");
    if (!files.value || !project_node_check_list(&files) ||
        !project_node_check_count(&files, CONFIG_HOOK_SECRETS_MAX))
        return;
    for (uint32_t i = 0; i < project_node_count(&files); i++) {
        struct project_node item = project_node_item(&files, i);
        struct slice path = {NULL, 0};
        if (!item.value)
            project_node_refuse(&item, "a path is missing");
        else if (project_node_text(&item, &path, PATH_BYTES_MAX)) {
            if (!path.len || path.ptr[0] != '/')
                project_node_refuse(&item, "must be an absolute path");
            hook->secret_files[hook->secret_count++] = path;
        }
    }
}

/* --- the answer of the preset twilio --- */

static bool is_web_address(struct slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] <= ' ' || text.ptr[i] > '~')
            return false;
    }
    return ascii_begins(text, "https://") || ascii_begins(text, "http://");
}

static struct hook_voice *read_voice(const struct project_node *node)
{
    struct hook_voice *voice = arena_new(node->reading->arena, struct hook_voice);
    struct project_node redirect = project_node_member(node, "redirect");
    struct project_node enqueue = project_node_member(node, "enqueue");
    struct project_node pause = project_node_member(node, "pause"), busy = project_node_member(node, "busy");
    int64_t pause_ms = 0;
    if (project_node_text(&redirect, &voice->redirect, PATH_BYTES_MAX) && redirect.value &&
        !is_web_address(voice->redirect))
        project_node_refuse(&redirect, "must be a URL that begins with https:// or http://");
    project_node_text(&enqueue, &voice->enqueue, CONFIG_NAME_MAX);
    if (project_node_duration(&pause, &pause_ms, 1000, INT64_C(1000) * HOOK_PAUSE_MAX_S))
        voice->pause_s = (uint32_t)(pause_ms / 1000);
    project_node_boolean(&busy, &voice->is_busy);
    if ((redirect.value != NULL) + (enqueue.value != NULL) + (pause.value != NULL) > 1)
        project_node_refuse(node, "one of redirect, enqueue and pause may be there");
    return voice;
}

static void refuse_others(const struct project_node *node, const char *const *keys, const char *preset)
{
    for (int i = 0; keys[i]; i++) {
        struct project_node member = project_node_member(node, keys[i]);
        if (member.value)
            project_node_refuse(&member, "only the preset %s has it", preset);
    }
}

static void read_hook(struct config_hook *hook, const struct project_config *config,
                      const struct project_node *node)
{
    static const char *const keys[] = {"preset",    "endpoint", "secret_files", "e164",  "each", "map",
                                       "signature", "redirect", "enqueue",      "pause", "busy", NULL};
    static const char *const mapping_keys[] = {"each", "map", "signature", NULL};
    static const char *const voice_keys[] = {"redirect", "enqueue", "pause", "busy", NULL};
    if (!node->value || !project_node_check_map(node, keys)) {
        if (!node->value)
            project_node_refuse(node, "must be a map");
        return;
    }
    struct project_node preset = project_node_member(node, "preset");
    struct project_node e164 = project_node_member(node, "e164");
    struct slice name = {NULL, 0};
    if (!preset.value)
        project_node_refuse(&preset, "is required");
    else if (project_node_text(&preset, &name, CONFIG_NAME_MAX))
        hook->preset = hook_find_preset(name);
    if (name.len && !hook->preset)
        project_node_refuse(&preset, "there is no preset \"%.*s\"", fault_quote(name), name.ptr);
    project_node_boolean(&e164, &hook->is_e164);
    read_endpoint(hook, config, node);
    read_secrets(hook, node);
    if (!hook->preset)
        return;
    if (hook->preset->needs_secret && !hook->secret_count)
        project_node_refuse(node, "%s signs what it sends: secret_files is required", hook->preset->name);
    if (hook->preset->is_mapped)
        hook->mapping = read_mapping(node);
    else
        refuse_others(node, mapping_keys, "generic");
    if (hook->preset->is_voice)
        hook->voice = read_voice(node);
    else
        refuse_others(node, voice_keys, "twilio");
}

void project_hooks_read(struct project_config *config, const struct project_node *file)
{
    struct project_node hooks = project_node_member(file, "hooks");
    if (!hooks.value || !project_node_check_entries(&hooks, CONFIG_HOOKS_MAX))
        return;
    config->hooks = arena_array(file->reading->arena, struct config_hook, project_node_count(&hooks));
    for (uint32_t i = 0; i < project_node_count(&hooks); i++) {
        struct project_node node = project_node_entry(&hooks, i);
        struct config_hook *hook = &config->hooks[config->hook_count];
        if (!project_node_check_name(&node, node.name))
            continue;
        hook->name = node.name;
        config->hook_count++;
        read_hook(hook, config, &node);
    }
}
