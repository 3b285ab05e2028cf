/* The journal's bytes: what is written is read back, and nothing else is read. */
#include "rules/record.h"
#include "tests/unit/core_world.h"

/* Whoever adds a field records it (rules/record_input.c, record_facts.c) or knows why not, then counts anew.
 */
static void every_field_was_thought_of(void **state)
{
    (void)state;
    assert_int_equal(sizeof(struct input), 448);
    assert_int_equal(sizeof(struct facts), 32);
    assert_int_equal(sizeof(struct customer_fact), 152);
    assert_int_equal(sizeof(struct event), 304);
    assert_int_equal(sizeof(struct block), 80);
}

static void check_refused_when_cut(struct slice bytes, bool (*reads)(struct slice bytes, struct arena *arena))
{
    struct arena arena;
    arena_init(&arena);
    for (size_t len = 0; len < bytes.len; len++)
        assert_false(reads((struct slice){bytes.ptr, len}, &arena));
    arena_deinit(&arena);
}

static bool reads_input(struct slice bytes, struct arena *arena)
{
    static const struct record_people nobody;
    struct input input;
    return record_read_input(&input, bytes, &nobody, arena);
}

static bool reads_facts(struct slice bytes, struct arena *arena)
{
    struct facts facts;
    return record_read_facts(&facts, bytes, NULL, arena);
}

/* Reads back what was written; the same value gives the same bytes. */
static struct input read_back(const struct input *input, const struct record_people *people,
                              struct arena *arena)
{
    struct input again;
    struct slice bytes = record_input(input, arena);
    assert_true(record_read_input(&again, bytes, people, arena));
    assert_true(slice_equal(bytes, record_input(&again, arena)));
    assert_int_equal(again.kind, input->kind);
    check_refused_when_cut(bytes, reads_input);
    return again;
}

static const struct record_people nobody;

static void an_event_is_its_bytes_and_its_people(void **state)
{
    struct arena arena;
    struct uuid thread[] = {{{1}}, {{2, 3}}};
    struct value attributes = value_string(SLICE("stands for a map"));
    struct event event = {.type = EVENT_CHAT_MESSAGE,
                          .time_ms = INT64_C(1795000000123),
                          .from = {SLICE("030 1"), SLICE("a@b.example"), SLICE("visitor"), SLICE("Ann")},
                          .to = SLICE("web"),
                          .source = SLICE("site"),
                          .subject = SLICE("s-1"),
                          .title = SLICE("Hello"),
                          .text = SLICE("text"),
                          .attributes = attributes,
                          .agent = SLICE("anna"),
                          .cause = SLICE("hangup"),
                          .outbound = true,
                          .privacy = true};
    struct input input = {.kind = INPUT_EVENT,
                          .event = &event,
                          .phone = {.key = SLICE("+49301"), .class = CALLER_NUMBER},
                          .email = {SLICE("a@b.example")},
                          .recipient_key = SLICE("web"),
                          .machine = true,
                          .metered = true,
                          .metered_thread = {{7, 8}},
                          .conversation = {{9, 9}},
                          .thread = thread,
                          .thread_count = 2};
    struct record_people people = {.texts = {.phone = event.from.phone,
                                             .email = event.from.email,
                                             .id = event.from.id,
                                             .name = event.from.name,
                                             .recipient = input.recipient_key,
                                             .phone_key = input.phone.key,
                                             .email_key = input.email.key,
                                             .source = event.source,
                                             .subject = event.subject,
                                             .title = event.title},
                                   .body = event.text,
                                   .attributes = attributes};
    (void)state;
    arena_init(&arena);
    struct input again = read_back(&input, &people, &arena);
    assert_int_equal(again.event->type, event.type);
    assert_int_equal(again.event->time_ms, event.time_ms);
    assert_true(again.event->outbound && again.event->privacy && again.machine);
    assert_true(slice_is(again.event->agent, "anna") && slice_is(again.event->cause, "hangup"));
    assert_true(slice_is(again.event->from.id, "visitor") && slice_is(again.event->from.name, "Ann"));
    assert_true(slice_is(again.event->source, "site") && slice_is(again.event->title, "Hello"));
    assert_true(slice_is(again.event->attributes.string, "stands for a map"));
    assert_true(slice_is(again.recipient_key, "web") && slice_is(again.event->text, "text"));
    assert_true(slice_equal(again.phone.key, input.phone.key) && again.phone.class == CALLER_NUMBER);
    assert_true(slice_equal(again.email.key, input.email.key));
    assert_int_equal(again.thread_count, 2);
    assert_memory_equal(again.thread, thread, sizeof thread);
    assert_true(uuid_equal(&again.conversation, &input.conversation));
    assert_true(again.metered && uuid_equal(&again.metered_thread, &input.metered_thread));
    arena_deinit(&arena);
}

