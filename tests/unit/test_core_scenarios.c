/* Golden scenarios of routing that stand in no story about one mechanism: docs/scenarios.md lists all of
 * them. */
#include "tests/unit/core_world.h"

static const struct interaction *call(struct world *world, const char *subject)
{
    return world_find(world, CHANNEL_CALL, subject);
}

static const struct outcome *write_mail(struct world *world, const char *subject, const char *email,
                                        struct uuid *thread)
{
    struct from from = {.email = email};
    struct input mail = world_event(world, EVENT_EMAIL_RECEIVED, subject, &from);
    mail.thread = thread;
    mail.thread_count = thread ? 1 : 0;
    return world_step(world, mail);
}

static void a_flap_of_20_s_moves_nothing(void **state)
{
    struct world world;
    (void)state;
    world_prepare(&world, 2);
    world.queues[QUEUE_MAIL].offer_timeout_ms = 120000;
    world_start(&world);
    world_presence(&world, "anna", AGENT_AVAILABLE, 30000);
    world_accept(&world, world_ring(&world, "c1", "+491")->snapshot->offer, "anna");
    world_end(&world, call(&world, "c1")->id, "anna");
    world_accept(&world, world_chat(&world, "s1")->snapshot->offer, "anna");
    write_mail(&world, "m1", "a@b.example", NULL);
    const struct interaction *chat = world_find(&world, CHANNEL_CHAT, "s1");
    const struct interaction *mail = world_find(&world, CHANNEL_EMAIL, "m1");
    struct interaction_data active = chat->data, offered = mail->data;
    world_presence(&world, "ben", AGENT_AVAILABLE, 0);
    assert_int_equal(world_sleep(&world, 30000), 1); /* the lease is over */
    assert_int_equal(core_find_agent(&world.core, SLICE("anna"))->data.state, AGENT_OFFLINE);
    assert_int_equal(world_sleep(&world, 20000), 0);
    const struct outcome *back = world_presence(&world, "anna", AGENT_AVAILABLE, 0);
    for (const struct announcement *told = back->announcements; told; told = told->next)
        assert_int_equal(told->type, ANNOUNCE_PRESENCE);
    assert_int_equal(world_sleep(&world, 60000), 0); /* the grace is over, too */
    assert_memory_equal(&chat->data, &active, sizeof active);
    assert_memory_equal(&mail->data, &offered, sizeof offered);
    assert_int_equal(world_accept(&world, offered.offer, "anna")->outcome, OUTCOME_ASSIGNED);
    world_deinit(&world);
}

static void a_reject_keeps_the_rank_and_the_other_agent_is_next(void **state)
{
    struct world world;
    (void)state;
    world_init(&world, 2);
    world_presence(&world, "anna", AGENT_AVAILABLE, 0);
    world_ring(&world, "c1", "+491");
    int64_t since = call(&world, "c1")->data.enqueued_ms;
    world.now += 1000;
    world_ring(&world, "c2", "+492"); /* waits, and is younger */
    world_presence(&world, "ben", AGENT_BREAK, 0);
    const struct outcome *outcome =
        world_reject(&world, call(&world, "c1")->data.offer, "anna", REJECT_REJECT);
    assert_null(announced_as(outcome, ANNOUNCE_OFFERED)); /* nobody else is there */
    assert_int_equal(call(&world, "c1")->data.enqueued_ms, since);
    world_presence(&world, "ben", AGENT_AVAILABLE, 0);
    assert_string_equal(holder(&world, call(&world, "c1")), "ben"); /* the older one */
    world_reject(&world, call(&world, "c1")->data.offer, "ben", REJECT_REJECT);
    world_sleep(&world, 9999);
    assert_int_equal(call(&world, "c1")->data.state, INTERACTION_QUEUED);
    world_sleep(&world,
                1); /* each is free again when its own cool-down is over, Anna's was earlier or as early */
    assert_int_equal(call(&world, "c1")->data.state, INTERACTION_OFFERED);
    assert_int_equal(call(&world, "c1")->data.enqueued_ms, since);
    world_deinit(&world);

    world_init(&world, 2); /* with both there, the other one is asked at once */
    world_presence(&world, "anna", AGENT_AVAILABLE, 0);
    world.now += 10;
    world_presence(&world, "ben", AGENT_AVAILABLE, 0);
    world_ring(&world, "c1", "+491");
    outcome = world_reject(&world, call(&world, "c1")->data.offer, "anna", REJECT_REJECT);
    assert_true(slice_is(announced_as(outcome, ANNOUNCE_OFFERED)->agent, "ben"));
    world_deinit(&world);
}

