/* What a gateway reports of a call: who has answered it, and who has it now. */
#include "tests/unit/core_world.h"

static const struct outcome *answered_by(struct world *world, const char *subject, const char *agent)
{
    struct input answered = world_event(world, EVENT_CALL_ANSWERED, subject, NULL);
    ((struct event *)answered.event)->agent = slice_of(agent);
    return world_step(world, answered);
}

static void an_outbound_call_gets_its_agent_when_the_gateway_names_one(void **state)
{
    struct world world;
    (void)state;
    world_init(&world, 2);
    assert_int_equal(world_dial(&world, "c1", value_int(5))->outcome, OUTCOME_ASSIGNED);
    assert_int_equal(world_dial(&world, "c2", value_string(SLICE("nobody")))->outcome, OUTCOME_ASSIGNED);
    assert_string_equal(holder(&world, world_find(&world, CHANNEL_CALL, "c1")), "");
    assert_int_equal(answered_by(&world, "c1", NULL)->outcome, OUTCOME_ATTACHED);
    assert_int_equal(answered_by(&world, "c1", "nobody")->outcome, OUTCOME_ATTACHED);
    assert_string_equal(holder(&world, world_find(&world, CHANNEL_CALL, "c1")), "");
    const struct outcome *outcome = answered_by(&world, "c1", "ben");
    assert_true(slice_is(announced_as(outcome, ANNOUNCE_ASSIGNED)->agent, "ben"));
    assert_string_equal(holder(&world, world_find(&world, CHANNEL_CALL, "c1")), "ben");
    world_deinit(&world);
}

/* A transfer at the exchange: nobody of patchbay was asked, and it has happened. */
static void a_call_that_another_answers_is_that_ones_and_who_had_it_rests(void **state)
{
    struct world world;
    (void)state;
    world_prepare(&world, 2);
    world.queues[QUEUE_SUPPORT].wrap_up_ms = 5000;
    world_start(&world);
    world_presence(&world, "anna", AGENT_AVAILABLE, 0);
    struct uuid offer = world_ring(&world, "c1", "+491")->snapshot->offer;
    world_accept(&world, offer, "anna");
    world.now += 1000;
    const struct outcome *outcome = answered_by(&world, "c1", "ben");
    assert_int_equal(outcome->outcome, OUTCOME_ATTACHED);
    assert_true(slice_is(announced_as(outcome, ANNOUNCE_QUEUED)->agent, "anna"));
    assert_true(slice_is(announced_as(outcome, ANNOUNCE_QUEUED)->cause, "answered"));
    assert_true(slice_is(announced_as(outcome, ANNOUNCE_ASSIGNED)->agent, "ben"));
    assert_true(slice_is(outcome->active_agent, "ben"));
    assert_string_equal(holder(&world, world_find(&world, CHANNEL_CALL, "c1")), "ben");
    const struct agent *anna = core_find_agent(&world.core, SLICE("anna"));
    assert_int_equal(anna->data.load[CHANNEL_CALL], 0);
    assert_int_equal(anna->data.wrap_until, world.now + 5000);
    assert_int_equal(world_accept(&world, offer, "anna")->refusal, REFUSAL_OFFER_GONE);
    assert_null(answered_by(&world, "c1", "ben")->announcements); /* said twice */
    assert_null(answered_by(&world, "c1", "nobody")->announcements);
    world_deinit(&world);
}

/* Said again, or late: who gave it away has it back only by what happened since. */
static void what_is_older_than_a_hand_over_does_not_turn_it_back(void **state)
{
    struct world world;
    (void)state;
    world_init(&world, 2);
    world_presence(&world, "anna", AGENT_AVAILABLE, 0);
    world_accept(&world, world_ring(&world, "c1", "+491")->snapshot->offer, "anna");
    answered_by(&world, "c1", "ben");
    struct input answered = world_event(&world, EVENT_CALL_ANSWERED, "c1", NULL);
    struct event *event = (struct event *)answered.event;
    event->agent = SLICE("anna");
    event->time_ms = world.now - 1;
    assert_null(world_step(&world, answered)->announcements);
    assert_string_equal(holder(&world, world_find(&world, CHANNEL_CALL, "c1")), "ben");
    event->time_ms = world.now;
    assert_non_null(world_step(&world, answered)->announcements);
    assert_string_equal(holder(&world, world_find(&world, CHANNEL_CALL, "c1")), "anna");
    world_deinit(&world);
}

