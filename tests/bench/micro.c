/* What the pure parts cost, without servers: steps of the core, codecs, keys. One line each. */
#include <stdio.h>
#include <string.h>

#include "proto/cloudevent.h"
#include "proto/decision.h"
#include "proto/json.h"
#include "proto/msgpack.h"
#include "proto/phone.h"
#include "proto/regex.h"
#include "proto/zone.h"
#include "rules/invariant.h"
#include "tests/bench/bench.h"
#include "tests/bench/micro_deep.h"

#define AGENTS 1000
#define OPEN_LIVES 256 /* other calls that are active meanwhile */
#define ROUNDS 200000
#define BATCH 128 /* steps of one core_begin() and core_commit() */
#define NAME_SIZE 8

static struct project_config config;
static struct config_queue queue;
static struct config_agent agents[AGENTS];
static struct config_endpoint endpoint;
static struct config_rule rule = {.queue = CONFIG_QUEUE_OF_ENDPOINT};

static void make_config(void)
{
    static char names[AGENTS][NAME_SIZE];
    static uint16_t queues[] = {0};
    queue = config_queue_default(SLICE(BENCH_QUEUE));
    queue.offer_timeout_ms = 600000;
    endpoint = (struct config_endpoint){
        .channel = CHANNEL_CALL, .address = SLICE(BENCH_ENDPOINT), .key = SLICE(BENCH_ENDPOINT)};
    for (unsigned i = 0; i < AGENTS; i++) {
        snprintf(names[i], sizeof names[i], "a%04u", i);
        agents[i] = (struct config_agent){
            .name = slice_of(names[i]), .queues = queues, .queue_count = 1, .capacity = {1, 3, 10}};
    }
    config = (struct project_config){.project = SLICE("bench"),
                                     .region = SLICE("DE"),
                                     .create_auto = {true, false, true},
                                     .misses = 3,
                                     .grace_ms = 60000,
                                     .window_ms = 604800000,
                                     .queues = &queue,
                                     .agents = agents,
                                     .endpoints = &endpoint,
                                     .rules = &rule,
                                     .queue_count = 1,
                                     .agent_count = AGENTS,
                                     .endpoint_count = 1,
                                     .rule_count = 1};
}

/* --- The core --- */

struct life {
    struct uuid conversation, offer;
    struct slice agent;
};

static struct invariant_row rows[2 * BATCH];
static size_t row_count;

static void note_row(const struct input *input, const struct outcome *outcome, struct arena *arena)
{
    struct input *copy = arena_new(arena, struct input);
    struct event *event = arena_new(arena, struct event);
    if (row_count == sizeof rows / sizeof *rows)
        bench_fail("a batch of too many rows");
    *copy = *input;
    if (input->event) {
        *event = *input->event;
        copy->event = event;
    }
    rows[row_count++] = (struct invariant_row){copy, outcome};
}

static const struct outcome *step(struct core *core, struct input *input, struct arena *arena)
{
    input->at_ms = bench_wall_ms();
    if (input->at_ms < core->at_ms)
        input->at_ms = core->at_ms;
    const struct outcome *outcome = core_step(core, input, arena);
    if (outcome->refusal != REFUSAL_NONE)
        bench_fail("the core refuses a step: %d", outcome->refusal);
    note_row(input, outcome, arena);
    return outcome;
}

static const struct outcome *rings(struct core *core, struct life *life, struct customer_fact *fact,
                                   struct arena *arena)
{
    const struct event event = {.id = SLICE("1"),
                                .source = SLICE("bench-1"),
                                .subject = SLICE("call-1"),
                                .type = EVENT_CALL_RINGING,
                                .time_ms = TIME_NEVER,
                                .from = {.phone = SLICE("+4915112345678")},
                                .to = SLICE(BENCH_ENDPOINT)};
    struct input input = {.kind = INPUT_EVENT,
                          .event = &event,
                          .recipient_key = event.to,
                          .conversation = life->conversation,
                          .phone = {event.from.phone, SLICE("4915112345678"), CALLER_NUMBER},
                          .facts = {.candidates = fact, .candidate_count = 1}};
    const struct outcome *outcome = step(core, &input, arena);
    life->offer = outcome->snapshot->offer;
    life->agent = outcome->snapshot->agent;
    return outcome;
}

