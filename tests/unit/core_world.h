/* A small world around the core for its tests: three agents, three queues, one clock. Included by
 * test_core*.c. */
#ifndef TESTS_UNIT_CORE_WORLD_H
#define TESTS_UNIT_CORE_WORLD_H

/* cmocka needs these before it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "rules/core.h"
#include "rules/invariant.h"
#include "tests/unit/rule_compile.h"

enum { QUEUE_SUPPORT, QUEUE_MAIL, QUEUE_CHAT, QUEUE_COUNT };

struct world {
    struct core core;
    struct arena arena, rule_arena; /* the second lives as long as the configuration */
    struct project_config config;
    struct config_queue queues[QUEUE_COUNT];
    struct config_agent agents[4];
    struct config_endpoint endpoints[3];
    struct config_rule rule, rules[4]; /* `rule` alone unless a story says otherwise */
    struct config_skill skills[16];    /* room for a story's skills */
    uint32_t skill_count;
    struct config_relax relax[2];
    uint16_t all_queues[QUEUE_COUNT];
    int64_t now;
    uint32_t events;
    const struct outcome *last;
};

static inline void world_configure(struct world *world, uint32_t agent_count)
{
    static const char *const names[] = {"anna", "ben", "carl", "dora"};
    world->queues[QUEUE_SUPPORT] = config_queue_default(SLICE("support"));
    world->queues[QUEUE_MAIL] = config_queue_default(SLICE("mail"));
    world->queues[QUEUE_CHAT] = config_queue_default(SLICE("chat"));
    for (uint16_t i = 0; i < QUEUE_COUNT; i++)
        world->all_queues[i] = i;
    for (uint32_t i = 0; i < agent_count; i++)
        world->agents[i] = (struct config_agent){.name = slice_of(names[i]),
                                                 .display_name = slice_of(names[i]),
                                                 .role = SLICE("agent"),
                                                 .queues = world->all_queues,
                                                 .queue_count = QUEUE_COUNT,
                                                 .capacity = {1, 3, 10},
                                                 .position = i};
    world->endpoints[0] =
        (struct config_endpoint){.channel = CHANNEL_CALL, .address = SLICE("+49301"), .key = SLICE("+49301")};
    world->endpoints[1] = (struct config_endpoint){
        .channel = CHANNEL_CHAT, .address = SLICE("web"), .key = SLICE("web"), .queue = 2};
    world->endpoints[2] = (struct config_endpoint){.channel = CHANNEL_EMAIL,
                                                   .address = SLICE("help@x.example"),
                                                   .key = SLICE("help@x.example"),
                                                   .queue = 1};
    world->rule = (struct config_rule){.name = SLICE("rest"), .queue = CONFIG_QUEUE_OF_ENDPOINT};
    world->config = (struct project_config){.project = SLICE("demo"),
                                            .region = SLICE("DE"),
                                            .contacts_max = 9,
                                            .phone_slots = 3,
                                            .create_auto = {true, false, true},
                                            .cool_down_ms = {10000, 30000, 10000, 60000},
                                            .misses = 3,
                                            .grace_ms = 60000,
                                            .exclusive = {[CHANNEL_CALL] = true},
                                            .window_ms = INT64_C(604800000),
                                            .queues = world->queues,
                                            .agents = world->agents,
                                            .endpoints = world->endpoints,
                                            .rules = &world->rule,
                                            .queue_count = QUEUE_COUNT,
                                            .agent_count = agent_count,
                                            .endpoint_count = 3,
                                            .rule_count = 1};
}

/* Between these two the configuration may be changed. */
static inline void world_prepare(struct world *world, uint32_t agent_count)
{
    *world = (struct world){.now = INT64_C(1795000000000)};
    arena_init(&world->arena);
    arena_init(&world->rule_arena);
    world_configure(world, agent_count);
}

static inline void world_start(struct world *world)
{
    core_init(&world->core, 1, &world->config, 1);
}

static inline void world_init(struct world *world, uint32_t agent_count)
{
    world_prepare(world, agent_count);
    world_start(world);
}

static inline void world_deinit(struct world *world)
{
    core_deinit(&world->core);
    arena_deinit(&world->arena);
    arena_deinit(&world->rule_arena);
}

