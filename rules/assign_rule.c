#include "rules/assign_rule.h"

#include "rules/rule_env.h"

bool assign_may_read(uint32_t variable)
{
    switch ((enum rule_variable)variable) {
    case RULE_CUSTOMER_KNOWN:
    case RULE_CUSTOMER_TAGS:
    case RULE_CUSTOMER_STAGE:
    case RULE_CUSTOMER_OWNER:
    case RULE_CUSTOMER_SOURCE:
    case RULE_CUSTOMER_FIELDS:
    case RULE_NOW:
        return true;
    default:
        return false;
    }
}

int assign_match(const struct project_config *config, const struct customer_fact *fact, int64_t now_ms,
                 struct arena *arena)
{
    const struct rule_subject subject = {.config = config, .fact = fact, .now_ms = now_ms};
    struct cel_value values[RULE_VARIABLE_COUNT] = {{.kind = CEL_ABSENT}}, value;
    uint32_t filled = 0;
    for (uint32_t i = 0; i < config->assign_count; i++) {
        const struct cel_program *when = config->assigns[i].when;
        struct cel_error error;
        if (!when)
            return (int)i;
        rule_env_fill(values, &filled, when, &subject, arena);
        if (cel_eval(&value, when, values, CEL_COST_DEFAULT, arena, &error) && value.kind == CEL_BOOL &&
            value.boolean)
            return (int)i;
    }
    return -1;
}