static void who_was_erased_still_had_the_keys_that_it_had(void **state)
{
    struct arena arena;
    struct event event = {.type = EVENT_CALL_RINGING, .time_ms = TIME_NEVER};
    struct input input = {
        .kind = INPUT_EVENT, .event = &event, .phone = {.key = SLICE("+49301"), .class = CALLER_NUMBER}};
    (void)state;
    arena_init(&arena);
    struct input again = read_back(&input, &nobody, &arena);
    assert_true(slice_equal(again.phone.key, RECORD_ERASED_KEY));
    assert_int_equal(again.email.key.len, 0);
    assert_int_equal(again.event->time_ms, TIME_NEVER);
    arena_deinit(&arena);
}

static void commands_and_changes_are_their_bytes(void **state)
{
    struct arena arena;
    struct uuid id = {{4, 5, 6}};
    (void)state;
    arena_init(&arena);
    struct input accept = {.kind = INPUT_ACCEPT, .offer = id, .actor = SLICE("anna")};
    struct input again = read_back(&accept, &nobody, &arena);
    assert_true(uuid_equal(&again.offer, &id) && slice_is(again.actor, "anna"));
    struct input reject = {.kind = INPUT_REJECT, .offer = id, .cause = REJECT_UNREACHABLE};
    again = read_back(&reject, &nobody, &arena);
    assert_true(again.cause == REJECT_UNREACHABLE && again.actor.len == 0);
    struct input presence = {.kind = INPUT_PRESENCE,
                             .agent = SLICE("ben"),
                             .actor = SLICE("anna"),
                             .presence = AGENT_BREAK,
                             .reason = SLICE("lunch"),
                             .lease_ms = 30000};
    again = read_back(&presence, &nobody, &arena);
    assert_true(slice_is(again.agent, "ben") && slice_is(again.actor, "anna"));
    assert_true(slice_is(again.reason, "lunch") && again.presence == AGENT_BREAK && again.lease_ms == 30000);
    struct input end = {.kind = INPUT_END, .interaction = id, .actor = SLICE("anna")};
    again = read_back(&end, &nobody, &arena);
    assert_true(uuid_equal(&again.interaction, &id));
    struct input transfer = {.kind = INPUT_TRANSFER,
                             .interaction = id,
                             .actor = SLICE("anna"),
                             .queue = SLICE("mail"),
                             .keep_age = true};
    again = read_back(&transfer, &nobody, &arena);
    assert_true(slice_is(again.queue, "mail") && again.agent.len == 0 && again.keep_age);
    struct input pull = {.kind = INPUT_PULL, .interaction = id, .agent = SLICE("ben")};
    assert_true(slice_is(read_back(&pull, &nobody, &arena).agent, "ben"));
    struct input link = {.kind = INPUT_LINK, .interaction = id, .actor = SLICE("anna")};
    again = read_back(&link, &nobody, &arena);
    assert_true(uuid_equal(&again.interaction, &id) && slice_is(again.actor, "anna"));
    struct input timer = {.kind = INPUT_TIMER, .drain = true};
    assert_true(read_back(&timer, &nobody, &arena).drain);
    struct input config = {.kind = INPUT_CONFIG, .config_version = 300};
    assert_int_equal(read_back(&config, &nobody, &arena).config_version, 300);
    struct input block = {
        .kind = INPUT_BLOCK,
        .block = {id, BLOCK_CUSTOMER, {{7}}, {NULL, 0}, 5, INT64_C(1795000000000), TIME_NEVER}};
    again = read_back(&block, &nobody, &arena);
    assert_true(uuid_equal(&again.block.id, &id) && again.block.kind == BLOCK_CUSTOMER);
    assert_true(again.block.channels == 5 && again.block.start_ms == block.block.start_ms);
    assert_true(again.block.until_ms == TIME_NEVER && again.block.customer.bytes[0] == 7);
    struct input audit = {.kind = INPUT_AUDIT, .finding = SLICE("load_counted: anna -: call")};
    assert_true(slice_equal(read_back(&audit, &nobody, &arena).finding, audit.finding));
    struct input unblock = {.kind = INPUT_UNBLOCK, .block = {.id = id}};
    again = read_back(&unblock, &nobody, &arena);
    assert_true(uuid_equal(&again.block.id, &id));
    arena_deinit(&arena);
}

