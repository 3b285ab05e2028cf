/* The top of the project file; each large section has a file of its own (proto/project_sections.h). */
#include "proto/project_file.h"

#include "proto/json.h"
#include "proto/project_check.h"
#include "proto/project_lint.h"
#include "proto/project_sections.h"

#define WINDOW_MAX_MS (366 * PROJECT_DAY_MS)
#define CONTACTS_MAX 9
#define PHONE_SLOTS 3
#define MISSES_MAX 1000

const char *const project_channels[] = {"call", "chat", "email", NULL};

static void read_contacts(struct project_config *config, const struct project_node *file)
{
    static const char *const keys[] = {"max", "phone_slots", NULL};
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
    static const char *const keys[] = {"call", "chat", "email", "at", "stage", NULL};
    static const char *const policies[] = {"manual", "auto", NULL};
    static const char *const moments[] = {"accept", "ingest", NULL};
    static const char *const stages[] = {"new", "to_be_assigned", NULL};
    struct project_node create = project_node_member(file, "create");
    if (!project_node_check_map(&create, keys))
        return;
    for (int i = 0; i < CHANNEL_COUNT; i++) {
        struct project_node policy = project_node_member(&create, project_channels[i]);
        int choice = config->create_auto[i];
        project_node_choice(&policy, &choice, policies);
        config->create_auto[i] = choice == 1;
    }
    struct project_node at = project_node_member(&create, "at");
    int moment = 0;
    project_node_choice(&at, &moment, moments);
    config->create_at_ingest = moment == 1;
    struct project_node stage = project_node_member(&create, "stage");
    int first = 0;
    project_node_choice(&stage, &first, stages);
    config->create_to_assign = first == 1;
}

static void read_cool_down(struct project_config *config, const struct project_node *file)
{
    const char *keys[REJECT_CAUSE_COUNT + 1] = {NULL};
    for (int i = 0; i < REJECT_CAUSE_COUNT; i++)
        keys[i] = reject_cause_name((enum reject_cause)i);
    struct project_node map = project_node_member(file, "cool_down");
    if (!project_node_check_map(&map, keys))
        return;
    for (int i = 0; i < REJECT_CAUSE_COUNT; i++) {
        struct project_node cause = project_node_member(&map, keys[i]);
        project_node_duration(&cause, &config->cool_down_ms[i], 0, PROJECT_DAY_MS);
    }
}

static void read_permissions(struct project_config *config, const struct project_node *file)
{
    static const char *const keys[] = {"block", NULL};
    struct project_node permissions = project_node_member(file, "permissions");
    if (!project_node_check_map(&permissions, keys))
        return;
    struct project_node block = project_node_member(&permissions, "block");
    if (!project_node_check_list(&block))
        return;
    config->blockers = arena_array(file->reading->arena, struct slice, project_node_count(&block));
    for (uint32_t i = 0; i < project_node_count(&block); i++) {
        struct project_node item = project_node_item(&block, i);
        int role = 0;
        if (!item.value)
            project_node_refuse(&item, "a role is missing");
        else if (project_node_choice(&item, &role, project_roles))
            config->blockers[config->blocker_count++] = slice_of(project_roles[role]);
    }
}

/* Whose work excludes all other. */
static void read_exclusive(struct project_config *config, const struct project_node *file)
{
    struct project_node list = project_node_member(file, "exclusive");
    if (!list.value || !project_node_check_list(&list))
        return;
    for (int i = 0; i < CHANNEL_COUNT; i++)
        config->exclusive[i] = false;
    for (uint32_t i = 0; i < project_node_count(&list); i++) {
        struct project_node item = project_node_item(&list, i);
        int channel = 0;
        if (!item.value)
            project_node_refuse(&item, "a channel is missing");
        else if (project_node_choice(&item, &channel, project_channels))
            config->exclusive[channel] = true;
    }
}

static void read_prefer(struct project_config *config, const struct project_node *file)
{
    static const char *const keys[] = {"owner", "last_agent", "within", NULL};
    struct project_node prefer = project_node_member(file, "prefer");
    if (!project_node_check_map(&prefer, keys))
        return;
    struct project_node owner = project_node_member(&prefer, "owner");
    struct project_node last_agent = project_node_member(&prefer, "last_agent");
    struct project_node within = project_node_member(&prefer, "within");
    project_node_duration(&owner, &config->prefer.owner_ms, PROJECT_TIMEOUT_MIN_MS, PROJECT_TIMEOUT_MAX_MS);
    project_node_duration(&last_agent, &config->prefer.last_agent_ms, PROJECT_TIMEOUT_MIN_MS,
                          PROJECT_TIMEOUT_MAX_MS);
    project_node_duration(&within, &config->prefer.within_ms, PROJECT_SECOND_MS, WINDOW_MAX_MS);
}

