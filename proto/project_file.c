/* The top of the project file and its queues, agents and rules. Every section reads on after a fault, so that
 * one run lists them all; endpoints and what refers across sections come last, in project_check.c. */
#include "proto/project_file.h"

#include <stdlib.h>
#include <string.h>

#include "proto/project_check.h"
#include "proto/project_node.h"

#define SECOND_MS INT64_C(1000)
#define DAY_MS (86400 * SECOND_MS)
#define OFFER_TIMEOUT_MIN_MS 100
#define OFFER_TIMEOUT_MAX_MS (3600 * SECOND_MS)
#define WINDOW_MAX_MS (366 * DAY_MS)
#define CONTACTS_MAX 9
#define PHONE_SLOTS 3
#define MISSES_MAX 1000
#define PRIORITY_MAX 1000000 /* minutes of head start; some two years */
#define TEXT_MAX 256         /* bytes of a display name or a department */

static const char *const roles[] = {"agent", "supervisor", "pool_admin", "admin", NULL};

static void read_contacts(struct project_config *config, const struct project_node *file)
{
    static const struct project_key keys[] = {{"max", false}, {"phone_slots", false}, {NULL, false}};
    struct project_node contacts = project_node_member(file, "contacts");
    if (!project_node_check_map(&contacts, keys))
        return;
    struct project_node max = project_node_member(&contacts, "max");
    struct project_node slots = project_node_member(&contacts, "phone_slots");
    project_node_integer(&max, &config->contacts_max, 1, CONTACTS_MAX);
    config->phone_slots = config->contacts_max < PHONE_SLOTS ? config->contacts_max : PHONE_SLOTS;
    project_node_integer(&slots, &config->phone_slots, 0, config->contacts_max);
}

static void read_create(struct project_config *config, const struct project_node *file)
{
    static const struct project_key keys[] = {
        {"call", false}, {"chat", false}, {"email", false}, {"at", false}, {NULL, false}};
    static const char *const policies[] = {"manual", "auto", NULL};
    static const char *const moments[] = {"accept", "ingest", NULL};
    struct project_node create = project_node_member(file, "create");
    if (!project_node_check_map(&create, keys))
        return;
    for (int i = 0; i < CHANNEL_COUNT; i++) {
        struct project_node policy = project_node_member(&create, channel_name((enum channel)i));
        int choice = config->create_auto[i];
        project_node_choice(&policy, &choice, policies);
        config->create_auto[i] = choice == 1;
    }
    struct project_node at = project_node_member(&create, "at");
    int moment = 0;
    project_node_choice(&at, &moment, moments);
    config->create_at_ingest = moment == 1;
}

static void read_cool_down(struct project_config *config, const struct project_node *file)
{
    struct project_key keys[REJECT_CAUSE_COUNT + 1] = {{NULL, false}};
    for (int i = 0; i < REJECT_CAUSE_COUNT; i++)
        keys[i].name = reject_cause_name((enum reject_cause)i);
    struct project_node map = project_node_member(file, "cool_down");
    if (!project_node_check_map(&map, keys))
        return;
    for (int i = 0; i < REJECT_CAUSE_COUNT; i++) {
        struct project_node cause = project_node_member(&map, keys[i].name);
        project_node_duration(&cause, &config->cool_down_ms[i], 0, DAY_MS);
    }
}

static void read_permissions(struct project_config *config, const struct project_node *file)
{
    static const struct project_key keys[] = {{"block", false}, {NULL, false}};
    struct project_node permissions = project_node_member(file, "permissions");
    if (!project_node_check_map(&permissions, keys))
        return;
    struct project_node block = project_node_member(&permissions, "block");
    if (!project_node_check_list(&block))
        return;
    config->blockers = arena_array(file->arena, struct slice, project_node_count(&block));
    for (uint32_t i = 0; i < project_node_count(&block); i++) {
        struct project_node item = project_node_item(&block, i);
        int role = 0;
        if (!item.value)
            project_node_refuse(&item, "a role is missing");
        else if (project_node_choice(&item, &role, roles))
            config->blockers[config->blocker_count++] = slice_of(roles[role]);
    }
}

