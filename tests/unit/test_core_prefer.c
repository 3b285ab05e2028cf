/* Whom the customer knows is asked first, and what is taken without an answer comes back. */
#include "tests/unit/core_world.h"

static struct customer_fact customer = {.id = {{7}}, .by_phone = true};

static const struct outcome *ring(struct world *world, const char *subject)
{
    struct from from = {.phone = "+491", .candidates = &customer, .candidate_count = 1};
    return world_step(world, world_event(world, EVENT_CALL_RINGING, subject, &from));
}

static const struct outcome *chat(struct world *world, const char *subject)
{
    struct from from = {.phone = "+491", .candidates = &customer, .candidate_count = 1};
    return world_step(world, world_event(world, EVENT_CHAT_MESSAGE, subject, &from));
}

/* Dora has been idle for longest, so it is she whom the queue would ask. */
static void start(struct world *world, const char *owner, const char *last)
{
    static const char *const order[] = {"dora", "anna", "ben", "carl"};
    world_prepare(world, 4);
    world->config.prefer = (struct config_prefer){15000, 10000, INT64_C(2592000000)};
    world_start(world);
    for (int i = 0; i < 4; i++, world->now += 10)
        world_presence(world, order[i], AGENT_AVAILABLE, 0);
    customer.owner = slice_of(owner);
    customer.last_agent = slice_of(last);
    customer.last_ms = world->now - 1000;
}

static void the_owner_is_asked_first_then_the_last_agent_then_the_queue(void **state)
{
    struct world world;
    (void)state;
    start(&world, "anna", "ben");
    const struct outcome *outcome = ring(&world, "c1");
    assert_true(slice_is(outcome->snapshot->agent, "anna"));
    assert_int_equal(outcome->explanations->stage, PREFER_OWNER);
    assert_int_equal(world_sleep(&world, 14999), 0);
    world_sleep(&world, 1);
    const struct interaction *interaction = world_find(&world, CHANNEL_CALL, "c1");
    assert_string_equal(holder(&world, interaction), "ben");
    assert_string_equal(world.last->miss, "no_answer"); /* a miss like any */
    assert_int_equal(world_sleep(&world, 9999), 0);
    world_sleep(&world, 1);
    assert_string_equal(holder(&world, interaction), "dora");
    assert_int_equal(interaction->data.stage, PREFER_QUEUE);
    assert_int_equal(interaction->data.expires_ms, world.now + 20000);
    world_deinit(&world);
}

static void behind_who_has_the_customer_the_owner_is_asked(void **state)
{
    struct world world;
    (void)state;
    start(&world, "ben", NULL);
    world_presence(&world, "ben", AGENT_BREAK, 0);
    world_accept(&world, chat(&world, "c1")->snapshot->offer, "dora");
    world_presence(&world, "ben", AGENT_AVAILABLE, 0);
    const struct outcome *outcome = chat(&world, "c2");
    assert_true(slice_is(outcome->snapshot->agent, "dora"));
    assert_int_equal(outcome->explanations->stage, PREFER_SAME);
    world_reject(&world, outcome->snapshot->offer, "dora", REJECT_REJECT);
    const struct interaction *interaction = world_find(&world, CHANNEL_CHAT, "c2");
    assert_string_equal(holder(&world, interaction), "ben");
    assert_int_equal(interaction->data.stage, PREFER_OWNER);
    world_deinit(&world);
}

static void an_owner_who_is_offline_is_skipped_without_delay_and_so_is_the_last_agent(void **state)
{
    struct world world;
    (void)state;
    start(&world, "anna", "ben");
    world_presence(&world, "anna", AGENT_OFFLINE, 0);
    assert_true(slice_is(ring(&world, "c1")->snapshot->agent, "ben"));
    world_presence(&world, "ben", AGENT_BREAK, 0);
    assert_true(slice_is(ring(&world, "c2")->snapshot->agent, "dora"));
    world_deinit(&world);
}

static void a_last_agent_of_too_long_ago_is_not_asked(void **state)
{
    struct world world;
    (void)state;
    start(&world, NULL, "ben");
    customer.last_ms = world.now - INT64_C(2592000001);
    assert_true(slice_is(ring(&world, "c1")->snapshot->agent, "dora"));
    world_deinit(&world);
}

static void two_equal_contacts_of_one_customer_go_to_one_agent_if_there_is_room(void **state)
{
    struct world world;
    (void)state;
    start(&world, NULL, NULL);
    for (int i = 0; i < 3; i++) {
        char subject[] = {'s', (char)('0' + i), 0};
        assert_true(slice_is(chat(&world, subject)->snapshot->agent, "dora"));
    }
    assert_true(slice_is(chat(&world, "s3")->snapshot->agent, "anna")); /* no room is left */
    assert_int_equal(world.last->explanations->stage, PREFER_QUEUE);
    world_deinit(&world);
}