/* As after the database was away: both happened before the first of them was decided. */
static void hand_overs_that_are_told_late_are_followed(void **state)
{
    struct world world;
    (void)state;
    world_init(&world, 2);
    world_presence(&world, "anna", AGENT_AVAILABLE, 0);
    world_ring(&world, "c1", "+491");
    struct input answered = world_event(&world, EVENT_CALL_ANSWERED, "c1", NULL);
    struct event *event = (struct event *)answered.event;
    event->agent = SLICE("anna");
    event->time_ms = world.now - 9000;
    world_step(&world, answered);
    event->agent = SLICE("ben");
    event->time_ms = world.now - 5000;
    world_step(&world, answered);
    assert_string_equal(holder(&world, world_find(&world, CHANNEL_CALL, "c1")), "ben");
    world_deinit(&world);
}

static void what_was_before_a_transfer_does_not_take_it_back(void **state)
{
    struct world world;
    (void)state;
    world_init(&world, 2);
    world_presence(&world, "anna", AGENT_AVAILABLE, 0);
    struct uuid call = world_ring(&world, "c1", "+491")->snapshot->interaction;
    answered_by(&world, "c1", "anna");
    world.now += 1000;
    world_step(&world, (struct input){.kind = INPUT_TRANSFER,
                                      .interaction = call,
                                      .actor = SLICE("anna"),
                                      .queue = SLICE("support")});
    struct input answered = world_event(&world, EVENT_CALL_ANSWERED, "c1", NULL);
    struct event *event = (struct event *)answered.event;
    event->agent = SLICE("anna");
    event->time_ms = world.now - 500;
    assert_null(world_step(&world, answered)->announcements);
    world_presence(&world, "ben", AGENT_AVAILABLE, 0);
    assert_string_equal(holder(&world, world_find(&world, CHANNEL_CALL, "c1")), "ben");
    assert_null(world_step(&world, answered)->announcements); /* nor while the next one is asked */
    assert_int_equal(world_find(&world, CHANNEL_CALL, "c1")->data.state, INTERACTION_OFFERED);
    world_deinit(&world);
}

static void who_gave_it_away_at_the_exchange_takes_what_waits(void **state)
{
    struct world world;
    (void)state;
    world_init(&world, 2);
    world_presence(&world, "anna", AGENT_AVAILABLE, 0);
    world_accept(&world, world_ring(&world, "c1", "+491")->snapshot->offer, "anna");
    assert_int_equal(world_ring(&world, "c2", "+492")->outcome, OUTCOME_QUEUED);
    answered_by(&world, "c1", "ben");
    assert_string_equal(holder(&world, world_find(&world, CHANNEL_CALL, "c2")), "anna");
    world_deinit(&world);
}

static void who_was_asked_may_answer_at_the_telephone(void **state)
{
    struct world world;
    (void)state;
    world_init(&world, 2);
    world_presence(&world, "anna", AGENT_AVAILABLE, 0);
    world_ring(&world, "c1", "+491");
    const struct outcome *outcome = answered_by(&world, "c1", "anna");
    assert_null(announced_as(outcome, ANNOUNCE_WITHDRAWN));
    assert_non_null(announced_as(outcome, ANNOUNCE_ASSIGNED));
    assert_int_equal(core_find_agent(&world.core, SLICE("anna"))->data.load[CHANNEL_CALL], 1);
    assert_int_equal(answered_by(&world, "unheard", "anna")->outcome, OUTCOME_IGNORED);
    world_deinit(&world);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(an_outbound_call_gets_its_agent_when_the_gateway_names_one),
    cmocka_unit_test(a_call_that_another_answers_is_that_ones_and_who_had_it_rests),
    cmocka_unit_test(what_is_older_than_a_hand_over_does_not_turn_it_back),
    cmocka_unit_test(hand_overs_that_are_told_late_are_followed),
    cmocka_unit_test(what_was_before_a_transfer_does_not_take_it_back),
    cmocka_unit_test(who_gave_it_away_at_the_exchange_takes_what_waits),
    cmocka_unit_test(who_was_asked_may_answer_at_the_telephone),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
