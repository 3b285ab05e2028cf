/* The gates that an event passes, on the pure core: identity, machine mail, the blacklist, and the ways of
 * gateways. */
#include "tests/unit/core_world.h"

/* --- Identity --- */

static void a_new_caller_becomes_a_customer_when_accepted_and_once(void **state)
{
    struct world world;
    (void)state;
    world_init(&world, 2);
    world_presence(&world, "anna", AGENT_AVAILABLE, 0);
    world_presence(&world, "ben", AGENT_AVAILABLE, 0);
    const struct outcome *outcome = world_ring(&world, "c1", "+491");
    struct uuid first = outcome->snapshot->offer;
    assert_int_equal(outcome->snapshot->identity, IDENTITY_NEW);
    struct uuid second = world_ring(&world, "c2", "+491")->snapshot->offer;
    outcome = world_accept(&world, first, NULL);
    assert_int_equal(outcome->snapshot->identity, IDENTITY_CREATED);
    struct customer_fact created = {.id = outcome->created, .by_phone = true};
    outcome = world_step(&world, (struct input){.kind = INPUT_ACCEPT,
                                                .offer = second,
                                                .facts = {.candidates = &created, .candidate_count = 1}});
    assert_int_equal(outcome->snapshot->identity, IDENTITY_MATCHED);
    assert_true(uuid_equal(&outcome->snapshot->customer, &created.id));
    assert_true(uuid_is_nil(&outcome->created));
    world_deinit(&world);
}

static void identity_follows_the_table_of_the_contract(void **state)
{
    static struct customer_fact phone = {.id = {{1}}, .by_phone = true},
                                email = {.id = {{2}}, .by_email = true},
                                both = {.id = {{3}}, .by_phone = true, .by_email = true};
    struct customer_fact lists[][2] = {{phone}, {phone, phone}, {phone, email}, {both, email}, {both}};
    static const struct {
        int list;
        uint32_t count;
        enum identity_outcome outcome;
    } cases[] = {{0, 0, IDENTITY_CREATED},  {0, 1, IDENTITY_MATCHED}, {1, 2, IDENTITY_AMBIGUOUS},
                 {2, 2, IDENTITY_CONFLICT}, {3, 2, IDENTITY_MATCHED}, {4, 1, IDENTITY_MATCHED}};
    struct world world;
    char subject[16];
    (void)state;
    world_init(&world, 1);
    lists[1][1].id.bytes[0] = 9;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct from from = {.phone = "+491",
                            .email = "a@b.example",
                            .candidates = lists[cases[i].list],
                            .candidate_count = cases[i].count};
        snprintf(subject, sizeof subject, "m%zu", i);
        const struct outcome *outcome =
            world_step(&world, world_event(&world, EVENT_EMAIL_RECEIVED, subject, &from));
        assert_int_equal(outcome->snapshot->identity, cases[i].outcome);
        bool listed = cases[i].outcome == IDENTITY_AMBIGUOUS || cases[i].outcome == IDENTITY_CONFLICT;
        assert_int_equal(outcome->snapshot->candidate_count, listed ? 2 : 0);
    }
    assert_int_equal(world_chat(&world, "s1")->snapshot->identity, IDENTITY_MANUAL);
    assert_int_equal(world_ring(&world, "c1", NULL)->snapshot->identity, IDENTITY_ANONYMOUS);
    world_deinit(&world);
}