static void without_prefer_nobody_is(void **state)
{
    struct world world;
    (void)state;
    start(&world, "anna", "ben");
    world.config.prefer = (struct config_prefer){0, 0, 0};
    chat(&world, "s1");
    assert_true(slice_is(chat(&world, "s2")->snapshot->agent, "anna")); /* simply the next */
    world_deinit(&world);
}

static void only_those_are_asked_whom_the_file_prefers(void **state)
{
    struct world world;
    (void)state;
    start(&world, "anna", "ben");
    world.config.prefer.owner_ms = 0;
    assert_true(slice_is(ring(&world, "c1")->snapshot->agent, "ben"));
    assert_int_equal(world.last->explanations->stage, PREFER_LAST);
    world_deinit(&world);
    start(&world, "anna", "ben");
    world.config.prefer.last_agent_ms = 0;
    assert_true(slice_is(ring(&world, "c1")->snapshot->agent, "anna"));
    world_reject(&world, world.last->snapshot->offer, "anna", REJECT_BUSY);
    assert_string_equal(holder(&world, world_find(&world, CHANNEL_CALL, "c1")), "dora");
    world_deinit(&world);
}

static void who_is_owner_and_last_agent_is_asked_once(void **state)
{
    struct world world;
    (void)state;
    start(&world, "anna", "anna");
    world.config.cool_down_ms[REJECT_REJECT] = 0; /* else she would be resting */
    assert_true(slice_is(ring(&world, "c1")->snapshot->agent, "anna"));
    world_reject(&world, world.last->snapshot->offer, "anna", REJECT_REJECT);
    const struct interaction *interaction = world_find(&world, CHANNEL_CALL, "c1");
    assert_string_equal(holder(&world, interaction), "dora");
    assert_int_equal(interaction->data.stage, PREFER_QUEUE);
    world_deinit(&world);
}

static void who_is_no_agent_of_the_queue_or_none_any_more_is_skipped(void **state)
{
    struct world world;
    static uint16_t mail[] = {QUEUE_MAIL};
    (void)state;
    start(&world, "zoe", "ben"); /* Zoe left long ago */
    assert_true(slice_is(ring(&world, "c1")->snapshot->agent, "ben"));
    struct project_config without_ben = world.config;
    struct config_agent agents[] = {world.agents[0], world.agents[2], world.agents[3]};
    agents[0].queues = mail; /* and Anna serves mail alone from now on */
    agents[0].queue_count = 1;
    without_ben.agents = agents;
    without_ben.agent_count = 3;
    world_step(&world, (struct input){.kind = INPUT_CONFIG, .config = &without_ben, .config_version = 2});
    assert_true(slice_is(ring(&world, "c2")->snapshot->agent, "dora"));
    customer.owner = SLICE("anna");
    assert_true(slice_is(ring(&world, "c3")->snapshot->agent, "carl"));
    world_deinit(&world);
}

static void an_owner_who_gave_it_away_does_not_get_it_back(void **state)
{
    struct world world;
    (void)state;
    start(&world, "anna", NULL);
    world_accept(&world, ring(&world, "c1")->snapshot->offer, "anna");
    world_step(&world, (struct input){.kind = INPUT_TRANSFER,
                                      .interaction = world_find(&world, CHANNEL_CALL, "c1")->id,
                                      .actor = SLICE("anna"),
                                      .queue = SLICE("support")});
    assert_string_equal(holder(&world, world_find(&world, CHANNEL_CALL, "c1")), "dora");
    world_deinit(&world);
}

static void of_two_who_are_with_the_customer_the_newer_is_asked(void **state)
{
    struct world world;
    (void)state;
    start(&world, NULL, NULL);
    world_accept(&world, chat(&world, "s1")->snapshot->offer, "dora");
    world_step(&world, (struct input){.kind = INPUT_TRANSFER,
                                      .interaction = world_find(&world, CHANNEL_CHAT, "s1")->id,
                                      .agent = SLICE("anna")});
    world_accept(&world, world_find(&world, CHANNEL_CHAT, "s1")->data.offer, "anna");
    world_accept(&world, chat(&world, "s2")->snapshot->offer, "anna");
    world_step(&world, (struct input){.kind = INPUT_TRANSFER,
                                      .interaction = world_find(&world, CHANNEL_CHAT, "s2")->id,
                                      .agent = SLICE("ben")});
    world_accept(&world, world_find(&world, CHANNEL_CHAT, "s2")->data.offer, "ben");
    assert_true(slice_is(chat(&world, "s3")->snapshot->agent, "ben"));
    assert_int_equal(world.last->explanations->stage, PREFER_SAME);
    world_deinit(&world);
}

