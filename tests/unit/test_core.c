/* The routing base, on the pure core: every test is a little story with its own clock. */
#include "tests/unit/core_world.h"

static void an_unanswered_offer_moves_on_and_counts_a_miss(void **state)
{
    struct world world;
    (void)state;
    world_init(&world, 2);
    world_presence(&world, "anna", AGENT_AVAILABLE, 0);
    world.now += 10;
    world_presence(&world, "ben", AGENT_AVAILABLE, 0);
    const struct outcome *outcome = world_ring(&world, "c1", "+491");
    assert_int_equal(outcome->outcome, OUTCOME_OFFERED);
    assert_true(slice_is(outcome->snapshot->agent, "anna")); /* idle for longer */
    assert_int_equal(world_sleep(&world, 19999), 0);
    assert_int_equal(world_sleep(&world, 1), 1);
    assert_string_equal(world.last->miss, "no_answer");
    assert_true(slice_is(announced_as(world.last, ANNOUNCE_WITHDRAWN)->cause, "timeout"));
    assert_string_equal(holder(&world, world_find(&world, CHANNEL_CALL, "c1")), "ben");
    assert_int_equal(core_find_agent(&world.core, SLICE("anna"))->data.misses, 1);
    world_deinit(&world);
}

static void accept_and_expiry_in_one_millisecond_have_one_winner(void **state)
{
    struct world world;
    (void)state;
    world_init(&world, 1);
    world_presence(&world, "anna", AGENT_AVAILABLE, 0);
    struct uuid offer = world_ring(&world, "c1", "+491")->snapshot->offer;
    world.now += 19999;
    world.now += 1;
    assert_int_equal(world_accept(&world, offer, "anna")->refusal, REFUSAL_OFFER_GONE);
    world_deinit(&world);

    world_init(&world, 1);
    world_presence(&world, "anna", AGENT_AVAILABLE, 0);
    offer = world_ring(&world, "c1", "+491")->snapshot->offer;
    world.now += 19999;
    assert_int_equal(world_accept(&world, offer, "anna")->outcome, OUTCOME_ASSIGNED);
    world_deinit(&world);
}

static void no_agent_ever_holds_more_than_the_limit_of_a_burst(void **state)
{
    struct world world;
    char subject[16];
    int offered = 0, queued = 0;
    (void)state;
    world_init(&world, 4);
    for (int i = 0; i < 4; i++)
        world_presence(&world, world.agents[i].name.ptr, AGENT_AVAILABLE, 0);
    for (int i = 0; i < 50; i++) {
        snprintf(subject, sizeof subject, "s%02d", i);
        if (world_chat(&world, subject)->outcome == OUTCOME_OFFERED)
            offered++;
        else
            queued++;
    }
    assert_int_equal(offered, 12);
    assert_int_equal(queued, 38);
    for (int i = 0; i < 4; i++)
        assert_int_equal(world.core.agents[i].data.load[CHANNEL_CHAT], 3);
    /* Room appears one by one: the rest go out in order. */
    for (int i = 0; i < 38; i++) {
        snprintf(subject, sizeof subject, "s%02d", i);
        const struct interaction *first = world_find(&world, CHANNEL_CHAT, subject);
        world_end(&world, first->id, NULL);
        snprintf(subject, sizeof subject, "s%02d", i + 12);
        assert_int_equal(world_find(&world, CHANNEL_CHAT, subject)->data.state, INTERACTION_OFFERED);
        if (i + 13 < 50) {
            snprintf(subject, sizeof subject, "s%02d", i + 13);
            assert_int_equal(world_find(&world, CHANNEL_CHAT, subject)->data.state, INTERACTION_QUEUED);
        }
    }
    world_deinit(&world);
}

static void a_reject_keeps_the_place_cools_down_and_comes_back_to_a_sole_agent(void **state)
{
    struct world world;
    (void)state;
    world_init(&world, 1);
    world_presence(&world, "anna", AGENT_AVAILABLE, 0);
    const struct outcome *first = world_ring(&world, "c1", "+491");
    world.now += 5;
    assert_int_equal(world_ring(&world, "c2", "+492")->outcome, OUTCOME_QUEUED);
    assert_int_equal(world_reject(&world, first->snapshot->offer, "anna", REJECT_REJECT)->outcome,
                     OUTCOME_REJECTED);
    assert_int_equal(core_find_agent(&world.core, SLICE("anna"))->data.misses, 0);
    assert_int_equal(world_sleep(&world, 9999), 0);
    world_sleep(&world, 1);
    assert_int_equal(world_find(&world, CHANNEL_CALL, "c1")->data.state, INTERACTION_OFFERED);
    assert_int_equal(world_find(&world, CHANNEL_CALL, "c2")->data.state, INTERACTION_QUEUED);
    world_deinit(&world);
}