static void a_reply_of_a_blocked_sender_to_an_old_thread_is_blocked(void **state)
{
    (void)state;
    for (int is_closed = 0; is_closed < 2; is_closed++) {
        struct world world;
        struct uuid thread = world_conversation(CHANNEL_EMAIL, "m1");
        world_init(&world, 1);
        world_presence(&world, "anna", AGENT_AVAILABLE, 0);
        world_accept(&world, write_mail(&world, "m1", "a@b.example", NULL)->snapshot->offer, "anna");
        if (is_closed)
            world_end(&world, world_find(&world, CHANNEL_EMAIL, "m1")->id, "anna");
        world_sleep(&world, 3600000);
        struct block block = {.id = {{7}},
                              .kind = BLOCK_EMAIL,
                              .key = SLICE("a@b.example"),
                              .channels = 7,
                              .start_ms = world.now,
                              .until_ms = world.now + 1000};
        world_step(&world, (struct input){.kind = INPUT_BLOCK, .block = block});
        const struct outcome *outcome = write_mail(&world, "m2", "a@b.example", &thread);
        assert_int_equal(outcome->outcome, OUTCOME_BLOCKED);
        assert_true(uuid_equal(&outcome->hit, &block.id));
        assert_int_equal(outcome->snapshot->identity, IDENTITY_BLOCKED);
        assert_null(announced_as(outcome, ANNOUNCE_MESSAGE));
        assert_null(announced_as(outcome, ANNOUNCE_OFFERED));
        world.now += 999;
        assert_int_equal(write_mail(&world, "m3", "a@b.example", &thread)->outcome, OUTCOME_BLOCKED);
        world.now += 1; /* to the millisecond */
        assert_int_equal(write_mail(&world, "m4", "a@b.example", &thread)->outcome,
                         is_closed ? OUTCOME_OFFERED : OUTCOME_ATTACHED);
        world_deinit(&world);
    }
}

static const struct outcome *ring_withheld(struct world *world, const char *subject)
{
    struct input input = world_event(world, EVENT_CALL_RINGING, subject, &(struct from){.phone = NULL});
    input.phone.class = CALLER_ANONYMOUS;
    return world_step(world, input);
}

static void a_withheld_caller_never_resumes_another_s_place(void **state)
{
    struct world world;
    (void)state;
    world_prepare(&world, 3);
    world.config.prefer = (struct config_prefer){15000, 10000, INT64_C(2592000000)};
    world.config.exclusive[CHANNEL_CALL] = false;
    world.agents[1].capacity[CHANNEL_CALL] = 2;
    world_start(&world);
    const struct outcome *first = ring_withheld(&world, "c1");
    struct uuid gone = first->snapshot->interaction;
    world.now += 60000;
    world_ring(&world, "c2", "+492");
    world_step(&world, world_event(&world, EVENT_CALL_ENDED, "c1", NULL));
    world.now += 1000;
    const struct outcome *again = ring_withheld(&world, "c3");
    assert_int_equal(again->snapshot->identity, IDENTITY_ANONYMOUS);
    assert_false(uuid_equal(&again->snapshot->interaction, &gone));
    assert_int_equal(call(&world, "c3")->data.enqueued_ms, world.now);
    world_presence(&world, "anna", AGENT_AVAILABLE, 0);
    assert_string_equal(holder(&world, call(&world, "c2")), "anna"); /* who waited, and not who hid */
    assert_int_equal(call(&world, "c3")->data.state, INTERACTION_QUEUED);
    /* Nor is one withheld caller taken for another by whom they talk to. */
    world_presence(&world, "ben", AGENT_AVAILABLE, 0);
    world_accept(&world, call(&world, "c3")->data.offer, "ben");
    world_presence(&world, "carl", AGENT_AVAILABLE, 0);
    again = ring_withheld(&world, "c4");
    assert_true(slice_is(again->snapshot->agent, "carl"));
    assert_int_equal(again->explanations->stage, PREFER_QUEUE);
    world_deinit(&world);
}