static bool check_count(const struct project_node *node, uint32_t max)
{
    return project_node_count(node) <= max || project_node_refuse(node, "more than %u", max);
}

static bool check_entries(const struct project_node *node, uint32_t max)
{
    if (node->value && node->value->kind != VALUE_MAP)
        return project_node_refuse(node, "must be a map");
    return check_count(node, max);
}

static void read_strategy(const struct project_node *node)
{
    static const char *const later[] = {"round_robin", "most_spare", "pack", "most_skilled", "linear"};
    static const char *const now[] = {"longest_idle", NULL};
    int choice = 0;
    for (size_t i = 0; i < sizeof later / sizeof later[0]; i++) {
        if (node->value && node->value->kind == VALUE_STRING && slice_is(node->value->string, later[i])) {
            project_node_refuse(node, "%s is not supported by this version; only longest_idle is", later[i]);
            return;
        }
    }
    project_node_choice(node, &choice, now);
}

/* `target` is what a dashboard compares with; `within` is what the metrics count by. */
static void read_service_level(struct config_queue *queue, const struct project_node *node)
{
    static const struct project_key keys[] = {{"target", false}, {"within", false}, {NULL, false}};
    struct project_node target = project_node_member(node, "target");
    struct project_node within = project_node_member(node, "within");
    int32_t percent = 0;
    if (!node->value || !project_node_check_map(node, keys))
        return;
    project_node_integer(&target, &percent, 1, 100);
    project_node_duration(&within, &queue->service_within_ms, SECOND_MS, DAY_MS);
}

static void read_queues(struct project_config *config, const struct project_node *file)
{
    static const struct project_key keys[] = {
        {"strategy", false}, {"offer_timeout", false}, {"wrap_up", false}, {"service_level", false},
        {"relax", true},     {"when_empty", true},     {"hours", true},    {NULL, false}};
    struct project_node queues = project_node_member(file, "queues");
    if (!check_entries(&queues, CONFIG_QUEUES_MAX))
        return;
    config->queues = arena_array(file->arena, struct config_queue, project_node_count(&queues));
    for (uint32_t i = 0; i < project_node_count(&queues); i++) {
        struct project_node entry = project_node_entry(&queues, i);
        struct config_queue *queue = &config->queues[config->queue_count++];
        *queue = config_queue_default(entry.name);
        project_node_check_name(&entry, entry.name);
        if (slice_is(entry.name, "endpoint"))
            project_node_refuse(&entry, "the name is reserved: in a rule it means the endpoint's queue");
        if (!project_node_check_map(&entry, keys))
            continue;
        struct project_node strategy = project_node_member(&entry, "strategy");
        struct project_node timeout = project_node_member(&entry, "offer_timeout");
        struct project_node wrap_up = project_node_member(&entry, "wrap_up");
        struct project_node service_level = project_node_member(&entry, "service_level");
        read_strategy(&strategy);
        read_service_level(queue, &service_level);
        project_node_duration(&timeout, &queue->offer_timeout_ms, OFFER_TIMEOUT_MIN_MS, OFFER_TIMEOUT_MAX_MS);
        project_node_duration(&wrap_up, &queue->wrap_up_ms, 0, DAY_MS);
    }
}

static void read_agent_queues(struct config_agent *agent, const struct project_config *config,
                              const struct project_node *entry)
{
    struct project_node list = project_node_member(entry, "queues");
    if (!project_node_check_list(&list) || !check_count(&list, CONFIG_QUEUES_MAX))
        return;
    agent->queues = arena_array(entry->arena, uint16_t, project_node_count(&list));
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
    static const struct project_key keys[] = {
        {"call", false}, {"chat", false}, {"email", false}, {NULL, false}};
    struct project_node capacity = project_node_member(entry, "capacity");
    if (!project_node_check_map(&capacity, keys))
        return;
    for (int i = 0; i < CHANNEL_COUNT; i++) {
        struct project_node channel = project_node_member(&capacity, channel_name((enum channel)i));
        project_node_integer(&channel, &agent->capacity[i], 0, CONFIG_CAPACITY_MAX);
    }
}

