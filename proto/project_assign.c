/* The sections about people and their customers: `assign` and `permission_groups`. */
#include <stdlib.h>

#include "proto/fault.h"
#include "proto/project_condition.h"
#include "proto/project_sections.h"
#include "rules/assign_rule.h"
#include "rules/rule_env.h"

#define TEXT_MAX 256      /* bytes of a department */
#define POOL_NAME_MAX 200 /* bytes */

static int compare_slices(const void *a, const void *b)
{
    return slice_compare(*(const struct slice *)a, *(const struct slice *)b);
}

/* The departments that agents are of, each once. */
struct departments {
    struct slice *items;
    uint32_t count;
};

static struct departments departments_of(const struct project_config *config, struct arena *arena)
{
    struct departments all = {.items = arena_array(arena, struct slice, config->agent_count)};
    for (uint32_t i = 0; i < config->agent_count; i++) {
        if (config->agents[i].department.len)
            all.items[all.count++] = config->agents[i].department;
    }
    if (all.count)
        qsort(all.items, all.count, sizeof *all.items, compare_slices);
    return all;
}

static bool is_department(const struct departments *all, struct slice name)
{
    return all->count && bsearch(&name, all->items, all->count, sizeof *all->items, compare_slices);
}

/* A list of names that must be there, each once. */
static void read_names(const struct project_config *config, const struct departments *departments,
                       const struct project_node *list, uint32_t max, struct slice **out, uint32_t *count)
{
    if (!project_node_check_list(list) || !project_node_check_count(list, max))
        return;
    struct slice *names = arena_array(list->reading->arena, struct slice, project_node_count(list));
    *out = names;
    for (uint32_t i = 0; i < project_node_count(list); i++) {
        struct project_node item = project_node_item(list, i);
        struct slice name = {NULL, 0};
        bool twice = false;
        if (!item.value) {
            project_node_refuse(&item, "a name is missing");
            continue;
        }
        if (!project_node_text(&item, &name, TEXT_MAX))
            continue;
        for (uint32_t j = 0; j < *count; j++)
            twice = twice || slice_equal(names[j], name);
        if (twice)
            project_node_refuse(&item, "\"%.*s\" is there twice", fault_quote(name), name.ptr);
        else if (departments && !is_department(departments, name))
            project_node_refuse(&item, "no agent is of department \"%.*s\"", fault_quote(name), name.ptr);
        else if (!departments && config_find_agent(config, name) < 0)
            project_node_refuse(&item, "there is no agent \"%.*s\"", fault_quote(name), name.ptr);
        else
            names[(*count)++] = name;
    }
}

/* Something stands there, right or wrong, and it is no empty list. */
static bool is_given(const struct project_node *list)
{
    return list->value && (list->value->kind != VALUE_LIST || list->value->count);
}

/* --- assign --- */

static void check_reads(const struct config_assign *assign, const struct project_node *item)
{
    struct project_node when = project_node_member(item, "when");
    for (uint32_t i = 0; assign->when && i < RULE_VARIABLE_COUNT; i++) {
        if (cel_uses(assign->when, i) && !assign_may_read(i)) {
            project_node_refuse(&when, "\"%.*s\" cannot be read here: only customer and now",
                                (int)rule_env_variables[i].name.len, rule_env_variables[i].name.ptr);
            return;
        }
    }
}

static void read_assign(struct project_config *config, const struct departments *all,
                        struct project_conditions *conditions, const struct project_node *item)
{
    static const char *const keys[] = {"name", "when", "agents", "departments", "pool", NULL};
    struct config_assign *assign = &config->assigns[config->assign_count++];
    *assign = (struct config_assign){.agent_count = 0};
    if (!item->value) {
        project_node_refuse(item, "must be a map");
        return;
    }
    if (!project_node_check_map(item, keys))
        return;
    struct project_node agents = project_node_member(item, "agents");
    struct project_node departments = project_node_member(item, "departments");
    struct project_node pool = project_node_member(item, "pool");
    project_condition_read(conditions, item, &assign->name, &assign->when);
    check_reads(assign, item);
    read_names(config, NULL, &agents, CONFIG_ASSIGN_TARGETS_MAX, &assign->agents, &assign->agent_count);
    read_names(config, all, &departments, CONFIG_ASSIGN_TARGETS_MAX, &assign->departments,
               &assign->department_count);
    project_node_text(&pool, &assign->pool, POOL_NAME_MAX);
    bool to_people = is_given(&agents) || is_given(&departments);
    if (to_people == (pool.value != NULL))
        project_node_refuse(item, "must have either agents or departments, or a pool");
}

void project_assign_read(struct project_config *config, const struct project_node *file)
{
    struct project_node list = project_node_member(file, "assign");
    struct arena *arena = file->reading->arena;
    struct project_conditions conditions;
    if (!project_node_check_list(&list) || !project_node_check_count(&list, CONFIG_ASSIGNS_MAX))
        return;
    uint32_t count = project_node_count(&list);
    struct departments all = departments_of(config, arena);
    project_conditions_init(&conditions, "rule", count, arena);
    config->assigns = arena_array(arena, struct config_assign, count);
    for (uint32_t i = 0; i < count; i++) {
        struct project_node item = project_node_item(&list, i);
        read_assign(config, &all, &conditions, &item);
    }
}

/* --- permission_groups: the database reads them from the tree, here they are only checked --- */

static void check_group(const struct project_config *config, const struct departments *all,
                        const struct project_node *entry)
{
    static const char *const keys[] = {"members", "agents", "departments", NULL};
    struct slice *names;
    uint32_t members = 0, agents = 0, departments = 0;
    project_node_check_name(entry, entry->name);
    if (!project_node_check_map(entry, keys))
        return;
    struct project_node member_list = project_node_member(entry, "members");
    struct project_node agent_list = project_node_member(entry, "agents");
    struct project_node department_list = project_node_member(entry, "departments");
    read_names(config, NULL, &member_list, CONFIG_AGENTS_MAX, &names, &members);
    read_names(config, NULL, &agent_list, CONFIG_AGENTS_MAX, &names, &agents);
    read_names(config, all, &department_list, CONFIG_AGENTS_MAX, &names, &departments);
    if (!is_given(&member_list))
        project_node_refuse(&member_list, "is required: a group without members is nobody's");
    if (!is_given(&agent_list) && !is_given(&department_list))
        project_node_refuse(entry, "must have agents or departments");
}

void project_groups_check(const struct project_config *config, const struct project_node *file)
{
    struct project_node groups = project_node_member(file, "permission_groups");
    if (!project_node_check_entries(&groups, CONFIG_GROUPS_MAX))
        return;
    struct departments all = departments_of(config, file->reading->arena);
    for (uint32_t i = 0; i < project_node_count(&groups); i++) {
        struct project_node entry = project_node_entry(&groups, i);
        check_group(config, &all, &entry);
    }
}