static void a_good_reload_changes_no_agent(void **state)
{
    struct world world;
    struct project_config other;
    struct config_agent agents[4];
    struct agent_data before[3];
    (void)state;
    world_prepare(&world, 3);
    world.queues[QUEUE_SUPPORT].wrap_up_ms = 60000;
    world_start(&world);
    world_presence(&world, "anna", AGENT_AVAILABLE, 90000);
    world_accept(&world, world_ring(&world, "c1", "+491")->snapshot->offer, "anna");
    world_end(&world, call(&world, "c1")->id, "anna"); /* Anna wraps up */
    world_presence(&world, "ben", AGENT_AVAILABLE, 0);
    world_ring(&world, "c2", "+492");
    world_sleep(&world, 20000); /* Ben misses and cools down */
    world_presence(&world, "carl", AGENT_BREAK, 60000);
    world_accept(&world, world_chat(&world, "s1")->snapshot->offer, NULL);
    for (uint32_t i = 0; i < 3; i++)
        before[i] = world.core.agents[i].data;
    assert_int_equal(before[1].misses, 1);
    other = world.config;
    memcpy(agents, world.agents, sizeof agents);
    agents[3] = agents[0];
    agents[3].name = agents[3].display_name = SLICE("dora");
    agents[3].position = 3;
    other.agents = agents;
    other.agent_count = 4;
    const struct outcome *outcome =
        world_step(&world, (struct input){.kind = INPUT_CONFIG, .config = &other, .config_version = 2});
    assert_null(outcome->announcements);
    for (uint32_t i = 0; i < 3; i++)
        assert_memory_equal(&world.core.agents[i].data, &before[i], sizeof before[i]);
    assert_int_equal(core_find_agent(&world.core, SLICE("dora"))->data.state, AGENT_OFFLINE);
    assert_int_equal(core_find_agent(&world.core, SLICE("dora"))->data.agentsequence, 0);
    world_deinit(&world);
}

static void a_restart_3_s_before_an_offer_s_end_ends_it_once_and_on_time(void **state)
{
    struct world world;
    (void)state;
    world_init(&world, 2);
    world_presence(&world, "anna", AGENT_AVAILABLE, 0);
    world.now += 10;
    world_presence(&world, "ben", AGENT_AVAILABLE, 0);
    world_ring(&world, "c1", "+491");
    struct uuid first = call(&world, "c1")->data.offer;
    int64_t ends = call(&world, "c1")->data.expires_ms;
    assert_int_equal(world_sleep(&world, 17000), 0);
    world_restart(&world);
    world_sleep(&world, 2999);
    assert_string_equal(holder(&world, call(&world, "c1")), "anna");
    assert_int_equal(world_sleep(&world, 1), 1);
    assert_int_equal(world.now, ends);
    assert_true(slice_is(announced_as(world.last, ANNOUNCE_WITHDRAWN)->cause, "timeout"));
    assert_string_equal(holder(&world, call(&world, "c1")), "ben");
    assert_int_equal(world_accept(&world, first, "anna")->refusal, REFUSAL_OFFER_GONE);
    assert_int_equal(core_find_agent(&world.core, SLICE("anna"))->data.misses, 1);
    world_restart(&world);      /* and it stays ended */
    world_sleep(&world, 10000); /* Anna's cool-down is over */
    assert_int_equal(core_find_agent(&world.core, SLICE("anna"))->data.misses, 1);
    assert_int_equal(call(&world, "c1")->data.attempts, 2);
    world_deinit(&world);
}

/* Who a chat goes to that ends at once. */
static char asked(struct world *world, int number)
{
    char subject[16];
    snprintf(subject, sizeof subject, "s%d", number);
    world_chat(world, subject);
    const struct interaction *interaction = world_find(world, CHANNEL_CHAT, subject);
    world_accept(world, interaction->data.offer, NULL);
    char first = holder(world, interaction)[0];
    world_end(world, interaction->id, NULL);
    world->now += 10;
    return first;
}

static void round_robin_survives_leave_join_and_restart(void **state)
{
    struct world world;
    char turns[16] = "";
    (void)state;
    world_prepare(&world, 4);
    world.queues[QUEUE_CHAT].strategy = STRATEGY_ROUND_ROBIN;
    world_start(&world);
    for (uint32_t i = 0; i < 3; i++, world.now += 10)
        world_presence(&world, world.agents[i].name.ptr, AGENT_AVAILABLE, 0);
    for (int i = 0; i < 12; i++) {
        if (i == 4)
            world_restart(&world); /* Anna has had her second turn */
        if (i == 5)
            world_presence(&world, "carl", AGENT_OFFLINE, 0); /* leaves before his turn */
        if (i == 7)
            world_presence(&world, "dora", AGENT_AVAILABLE, 0); /* joins: once, then at the end */
        if (i == 9)
            world_restart(&world);
        turns[i] = asked(&world, i);
    }
    assert_string_equal(turns, "abcababdabda");
    world_deinit(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_flap_of_20_s_moves_nothing),
        cmocka_unit_test(a_reject_keeps_the_rank_and_the_other_agent_is_next),
        cmocka_unit_test(a_reply_of_a_blocked_sender_to_an_old_thread_is_blocked),
        cmocka_unit_test(a_withheld_caller_never_resumes_another_s_place),
        cmocka_unit_test(a_good_reload_changes_no_agent),
        cmocka_unit_test(a_restart_3_s_before_an_offer_s_end_ends_it_once_and_on_time),
        cmocka_unit_test(round_robin_survives_leave_join_and_restart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
