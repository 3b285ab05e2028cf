#include "rules/whatif.h"

#include "rules/core_state.h"
#include "rules/match.h"

static const struct rule_queue *queues_by_name(const struct core *core, int64_t at_ms,
                                               const struct project_config *other, struct arena *arena)
{
    struct rule_queue *known = rules_queues(core, at_ms, arena);
    struct rule_queue *queues = arena_array(arena, struct rule_queue, other->queue_count);
    for (uint32_t q = 0; q < other->queue_count; q++) {
        int here = config_find_queue(core->config, other->queues[q].name);
        if (here >= 0)
            queues[q] = known[here];
    }
    return queues;
}

static bool matches(const struct config_rule *rule, struct cel_value *values, uint32_t *filled,
                    const struct rule_subject *subject, struct arena *arena)
{
    struct cel_value value;
    struct cel_error error;
    if (!rule->when)
        return true;
    rule_env_fill(values, filled, rule->when, subject, arena);
    return cel_eval(&value, rule->when, values, CEL_COST_DEFAULT, arena, &error) && value.kind == CEL_BOOL &&
           value.boolean;
}

static int queue_of(const struct project_config *config, int rule, const struct input *input)
{
    if (config->rules[rule].queue != CONFIG_QUEUE_OF_ENDPOINT)
        return config->rules[rule].queue;
    const struct config_endpoint *endpoint =
        config_find_endpoint(config, event_type_channel(input->event->type), input->recipient_key);
    return endpoint ? endpoint->queue : -1;
}

struct whatif whatif_arrival(const struct core *core, const struct input *input,
                             const struct project_config *other, struct arena *arena)
{
    static const struct customer_fact nobody;
    struct match_policy policy = {.creates = false};
    struct match match =
        match_identity(&input->facts, input->phone.key.len || input->email.key.len, false, &policy);
    struct party_texts texts = {.recipient = input->recipient_key,
                                .phone_key = input->phone.key,
                                .email_key = input->email.key,
                                .region = input->phone.region};
    struct rule_subject subject = {.config = other,
                                   .channel = event_type_channel(input->event->type),
                                   .texts = &texts,
                                   .attributes = &input->event->attributes,
                                   .fact = match.customer < 0 ? &nobody
                                                              : &input->facts.candidates[match.customer],
                                   .now_ms = input->at_ms,
                                   .queues = queues_by_name(core, input->at_ms, other, arena)};
    struct cel_value values[RULE_VARIABLE_COUNT] = {{.kind = CEL_ABSENT}};
    uint32_t filled = 0;
    int rule = 0;
    while (rule < (int)other->rule_count - 1 &&
           !matches(&other->rules[rule], values, &filled, &subject, arena))
        rule++;
    return (struct whatif){.rule = rule, .queue = queue_of(other, rule, input)};
}