static void machine_mail_is_attached_or_ignored_and_never_offered(void **state)
{
    struct world world;
    struct from from = {.email = "robot@b.example"};
    (void)state;
    world_init(&world, 1);
    world_presence(&world, "anna", AGENT_AVAILABLE, 0);
    struct input mail = world_event(&world, EVENT_EMAIL_RECEIVED, "m1", &from);
    mail.machine = true;
    assert_int_equal(world_step(&world, mail)->outcome, OUTCOME_IGNORED);
    const struct outcome *first = world_step(&world, world_event(&world, EVENT_EMAIL_RECEIVED, "m2", &from));
    struct uuid thread = world_conversation(CHANNEL_EMAIL, "m2");
    mail = world_event(&world, EVENT_EMAIL_RECEIVED, "m3", &from);
    mail.machine = true;
    mail.thread = &thread;
    mail.thread_count = 1;
    const struct outcome *outcome = world_step(&world, mail);
    assert_int_equal(outcome->outcome, OUTCOME_ATTACHED);
    assert_int_equal(outcome->snapshot->identity, IDENTITY_MACHINE);
    assert_true(uuid_equal(&outcome->snapshot->interaction, &first->snapshot->interaction));
    assert_null(outcome->announcements);
    world_deinit(&world);
}

/* --- The blacklist --- */

static struct block block_phone(const struct world *world, const char *phone, int64_t until)
{
    return (struct block){.id = {{7}},
                          .kind = BLOCK_PHONE,
                          .key = slice_of(phone),
                          .channels = 7,
                          .start_ms = world->now,
                          .until_ms = until};
}

static void a_block_ends_exactly_on_its_millisecond(void **state)
{
    struct world world;
    (void)state;
    world_init(&world, 1);
    world_presence(&world, "anna", AGENT_AVAILABLE, 0);
    struct block block = block_phone(&world, "+491", world.now + 1000);
    world_step(&world, (struct input){.kind = INPUT_BLOCK, .block = block});
    world.now += 999;
    const struct outcome *outcome = world_ring(&world, "c1", "+491");
    assert_int_equal(outcome->outcome, OUTCOME_BLOCKED);
    assert_true(uuid_equal(&outcome->hit, &block.id));
    world.now += 1;
    assert_int_equal(world_ring(&world, "c2", "+491")->outcome, OUTCOME_OFFERED);
    world_deinit(&world);
}

static void a_block_that_is_over_leaves_memory(void **state)
{
    struct world world;
    struct from from = {.phone = "+491"};
    (void)state;
    world_init(&world, 2);
    struct block first = block_phone(&world, "+491", world.now + 1000);
    struct block second = block_phone(&world, "+491", world.now + 2000);
    struct block permanent = block_phone(&world, "+492", TIME_NEVER);
    second.id.bytes[1] = 1;
    permanent.id.bytes[1] = 2;
    world_step(&world, (struct input){.kind = INPUT_BLOCK, .block = first});
    world_step(&world, (struct input){.kind = INPUT_BLOCK, .block = second});
    world_step(&world, (struct input){.kind = INPUT_BLOCK, .block = permanent});
    world.now += 999;
    world_step(&world, world_event(&world, EVENT_CALL_RINGING, "c1", &from));
    assert_int_equal(world.core.blacklist.by_id.count, 3);
    world.now += 1;
    assert_int_equal(world_step(&world, world_event(&world, EVENT_CALL_RINGING, "c2", &from))->outcome,
                     OUTCOME_BLOCKED);
    assert_int_equal(world.core.blacklist.by_id.count, 2);
    world.now += 1000;
    assert_int_equal(world_step(&world, world_event(&world, EVENT_CALL_RINGING, "c3", &from))->outcome,
                     OUTCOME_QUEUED);
    assert_int_equal(world.core.blacklist.by_id.count, 1);
    world_step(&world, (struct input){.kind = INPUT_UNBLOCK, .block = {.id = second.id}});
    world_deinit(&world);
}

/* An earlier batch that is committed meanwhile must not free what this one may still have to take back. */
static void a_block_that_is_over_when_it_comes_is_not_kept(void **state)
{
    struct world world;
    (void)state;
    world_init(&world, 1);
    struct block block = block_phone(&world, "+491", world.now);
    struct input input = {.kind = INPUT_BLOCK, .at_ms = world.now, .block = block};
    core_loaded(&world.core, 0, world.now);
    struct input timer = core_timer(&world.core, world.now);
    core_begin(&world.core);
    core_step(&world.core, &timer, &world.arena);
    core_begin(&world.core);
    assert_int_equal(core_step(&world.core, &input, &world.arena)->outcome, OUTCOME_DONE);
    assert_int_equal(world.core.blacklist.by_id.count, 0);
    core_commit(&world.core);
    core_rollback(&world.core);
    world_deinit(&world);
}

