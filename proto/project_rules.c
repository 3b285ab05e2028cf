#include "proto/fault.h"
#include "proto/project_check.h"
#include "proto/project_sections.h"
#include "proto/regex.h"
#include "rules/cel_text.h"
#include "rules/rule_env.h"

#define PRIORITY_MAX 1000000 /* minutes of head start; some two years */

/* What is known of the condition of each rule that is read. */
struct conditions {
    struct slice *texts; /* canonical; empty when it always matches or is wrong */
    int always;          /* the first that always matches, or -1 */
    bool is_sound;       /* nothing is wrong with the last one */
};

static size_t offset_of(struct slice text, uint32_t line, uint32_t column)
{
    size_t at = 0;
    for (; line > 1 && at < text.len; at++)
        line -= text.ptr[at] == '\n';
    size_t inside = cel_utf8_offset(cel_slice_from(text, at), column - 1);
    return inside == CEL_NOWHERE ? text.len : at + inside;
}

static struct cel_program *compile(const struct project_node *when)
{
    const struct cel_env env = {.variables = rule_env_variables,
                                .variable_count = RULE_VARIABLE_COUNT,
                                .regex = &regex_ops,
                                .zones = &when->reading->zones->ops};
    struct slice text = when->value->string;
    struct cel_error error;
    struct cel_program *program = cel_compile(&env, text, &cel_type_bool, when->reading->arena, &error);
    if (!program)
        project_node_refuse_inside(when, offset_of(text, error.line, error.column), "%s", error.text);
    return program;
}

/* Whatever is not known yet: 1 it matches, 0 it does not, -1 that depends. */
static int settle(const struct cel_program *program, struct arena *arena)
{
    struct cel_value unknown[RULE_VARIABLE_COUNT], result;
    for (int i = 0; i < RULE_VARIABLE_COUNT; i++)
        unknown[i] = cel_absent();
    if (!cel_settled(&result, program, unknown, arena))
        return -1;
    return result.kind == CEL_BOOL && result.boolean;
}

static void check_twin(const struct project_config *config, const struct conditions *conditions,
                       const struct project_node *item)
{
    uint32_t index = item->index;
    for (uint32_t i = 0; i < index && conditions->texts[index].len; i++) {
        if (!slice_equal(conditions->texts[i], conditions->texts[index]))
            continue;
        const struct config_rule *twin = &config->rules[i];
        project_node_refuse(item, "cannot be reached: rule \"%.*s\" (line %u) has the same condition",
                            fault_quote(twin->name), twin->name.ptr, twin->line);
        return;
    }
}

/* Leaves `when` NULL for what always matches. */
static void read_condition(const struct project_config *config, struct conditions *conditions,
                           struct config_rule *rule, const struct project_node *item,
                           const struct project_node *when)
{
    conditions->is_sound = false;
    if (!when->value) {
        project_node_refuse(when, "is required");
        return;
    }
    bool is_flag = when->value->kind == VALUE_BOOL;
    if (!is_flag && when->value->kind != VALUE_STRING) {
        project_node_refuse(when, "must be an expression, in quotes");
        return;
    }
    if (!is_flag && !(rule->when = compile(when)))
        return;
    int result = is_flag ? when->value->boolean : settle(rule->when, item->reading->arena);
    conditions->is_sound = true;
    if (result == 0) {
        project_node_refuse(when, "can never be true: the rule never matches");
    } else if (result == 1) {
        cel_close(&rule->when);
        conditions->always = conditions->always < 0 ? (int)item->index : conditions->always;
    } else {
        conditions->texts[item->index] = cel_canonical(when->value->string, item->reading->arena);
        check_twin(config, conditions, item);
    }
}

static void read_name(const struct project_config *config, struct config_rule *rule,
                      const struct project_node *name)
{
    if (!name->value)
        project_node_refuse(name, "is required");
    if (!project_node_name(name, &rule->name))
        return;
    for (const struct config_rule *other = config->rules; other < rule && rule->name.len; other++) {
        if (slice_equal(other->name, rule->name))
            project_node_refuse(name, "another rule has this name");
    }
}

static void read_rule(struct project_config *config, struct conditions *conditions,
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
    struct project_node name = project_node_member(item, "name");
    struct project_node when = project_node_member(item, "when");
    struct project_node queue = project_node_member(item, "queue");
    struct project_node priority = project_node_member(item, "priority");
    struct project_node skills = project_node_member(item, "skills");
    if (conditions->always >= 0) {
        const struct config_rule *all = &config->rules[conditions->always];
        project_node_refuse(item, "cannot be reached: rule \"%.*s\" (line %u) before it always matches",
                            fault_quote(all->name), all->name.ptr, all->line);
    }
    read_name(config, rule, &name);
    read_condition(config, conditions, rule, item, &when);
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
    struct conditions conditions = {.texts = arena_array(arena, struct slice, count), .always = -1};
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