static void read_file(struct project_config *config, const struct project_node *file)
{
    static const char *const keys[] = {"project",    "region",
                                       "contacts",   "create",
                                       "endpoints",  "queues",
                                       "hours",      "agents",
                                       "rules",      "cool_down",
                                       "misses",     "grace",
                                       "window",     "permissions",
                                       "prefer",     "exclusive",
                                       "fields",     "scripts",
                                       "datasheets", "tags",
                                       "assign",     "permission_groups",
                                       "gateways",   "hooks",
                                       "mail",       NULL};
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
    project_node_duration(&grace, &config->grace_ms, 0, PROJECT_DAY_MS);
    project_node_duration(&window, &config->window_ms, PROJECT_SECOND_MS, WINDOW_MAX_MS);
    read_contacts(config, file);
    read_create(config, file);
    read_cool_down(config, file);
    read_permissions(config, file);
    read_exclusive(config, file);
    read_prefer(config, file);
    project_queues_name(config, file);
    project_hours_read(config, file);
    project_queues_read(config, file);
    project_agents_read(config, file);
    project_mail_read(config, file);
    project_endpoints_read(config, file);
    project_gateways_read(config, file);
    project_rules_read(config, file);
    project_assign_read(config, file);
    project_groups_check(config, file);
    project_fields_read(config, file);
    project_screen_read(config, file);
    project_tags_read(file);
    project_hooks_read(config, file);
    project_skills_sort(config);
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

static const struct project_config defaults = {
    .region = {"ZZ", 2},
    .contacts_max = CONTACTS_MAX,
    .phone_slots = PHONE_SLOTS,
    .create_auto = {[CHANNEL_CALL] = true, [CHANNEL_EMAIL] = true},
    .cool_down_ms = {10 * PROJECT_SECOND_MS, 30 * PROJECT_SECOND_MS, 10 * PROJECT_SECOND_MS,
                     60 * PROJECT_SECOND_MS},
    .misses = 3,
    .grace_ms = 60 * PROJECT_SECOND_MS,
    .window_ms = 7 * PROJECT_DAY_MS,
    .prefer = {.within_ms = 30 * PROJECT_DAY_MS},
    .exclusive = {[CHANNEL_CALL] = true},
    .mail = {.limits = {.sender = 20,
                        .machine = 10,
                        .thread = 30,
                        .sender_within_ms = 600 * PROJECT_SECOND_MS,
                        .thread_within_ms = 3600 * PROJECT_SECOND_MS},
             .raw_for_ms = 30 * PROJECT_DAY_MS,
             .raw_max = 1 << 20},
};

/* `stored_zones` NULL: as the system has them now, and the linter has a look. */
static bool read(struct project_config *out, struct slice text, const struct value *stored_zones,
                 struct arena *arena, struct project_faults *faults)
{
    struct value tree;
    struct project_reading reading = {
        .source = text, .faults = faults, .zones = zone_set_alloc(arena), .arena = arena};
    faults->count = 0;
    *out = defaults;
    if (!yaml_read(&tree, text, arena, &faults->items[0])) {
        faults->count = 1;
        return false;
    }
    struct project_node file = {
        .value = tree.kind == VALUE_NULL ? NULL : &tree, .line = tree.line, .reading = &reading};
    if (stored_zones && !zone_set_restore(reading.zones, stored_zones))
        project_node_refuse(&file, "the time zones that are stored with it are none");
    else
        read_file(out, &file);
    zone_set_seal(reading.zones);
    out->zones = reading.zones->items;
    out->zone_count = reading.zones->tables.count;
    if (!stored_zones && !faults->count)
        project_lint(out, &file);
    sort_by_line(faults);
    if (faults->count)
        config_close(out);
    return faults->count == 0;
}

bool project_file_read(struct project_config *out, struct slice text, struct arena *arena,
                       struct project_faults *faults)
{
    return read(out, text, NULL, arena, faults);
}

bool project_file_load(struct project_config *out, struct slice text, struct slice zones, struct arena *arena,
                       struct project_faults *faults)
{
    struct value stored;
    if (json_read(&stored, zones, arena, &faults->items[0]))
        return read(out, text, &stored, arena, faults);
    faults->count = 1;
    *out = defaults;
    return false;
}

struct slice project_file_zones(const struct project_config *config, struct arena *arena)
{
    struct value zones = zone_set_value(config->zones, config->zone_count, arena);
    return json_write(&zones, arena);
}