static void a_block_withdraws_what_is_on_offer_and_an_unblock_lets_pass_at_once(void **state)
{
    struct world world;
    (void)state;
    world_init(&world, 1);
    world_presence(&world, "anna", AGENT_AVAILABLE, 0);
    struct uuid offer = world_ring(&world, "c1", "+491")->snapshot->offer;
    world_ring(&world, "c2", "+492");
    struct block block = block_phone(&world, "+491", TIME_NEVER);
    const struct outcome *outcome = world_step(&world, (struct input){.kind = INPUT_BLOCK, .block = block});
    assert_true(slice_is(announced_as(outcome, ANNOUNCE_WITHDRAWN)->cause, "blocked"));
    assert_non_null(announced_as(outcome, ANNOUNCE_BLOCKED));
    assert_non_null(announced_as(outcome, ANNOUNCE_OFFERED)); /* the agent is free for c2 */
    assert_int_equal(world_accept(&world, offer, "anna")->refusal, REFUSAL_OFFER_GONE);
    assert_int_equal(world_ring(&world, "c3", "+491")->outcome, OUTCOME_BLOCKED);
    world_step(&world, (struct input){.kind = INPUT_UNBLOCK, .block = {.id = block.id}});
    assert_int_equal(world_ring(&world, "c4", "+491")->outcome, OUTCOME_QUEUED);
    world_deinit(&world);
}

static void a_blocked_customer_found_at_the_accept_is_not_assigned(void **state)
{
    struct world world;
    (void)state;
    world_init(&world, 1);
    world_presence(&world, "anna", AGENT_AVAILABLE, 0);
    struct uuid offer = world_ring(&world, "c1", "+491")->snapshot->offer;
    struct customer_fact customer = {.id = {{5}}, .by_phone = true};
    struct block block = {.id = {{8}},
                          .kind = BLOCK_CUSTOMER,
                          .customer = customer.id,
                          .channels = 7,
                          .start_ms = world.now,
                          .until_ms = TIME_NEVER};
    world_step(&world, (struct input){.kind = INPUT_BLOCK, .block = block});
    const struct outcome *outcome =
        world_step(&world, (struct input){.kind = INPUT_ACCEPT,
                                          .offer = offer,
                                          .facts = {.candidates = &customer, .candidate_count = 1}});
    assert_int_equal(outcome->outcome, OUTCOME_BLOCKED);
    assert_int_equal(outcome->snapshot->identity, IDENTITY_BLOCKED);
    assert_null(world_find(&world, CHANNEL_CALL, "c1"));
    assert_int_equal(core_find_agent(&world.core, SLICE("anna"))->data.load[CHANNEL_CALL], 0);
    world_deinit(&world);
}

/* --- Ways of gateways --- */

static void the_gateways_word_decides_who_answered(void **state)
{
    struct world world;
    (void)state;
    world_init(&world, 2);
    world_presence(&world, "anna", AGENT_AVAILABLE, 0);
    world_ring(&world, "c1", "+491");
    struct input answered = world_event(&world, EVENT_CALL_ANSWERED, "c1", NULL);
    ((struct event *)answered.event)->agent = SLICE("ben");
    assert_int_equal(world_step(&world, answered)->outcome, OUTCOME_ATTACHED);
    const struct interaction *call = world_find(&world, CHANNEL_CALL, "c1");
    assert_int_equal(call->data.state, INTERACTION_ACTIVE);
    assert_string_equal(holder(&world, call), "ben");
    assert_int_equal(core_find_agent(&world.core, SLICE("anna"))->data.load[CHANNEL_CALL], 0);
    world_deinit(&world);
}