static void is_accepted(struct core *core, const struct life *life, struct arena *arena)
{
    struct input input = {.kind = INPUT_ACCEPT, .offer = life->offer, .actor = life->agent};
    step(core, &input, arena);
}

static void ends(struct core *core, const struct life *life, struct arena *arena)
{
    const struct event event = {.id = SLICE("2"),
                                .source = SLICE("bench-1"),
                                .subject = SLICE("call-1"),
                                .type = EVENT_CALL_ENDED,
                                .time_ms = TIME_NEVER,
                                .cause = SLICE("normal")};
    struct input input = {.kind = INPUT_EVENT, .event = &event, .conversation = life->conversation};
    step(core, &input, arena);
}

static void report(const char *name, int64_t took_ns, size_t count)
{
    printf("%-28s %8.2f us\n", name, (double)took_ns / 1000 / (double)count);
}

static void open_core(struct core *core)
{
    const struct agent_data data = {.state = AGENT_AVAILABLE,
                                    .lease_until = TIME_NEVER,
                                    .grace_until = TIME_NEVER,
                                    .wrap_until = TIME_NEVER,
                                    .cool_until = TIME_NEVER};
    core_init(core, 1, &config, 1);
    for (uint32_t i = 0; i < AGENTS; i++) {
        if (!core_load_agent(core, agents[i].name, &data))
            bench_fail("an agent is missing");
    }
    core_loaded(core, 0, 0);
    core_begin(core);
}

static void audit(const struct core *core, struct arena *arena)
{
    struct findings findings = {.count = 0};
    invariant_check_batch(&findings, core, rows, row_count, arena);
    if (findings.count)
        bench_fail("%s: %s", invariant_name(findings.items[0].invariant), findings.items[0].text);
}

/* Lives overlap: the oldest ends when a new one rings. */
static void measure_core(struct dice *dice, const char *name, bool is_audited)
{
    static struct life lives[OPEN_LIVES];
    struct customer_fact fact = {.id = population_id(7), .name = SLICE("Customer 7"), .by_phone = true};
    struct core core;
    struct arena arena;
    arena_init(&arena);
    open_core(&core);
    int64_t began = bench_now_ns();
    for (size_t i = 0; i < ROUNDS + OPEN_LIVES; i++) {
        struct life *life = &lives[i % OPEN_LIVES];
        if (i == OPEN_LIVES)
            began = bench_now_ns();
        if (i >= OPEN_LIVES)
            ends(&core, life, &arena);
        life->conversation = dice_uuid(dice);
        rings(&core, life, &fact, &arena);
        is_accepted(&core, life, &arena);
        if (i % (BATCH / 3) == 0) {
            if (is_audited)
                audit(&core, &arena);
            row_count = 0;
            core_commit(&core);
            core_bury(&core);
            arena_reset(&arena);
            core_begin(&core);
        }
    }
    row_count = 0;
    report(name, bench_now_ns() - began, (size_t)ROUNDS * 3);
    core_commit(&core);
    core_bury(&core);
    core_deinit(&core);
    arena_deinit(&arena);
}

/* --- The codecs --- */

static struct value event_document(struct arena *arena)
{
    struct value map = value_map(arena, 6), data = value_map(arena, 2);
    value_set(&data, "from", value_string(SLICE("+4915112345678")));
    value_set(&data, "to", value_string(SLICE(BENCH_ENDPOINT)));
    value_set(&map, "specversion", value_string(SLICE("1.0")));
    value_set(&map, "type", value_string(SLICE("call.ringing")));
    value_set(&map, "source", value_string(SLICE("bench-1")));
    value_set(&map, "id", value_string(SLICE("5f2a9c01-r00000000042")));
    value_set(&map, "subject", value_string(SLICE("5f2a9c01-c00000000042")));
    value_set(&map, "data", data);
    return map;
}