static void misses_in_a_row_take_an_agent_out_until_it_says_otherwise(void **state)
{
    struct world world;
    (void)state;
    world_init(&world, 1);
    world_presence(&world, "anna", AGENT_AVAILABLE, 0);
    world_ring(&world, "c1", "+491");
    world_sleep(&world, 3 * 30000);
    const struct agent *anna = core_find_agent(&world.core, SLICE("anna"));
    assert_int_equal(anna->data.state, AGENT_NOT_RESPONDING);
    assert_int_equal(anna->data.misses, 3);
    assert_int_equal(world_find(&world, CHANNEL_CALL, "c1")->data.state, INTERACTION_QUEUED);
    world_presence(&world, "anna", AGENT_AVAILABLE, 0);
    assert_int_equal(anna->data.misses, 0);
    assert_int_equal(world_find(&world, CHANNEL_CALL, "c1")->data.state, INTERACTION_OFFERED);
    world_deinit(&world);
}

static void a_lost_lease_requeues_at_the_original_rank_after_the_grace(void **state)
{
    struct world world;
    (void)state;
    world_init(&world, 2);
    world_presence(&world, "anna", AGENT_AVAILABLE, 30000);
    struct uuid offer = world_ring(&world, "c1", "+491")->snapshot->offer;
    world_accept(&world, offer, "anna");
    world.now += 1000;
    world_ring(&world, "c2", "+492");
    world_sleep(&world, 29000 + 59999);
    assert_int_equal(core_find_agent(&world.core, SLICE("anna"))->data.state, AGENT_OFFLINE);
    assert_int_equal(world_find(&world, CHANNEL_CALL, "c1")->data.state, INTERACTION_ACTIVE);
    world_sleep(&world, 1);
    assert_int_equal(world_find(&world, CHANNEL_CALL, "c1")->data.state, INTERACTION_QUEUED);
    world_presence(&world, "ben", AGENT_AVAILABLE, 0);
    assert_string_equal(holder(&world, world_find(&world, CHANNEL_CALL, "c1")), "ben"); /* older than c2 */
    world_deinit(&world);
}

static void an_agent_who_goes_offline_gives_offers_back_and_keeps_active_work(void **state)
{
    struct world world;
    (void)state;
    world_init(&world, 1);
    world_presence(&world, "anna", AGENT_AVAILABLE, 0);
    struct uuid first = world_chat(&world, "s1")->snapshot->offer;
    world_accept(&world, first, "anna");
    world_chat(&world, "s2");
    const struct outcome *outcome = world_presence(&world, "anna", AGENT_OFFLINE, 0);
    assert_true(slice_is(announced_as(outcome, ANNOUNCE_WITHDRAWN)->cause, "offline"));
    assert_int_equal(world_find(&world, CHANNEL_CHAT, "s2")->data.state, INTERACTION_QUEUED);
    assert_int_equal(world_find(&world, CHANNEL_CHAT, "s1")->data.state, INTERACTION_ACTIVE);
    world_sleep(&world, 60000);
    assert_int_equal(world_find(&world, CHANNEL_CHAT, "s1")->data.state, INTERACTION_QUEUED);
    world_deinit(&world);
}

static void a_caller_who_hangs_up_costs_the_agent_nothing(void **state)
{
    struct world world;
    (void)state;
    world_init(&world, 1);
    world_presence(&world, "anna", AGENT_AVAILABLE, 0);
    world_ring(&world, "c1", "+491");
    const struct outcome *outcome = world_step(&world, world_event(&world, EVENT_CALL_ENDED, "c1", NULL));
    assert_true(outcome->abandoned && outcome->waited_ms >= 0);
    assert_int_equal(outcome->outcome, OUTCOME_ENDED);
    assert_non_null(announced_as(outcome, ANNOUNCE_WITHDRAWN));
    assert_null(outcome->miss);
    assert_int_equal(core_find_agent(&world.core, SLICE("anna"))->data.misses, 0);
    assert_int_equal(world_ring(&world, "c2", "+492")->outcome, OUTCOME_OFFERED); /* no cool-down either */
    world_deinit(&world);
}

static void wrap_up_holds_the_next_call_back(void **state)
{
    struct world world;
    (void)state;
    world_init(&world, 1);
    world.queues[QUEUE_SUPPORT].wrap_up_ms = 10000;
    world_presence(&world, "anna", AGENT_AVAILABLE, 0);
    const struct outcome *outcome = world_ring(&world, "c1", "+491");
    world_accept(&world, outcome->snapshot->offer, "anna");
    assert_int_equal(world_end(&world, outcome->snapshot->interaction, "anna")->outcome, OUTCOME_ENDED);
    assert_int_equal(world_ring(&world, "c2", "+492")->outcome, OUTCOME_QUEUED);
    world_sleep(&world, 10000);
    assert_int_equal(world_find(&world, CHANNEL_CALL, "c2")->data.state, INTERACTION_OFFERED);
    world_deinit(&world);
}