static void an_outbound_call_is_active_at_once_and_never_offered(void **state)
{
    struct world world;
    (void)state;
    world_init(&world, 1);
    world_presence(&world, "anna", AGENT_AVAILABLE, 0);
    struct from from = {.phone = "+491"};
    struct input call = world_event(&world, EVENT_CALL_RINGING, "c1", &from);
    struct event *event = (struct event *)call.event;
    event->outbound = true;
    event->attributes = value_map(&world.arena, 1);
    value_set(&event->attributes, "agent", value_string(SLICE("anna")));
    const struct outcome *outcome = world_step(&world, call);
    assert_null(announced_as(outcome, ANNOUNCE_OFFERED));
    assert_non_null(announced_as(outcome, ANNOUNCE_ASSIGNED));
    assert_int_equal(world_ring(&world, "c2", "+492")->outcome, OUTCOME_QUEUED); /* the line is taken */
    world_deinit(&world);
}

static void an_event_for_an_unknown_endpoint_changes_nothing(void **state)
{
    struct world world;
    struct from from = {.phone = "+491"};
    (void)state;
    world_init(&world, 1);
    struct input call = world_event(&world, EVENT_CALL_RINGING, "c1", &from);
    call.recipient_key = SLICE("+49999");
    uint64_t seq = world.core.seq;
    assert_int_equal(world_step(&world, call)->refusal, REFUSAL_NO_ENDPOINT);
    assert_int_equal(world.core.seq, seq);
    assert_int_equal(world.core.open.count, 0);
    world_deinit(&world);
}

static void a_new_configuration_moves_work_by_name_and_disturbs_no_timer(void **state)
{
    struct world world, other;
    (void)state;
    world_init(&world, 2);
    world_presence(&world, "anna", AGENT_AVAILABLE, 0);
    struct uuid offer = world_ring(&world, "c1", "+491")->snapshot->offer;
    world_chat(&world, "s1");
    world_ring(&world, "c2", "+492");
    other = world;
    world_configure(&other, 3);
    other.queues[0].name = SLICE("chat"); /* the queues in another order, one of them new, support gone */
    other.queues[2].name = SLICE("calls");
    other.endpoints[0].queue = 2;
    other.endpoints[1].queue = 0;
    const struct outcome *outcome = world_step(
        &world, (struct input){.kind = INPUT_CONFIG, .config = &other.config, .config_version = 2});
    assert_int_equal(outcome->config_version, 2);
    assert_int_equal(world_find(&world, CHANNEL_CHAT, "s1")->data.queue, 0);
    assert_int_equal(world_find(&world, CHANNEL_CALL, "c2")->data.queue, 2);
    assert_int_equal(world_accept(&world, offer, "anna")->outcome, OUTCOME_ASSIGNED);
    world_presence(&world, "carl", AGENT_AVAILABLE, 0);
    assert_string_equal(holder(&world, world_find(&world, CHANNEL_CALL, "c2")), "carl");
    core_deinit(&world.core);
    arena_deinit(&world.arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_caller_becomes_a_customer_when_accepted_and_once),
        cmocka_unit_test(identity_follows_the_table_of_the_contract),
        cmocka_unit_test(machine_mail_is_attached_or_ignored_and_never_offered),
        cmocka_unit_test(a_block_ends_exactly_on_its_millisecond),
        cmocka_unit_test(a_block_that_is_over_leaves_memory),
        cmocka_unit_test(a_block_that_is_over_when_it_comes_is_not_kept),
        cmocka_unit_test(a_block_withdraws_what_is_on_offer_and_an_unblock_lets_pass_at_once),
        cmocka_unit_test(a_blocked_customer_found_at_the_accept_is_not_assigned),
        cmocka_unit_test(the_gateways_word_decides_who_answered),
        cmocka_unit_test(an_outbound_call_is_active_at_once_and_never_offered),
        cmocka_unit_test(an_event_for_an_unknown_endpoint_changes_nothing),
        cmocka_unit_test(a_new_configuration_moves_work_by_name_and_disturbs_no_timer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