/* No story may break what the auditor of the server looks for. */
static inline void world_audit(struct world *world, const struct invariant_row *rows, size_t count)
{
    struct findings findings = {.count = 0};
    invariant_check_batch(&findings, &world->core, rows, count, &world->arena);
    invariant_sweep(&findings, &world->core, &world->arena);
    if (findings.count)
        fail_msg("%s: %s", invariant_name(findings.items[0].invariant), findings.items[0].text);
}

#define WORLD_ROWS_MAX 1024

/* Everything due by now, each its own row, as the server does it; then the input. One batch, committed. */
static inline const struct outcome *world_step(struct world *world, struct input input)
{
    static struct input inputs[WORLD_ROWS_MAX];
    static struct invariant_row rows[WORLD_ROWS_MAX];
    size_t count = 0;
    core_bury(&world->core);
    core_begin(&world->core);
    while (core_next_timer(&world->core) <= world->now) {
        assert_true(count < WORLD_ROWS_MAX - 1);
        inputs[count] = core_timer(&world->core, world->now);
        rows[count] =
            (struct invariant_row){&inputs[count], core_step(&world->core, &inputs[count], &world->arena)};
        count++;
    }
    input.at_ms = world->now;
    if (input.kind == INPUT_EVENT && uuid_is_nil(&input.facts.closed))
        core_find_closed(&world->core, &input.conversation, &input.facts.closed); /* as the server does */
    world->last = core_step(&world->core, &input, &world->arena);
    if (world->last->refusal == REFUSAL_NONE)
        rows[count++] = (struct invariant_row){&input, world->last};
    world_audit(world, rows, count);
    core_commit(&world->core); /* buried with the next step: stories look back at the last outcome */
    return world->last;
}

/* Time passes; what is due on the way happens when it is due. Returns how many timers fired. */
static inline int world_sleep(struct world *world, int64_t ms)
{
    int64_t until = world->now + ms;
    int fired = 0;
    while (core_next_timer(&world->core) <= until) {
        int64_t due = core_next_timer(&world->core);
        struct input timer = core_timer(&world->core, due > world->now ? due : world->now);
        world->now = timer.at_ms;
        core_begin(&world->core);
        world->last = core_step(&world->core, &timer, &world->arena);
        core_commit(&world->core);
        fired++;
    }
    world->now = until;
    return fired;
}

static inline const struct outcome *world_presence(struct world *world, const char *agent,
                                                   enum agent_state state, int64_t lease_ms)
{
    return world_step(world, (struct input){.kind = INPUT_PRESENCE,
                                            .agent = slice_of(agent),
                                            .presence = state,
                                            .lease_ms = lease_ms});
}

static inline struct uuid world_conversation(enum channel channel, const char *subject)
{
    struct uuid id = {{0}};
    id.bytes[0] = (uint8_t)(channel + 1);
    memcpy(id.bytes + 1, subject, strlen(subject) < 15 ? strlen(subject) : 15);
    return id;
}

struct from {
    const char *phone, *email;
    struct customer_fact *candidates;
    uint32_t candidate_count;
    struct uuid closed;
};

static inline struct input world_event(struct world *world, enum event_type type, const char *subject,
                                       const struct from *from)
{
    struct event *event = arena_new(&world->arena, struct event);
    enum channel channel = event_type_channel(type);
    static const char *const to[] = {"+49301", "web", "help@x.example"};
    event->id = arena_format(&world->arena, "e%u", ++world->events);
    event->source = SLICE("test");
    event->subject = slice_of(subject);
    event->type = type;
    event->time_ms = TIME_NEVER;
    event->to = slice_of(to[channel]);
    struct input input = {.kind = INPUT_EVENT,
                          .event = event,
                          .recipient_key = event->to,
                          .conversation = world_conversation(channel, subject)};
    if (from) {
        event->from.phone = input.phone.key = slice_of(from->phone);
        event->from.email = input.email.key = slice_of(from->email);
        input.phone.class = from->phone ? CALLER_NUMBER : CALLER_NONE;
        input.facts = (struct facts){from->candidates, from->candidate_count, from->closed};
    }
    return input;
}

static inline const struct outcome *world_ring(struct world *world, const char *subject, const char *phone)
{
    struct from from = {.phone = phone};
    return world_step(world, world_event(world, EVENT_CALL_RINGING, subject, &from));
}