static void an_end_before_its_beginning_makes_no_offer(void **state)
{
    struct world world;
    (void)state;
    world_init(&world, 1);
    world_presence(&world, "anna", AGENT_AVAILABLE, 0);
    const struct outcome *outcome = world_step(&world, world_event(&world, EVENT_CALL_ENDED, "c1", NULL));
    assert_int_equal(outcome->outcome, OUTCOME_ENDED);
    struct from from = {.phone = "+491", .closed = outcome->snapshot->interaction};
    outcome = world_step(&world, world_event(&world, EVENT_CALL_RINGING, "c1", &from));
    assert_int_equal(outcome->outcome, OUTCOME_ENDED);
    assert_null(outcome->announcements);
    world_deinit(&world);
}

static void a_call_that_ended_a_moment_ago_is_not_offered_again(void **state)
{
    struct world world;
    (void)state;
    world_init(&world, 1);
    world_presence(&world, "anna", AGENT_AVAILABLE, 0);
    world_ring(&world, "c1", "+491");
    struct uuid first =
        world_step(&world, world_event(&world, EVENT_CALL_ENDED, "c1", NULL))->snapshot->interaction;
    const struct outcome *outcome = world_ring(&world, "c1", "+491");
    assert_int_equal(outcome->outcome, OUTCOME_ENDED);
    assert_true(uuid_equal(&outcome->snapshot->interaction, &first));
    outcome = world_step(&world, world_event(&world, EVENT_CALL_ENDED, "c1", NULL));
    assert_true(uuid_equal(&outcome->snapshot->interaction, &first));
    assert_null(outcome->announcements);

    /* Once the tables show it, they are asked instead. */
    struct uuid conversation = world_conversation(CHANNEL_CALL, "c1"), found;
    core_forget_closed(&world.core, world.core.seq);
    assert_false(core_find_closed(&world.core, &conversation, &found));
    world_deinit(&world);
}

static void an_accept_twice_is_one_accept(void **state)
{
    struct world world;
    (void)state;
    world_init(&world, 2);
    world_presence(&world, "anna", AGENT_AVAILABLE, 0);
    const struct outcome *outcome = world_ring(&world, "c1", "+491");
    struct uuid offer = outcome->snapshot->offer;
    assert_int_equal(world_accept(&world, offer, "ben")->refusal, REFUSAL_FORBIDDEN);
    assert_int_equal(world_accept(&world, offer, "anna")->outcome, OUTCOME_ASSIGNED);
    assert_int_equal(world_accept(&world, offer, "anna")->outcome, OUTCOME_ASSIGNED);
    assert_null(world.last->announcements);
    assert_int_equal(world_reject(&world, offer, "anna", REJECT_BUSY)->refusal, REFUSAL_OFFER_GONE);
    struct uuid strange = {{1}};
    assert_int_equal(world_accept(&world, strange, "anna")->refusal, REFUSAL_NOT_FOUND);
    world_deinit(&world);
}

/* Found by the simulator: without a cool-down whoever rejects is free at once, and not for the same again
 * only. */
static void an_agent_without_cool_down_takes_older_work_first(void **state)
{
    struct world world;
    (void)state;
    world_init(&world, 2);
    memset(world.config.cool_down_ms, 0, sizeof world.config.cool_down_ms);
    world_presence(&world, "anna", AGENT_AVAILABLE, 0);
    world_ring(&world, "old", "+491"); /* Anna is asked */
    world.now += 10;
    world_presence(&world, "ben", AGENT_AVAILABLE, 0);
    world_ring(&world, "new", "+492"); /* Ben is asked */
    world_presence(&world, "anna", AGENT_OFFLINE, 0);
    assert_int_equal(world_find(&world, CHANNEL_CALL, "old")->data.state, INTERACTION_QUEUED);
    world_reject(&world, world_find(&world, CHANNEL_CALL, "new")->data.offer, "ben", REJECT_REJECT);
    assert_string_equal(holder(&world, world_find(&world, CHANNEL_CALL, "old")), "ben");
    assert_int_equal(world_find(&world, CHANNEL_CALL, "new")->data.state, INTERACTION_QUEUED);
    world_deinit(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_unanswered_offer_moves_on_and_counts_a_miss),
        cmocka_unit_test(accept_and_expiry_in_one_millisecond_have_one_winner),
        cmocka_unit_test(no_agent_ever_holds_more_than_the_limit_of_a_burst),
        cmocka_unit_test(a_reject_keeps_the_place_cools_down_and_comes_back_to_a_sole_agent),
        cmocka_unit_test(misses_in_a_row_take_an_agent_out_until_it_says_otherwise),
        cmocka_unit_test(a_lost_lease_requeues_at_the_original_rank_after_the_grace),
        cmocka_unit_test(an_agent_who_goes_offline_gives_offers_back_and_keeps_active_work),
        cmocka_unit_test(a_caller_who_hangs_up_costs_the_agent_nothing),
        cmocka_unit_test(wrap_up_holds_the_next_call_back),
        cmocka_unit_test(an_end_before_its_beginning_makes_no_offer),
        cmocka_unit_test(a_call_that_ended_a_moment_ago_is_not_offered_again),
        cmocka_unit_test(an_accept_twice_is_one_accept),
        cmocka_unit_test(an_agent_without_cool_down_takes_older_work_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