static void the_queue_s_own_timeout_cuts_a_longer_preference(void **state)
{
    struct world world;
    (void)state;
    start(&world, "anna", "ben");
    world.config.prefer.owner_ms = 60000;
    assert_int_equal(ring(&world, "c1")->snapshot->expires_ms, world.now + 20000);
    world_deinit(&world);
}

static void a_first_reply_that_does_not_come_returns_the_chat_with_its_age(void **state)
{
    struct world world;
    (void)state;
    world_prepare(&world, 2);
    world.queues[QUEUE_CHAT].first_reply_ms = 30000;
    world_start(&world);
    world_presence(&world, "anna", AGENT_AVAILABLE, 0);
    int64_t since = world.now;
    world_accept(&world, world_chat(&world, "s1")->snapshot->offer, "anna");
    world_accept(&world, world_chat(&world, "s2")->snapshot->offer, "anna");
    struct input reply = world_event(&world, EVENT_CHAT_MESSAGE, "s2", NULL);
    ((struct event *)reply.event)->outbound = true;
    world_step(&world, reply);
    world_chat(&world, "s1"); /* the customer asks again: that is no reply */
    assert_int_equal(world_sleep(&world, 29999), 0);
    assert_int_equal(world_sleep(&world, 1), 1);
    const struct interaction *interaction = world_find(&world, CHANNEL_CHAT, "s1");
    assert_int_equal(interaction->data.state, INTERACTION_QUEUED);
    assert_int_equal(interaction->data.enqueued_ms, since);
    assert_true(slice_is(announced_as(world.last, ANNOUNCE_QUEUED)->cause, "no_reply"));
    assert_int_equal(core_find_agent(&world.core, SLICE("anna"))->data.misses, 1);
    assert_int_equal(world_find(&world, CHANNEL_CHAT, "s2")->data.state, INTERACTION_ACTIVE);
    world_deinit(&world);
}

static void who_missed_a_first_reply_takes_older_work_first(void **state)
{
    struct world world;
    (void)state;
    world_prepare(&world, 1);
    world.queues[QUEUE_CHAT].first_reply_ms = 5000;
    world.config.cool_down_ms[REJECT_BUSY] = 1000;
    world.config.cool_down_ms[REJECT_NO_ANSWER] = 0;
    world.agents[0].capacity[CHANNEL_CHAT] = 1;
    world_start(&world);
    world_presence(&world, "anna", AGENT_AVAILABLE, 0);
    struct uuid offer = world_chat(&world, "s1")->snapshot->offer;
    world.now += 1000;
    struct uuid younger = world_chat(&world, "s2")->snapshot->interaction;
    world_reject(&world, offer, "anna", REJECT_BUSY);
    world_step(&world, (struct input){.kind = INPUT_PULL, .interaction = younger, .agent = SLICE("anna")});
    world_sleep(&world, 5000);
    assert_string_equal(holder(&world, world_find(&world, CHANNEL_CHAT, "s1")), "anna");
    assert_int_equal(world_find(&world, CHANNEL_CHAT, "s2")->data.state, INTERACTION_QUEUED);
    world_deinit(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_owner_is_asked_first_then_the_last_agent_then_the_queue),
        cmocka_unit_test(behind_who_has_the_customer_the_owner_is_asked),
        cmocka_unit_test(an_owner_who_is_offline_is_skipped_without_delay_and_so_is_the_last_agent),
        cmocka_unit_test(a_last_agent_of_too_long_ago_is_not_asked),
        cmocka_unit_test(two_equal_contacts_of_one_customer_go_to_one_agent_if_there_is_room),
        cmocka_unit_test(without_prefer_nobody_is),
        cmocka_unit_test(only_those_are_asked_whom_the_file_prefers),
        cmocka_unit_test(who_is_owner_and_last_agent_is_asked_once),
        cmocka_unit_test(who_is_no_agent_of_the_queue_or_none_any_more_is_skipped),
        cmocka_unit_test(an_owner_who_gave_it_away_does_not_get_it_back),
        cmocka_unit_test(of_two_who_are_with_the_customer_the_newer_is_asked),
        cmocka_unit_test(the_queue_s_own_timeout_cuts_a_longer_preference),
        cmocka_unit_test(a_first_reply_that_does_not_come_returns_the_chat_with_its_age),
        cmocka_unit_test(who_missed_a_first_reply_takes_older_work_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