/* A call out, of the agent in its attributes. */
static inline const struct outcome *world_dial(struct world *world, const char *subject, struct value agent)
{
    struct from from = {.phone = "+491"};
    struct input call = world_event(world, EVENT_CALL_RINGING, subject, &from);
    struct event *event = (struct event *)call.event;
    event->outbound = true;
    event->attributes = value_map(&world->arena, 1);
    value_set(&event->attributes, "agent", agent);
    return world_step(world, call);
}

static inline const struct outcome *world_chat(struct world *world, const char *subject)
{
    struct from from = {.phone = NULL};
    return world_step(world, world_event(world, EVENT_CHAT_MESSAGE, subject, &from));
}

static inline const struct outcome *world_accept(struct world *world, struct uuid offer, const char *agent)
{
    return world_step(world, (struct input){.kind = INPUT_ACCEPT, .offer = offer, .actor = slice_of(agent)});
}

static inline const struct outcome *world_reject(struct world *world, struct uuid offer, const char *agent,
                                                 enum reject_cause cause)
{
    return world_step(
        world,
        (struct input){.kind = INPUT_REJECT, .offer = offer, .actor = slice_of(agent), .cause = cause});
}

static inline const struct outcome *world_end(struct world *world, struct uuid interaction, const char *agent)
{
    return world_step(
        world, (struct input){.kind = INPUT_END, .interaction = interaction, .actor = slice_of(agent)});
}

static inline const struct announcement *announced_as(const struct outcome *outcome,
                                                      enum announcement_type type)
{
    for (const struct announcement *a = outcome->announcements; a; a = a->next) {
        if (a->type == type)
            return a;
    }
    return NULL;
}

static inline const struct interaction *world_find(struct world *world, enum channel channel,
                                                   const char *subject)
{
    struct uuid conversation = world_conversation(channel, subject);
    return core_find_conversation(&world->core, &conversation);
}

/* As a restart does, by names. */
static inline void world_load(const struct world *from, const struct interaction *interaction,
                              struct core *to)
{
    const struct interaction_data *data = &interaction->data;
    struct slice none = {NULL, 0};
    core_load_interaction(to, interaction,
                          data->queue < 0 ? none : from->core.config->queues[data->queue].name,
                          data->agent < 0 ? none : from->core.agents[data->agent].name,
                          data->rule < 0 ? none : from->core.config->rules[data->rule].name,
                          data->excluded < 0 ? none : from->core.agents[data->excluded].name);
}

/* What a restart does: everything open and every agent that the tables know, into another configuration. */
static inline void world_load_all(const struct world *from, struct core *to,
                                  const struct project_config *config)
{
    core_init(to, 1, config, 2);
    for (uint32_t i = 0; i < from->core.agent_count; i++)
        (void)!core_load_agent(to, from->core.agents[i].name, &from->core.agents[i].data);
    for (const struct rank_node *node = rank_first(&from->core.open); node; node = rank_next(node))
        world_load(from, node->owner, to);
    core_loaded(to, from->core.seq, from->core.at_ms);
}

static inline void world_restart(struct world *world)
{
    struct core loaded;
    core_bury(&world->core);
    world_load_all(world, &loaded, &world->config);
    core_deinit(&world->core);
    world->core = loaded;
}

/* Asks for, or has, one skill at a level. */
static inline struct config_skills world_skill(struct world *world, uint16_t skill, uint16_t level)
{
    world->skills[world->skill_count] = (struct config_skill){skill, level};
    return (struct config_skills){&world->skills[world->skill_count++], 1};
}

/* Rules whose `when` are CEL; NULL always matches. */
static inline void world_rule(struct world *world, const char *name, const char *when, uint16_t queue,
                              int32_t priority)
{
    struct config_rule *rule =
        &world->rules[world->config.rules == world->rules ? world->config.rule_count : 0];
    *rule = (struct config_rule){.name = slice_of(name), .queue = queue, .priority = priority};
    if (when)
        rule->when = rule_compile(when, &cel_type_bool, &world->rule_arena);
    world->config.rules = world->rules;
    world->config.rule_count = (uint32_t)(rule - world->rules) + 1;
}

static inline const char *holder(struct world *world, const struct interaction *interaction)
{
    return interaction->data.agent < 0 ? "" : world->core.agents[interaction->data.agent].name.ptr;
}

#endif
