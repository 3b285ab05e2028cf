#include "proto/json.h"
#include "tests/unit/arena_world.h"
#include "tests/unit/rule_compile.h"

static struct config_queue queues[] = {{.name = {"support", 7}}, {.name = {"mail", 4}}};
static struct project_config config = {.queues = queues, .queue_count = 2};
static const struct rule_queue counts[] = {{3, 2, 45}, {0, 0, 0}};

static struct value document(const char *json)
{
    struct value value;
    struct fault fault;
    if (!json_read(&value, slice_of(json), &arena, &fault))
        fail_msg("%s", fault.detail);
    return value;
}

/* "true", "false", or the error's code. */
static const char *ask(const char *source, const struct rule_subject *subject)
{
    struct cel_value values[RULE_VARIABLE_COUNT], result;
    struct cel_program *program = rule_compile(source, &cel_type_bool, &arena);
    struct cel_error error;
    uint32_t filled = 0;
    memset(values, 0, sizeof values);
    rule_env_fill(values, &filled, program, subject, &arena);
    if (!cel_eval(&result, program, values, CEL_COST_DEFAULT, &arena, &error))
        return cel_code_name(error.code);
    return result.boolean ? "true" : "false";
}

static void assert_answers(const struct rule_subject *subject, const char *const (*cases)[2], size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const char *answer = ask(cases[i][0], subject);
        if (strcmp(answer, cases[i][1]) != 0)
            fail_msg("%s gives %s", cases[i][0], answer);
    }
}

static void a_rule_reads_all_that_is_known_of_a_call(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"channel == 'call'", "true"},
        {"from.phone == '+4930123456' && from.region == 'DE'", "true"},
        {"has(from.email)", "false"},
        {"from.verified", "true"},
        {"to == '+4930901820'", "true"},
        {"customer.known && 'vip' in customer.tags && size(customer.tags) == 2", "true"},
        {"customer.stage == 'follow_up' && customer.owner == 'anna' && customer.source == 'fair'", "true"},
        {"customer.fields.contract == 42 && customer.fields.plan == 'gold'", "true"},
        {"customer.fields.nothing == 1", "no_such_key"},
        {"event.attributes.ivr.choice == '3'", "true"},
        {"interaction.age == duration('45s') && interaction.attempts == 2", "true"},
        {"now == timestamp('2026-07-29T00:00:00.500Z') && now.getDayOfWeek() == 3", "true"},
        {"queues['support'].waiting == 3 && queues['support'].available == 2", "true"},
        {"queues.support.oldest_wait == 45 && queues.mail.waiting == 0", "true"},
        {"queues.sales.waiting > 0", "no_such_key"},
    };
    struct party_texts texts = {
        .phone_key = SLICE("+4930123456"), .region = SLICE("DE"), .recipient = SLICE("+4930901820")};
    struct slice tags[] = {SLICE("fleet"), SLICE("vip")};
    struct customer_fact fact = {.id = {{1}},
                                 .tags = tags,
                                 .tag_count = 2,
                                 .stage = SLICE("follow_up"),
                                 .owner = SLICE("anna"),
                                 .source = SLICE("fair"),
                                 .fields = document("{\"contract\": 42, \"plan\": \"gold\"}")};
    struct value attributes = document("{\"verified\": true, \"ivr\": {\"choice\": \"3\"}}");
    struct rule_subject subject = {.config = &config,
                                   .channel = CHANNEL_CALL,
                                   .texts = &texts,
                                   .attributes = &attributes,
                                   .fact = &fact,
                                   .age_ms = 45000,
                                   .attempts = 2,
                                   .now_ms = INT64_C(1785283200500),
                                   .queues = counts};
    assert_answers(&subject, cases, sizeof cases / sizeof *cases);
}

static void what_is_not_known_is_absent_or_empty(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"channel == 'chat'", "true"},
        {"has(from.phone) || has(from.email) || has(from.region)", "false"},
        {"from.phone == ''", "no_value"},
        {"from.verified", "false"},
        {"to == ''", "true"},
        {"customer.known", "false"},
        {"customer.tags == []", "true"},
        {"has(customer.stage) || has(customer.owner) || has(customer.source)", "false"},
        {"customer.owner == 'anna'", "no_value"},
        {"customer.fields == {} && event.attributes == {}", "true"},
        {"has(customer.fields.plan) || has(event.attributes.ivr)", "false"},
    };
    struct party_texts texts = {.name = SLICE("somebody")};
    struct customer_fact fact = {.fields = value_null()};
    struct rule_subject subject = {
        .config = &config, .channel = CHANNEL_CHAT, .texts = &texts, .fact = &fact, .queues = counts};
    assert_answers(&subject, cases, sizeof cases / sizeof *cases);
    struct value odd = document("{\"verified\": \"yes\"}");
    subject.attributes = &odd;
    assert_string_equal(ask("from.verified", &subject), "false");
}

static void only_what_is_read_is_built_and_only_once(void **state)
{
    (void)state;
    struct cel_value values[RULE_VARIABLE_COUNT];
    struct party_texts texts = {.recipient = SLICE("web")};
    struct customer_fact fact = {.fields = value_null()};
    struct rule_subject subject = {
        .config = &config, .channel = CHANNEL_CHAT, .texts = &texts, .fact = &fact, .queues = counts};
    struct cel_program *first = rule_compile("channel == 'chat' && to == 'web'", &cel_type_bool, &arena),
                       *second = rule_compile("channel == 'call' || queues.mail.waiting == 0", &cel_type_bool,
                                              &arena);
    uint32_t filled = 0;
    for (int i = 0; i < RULE_VARIABLE_COUNT; i++)
        values[i] = cel_null();
    rule_env_fill(values, &filled, first, &subject, &arena);
    for (int i = 0; i < RULE_VARIABLE_COUNT; i++)
        assert_int_equal(values[i].kind != CEL_NULL, i == RULE_CHANNEL || i == RULE_TO);
    values[RULE_CHANNEL] = cel_int(5);
    rule_env_fill(values, &filled, second, &subject, &arena);
    assert_int_equal(values[RULE_CHANNEL].kind, CEL_INT); /* left as it was */
    assert_int_equal(values[RULE_QUEUES].kind, CEL_MAP);
    assert_int_equal(filled, 1u << RULE_CHANNEL | 1u << RULE_TO | 1u << RULE_QUEUES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ARENA_TEST(a_rule_reads_all_that_is_known_of_a_call),
        ARENA_TEST(what_is_not_known_is_absent_or_empty),
        ARENA_TEST(only_what_is_read_is_built_and_only_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
