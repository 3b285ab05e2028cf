#include "proto/project_check.h"
#include "proto/project_condition.h"
#include "proto/project_sections.h"

#define PRIORITY_MAX 1000000 /* minutes of head start; some two years */

static void read_rule(struct project_config *config, struct project_conditions *conditions,
                      const struct project_node *item)
{
    static const char *const keys[] = {"name", "when", "queue", "priority", "skills", NULL};
    struct config_rule *rule = &config->rules[config->rule_count++];
    *rule = (struct config_rule){.queue = CONFIG_QUEUE_OF_ENDPOINT, .line = item->line};
    conditions->is_sound = false;
    if (!item->value) {
        project_node_refuse(item, "must be a map");
        return;
    }
    if (!project_node_check_map(item, keys))
        return;
    struct project_node queue = project_node_member(item, "queue");
    struct project_node priority = project_node_member(item, "priority");
    struct project_node skills = project_node_member(item, "skills");
    project_condition_read(conditions, item, &rule->name, &rule->when);
    if (!queue.value || queue.value->kind != VALUE_STRING || !slice_is(queue.value->string, "endpoint"))
        project_check_queue(&queue, config, &rule->queue);
    project_node_integer(&priority, &rule->priority, -PRIORITY_MAX, PRIORITY_MAX);
    project_skills_read(config, &skills, &rule->skills);
}

void project_rules_read(struct project_config *config, const struct project_node *file)
{
    struct project_node rules = project_node_member(file, "rules");
    struct arena *arena = file->reading->arena;
    if (!project_node_check_list(&rules) || !project_node_check_count(&rules, CONFIG_RULES_MAX))
        return;
    uint32_t count = project_node_count(&rules);
    struct project_conditions conditions;
    project_conditions_init(&conditions, "rule", count, arena);
    config->rules = arena_array(arena, struct config_rule, count ? count : 1);
    if (!rules.value) {
        config->rules[config->rule_count++] =
            (struct config_rule){.name = SLICE("rest"), .queue = CONFIG_QUEUE_OF_ENDPOINT};
        return;
    }
    if (!count)
        project_node_refuse(&rules,
                            "the last rule must always match, so there must be one (or leave rules out)");
    for (uint32_t i = 0; i < count; i++) {
        struct project_node item = project_node_item(&rules, i);
        read_rule(config, &conditions, &item);
        if (i + 1 == count && conditions.is_sound && conditions.always < 0) {
            struct project_node when = project_node_member(&item, "when");
            project_node_refuse(&when, "the last rule must always match: when: \"true\"");
        }
    }
}