static void facts_are_their_bytes_but_for_people(void **state)
{
    struct arena arena;
    struct slice tags[] = {SLICE("vip"), SLICE("gold")};
    (void)state;
    arena_init(&arena);
    struct value list = value_list(&arena, 2), fields = value_map(&arena, 3);
    value_append(&list, value_bool(true));
    value_append(&list, (struct value){.kind = VALUE_DOUBLE, .real = 0.5});
    value_set(&fields, "plan", value_int(7));
    value_set(&fields, "name", value_string(SLICE("gold")));
    value_set(&fields, "list", list);
    struct customer_fact candidates[] = {{.id = {{1}},
                                          .name = SLICE("Ann"),
                                          .owner = SLICE("carl"),
                                          .tags = tags,
                                          .tag_count = 2,
                                          .by_phone = true,
                                          .stage = SLICE("mine"),
                                          .source = SLICE("call"),
                                          .last_agent = SLICE("ben"),
                                          .last_ms = 99},
                                         {.id = {{2}}, .by_email = true, .fields = fields}};
    struct facts facts = {candidates, 2, {{8}}}, again;
    struct slice bytes = record_facts(&facts, &arena);
    struct value kept = record_facts_fields(&facts, &arena);
    assert_true(record_read_facts(&again, bytes, &kept, &arena));
    assert_true(slice_equal(bytes, record_facts(&again, &arena)));
    assert_int_equal(value_member(&again.candidates[1].fields, "plan")->integer, 7);
    assert_int_equal(again.candidates[0].fields.kind, VALUE_NULL);
    assert_true(slice_is(again.candidates[0].last_agent, "ben") && again.candidates[0].last_ms == 99);
    assert_true(slice_is(again.candidates[0].stage, "mine") && slice_is(again.candidates[0].source, "call"));
    assert_int_equal(again.candidate_count, 2);
    assert_true(slice_is(again.candidates[0].owner, "carl") && again.candidates[0].name.len == 0);
    assert_true(slice_is(again.candidates[0].tags[1], "gold") && again.candidates[0].by_phone);
    assert_true(again.candidates[1].by_email && !again.candidates[1].by_phone);
    assert_true(uuid_equal(&again.closed, &facts.closed));
    check_refused_when_cut(bytes, reads_facts);

    assert_true(record_read_facts(&again, bytes, NULL, &arena)); /* who had fields still had some */
    assert_int_equal(again.candidates[1].fields.kind, VALUE_MAP);
    arena_deinit(&arena);
}