static void read_agent(struct config_agent *agent, const struct project_config *config,
                       const struct project_node *entry)
{
    static const struct project_key keys[] = {{"name", false},  {"queues", false},     {"capacity", false},
                                              {"role", false},  {"department", false}, {"reports_to", false},
                                              {"skills", true}, {NULL, false}};
    *agent = (struct config_agent){
        .name = entry->name, .display_name = entry->name, .role = SLICE("agent"), .capacity = {1, 3, 10}};
    project_node_check_name(entry, entry->name);
    if (!project_node_check_map(entry, keys))
        return;
    struct project_node name = project_node_member(entry, "name");
    struct project_node department = project_node_member(entry, "department");
    struct project_node reports_to = project_node_member(entry, "reports_to");
    struct project_node role = project_node_member(entry, "role");
    int choice = 0;
    project_node_text(&name, &agent->display_name, TEXT_MAX);
    project_node_text(&department, &agent->department, TEXT_MAX);
    project_node_name(&reports_to, &agent->reports_to);
    project_node_choice(&role, &choice, roles);
    agent->role = slice_of(roles[choice]);
    read_agent_queues(agent, config, entry);
    read_capacity(agent, entry);
}

static int compare_agents(const void *a, const void *b)
{
    return slice_compare(((const struct config_agent *)a)->name, ((const struct config_agent *)b)->name);
}

static void read_agents(struct project_config *config, const struct project_node *file)
{
    struct project_node agents = project_node_member(file, "agents");
    if (!check_entries(&agents, CONFIG_AGENTS_MAX))
        return;
    config->agents = arena_array(file->arena, struct config_agent, project_node_count(&agents));
    for (uint32_t i = 0; i < project_node_count(&agents); i++) {
        struct project_node entry = project_node_entry(&agents, i);
        read_agent(&config->agents[config->agent_count++], config, &entry);
    }
    qsort(config->agents, config->agent_count, sizeof *config->agents, compare_agents);
    project_check_superiors(config, &agents);
}

static bool is_true(const struct value *when)
{
    return when->kind == VALUE_STRING ? slice_is(when->string, "true")
                                      : when->kind == VALUE_BOOL && when->boolean;
}

static void read_rule(struct project_config *config, const struct project_node *item)
{
    static const struct project_key keys[] = {{"name", false},     {"when", false},  {"queue", false},
                                              {"priority", false}, {"skills", true}, {NULL, false}};
    struct config_rule *rule = &config->rules[config->rule_count];
    *rule = (struct config_rule){.queue = CONFIG_QUEUE_OF_ENDPOINT};
    if (!item->value) {
        project_node_refuse(item, "must be a map");
        return;
    }
    if (!project_node_check_map(item, keys))
        return;
    struct project_node name = project_node_member(item, "name");
    struct project_node when = project_node_member(item, "when");
    struct project_node queue = project_node_member(item, "queue");
    struct project_node priority = project_node_member(item, "priority");
    if (!name.value)
        project_node_refuse(&name, "is required");
    project_node_name(&name, &rule->name);
    for (uint32_t i = 0; i < config->rule_count && rule->name.len; i++) {
        if (slice_equal(config->rules[i].name, rule->name))
            project_node_refuse(&name, "another rule has this name");
    }
    if (!when.value)
        project_node_refuse(&when, "is required");
    else if (!is_true(when.value))
        project_node_refuse(&when, "only \"true\" is supported by this version");
    if (!queue.value || queue.value->kind != VALUE_STRING || !slice_is(queue.value->string, "endpoint"))
        project_check_queue(&queue, config, &rule->queue);
    project_node_integer(&priority, &rule->priority, -PRIORITY_MAX, PRIORITY_MAX);
    config->rule_count++;
}

