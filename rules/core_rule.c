/* Which rule is an interaction's: the first whose `when` is true. Asked when it arrives, when it comes back
 * and when the configuration is new, never because time passed. A `when` that cannot be evaluated does not
 * match; the last rule always does. */
#include <assert.h>

#include "rules/core_state.h"

struct rule_queue *rules_queues(const struct core *core, int64_t at_ms, struct arena *arena)
{
    uint32_t count = core->config->queue_count;
    struct rule_queue *queues = arena_array(arena, struct rule_queue, count);
    for (uint32_t q = 0; q < count; q++) {
        int64_t oldest = at_ms;
        for (int channel = 0; channel < CHANNEL_COUNT; channel++) {
            int64_t since = core_oldest(core, (int)q, (enum channel)channel);
            if (since < oldest)
                oldest = since;
        }
        queues[q] = (struct rule_queue){.waiting = core->queues[q].waiting,
                                        .available = core->available[core->lanes.queues[q].first_lane],
                                        .oldest_wait_s = (at_ms - oldest) / 1000};
    }
    return queues;
}

/* The state of the queues before the input, for rules that ask about it. */
void rules_begin(struct step *step)
{
    if (step->core->rules_use & UINT32_C(1) << RULE_QUEUES)
        step->queues = rules_queues(step->core, step->input->at_ms, step->arena);
}

uint32_t rules_variables(const struct project_config *config)
{
    uint32_t used = 0;
    for (uint32_t r = 0; r < config->rule_count; r++) {
        for (uint32_t i = 0; config->rules[r].when && i < RULE_VARIABLE_COUNT; i++)
            used |= (uint32_t)cel_uses(config->rules[r].when, i) << i;
    }
    return used;
}

static struct ruling ask(struct core *core, const struct rule_subject *subject)
{
    const struct project_config *config = core->config;
    struct cel_value values[RULE_VARIABLE_COUNT] = {{.kind = CEL_ABSENT}};
    struct ruling ruling = {.rule = 0};
    uint32_t filled = 0;
    for (; ruling.rule < (int)config->rule_count - 1; ruling.rule++) {
        const struct cel_program *when = config->rules[ruling.rule].when;
        struct cel_value value;
        struct cel_error error;
        if (!when)
            break;
        rule_env_fill(values, &filled, when, subject, &core->scratch);
        if (!cel_eval(&value, when, values, CEL_COST_DEFAULT, &core->scratch, &error))
            ruling.errors++;
        else if (value.kind == CEL_BOOL && value.boolean)
            break;
    }
    if (core->rules_use)
        arena_reset(&core->scratch);
    return ruling;
}

static void keep(struct step *step, struct ruling ruling)
{
    struct outcome *out = step->out;
    if (out->ruling_count == step->ruling_room) {
        step->ruling_room = step->ruling_room ? step->ruling_room * 2 : 2;
        struct ruling *grown = arena_array(step->arena, struct ruling, step->ruling_room);
        for (uint32_t i = 0; i < out->ruling_count; i++)
            grown[i] = out->rulings[i];
        step->rulings = grown;
        out->rulings = grown;
    }
    step->rulings[out->ruling_count++] = ruling;
    out->rule_errors += ruling.errors;
}

static struct ruling rule_on(struct step *step, const struct rule_subject *subject)
{
    const struct input *input = step->input;
    uint32_t n = step->out->ruling_count;
    struct ruling ruling;
    if (input->rulings && n < input->ruling_count &&
        input->rulings[n].rule < (int)step->core->config->rule_count) {
        ruling = input->rulings[n];
    } else {
        ruling = ask(step->core, subject);
    }
    keep(step, ruling);
    return ruling;
}

/* Only a customer that was known before is known: what an event has just created says nothing. */
static const struct customer_fact nobody = {.name = {NULL, 0}};

struct ruling rule_for_event(struct step *step, const struct party_texts *texts,
                             const struct customer_fact *fact)
{
    const struct event *event = step->input->event;
    struct rule_subject subject = {.config = step->core->config,
                                   .channel = event_type_channel(event->type),
                                   .texts = texts,
                                   .attributes = &event->attributes,
                                   .fact = fact ? fact : &nobody,
                                   .now_ms = step->input->at_ms,
                                   .queues = step->queues};
    return rule_on(step, &subject);
}

struct ruling rule_for_interaction(struct step *step, const struct interaction *interaction)
{
    const struct interaction_data *data = &interaction->data;
    struct rule_subject subject = {.config = step->core->config,
                                   .channel = interaction->channel,
                                   .texts = &interaction->texts,
                                   .attributes = &interaction->attributes,
                                   .fact = data->identity == IDENTITY_MATCHED ? &data->fact : &nobody,
                                   .age_ms = step->input->at_ms - data->enqueued_ms,
                                   .attempts = data->attempts,
                                   .now_ms = step->input->at_ms,
                                   .queues = step->queues};
    return rule_on(step, &subject);
}

int rule_queue(const struct core *core, int rule, enum channel channel, struct slice recipient)
{
    uint16_t queue = core->config->rules[rule].queue;
    if (queue != CONFIG_QUEUE_OF_ENDPOINT)
        return queue;
    const struct config_endpoint *endpoint = config_find_endpoint(core->config, channel, recipient);
    return endpoint ? endpoint->queue : -1;
}
