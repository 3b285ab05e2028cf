#include "proto/project_condition.h"

#include "proto/fault.h"
#include "proto/regex.h"
#include "rules/cel_text.h"
#include "rules/rule_env.h"

void project_conditions_init(struct project_conditions *conditions, const char *noun, uint32_t count,
                             struct arena *arena)
{
    *conditions = (struct project_conditions){.noun = noun,
                                              .names = arena_array(arena, struct slice, count),
                                              .texts = arena_array(arena, struct slice, count),
                                              .lines = arena_array(arena, uint32_t, count),
                                              .always = -1};
}

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

static void check_twin(const struct project_conditions *conditions, const struct project_node *item)
{
    uint32_t index = item->index;
    for (uint32_t i = 0; i < index && conditions->texts[index].len; i++) {
        if (!slice_equal(conditions->texts[i], conditions->texts[index]))
            continue;
        project_node_refuse(item, "cannot be reached: %s \"%.*s\" (line %u) has the same condition",
                            conditions->noun, fault_quote(conditions->names[i]), conditions->names[i].ptr,
                            conditions->lines[i]);
        return;
    }
}

static void read_when(struct project_conditions *conditions, struct cel_program **program,
                      const struct project_node *item, const struct project_node *when)
{
    if (!when->value) {
        project_node_refuse(when, "is required");
        return;
    }
    bool is_flag = when->value->kind == VALUE_BOOL;
    if (!is_flag && when->value->kind != VALUE_STRING) {
        project_node_refuse(when, "must be an expression, in quotes");
        return;
    }
    if (!is_flag && !(*program = compile(when)))
        return;
    int result = is_flag ? when->value->boolean : settle(*program, item->reading->arena);
    conditions->is_sound = true;
    if (result == 0) {
        project_node_refuse(when, "can never be true: the %s never matches", conditions->noun);
    } else if (result == 1) {
        cel_close(program);
        conditions->always = conditions->always < 0 ? (int)item->index : conditions->always;
    } else {
        conditions->texts[item->index] = cel_canonical(when->value->string, item->reading->arena);
        check_twin(conditions, item);
    }
}

static void read_name(const struct project_conditions *conditions, const struct project_node *item,
                      const struct project_node *name, struct slice *out)
{
    if (!name->value)
        project_node_refuse(name, "is required");
    if (!project_node_name(name, out))
        return;
    for (uint32_t i = 0; i < item->index && out->len; i++) {
        if (slice_equal(conditions->names[i], *out))
            project_node_refuse(name, "another %s has this name", conditions->noun);
    }
    conditions->names[item->index] = *out;
}

void project_condition_read(struct project_conditions *conditions, const struct project_node *item,
                            struct slice *name, struct cel_program **when)
{
    struct project_node name_node = project_node_member(item, "name");
    struct project_node when_node = project_node_member(item, "when");
    conditions->is_sound = false;
    conditions->lines[item->index] = item->line;
    if (conditions->always >= 0) {
        uint32_t all = (uint32_t)conditions->always;
        project_node_refuse(item, "cannot be reached: %s \"%.*s\" (line %u) before it always matches",
                            conditions->noun, fault_quote(conditions->names[all]), conditions->names[all].ptr,
                            conditions->lines[all]);
    }
    read_name(conditions, item, &name_node, name);
    read_when(conditions, when, item, &when_node);
}
