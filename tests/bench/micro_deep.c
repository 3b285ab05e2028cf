#include "tests/bench/micro_deep.h"

#include <stdio.h>
#include <stdlib.h>

#include "rules/core.h"

#define AGENTS 1000
#define QUEUES 50
#define QUEUES_OF_AGENT 5
#define SKILLS 3
#define ROUNDS 50000
#define BATCH 32 /* rounds of one core_begin() and core_commit() */
#define NAME_SIZE 8

static char agent_names[AGENTS][NAME_SIZE], queue_names[QUEUES][NAME_SIZE];
static struct config_queue queues[QUEUES];
static struct config_agent agents[AGENTS];
static struct config_endpoint endpoints[QUEUES];
static uint16_t memberships[AGENTS][QUEUES_OF_AGENT];
static struct config_skill levels[AGENTS][SKILLS];
static struct config_skill asked = {1, 3}, asked_later = {1, 1};
static struct config_relax relax[] = {{30000, {&asked_later, 1}}, {60000, {NULL, 0}}};
static struct config_rule rule = {
    .name = {"rest", 4}, .queue = CONFIG_QUEUE_OF_ENDPOINT, .skills = {&asked, 1}};
static struct project_config config = {.create_auto = {true, false, true},
                                       .misses = 3,
                                       .grace_ms = 60000,
                                       .window_ms = 604800000,
                                       .exclusive = {[CHANNEL_CALL] = true},
                                       .queues = queues,
                                       .agents = agents,
                                       .endpoints = endpoints,
                                       .rules = &rule,
                                       .queue_count = QUEUES,
                                       .agent_count = AGENTS,
                                       .endpoint_count = QUEUES,
                                       .rule_count = 1};

/* Each strategy has its queues. */
static void make_config(void)
{
    for (unsigned q = 0; q < QUEUES; q++) {
        snprintf(queue_names[q], NAME_SIZE, "q%04u", q);
        queues[q] = config_queue_default(slice_of(queue_names[q]));
        queues[q].strategy = (enum strategy)(q % STRATEGY_COUNT);
        queues[q].relax = relax;
        queues[q].relax_count = 2;
        endpoints[q] = (struct config_endpoint){
            .channel = CHANNEL_CALL, .address = queues[q].name, .key = queues[q].name, .queue = (uint16_t)q};
    }
    for (unsigned a = 0; a < AGENTS; a++) {
        snprintf(agent_names[a], NAME_SIZE, "a%04u", a);
        for (unsigned i = 0; i < QUEUES_OF_AGENT; i++)
            memberships[a][i] = (uint16_t)((a + i * 7) % QUEUES);
        for (unsigned i = 0; i < SKILLS; i++)
            levels[a][i] = (struct config_skill){(uint16_t)i, (uint16_t)(1 + (a + i) % 5)};
        agents[a] = (struct config_agent){.name = slice_of(agent_names[a]),
                                          .queues = memberships[a],
                                          .queue_count = QUEUES_OF_AGENT,
                                          .capacity = {1, 3, 10},
                                          .position = a,
                                          .skills = {levels[a], SKILLS}};
    }
}

struct deep {
    struct core core;
    struct arena arena;
    struct dice *dice;
    int64_t now;
    size_t steps;
    struct uuid active[AGENTS]; /* conversations, by agent */
};

static const struct outcome *step(struct deep *deep, struct input input)
{
    input.at_ms = deep->now;
    deep->steps++;
    const struct outcome *outcome = core_step(&deep->core, &input, &deep->arena);
    if (outcome->refusal != REFUSAL_NONE)
        bench_fail("the core refuses a step: %d", outcome->refusal);
    return outcome;
}

/* What is due comes first, as in the server; relaxation is a step like any. */
static void let_pass(struct deep *deep, int64_t ms)
{
    deep->now += ms;
    while (core_next_timer(&deep->core) <= deep->now)
        step(deep, core_timer(&deep->core, deep->now));
}

static void accept_offer(struct deep *deep, const struct snapshot *snapshot)
{
    unsigned agent = (unsigned)strtoul(snapshot->agent.ptr + 1, NULL, 10);
    const struct interaction *interaction = core_find_interaction(&deep->core, &snapshot->interaction);
    deep->active[agent] = interaction->conversation;
    step(deep, (struct input){.kind = INPUT_ACCEPT, .offer = snapshot->offer});
}

static const struct snapshot *offered(const struct outcome *outcome)
{
    const struct announcement *a = outcome->announcements;
    while (a && a->type != ANNOUNCE_OFFERED)
        a = a->next;
    return a ? a->snapshot : NULL;
}

static void ring(struct deep *deep)
{
    struct slice to = queues[dice_below(deep->dice, QUEUES)].name;
    const struct event event = {.source = SLICE("bench"),
                                .subject = SLICE("call"),
                                .type = EVENT_CALL_RINGING,
                                .time_ms = TIME_NEVER,
                                .to = to};
    const struct outcome *outcome = step(deep, (struct input){.kind = INPUT_EVENT,
                                                              .event = &event,
                                                              .recipient_key = to,
                                                              .conversation = dice_uuid(deep->dice)});
    const struct snapshot *snapshot = offered(outcome);
    if (snapshot)
        accept_offer(deep, snapshot);
}

static void hang_up(struct deep *deep, uint32_t agent)
{
    static const struct event event = {
        .source = {"bench", 5}, .type = EVENT_CALL_ENDED, .time_ms = TIME_NEVER};
    struct input input = {.kind = INPUT_EVENT, .event = &event, .conversation = deep->active[agent]};
    if (uuid_is_nil(&input.conversation))
        return;
    deep->active[agent] = (struct uuid){{0}};
    const struct snapshot *snapshot = offered(step(deep, input));
    if (snapshot)
        accept_offer(deep, snapshot);
}

static void end_batch(struct deep *deep)
{
    core_commit(&deep->core);
    core_bury(&deep->core);
    core_forget_closed(&deep->core, deep->core.seq);
    arena_reset(&deep->arena);
    core_begin(&deep->core);
}

void micro_deep(struct dice *dice, uint32_t waiting)
{
    struct deep *deep = bench_alloc(sizeof *deep);
    deep->dice = dice;
    deep->now = INT64_C(1795000000000);
    make_config();
    arena_init(&deep->arena);
    core_init(&deep->core, 1, &config, 1);
    core_begin(&deep->core);
    for (uint32_t a = 0; a < AGENTS; a++)
        step(deep,
             (struct input){.kind = INPUT_PRESENCE, .agent = agents[a].name, .presence = AGENT_AVAILABLE});
    for (uint32_t i = 0; i < AGENTS + waiting; i++) {
        ring(deep);
        if (i % BATCH == 0)
            end_batch(deep);
    }
    int64_t began = bench_now_ns();
    deep->steps = 0;
    for (uint32_t i = 0; i < ROUNDS; i++) {
        let_pass(deep, 1);
        hang_up(deep, dice_below(dice, AGENTS));
        ring(deep);
        if (i % BATCH == 0)
            end_batch(deep);
    }
    printf("core, a step, %6u wait    %8.2f us\n", waiting,
           (double)(bench_now_ns() - began) / 1000 / (double)deep->steps);
    core_commit(&deep->core);
    core_deinit(&deep->core);
    arena_deinit(&deep->arena);
    free(deep);
}
