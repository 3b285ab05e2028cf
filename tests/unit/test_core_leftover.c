/* What is left over: of a queue that is gone, of somebody who gave work away, of a step that was too long. */
#include "tests/unit/core_world.h"

/* A call that waits, in a core that was loaded from tables: its queue and who gave it away by name. */
static const struct interaction *load_call(struct world *from, struct world *to, const char *queue,
                                           const char *excluded)
{
    struct slice none = {NULL, 0};
    world_init(from, 1);
    world_ring(from, "c1", "+491");
    core_load_interaction(&to->core, world_find(from, CHANNEL_CALL, "c1"), slice_of(queue), none, none,
                          slice_of(excluded));
    to->now = from->now;
    core_loaded(&to->core, from->core.seq, from->now);
    world_sleep(to, 0);
    return world_find(to, CHANNEL_CALL, "c1");
}

static void what_no_queue_and_no_endpoint_has_waits_in_the_first_and_stays_there(void **state)
{
    struct world from, to, later;
    (void)state;
    world_prepare(&to, 1);
    to.config.endpoints++; /* nobody has the number any more */
    to.config.endpoint_count--;
    world_start(&to);
    const struct interaction *call = load_call(&from, &to, "gone", NULL);
    int64_t since = call->data.enqueued_ms;
    assert_int_equal(call->data.queue, 0);
    assert_int_equal(call->data.moved, MOVE_ORPHAN);
    world_presence(&to, "anna", AGENT_AVAILABLE, 0);
    assert_int_equal(call->data.state, INTERACTION_OFFERED);
    world_sleep(&to, 20000);
    assert_int_equal(call->data.state, INTERACTION_QUEUED);
    assert_int_equal(call->data.queue, 0);
    assert_int_equal(call->data.moved, MOVE_ORPHAN);
    assert_int_equal(call->data.enqueued_ms, since);
    later = to; /* rules that lead elsewhere are for what they can lead */
    later.rule.queue = QUEUE_MAIL;
    later.config.rules = &later.rule;
    world_step(&to, (struct input){.kind = INPUT_CONFIG, .config = &later.config, .config_version = 2});
    assert_int_equal(call->data.queue, 0);
    assert_int_equal(call->data.moved, MOVE_ORPHAN);
    world_deinit(&to);
    world_deinit(&from);
}

static void who_gave_it_away_is_passed_over_after_a_restart_too(void **state)
{
    struct world from, to;
    (void)state;
    world_init(&to, 2);
    const struct interaction *call = load_call(&from, &to, "support", "anna");
    const struct outcome *outcome = world_presence(&to, "anna", AGENT_AVAILABLE, 0);
    assert_null(announced_as(outcome, ANNOUNCE_OFFERED));
    assert_int_equal(call->data.state, INTERACTION_QUEUED);
    outcome = world_ring(&to, "c2", "+492"); /* not hers alone: the next one is offered to her */
    assert_true(slice_is(announced_as(outcome, ANNOUNCE_OFFERED)->agent, "anna"));
    world_end(&to, outcome->snapshot->interaction, NULL);
    assert_int_equal(call->data.state, INTERACTION_QUEUED);

    outcome = world_presence(&to, "ben", AGENT_AVAILABLE, 0);
    assert_true(slice_is(announced_as(outcome, ANNOUNCE_OFFERED)->agent, "ben"));
    const struct explanation *why = outcome->explanations;
    assert_true(slice_is(why->excluded, "anna"));
    assert_int_equal(why->candidate_count, 2);
    assert_int_equal(why->candidates[0], CANDIDATE_EXCLUDED);
    assert_int_equal(why->candidates[1], CANDIDATE_CHOSEN);
    outcome = world_reject(&to, call->data.offer, "ben", REJECT_BUSY);
    assert_null(announced_as(outcome, ANNOUNCE_OFFERED)); /* anna is free, and is not asked */
    assert_int_equal(outcome->explanations->candidates[0], CANDIDATE_EXCLUDED);
    assert_int_equal(outcome->explanations->candidates[1], CANDIDATE_COOL_DOWN);
    world_deinit(&to);
    world_deinit(&from);
}

/* A step derives a bounded number of ids: offers beyond go on with the next timer, in their order. */
static void a_step_that_would_be_too_long_goes_on_with_the_next_timer(void **state)
{
    enum { CHATS = CORE_IDS_MAX + 500 };
    struct world world;
    char subject[16];
    (void)state;
    world_prepare(&world, 1);
    world.agents[0].capacity[CHANNEL_CHAT] = 2 * CHATS;
    world_start(&world);
    for (int i = 0; i < CHATS; i++) {
        snprintf(subject, sizeof subject, "s%d", i);
        world.now++;
        world_chat(&world, subject);
    }
    const struct outcome *outcome = world_presence(&world, "anna", AGENT_AVAILABLE, 0);
    struct agent *anna = core_find_agent(&world.core, SLICE("anna"));
    assert_int_equal(outcome->explanation_count, CORE_IDS_MAX);
    assert_int_equal(anna->data.load[CHANNEL_CHAT], CORE_IDS_MAX);
    assert_int_equal(world_find(&world, CHANNEL_CHAT, "s0")->data.state, INTERACTION_OFFERED);
    assert_int_equal(world_find(&world, CHANNEL_CHAT, subject)->data.state, INTERACTION_QUEUED);
    assert_true(core_next_timer(&world.core) <= world.now);
    world_sleep(&world, 0);
    assert_int_equal(anna->data.load[CHANNEL_CHAT], CHATS);
    assert_int_equal(world_find(&world, CHANNEL_CHAT, subject)->data.state, INTERACTION_OFFERED);
    assert_true(core_next_timer(&world.core) > world.now);
    world_deinit(&world);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(what_no_queue_and_no_endpoint_has_waits_in_the_first_and_stays_there),
    cmocka_unit_test(who_gave_it_away_is_passed_over_after_a_restart_too),
    cmocka_unit_test(a_step_that_would_be_too_long_goes_on_with_the_next_timer),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
