#include "rules/sim/sim_rule.h"

#include <string.h>

struct subject {
    const struct sim *sim;
    const struct input *input;
    enum channel channel;
    const struct customer_fact *customer; /* NULL: not known */
};

static bool is_call(const struct subject *subject)
{
    return subject->channel == CHANNEL_CALL;
}

static bool is_vip(const struct subject *subject)
{
    return subject->customer && subject->customer->tag_count;
}

static bool starts_4940(const struct subject *subject)
{
    struct slice key = subject->input->phone.key;
    return key.len >= 5 && memcmp(key.ptr, "+4940", 5) == 0;
}

static bool is_to_one(const struct subject *subject)
{
    struct slice to = subject->input->recipient_key;
    return slice_is(to, "q1@x.example") || slice_is(to, "web1");
}

static bool is_never(const struct subject *subject)
{
    (void)subject;
    return false; /* of what has just arrived */
}

static int queue_named(const struct subject *subject, const char *name)
{
    return config_find_queue(subject->sim->core.config, slice_of(name));
}

/* Of those that anybody could be offered. */
static int64_t waiting_in(const struct subject *subject, int queue)
{
    const struct core *core = &subject->sim->core;
    int64_t count = 0;
    for (const struct rank_node *node = rank_first(&core->open); node; node = rank_next(node)) {
        const struct interaction_data *data = &((const struct interaction *)node->owner)->data;
        count += data->state == INTERACTION_QUEUED && data->queue == queue && data->held_until == TIME_NEVER;
    }
    return count;
}

static bool has_support_waiting(const struct subject *subject)
{
    int queue = queue_named(subject, "support");
    return queue >= 0 && waiting_in(subject, queue) > 2;
}

static bool is_known(const struct subject *subject)
{
    return subject->customer;
}

static bool is_gold(const struct subject *subject)
{
    const struct value *level = value_member(&subject->input->event->attributes, "level");
    return level && slice_is(level->string, "gold");
}

static bool is_from_b(const struct subject *subject)
{
    struct slice key = subject->input->email.key;
    return key.len >= 10 && memcmp(key.ptr + key.len - 10, "@b.example", 10) == 0;
}

static bool is_member(const struct core *core, const struct agent *agent, int queue)
{
    const struct config_agent *config = &core->config->agents[agent->config];
    for (uint32_t i = 0; i < config->queue_count; i++) {
        if (config->queues[i] == queue)
            return true;
    }
    return false;
}

static bool is_nobody_in_sales(const struct subject *subject)
{
    const struct core *core = &subject->sim->core;
    int sales = queue_named(subject, "sales");
    uint32_t available = 0;
    for (uint32_t i = 0; sales >= 0 && i < core->agent_count; i++) {
        const struct agent *agent = &core->agents[i];
        available +=
            agent->config >= 0 && agent->data.state == AGENT_AVAILABLE && is_member(core, agent, sales);
    }
    return sales >= 0 && available == 0;
}

static const struct {
    const char *text;
    bool (*holds)(const struct subject *subject);
} conditions[SIM_CONDITIONS] = {
    {"channel == 'call'", is_call},
    {"'vip' in customer.tags", is_vip},
    {"has(from.phone) && from.phone.startsWith('+4940')", starts_4940},
    {"to == 'q1@x.example' || to == 'web1'", is_to_one},
    {"interaction.attempts > 1", is_never},
    {"queues['support'].waiting > 2", has_support_waiting},
    {"customer.known", is_known},
    {"event.attributes.level == 'gold'", is_gold}, /* without it an error, which is no match */
    {"interaction.age > duration('30s')", is_never},
    {"from.email.endsWith('@b.example')", is_from_b},
    {"queues['sales'].available == 0", is_nobody_in_sales},
};

const char *sim_condition(uint32_t condition)
{
    return conditions[condition].text;
}

/* The one who has both keys, or the only one. */
static const struct customer_fact *certain_customer(const struct facts *facts)
{
    const struct customer_fact *both = NULL;
    uint32_t count = 0;
    if (facts->candidate_count == 1)
        return facts->candidates;
    for (uint32_t i = 0; i < facts->candidate_count; i++) {
        if (facts->candidates[i].by_phone && facts->candidates[i].by_email) {
            both = &facts->candidates[i];
            count++;
        }
    }
    return count == 1 ? both : NULL;
}

int sim_expected_rule(const struct sim *sim, const struct input *input)
{
    const struct project_config *config = sim->core.config;
    struct subject subject = {.sim = sim, .input = input};
    if (input->kind != INPUT_EVENT || input->event->outbound)
        return -1;
    subject.channel = event_type_channel(input->event->type);
    if (input->phone.key.len || input->email.key.len)
        subject.customer = certain_customer(&input->facts);
    for (int i = 0; i < (int)config->rule_count; i++) {
        if (!config->rules[i].when || conditions[config->rules[i].line].holds(&subject))
            return i;
    }
    return -1;
}