static void an_open_interaction_keeps_how_it_was_routed_and_what_was_known_of_its_customer(void **state)
{
    struct arena arena;
    (void)state;
    arena_init(&arena);
    struct value list = value_list(&arena, 2), fields = value_map(&arena, 2);
    value_append(&list, value_null());
    value_append(&list, (struct value){.kind = VALUE_DOUBLE, .real = 0.5});
    value_set(&fields, "plan", value_int(-7));
    value_set(&fields, "list", list);
    struct slice tags[] = {SLICE("vip")};
    struct customer_fact fact = {.id = {{1}},
                                 .owner = SLICE("carl"),
                                 .tags = tags,
                                 .tag_count = 1,
                                 .fields = fields,
                                 .last_agent = SLICE("dora"),
                                 .last_ms = 55};
    struct config_rule rules[] = {{.name = SLICE("rest")}, {.name = SLICE("vip")}};
    struct agent agents[] = {{.name = SLICE("anna")}, {.name = SLICE("ben")}};
    struct project_config config = {.rules = rules, .rule_count = 2};
    struct core core = {.config = &config, .agents = agents, .agent_count = 2};
    struct interaction open = {.texts = {.region = SLICE("DE")}}, again = {.channel = CHANNEL_CALL};
    struct record_names names;
    open.data = (struct interaction_data){.fact = fact,
                                          .rule = 1,
                                          .excluded = 0,
                                          .relax_step = 2,
                                          .stage = PREFER_OWNER,
                                          .moved = MOVE_EMPTY,
                                          .entered_ms = 77,
                                          .held_until = TIME_NEVER,
                                          .reply_by = 99};
    struct slice bytes = record_open(&core, &open, &arena);
    assert_true(record_read_open(&again, &names, bytes, &arena));
    assert_true(slice_is(names.rule, "vip") && slice_is(names.excluded, "anna"));
    assert_true(slice_is(again.texts.region, "DE"));
    assert_int_equal(again.data.relax_step, 2);
    assert_int_equal(again.data.stage, PREFER_OWNER);
    assert_int_equal(again.data.moved, MOVE_EMPTY);
    assert_int_equal(again.data.entered_ms, 77);
    assert_int_equal(again.data.held_until, TIME_NEVER);
    assert_int_equal(again.data.reply_by, 99);
    again.data.rule = 1;
    again.data.excluded = 0;
    assert_true(slice_equal(bytes, record_open(&core, &again, &arena)));
    const struct customer_fact *customer = &again.data.fact;
    assert_true(slice_is(customer->owner, "carl") && slice_is(customer->tags[0], "vip"));
    assert_true(slice_is(customer->last_agent, "dora"));
    assert_int_equal(customer->last_ms, 55);
    assert_int_equal(value_member(&customer->fields, "plan")->integer, -7);
    assert_true(value_member(&customer->fields, "list")->items[1].real == 0.5);
    for (size_t len = 0; len < bytes.len; len++)
        assert_false(record_read_open(&again, &names, (struct slice){bytes.ptr, len}, &arena));
    /* What waits behind its preference is asked again by it when its queue opens: after a restart too. */
    open.data.stage = PREFER_QUEUE;
    assert_true(record_read_open(&again, &names, record_open(&core, &open, &arena), &arena));
    assert_true(slice_is(again.data.fact.last_agent, "dora"));
    assert_int_equal(again.data.fact.last_ms, 55);
    arena_deinit(&arena);
}