static void read_rules(struct project_config *config, const struct project_node *file)
{
    struct project_node rules = project_node_member(file, "rules");
    if (!project_node_check_list(&rules) || !check_count(&rules, CONFIG_RULES_MAX))
        return;
    uint32_t count = project_node_count(&rules);
    config->rules = arena_array(file->arena, struct config_rule, count ? count : 1);
    if (!rules.value) {
        config->rules[config->rule_count++] =
            (struct config_rule){.name = SLICE("rest"), .queue = CONFIG_QUEUE_OF_ENDPOINT};
        return;
    }
    if (!count)
        project_node_refuse(&rules,
                            "the last rule must always match, so there must be one (or leave rules out)");
    bool closed = false;
    for (uint32_t i = 0; i < count; i++) {
        struct project_node item = project_node_item(&rules, i);
        const struct value *when = value_member(item.value, "when");
        if (closed)
            project_node_refuse(&item, "cannot be reached: a rule before it always matches");
        closed = closed || (when && is_true(when));
        read_rule(config, &item);
    }
}

static void read_file(struct project_config *config, const struct project_node *file)
{
    static const struct project_key keys[] = {
        {"project", false},     {"region", false}, {"contacts", false}, {"create", false},
        {"endpoints", false},   {"queues", false}, {"agents", false},   {"rules", false},
        {"cool_down", false},   {"misses", false}, {"grace", false},    {"window", false},
        {"permissions", false}, {"hours", true},   {"prefer", true},    {NULL, false}};
    if (!file->value || !project_node_check_map(file, keys)) {
        if (!file->value)
            project_node_refuse(file, "the file must hold a map");
        return;
    }
    struct project_node project = project_node_member(file, "project");
    struct project_node region = project_node_member(file, "region");
    struct project_node misses = project_node_member(file, "misses");
    struct project_node grace = project_node_member(file, "grace");
    struct project_node window = project_node_member(file, "window");
    if (!project.value)
        project_node_refuse(&project, "is required");
    project_node_name(&project, &config->project);
    project_check_region(&region, &config->region);
    project_node_integer(&misses, &config->misses, 1, MISSES_MAX);
    project_node_duration(&grace, &config->grace_ms, 0, DAY_MS);
    project_node_duration(&window, &config->window_ms, SECOND_MS, WINDOW_MAX_MS);
    read_contacts(config, file);
    read_create(config, file);
    read_cool_down(config, file);
    read_permissions(config, file);
    read_queues(config, file);
    read_agents(config, file);
    project_check_endpoints(config, file);
    read_rules(config, file);
}

/* Few and nearly sorted; the order of equal lines stays. */
static void sort_by_line(struct project_faults *faults)
{
    for (uint32_t i = 1; i < faults->count; i++) {
        struct fault fault = faults->items[i];
        uint32_t at = i;
        for (; at && faults->items[at - 1].line > fault.line; at--)
            faults->items[at] = faults->items[at - 1];
        faults->items[at] = fault;
    }
}

bool project_file_read(struct project_config *out, struct slice text, struct arena *arena,
                       struct project_faults *faults)
{
    struct value tree;
    faults->count = 0;
    if (!yaml_read(&tree, text, arena, &faults->items[0])) {
        faults->count = 1;
        return false;
    }
    *out = (struct project_config){
        .region = SLICE("ZZ"),
        .contacts_max = CONTACTS_MAX,
        .phone_slots = PHONE_SLOTS,
        .create_auto = {[CHANNEL_CALL] = true, [CHANNEL_EMAIL] = true},
        .cool_down_ms = {10 * SECOND_MS, 30 * SECOND_MS, 10 * SECOND_MS, 60 * SECOND_MS},
        .misses = 3,
        .grace_ms = 60 * SECOND_MS,
        .window_ms = 7 * DAY_MS,
    };
    struct project_node file = {
        .value = tree.kind == VALUE_NULL ? NULL : &tree, .line = tree.line, .faults = faults, .arena = arena};
    read_file(out, &file);
    sort_by_line(faults);
    return faults->count == 0;
}
