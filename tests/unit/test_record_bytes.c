/* One value, one form: what a reader takes is what the writer would have made of it. */
#include "rules/record.h"
#include "rules/record_bytes.h"
#include "tests/unit/arena_world.h"
#include "tests/unit/core_world.h"

static struct record_reader reader_of(struct slice bytes)
{
    return record_reader_start(bytes);
}

static void numbers_take_as_many_bytes_as_they_need(void **state)
{
    (void)state;
    static const struct {
        uint64_t value;
        size_t len;
    } rows[] = {{0, 1}, {127, 1}, {128, 2}, {16383, 2}, {16384, 3}, {UINT32_MAX, 5}, {UINT64_MAX, 10}};
    static const int64_t integers[] = {0, 1, -1, 63, -64, 64, INT64_MAX, INT64_MIN};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct record_writer writer = record_writer_start(&arena, 1);
        record_put_uint(&writer, rows[i].value);
        assert_int_equal(writer.len, rows[i].len);
        struct record_reader reader = reader_of(record_writer_end(&writer));
        assert_true(record_get_uint(&reader) == rows[i].value);
        assert_true(record_reader_is_done(&reader));
    }
    for (size_t i = 0; i < sizeof integers / sizeof *integers; i++) {
        struct record_writer writer = record_writer_start(&arena, 0);
        record_put_int(&writer, integers[i]);
        struct record_reader reader = reader_of(record_writer_end(&writer));
        assert_true(record_get_int(&reader) == integers[i] && record_reader_is_done(&reader));
    }
}

static void a_number_in_another_form_is_none(void **state)
{
    (void)state;
    static const struct slice bad[] = {
        SLICE(""),
        SLICE("\x80"),
        SLICE("\x80\x00"),                                     /* padded */
        SLICE("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02"),     /* beyond 64 bits */
        SLICE("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"),     /* goes on */
        SLICE("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"), /* eleven bytes */
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct record_reader reader = reader_of(bad[i]);
        assert_int_equal(record_get_uint(&reader), 0);
        assert_true(reader.bad);
        assert_false(record_reader_is_done(&reader));
    }
    /* What comes behind something bad is nothing. */
    struct record_reader reader = reader_of(SLICE("\x80\x00\x05\x01x"));
    (void)record_get_uint(&reader);
    assert_int_equal(record_get_uint(&reader), 0);
    assert_int_equal(record_get_text(&reader).len, 0);
    assert_null(record_get_bytes(&reader, 1));
    assert_true(reader.bad);
}