static void measure_decoding(const char *name, struct slice bytes,
                             bool (*decode)(struct value *, struct slice, struct arena *, struct fault *))
{
    struct arena arena;
    struct fault fault;
    struct value document;
    struct event event;
    arena_init(&arena);
    int64_t began = bench_now_ns();
    for (size_t i = 0; i < ROUNDS; i++) {
        if (!decode(&document, bytes, &arena, &fault) || !cloudevent_read(&event, &document, &arena, &fault))
            bench_fail("an event is refused: %s", fault.detail);
        arena_reset(&arena);
    }
    report(name, bench_now_ns() - began, ROUNDS);
    arena_deinit(&arena);
}

static void measure_keys(struct slice bytes)
{
    struct arena arena;
    struct fault fault;
    struct value document;
    struct event event;
    struct uuid id;
    arena_init(&arena);
    if (!json_read(&document, bytes, &arena, &fault) || !cloudevent_read(&event, &document, &arena, &fault))
        bench_fail("an event is refused: %s", fault.detail);
    int64_t began = bench_now_ns();
    for (size_t i = 0; i < ROUNDS; i++) {
        cloudevent_key(&id, &event);
        cloudevent_digest(&id, &event);
        cloudevent_conversation(&id, CHANNEL_CALL, event.source, event.subject);
    }
    report("key, digest, conversation", bench_now_ns() - began, ROUNDS);
    arena_deinit(&arena);
}

static void measure_encoding(const char *name, const struct outcome *outcome,
                             struct slice (*encode)(const struct value *, struct arena *))
{
    struct arena arena;
    arena_init(&arena);
    int64_t began = bench_now_ns();
    for (size_t i = 0; i < ROUNDS; i++) {
        struct value answer =
            decision_event_answer(outcome, SLICE("5f2a9c01-r00000000042"), SLICE("bench-1"), &arena);
        encode(&answer, &arena);
        arena_reset(&arena);
    }
    report(name, bench_now_ns() - began, ROUNDS);
    arena_deinit(&arena);
}

static void measure_announcing(const struct outcome *outcome)
{
    struct arena arena;
    arena_init(&arena);
    int64_t began = bench_now_ns();
    for (size_t i = 0; i < ROUNDS; i++) {
        struct value value =
            decision_announcement(outcome, outcome->announcements, 1, config.project, true, &arena);
        json_write(&value, &arena);
        arena_reset(&arena);
    }
    report("announcement as JSON", bench_now_ns() - began, ROUNDS);
    arena_deinit(&arena);
}

static void measure_codecs(struct dice *dice)
{
    struct arena arena, batch;
    struct core core;
    struct life life = {.conversation = dice_uuid(dice)};
    struct customer_fact fact = {.id = population_id(7), .name = SLICE("Customer 7"), .by_phone = true};
    arena_init(&arena);
    arena_init(&batch);
    struct value document = event_document(&arena);
    measure_decoding("event from JSON", json_write(&document, &arena), json_read);
    measure_decoding("event from MessagePack", msgpack_write(&document, &arena), msgpack_read);
    measure_keys(json_write(&document, &arena));
    open_core(&core);
    const struct outcome *outcome = rings(&core, &life, &fact, &batch);
    measure_encoding("answer as JSON", outcome, json_write);
    measure_encoding("answer as MessagePack", outcome, msgpack_write);
    measure_announcing(outcome);
    core_commit(&core);
    core_bury(&core);
    core_deinit(&core);
    arena_deinit(&arena);
    arena_deinit(&batch);
}