/* What journals from before have of an end is what is decided now, in whatever words it is told. */
static void an_end_is_told_in_its_source_s_words_and_decided_in_ours(void **state)
{
    enum { COUNT = 3 };
    static const char *const words[COUNT] = {NULL, "lost", "supervisor"}; /* the last would be ours */
    static struct world worlds[COUNT];
    struct slice decisions[COUNT];
    (void)state;
    for (size_t i = 0; i < COUNT; i++) {
        struct world *world = &worlds[i];
        const char *said = i == 1 ? words[i] : "ended";
        world_init(world, 1);
        world_presence(world, "anna", AGENT_AVAILABLE, 0);
        world_ring(world, "c1", "+491");
        struct input end = world_event(world, EVENT_CALL_ENDED, "c1", NULL);
        struct event *event = (struct event *)end.event;
        event->cause = slice_of(words[i]);
        const struct outcome *outcome = world_step(world, end);
        const struct announcement *told = announced_as(outcome, ANNOUNCE_ENDED);
        const struct announcement *gone = announced_as(outcome, ANNOUNCE_WITHDRAWN);
        assert_true(slice_is(announcement_cause(outcome, told->type, told->cause), said));
        assert_true(slice_is(announcement_cause(outcome, gone->type, gone->cause), "ended"));
        assert_true(slice_is(announcement_cause(outcome, ANNOUNCE_BLOCKED, SLICE("blocked")), "blocked"));
        assert_true(slice_is(world->core.graveyard->data.cause, said)); /* its own: the event may go first */
        assert_ptr_not_equal(world->core.graveyard->data.cause.ptr, event->cause.ptr);
        decisions[i] = record_decision(outcome, &world->arena);
        assert_true(slice_is(record_reported(record_input(&end, &world->arena), &world->arena),
                             words[i] ? words[i] : ""));
    }
    for (size_t i = 0; i < COUNT; i++)
        assert_true(slice_equal(decisions[0], decisions[i]));
    for (size_t i = 0; i < COUNT; i++)
        world_deinit(&worlds[i]);
}

static void an_end_without_a_beginning_has_its_source_s_word_and_an_agent_s_has_ours(void **state)
{
    struct world world;
    (void)state;
    world_init(&world, 1);
    struct input end = world_event(&world, EVENT_CALL_ENDED, "c1", NULL);
    ((struct event *)end.event)->cause = SLICE("lost");
    world_step(&world, end);
    assert_true(slice_is(world.core.graveyard->data.cause, "lost"));
    world_presence(&world, "anna", AGENT_AVAILABLE, 0);
    const struct snapshot *call = world_ring(&world, "c2", "+491")->snapshot;
    struct uuid id = call->interaction;
    world_accept(&world, call->offer, "anna");
    world_end(&world, id, "anna");
    assert_true(slice_is(world.core.graveyard->data.cause, "agent"));
    struct input agents = {.kind = INPUT_END, .interaction = id, .actor = SLICE("anna")};
    assert_int_equal(record_reported(record_input(&agents, &world.arena), &world.arena).len, 0);
    assert_int_equal(record_reported(SLICE("\x02\x06\x81"), &world.arena).len, 0);
    world_deinit(&world);
}

static void a_value_has_one_form(void **state)
{
    static const char *const bad[] = {"\x02\x06\x81", "\x02\x06\x80", "\x02\x06\x02", "\x01\x06",
                                      "\x02\x0a",     "\x02",         "\x03\x06",     "\x82\x06"};
    struct arena arena;
    struct input input;
    (void)state;
    arena_init(&arena);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(record_read_input(&input, slice_of(bad[i]), &nobody, &arena));
    assert_false(
        record_read_input(&input, (struct slice){"\x02\x06\x80\x00", 4}, &nobody, &arena)); /* padded */
    assert_true(record_read_input(&input, (struct slice){"\x02\x06\x00", 3}, &nobody, &arena));
    arena_deinit(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_field_was_thought_of),
        cmocka_unit_test(an_event_is_its_bytes_and_its_people),
        cmocka_unit_test(who_was_erased_still_had_the_keys_that_it_had),
        cmocka_unit_test(commands_and_changes_are_their_bytes),
        cmocka_unit_test(facts_are_their_bytes_but_for_people),
        cmocka_unit_test(an_open_interaction_keeps_how_it_was_routed_and_what_was_known_of_its_customer),
        cmocka_unit_test(an_end_is_told_in_its_source_s_words_and_decided_in_ours),
        cmocka_unit_test(an_end_without_a_beginning_has_its_source_s_word_and_an_agent_s_has_ours),
        cmocka_unit_test(a_value_has_one_form),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