static void bounds_are_kept(void **state)
{
    (void)state;
    struct record_reader reader = reader_of(SLICE("\x05"));
    assert_int_equal(record_get_small(&reader, 5), 5);
    reader = reader_of(SLICE("\x05"));
    assert_int_equal(record_get_small(&reader, 4), 0);
    assert_true(reader.bad);
    reader = reader_of(SLICE("\x02\x00\x00"));
    assert_int_equal(record_get_count(&reader), 2);
    reader = reader_of(SLICE("\x03\x00\x00")); /* more things than bytes */
    assert_int_equal(record_get_count(&reader), 0);
    assert_true(reader.bad);
    reader = reader_of(SLICE("\x03"
                             "ab"));
    assert_int_equal(record_get_text(&reader).len, 0);
    assert_true(reader.bad);
    reader = reader_of((struct slice){"\x01\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 17}); /* an id that is none */
    record_get_uuid(&reader);
    assert_true(reader.bad);
    reader = reader_of(SLICE("\x02"));
    record_get_uuid(&reader);
    assert_true(reader.bad);
}

static struct value document(void)
{
    struct value list = value_list(&arena, 3), map = value_map(&arena, 7);
    value_append(&list, value_null());
    value_append(&list, (struct value){.kind = VALUE_DOUBLE, .real = -0.5});
    value_append(&list, value_list(&arena, 0));
    value_set(&map, "", value_bool(true));
    value_set(&map, "no", value_bool(false));
    value_set(&map, "n", value_int(INT64_MIN));
    value_set(&map, "s", value_string(SLICE("\xC3\xA4")));
    value_set(&map, "b", (struct value){.kind = VALUE_BYTES, .string = SLICE("\xFF")});
    value_set(&map, "l", list);
    value_set(&map, "m", value_map(&arena, 0));
    return map;
}

static void documents_of_every_kind_are_read_back(void **state)
{
    (void)state;
    struct value map = document();
    struct record_writer writer = record_writer_start(&arena, 0), again = record_writer_start(&arena, 0);
    record_put_value(&writer, &map);
    struct record_reader reader = reader_of(record_writer_end(&writer));
    struct value read = record_get_value(&reader, &arena);
    assert_true(record_reader_is_done(&reader));
    record_put_value(&again, &read);
    assert_true(slice_equal(record_writer_end(&writer), record_writer_end(&again)));
    assert_true(slice_is(value_member(&read, "s")->string, "\xC3\xA4"));
    assert_int_equal(value_member(&read, "b")->kind, VALUE_BYTES);
    assert_true(value_member(&read, "n")->integer == INT64_MIN);
    assert_int_equal(value_member(&read, "l")->count, 3);
    assert_true(value_member(&read, "l")->items[1].real == -0.5);
}

static void a_document_that_is_nested_too_deeply_is_refused(void **state)
{
    (void)state;
    for (int depth = 30; depth < 36; depth++) {
        struct value value = value_int(1);
        for (int i = 0; i < depth; i++) {
            struct value list = value_list(&arena, 1);
            value_append(&list, value);
            value = list;
        }
        struct record_writer writer = record_writer_start(&arena, 64);
        record_put_value(&writer, &value);
        struct record_reader reader = reader_of(record_writer_end(&writer));
        (void)record_get_value(&reader, &arena);
        assert_int_equal(record_reader_is_done(&reader), depth <= 32);
    }
}

/* --- Whole records, with every byte of them changed to every other --- */

static const struct record_people nobody;

/* The bytes of what was read, or nothing when it was refused. */
typedef struct slice written_again(struct slice bytes);

static struct slice input_again(struct slice bytes)
{
    struct input input;
    return record_read_input(&input, bytes, &nobody, &arena) ? record_input(&input, &arena) : SLICE("");
}

static struct slice facts_again(struct slice bytes)
{
    struct facts facts;
    return record_read_facts(&facts, bytes, NULL, &arena) ? bytes : SLICE("");
}

/* In a project whose only rule and agent are those that are named. */
static struct slice write_open(struct interaction *interaction, const struct record_names *names)
{
    struct config_rule rule = {.name = names->rule};
    struct project_config config = {.rules = &rule, .rule_count = 1};
    struct agent agent = {.name = names->excluded};
    struct core core = {.config = &config, .agents = &agent, .agent_count = 1};
    interaction->data.rule = names->rule.len ? 0 : -1;
    interaction->data.excluded = names->excluded.len ? 0 : -1;
    return record_open(&core, interaction, &arena);
}

static struct slice open_again(struct slice bytes)
{
    struct interaction interaction = {.channel = CHANNEL_CALL};
    struct record_names names;
    return record_read_open(&interaction, &names, bytes, &arena) ? write_open(&interaction, &names)
                                                                 : SLICE("");
}

static struct slice decision_again(struct slice bytes)
{
    struct outcome outcome;
    return record_read_decision(&outcome, bytes, &arena) ? record_decision(&outcome, &arena) : SLICE("");
}

static void change_every_byte(struct slice bytes, written_again *again)
{
    char *changed = arena_string(&arena, bytes);
    struct arena outer = arena;
    assert_true(slice_equal(again(bytes), bytes));
    arena_init(&arena);
    for (size_t at = 0; at < bytes.len; at++) {
        for (int byte = 0; byte < 256; byte++) {
            changed[at] = (char)byte;
            struct slice read = again((struct slice){changed, bytes.len});
            if (read.len && !slice_equal(read, (struct slice){changed, bytes.len}))
                fail_msg("byte %zu as %d is read, and written otherwise", at, byte);
            arena_reset(&arena);
        }
        changed[at] = bytes.ptr[at];
        assert_int_equal(again((struct slice){bytes.ptr, at}).len, 0);
    }
    arena_deinit(&arena);
    arena = outer;
}

static void whatever_is_read_of_an_input_is_written_alike(void **state)
{
    (void)state;
    struct uuid id = {{4, 5, 6}}, thread[] = {{{1}}, {{2}}};
    struct event event = {.type = EVENT_EMAIL_RECEIVED, .time_ms = 7, .agent = SLICE("anna")};
    const struct input inputs[] = {
        {.kind = INPUT_EVENT,
         .event = &event,
         .machine = true,
         .metered = true,
         .metered_thread = {{8}},
         .conversation = {{9}},
         .thread = thread,
         .thread_count = 2},
        {.kind = INPUT_REJECT, .offer = id, .actor = SLICE("ben"), .cause = REJECT_BUSY},
        {.kind = INPUT_PRESENCE,
         .agent = SLICE("ben"),
         .presence = AGENT_BREAK,
         .reason = SLICE("x"),
         .lease_ms = 9},
        {.kind = INPUT_TRANSFER, .interaction = id, .queue = SLICE("mail"), .keep_age = true},
        {.kind = INPUT_BLOCK, .block = {id, BLOCK_CUSTOMER, {{7}}, {NULL, 0}, 5, 1, TIME_NEVER}},
        {.kind = INPUT_CONFIG, .config_version = 300},
    };
    for (size_t i = 0; i < sizeof inputs / sizeof *inputs; i++)
        change_every_byte(record_input(&inputs[i], &arena), input_again);
}

static void whatever_is_read_of_people_is_written_alike(void **state)
{
    (void)state;
    struct slice tags[] = {SLICE("vip"), SLICE("")};
    struct customer_fact fact = {.id = {{1}},
                                 .owner = SLICE("carl"),
                                 .stage = SLICE("mine"),
                                 .tags = tags,
                                 .tag_count = 2,
                                 .by_phone = true,
                                 .fields = document()};
    struct facts facts = {&fact, 1, {{8}}};
    struct interaction interaction = {.texts = {.region = SLICE("DE")},
                                      .data = {.fact = fact,
                                               .relax_step = 1,
                                               .stage = PREFER_QUEUE,
                                               .moved = MOVE_EMPTY,
                                               .entered_ms = 7,
                                               .held_until = 300,
                                               .reply_by = TIME_NEVER}};
    struct record_names names = {SLICE("vip"), SLICE("ben")};
    change_every_byte(write_open(&interaction, &names), open_again);
    change_every_byte(record_facts(&facts, &arena), facts_again);
}

/* With everything in it that a decision can say. */
static void whatever_is_read_of_a_decision_is_written_alike(void **state)
{
    (void)state;
    struct uuid candidates[] = {{{1}}, {{2}}};
    struct snapshot snapshot = {.interaction = {{3}},
                                .offer = {{4}},
                                .channel = CHANNEL_CHAT,
                                .state = INTERACTION_OFFERED,
                                .queue = SLICE("chat"),
                                .agent = SLICE("anna"),
                                .expires_ms = 20000,
                                .identity = IDENTITY_AMBIGUOUS,
                                .candidates = candidates,
                                .candidate_count = 2,
                                .opened_seq = 5};
    struct explained_move path[] = {{0, MOVE_NONE, EMPTY_NONE_LOGGED_IN},
                                    {1, MOVE_EMPTY, EMPTY_NONE_SKILLED}};
    uint8_t reasons[] = {CANDIDATE_OFFLINE, CANDIDATE_OFFLINE, CANDIDATE_CHOSEN, CANDIDATE_OFFLINE};
    struct ruling rulings[] = {{.rule = 2, .errors = 1}, {.rule = 0}};
    struct explanation of_another = {.interaction = {{77}},
                                     .trigger = TRIGGER_FREE,
                                     .rule = -1,
                                     .queue = -1,
                                     .priority = -5,
                                     .held_until = 99,
                                     .excluded = SLICE("ben")},
                       why = {.interaction = {{3}},
                              .is_ruled = true,
                              .errors = 1,
                              .rule = 2,
                              .queue = 1,
                              .channel = CHANNEL_CHAT,
                              .relax_step = 1,
                              .moved = MOVE_EMPTY,
                              .stage = PREFER_QUEUE,
                              .held_until = TIME_NEVER,
                              .chosen = SLICE("anna"),
                              .path = path,
                              .path_count = 2,
                              .candidates = reasons,
                              .candidate_count = 4,
                              .next = &of_another};
    struct announcement presence = {.type = ANNOUNCE_PRESENCE,
                                    .agent = SLICE("carl"),
                                    .agentsequence = 9,
                                    .cause = SLICE("lunch"),
                                    .state = AGENT_BREAK},
                        offered = {.type = ANNOUNCE_OFFERED,
                                   .snapshot = &snapshot,
                                   .agent = SLICE("anna"),
                                   .agentsequence = 300,
                                   .next = &presence};
    struct outcome outcome = {.kind = INPUT_EVENT,
                              .outcome = OUTCOME_OFFERED,
                              .snapshot = &snapshot,
                              .announcements = &offered,
                              .announcement_count = 2,
                              .explanations = &why,
                              .explanation_count = 2,
                              .rulings = rulings,
                              .ruling_count = 2};
    change_every_byte(record_decision(&outcome, &arena), decision_again);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ARENA_TEST(numbers_take_as_many_bytes_as_they_need),
        ARENA_TEST(a_number_in_another_form_is_none),
        ARENA_TEST(bounds_are_kept),
        ARENA_TEST(documents_of_every_kind_are_read_back),
        ARENA_TEST(a_document_that_is_nested_too_deeply_is_refused),
        ARENA_TEST(whatever_is_read_of_an_input_is_written_alike),
        ARENA_TEST(whatever_is_read_of_people_is_written_alike),
        ARENA_TEST(whatever_is_read_of_a_decision_is_written_alike),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