static void measure_phones(struct dice *dice)
{
    char phone[BENCH_PHONE_LEN + 1];
    struct arena arena;
    size_t count = ROUNDS / 20;
    arena_init(&arena);
    int64_t began = bench_now_ns();
    for (size_t i = 0; i < count; i++) {
        population_phone(phone, dice_below(dice, BENCH_PHONES));
        if (!phone_key(config.region, slice_of(phone), false, &arena).key.len)
            bench_fail("%s has no key", phone);
        arena_reset(&arena);
    }
    report("phone key, not remembered", bench_now_ns() - began, count);
    began = bench_now_ns();
    for (size_t i = 0; i < count; i++) {
        if (!phone_key(config.region, slice_of(phone), false, &arena).key.len)
            bench_fail("%s has no key", phone);
        arena_reset(&arena);
    }
    report("phone key, remembered", bench_now_ns() - began, count);
    arena_deinit(&arena);
}

/* --- Rules --- */

#define EVALUATIONS 5000000

static const struct cel_type strings_type = {.kind = CEL_LIST, .item = &cel_type_string};
static const struct cel_variable rule_variables[] = {
    {SLICE("channel"), &cel_type_string},    {SLICE("from.region"), &cel_type_string},
    {SLICE("to"), &cel_type_string},         {SLICE("customer.known"), &cel_type_bool},
    {SLICE("customer.tags"), &strings_type}, {SLICE("interaction.age"), &cel_type_duration},
    {SLICE("now"), &cel_type_timestamp},
};
#define RULE_VARIABLES (sizeof rule_variables / sizeof *rule_variables)

static void measure_expression(const char *name, const char *expression)
{
    const struct cel_env env = {.variables = rule_variables,
                                .variable_count = RULE_VARIABLES,
                                .regex = &regex_ops,
                                .zones = &zone_ops};
    const struct cel_value tags[] = {cel_string(SLICE("newsletter")), cel_string(SLICE("vip"))};
    const struct cel_value values[RULE_VARIABLES] = {
        cel_string(SLICE("call")), cel_string(SLICE("DE")), cel_string(SLICE("+4930901820")), cel_bool(true),
        cel_list(tags, 2),         cel_duration_ms(45000),  cel_timestamp_ms(bench_wall_ms())};
    struct arena arena, batch;
    struct cel_error error;
    struct cel_value value;
    arena_init(&arena);
    arena_init(&batch);
    struct cel_program *program = cel_compile(&env, slice_of(expression), &cel_type_bool, &arena, &error);
    if (!program)
        bench_fail("%s: %s", expression, error.text);
    int64_t began = bench_now_ns();
    for (size_t i = 0; i < EVALUATIONS; i++) {
        if (!cel_eval(&value, program, values, CEL_COST_DEFAULT, &batch, &error))
            bench_fail("%s: %s", expression, error.text);
        if (batch.used)
            arena_reset(&batch);
    }
    report(name, bench_now_ns() - began, EVALUATIONS);
    cel_close(&program);
    arena_deinit(&arena);
    arena_deinit(&batch);
}

static void measure_rules(void)
{
    measure_expression("rule: tag and channel", "'vip' in customer.tags && channel == 'call'");
    measure_expression("rule: region, age, number",
                       "from.region in ['DE', 'AT', 'CH'] && interaction.age > duration('30s') && "
                       "to.startsWith('+4930')");
    measure_expression("rule: macro over tags",
                       "customer.known && customer.tags.exists(t, t.startsWith('v'))");
    measure_expression("rule: pattern", "to.matches('^[+]4930[0-9]+$')");
    measure_expression("rule: hour in a zone", "now.getHours('Europe/Berlin') >= 0");
}

int main(void)
{
    struct dice dice = dice_seeded();
    make_config();
    measure_core(&dice, "core, a step of a call", false);
    measure_core(&dice, "the same, audited", true);
    for (uint32_t waiting = 100; waiting <= 100000; waiting *= 10)
        micro_deep(&dice, waiting);
    measure_codecs(&dice);
    measure_phones(&dice);
    measure_rules();
    return 0;
}
