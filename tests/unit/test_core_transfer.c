/* Work that people move: transfer, assign, pull. */
#include "tests/unit/core_world.h"

static const struct outcome *transfer(struct world *world, struct uuid interaction, const char *actor,
                                      const char *queue, const char *agent, bool keep_age)
{
    return world_step(world, (struct input){.kind = INPUT_TRANSFER,
                                            .interaction = interaction,
                                            .actor = slice_of(actor),
                                            .queue = slice_of(queue),
                                            .agent = slice_of(agent),
                                            .keep_age = keep_age});
}

static const struct outcome *give(struct world *world, enum input_kind kind, struct uuid interaction,
                                  const char *actor, const char *agent)
{
    return world_step(world, (struct input){.kind = kind,
                                            .interaction = interaction,
                                            .actor = slice_of(actor),
                                            .agent = slice_of(agent)});
}

static const struct interaction *active_call(struct world *world, uint32_t agents)
{
    world_init(world, agents);
    world_presence(world, "anna", AGENT_AVAILABLE, 0);
    world_accept(world, world_ring(world, "c1", "+491")->snapshot->offer, "anna");
    world->now += 5000;
    return world_find(world, CHANNEL_CALL, "c1");
}

static void a_transfer_keeps_the_age_or_resets_it_as_asked(void **state)
{
    (void)state;
    for (int keep = 0; keep < 2; keep++) {
        struct world world;
        const struct interaction *interaction = active_call(&world, 2);
        int64_t since = interaction->data.enqueued_ms;
        const struct outcome *outcome = transfer(&world, interaction->id, "anna", "mail", NULL, keep);
        assert_int_equal(outcome->outcome, OUTCOME_QUEUED);
        assert_true(slice_is(outcome->snapshot->queue, "mail"));
        assert_int_equal(interaction->data.enqueued_ms, keep ? since : world.now);
        assert_true(slice_is(announced_as(outcome, ANNOUNCE_QUEUED)->cause, "transfer"));
        assert_true(slice_is(announced_as(outcome, ANNOUNCE_QUEUED)->agent, "anna"));
        world_deinit(&world);
    }
}

/* It asks for nothing there, however old it is. */
static void what_was_moved_is_not_relaxed(void **state)
{
    struct world world;
    (void)state;
    world_prepare(&world, 1);
    world.relax[0] = (struct config_relax){30000, {NULL, 0}};
    world.queues[QUEUE_MAIL].relax = world.relax;
    world.queues[QUEUE_MAIL].relax_count = 1;
    world_start(&world);
    world_presence(&world, "anna", AGENT_AVAILABLE, 0);
    world_accept(&world, world_ring(&world, "c1", "+491")->snapshot->offer, "anna");
    world.now += 40000;
    const struct interaction *interaction = world_find(&world, CHANNEL_CALL, "c1");
    assert_int_equal(transfer(&world, interaction->id, "anna", "mail", NULL, true)->outcome, OUTCOME_QUEUED);
    assert_int_equal(interaction->data.relax_step, 0);
    world_deinit(&world);
}

static void who_gave_it_away_is_not_asked_again(void **state)
{
    struct world world;
    (void)state;
    const struct interaction *interaction = active_call(&world, 2);
    transfer(&world, interaction->id, "anna", "support", NULL, true);
    assert_int_equal(interaction->data.state, INTERACTION_QUEUED); /* she would be free */
    assert_int_equal(world.last->explanations->candidates[0], CANDIDATE_EXCLUDED);
    world_presence(&world, "anna", AGENT_BREAK, 0);
    world_presence(&world, "anna", AGENT_AVAILABLE, 0);
    assert_int_equal(interaction->data.state, INTERACTION_QUEUED);
    world_presence(&world, "ben", AGENT_AVAILABLE, 0);
    assert_string_equal(holder(&world, interaction), "ben");
    world_accept(&world, interaction->data.offer, "ben");
    assert_int_equal(interaction->data.excluded, -1);
    world_deinit(&world);
}

static void a_transfer_to_an_agent_is_an_offer_if_that_one_can_take_it(void **state)
{
    struct world world;
    (void)state;
    const struct interaction *interaction = active_call(&world, 2);
    assert_int_equal(transfer(&world, interaction->id, "anna", NULL, "ben", true)->refusal,
                     REFUSAL_AGENT_UNAVAILABLE);
    assert_int_equal(transfer(&world, interaction->id, "anna", NULL, "anna", true)->refusal,
                     REFUSAL_AGENT_UNAVAILABLE);
    assert_int_equal(transfer(&world, interaction->id, "anna", NULL, "nobody", true)->refusal,
                     REFUSAL_NO_AGENT);
    assert_int_equal(transfer(&world, interaction->id, "anna", "nowhere", NULL, true)->refusal,
                     REFUSAL_NO_QUEUE);
    assert_int_equal(transfer(&world, interaction->id, "ben", "mail", NULL, true)->refusal,
                     REFUSAL_FORBIDDEN);
    world_presence(&world, "ben", AGENT_AVAILABLE, 0);
    const struct outcome *outcome = transfer(&world, interaction->id, "anna", NULL, "ben", true);
    assert_int_equal(outcome->outcome, OUTCOME_OFFERED);
    assert_true(slice_is(announced_as(outcome, ANNOUNCE_OFFERED)->cause, "transfer"));
    world_reject(&world, interaction->data.offer, "ben", REJECT_REJECT);
    assert_int_equal(interaction->data.state, INTERACTION_QUEUED);
    assert_int_equal(interaction->data.queue, QUEUE_SUPPORT);
    world_deinit(&world);
}

static void a_transfer_starts_the_wrap_up_of_who_gives(void **state)
{
    struct world world;
    (void)state;
    world_prepare(&world, 1);
    world.queues[QUEUE_SUPPORT].wrap_up_ms = 10000;
    world_start(&world);
    world_presence(&world, "anna", AGENT_AVAILABLE, 0);
    world_accept(&world, world_ring(&world, "c1", "+491")->snapshot->offer, "anna");
    transfer(&world, world_find(&world, CHANNEL_CALL, "c1")->id, "anna", "mail", NULL, true);
    assert_int_equal(core_find_agent(&world.core, SLICE("anna"))->data.wrap_until, world.now + 10000);
    world_deinit(&world);
}

static void who_is_freed_by_a_transfer_takes_older_work_first(void **state)
{
    struct world world;
    (void)state;
    world_init(&world, 1);
    world_presence(&world, "anna", AGENT_AVAILABLE, 0);
    struct uuid id = world_ring(&world, "c1", "+491")->snapshot->interaction;
    world.now += 1000;
    world_ring(&world, "c2", "+492");
    world.now += 1000;
    const struct outcome *outcome = transfer(&world, id, NULL, "mail", NULL, false);
    assert_int_equal(outcome->outcome, OUTCOME_QUEUED);
    assert_string_equal(holder(&world, world_find(&world, CHANNEL_CALL, "c2")), "anna");
    assert_int_equal(announced_as(outcome, ANNOUNCE_OFFERED)->cause.len, 0); /* it was not transferred */
    world_deinit(&world);
}

static void a_call_that_went_out_is_handed_on_and_follows_no_rule(void **state)
{
    struct world world;
    (void)state;
    world_init(&world, 1);
    struct from from = {.phone = "+491"};
    struct input call = world_event(&world, EVENT_CALL_RINGING, "c1", &from);
    ((struct event *)call.event)->outbound = true;
    const struct outcome *outcome =
        transfer(&world, world_step(&world, call)->snapshot->interaction, NULL, "mail", NULL, true);
    assert_true(slice_is(outcome->snapshot->queue, "mail"));
    struct project_config one_queue = world.config;
    struct config_rule to_support = {.name = SLICE("support"), .queue = QUEUE_SUPPORT};
    one_queue.queue_count = one_queue.endpoint_count = 1;
    one_queue.agent_count = 0;
    one_queue.rules = &to_support;
    world_step(&world, (struct input){.kind = INPUT_CONFIG, .config = &one_queue, .config_version = 2});
    const struct interaction *interaction = world_find(&world, CHANNEL_CALL, "c1");
    assert_int_equal(interaction->data.queue, QUEUE_SUPPORT);
    assert_int_equal(interaction->data.moved, MOVE_ORPHAN);
    assert_int_equal(interaction->data.rule, -1);
    world_deinit(&world);
}

static void whom_an_agent_calls_may_be_blocked(void **state)
{
    struct world world;
    (void)state;
    world_init(&world, 1);
    world_presence(&world, "anna", AGENT_AVAILABLE, 0);
    struct block block = {
        .id = {{7}}, .kind = BLOCK_PHONE, .key = SLICE("+491"), .channels = 7, .until_ms = TIME_NEVER};
    world_step(&world, (struct input){.kind = INPUT_BLOCK, .block = block});
    struct from from = {.phone = "+491"};
    struct input call = world_event(&world, EVENT_CALL_RINGING, "c1", &from);
    ((struct event *)call.event)->outbound = true;
    struct uuid id = world_step(&world, call)->snapshot->interaction;
    assert_int_equal(transfer(&world, id, NULL, "mail", NULL, true)->outcome, OUTCOME_OFFERED);
    world_deinit(&world);
}

static void a_supervisor_assigns_what_waits_to_whoever_has_room(void **state)
{
    struct world world;
    static uint16_t nothing[1];
    (void)state;
    world_prepare(&world, 2);
    world.agents[1].queues = nothing;
    world.agents[1].queue_count = 0;
    world_start(&world);
    world_presence(&world, "anna", AGENT_AVAILABLE, 0);
    struct uuid id = world_ring(&world, "c1", "+491")->snapshot->interaction;
    assert_int_equal(give(&world, INPUT_ASSIGN, id, "anna", "ben")->refusal, REFUSAL_FORBIDDEN);
    assert_int_equal(give(&world, INPUT_ASSIGN, id, NULL, "ben")->refusal, REFUSAL_AGENT_UNAVAILABLE);
    world_presence(&world, "ben", AGENT_AVAILABLE, 0);
    const struct outcome *outcome = give(&world, INPUT_ASSIGN, id, NULL, "ben"); /* of no queue at all */
    assert_int_equal(outcome->outcome, OUTCOME_OFFERED);
    assert_true(slice_is(outcome->snapshot->agent, "ben"));
    assert_true(slice_is(announced_as(outcome, ANNOUNCE_WITHDRAWN)->cause, "assigned"));
    assert_int_equal(core_find_agent(&world.core, SLICE("anna"))->data.misses, 0);
    assert_int_equal(give(&world, INPUT_ASSIGN, id, NULL, "ben")->outcome,
                     OUTCOME_OFFERED); /* the same again */
    world_accept(&world, world_find(&world, CHANNEL_CALL, "c1")->data.offer, "ben");
    assert_int_equal(give(&world, INPUT_ASSIGN, id, NULL, "anna")->refusal, REFUSAL_TAKEN);
    world_deinit(&world);
}

static void an_agent_pulls_what_waits_in_its_queues(void **state)
{
    struct world world;
    static uint16_t mail[] = {QUEUE_MAIL};
    (void)state;
    world_prepare(&world, 3);
    world.agents[1].queues = mail;
    world.agents[1].queue_count = 1;
    world_start(&world);
    struct uuid id = world_ring(&world, "c1", "+491")->snapshot->interaction;
    struct uuid other = world_ring(&world, "c2", "+492")->snapshot->interaction;
    assert_int_equal(give(&world, INPUT_PULL, id, NULL, "anna")->refusal, REFUSAL_AGENT_UNAVAILABLE);
    assert_int_equal(give(&world, INPUT_PULL, id, NULL, "ben")->refusal, REFUSAL_FORBIDDEN);
    world_presence(&world, "anna", AGENT_AVAILABLE, 0); /* gets c1 */
    assert_int_equal(give(&world, INPUT_PULL, id, NULL, "anna")->refusal, REFUSAL_TAKEN);
    assert_int_equal(give(&world, INPUT_PULL, other, NULL, "anna")->refusal, REFUSAL_AGENT_UNAVAILABLE);
    world_reject(&world, world_find(&world, CHANNEL_CALL, "c1")->data.offer, "anna", REJECT_BUSY);
    const struct outcome *outcome =
        give(&world, INPUT_PULL, other, NULL, "anna"); /* the younger, and while resting */
    assert_int_equal(outcome->outcome, OUTCOME_ASSIGNED);
    assert_int_equal(outcome->explanations->trigger, TRIGGER_PULL);
    assert_string_equal(holder(&world, world_find(&world, CHANNEL_CALL, "c2")), "anna");
    world_deinit(&world);
}

/* By its agent, or by somebody whom the gateway does not name. */
static const struct interaction *dialled(struct world *world, const char *agent)
{
    world_init(world, 3);
    world_presence(world, "anna", AGENT_AVAILABLE, 0);
    world_presence(world, "ben", AGENT_AVAILABLE, 0);
    struct from from = {.phone = "+491"};
    struct input dial = world_event(world, EVENT_CALL_RINGING, "c1", &from);
    struct event *event = (struct event *)dial.event;
    event->outbound = true;
    event->attributes = value_map(&world->arena, 1);
    value_set_text(&event->attributes, "agent", slice_of(agent));
    assert_int_equal(world_step(world, dial)->outcome, OUTCOME_ASSIGNED);
    return world_find(world, CHANNEL_CALL, "c1");
}

static void an_outbound_call_is_handed_on_and_has_a_queue_then(void **state)
{
    struct world world;
    (void)state;
    const struct interaction *interaction = dialled(&world, "anna");
    assert_int_equal(interaction->data.queue, -1);
    assert_int_equal(give(&world, INPUT_PULL, interaction->id, NULL, "anna")->refusal, REFUSAL_TAKEN);
    const struct outcome *outcome = transfer(&world, interaction->id, "anna", NULL, "ben", false);
    assert_int_equal(outcome->outcome, OUTCOME_OFFERED);
    assert_true(slice_is(outcome->snapshot->queue, "support")); /* where its endpoint leads */
    assert_true(slice_is(outcome->snapshot->agent, "ben"));
    assert_int_equal(interaction->data.moved, MOVE_ORPHAN);
    assert_int_equal(interaction->data.entered_ms, world.now);
    world_reject(&world, interaction->data.offer, "ben", REJECT_REJECT);
    assert_int_equal(interaction->data.state, INTERACTION_QUEUED);
    world_presence(&world, "carl", AGENT_AVAILABLE, 0);
    world_accept(&world, interaction->data.offer, "carl");
    world_presence(&world, "carl", AGENT_OFFLINE, 0);
    world_sleep(&world, 60000); /* the grace is over: it is not lost with Carl */
    assert_int_equal(interaction->data.state, INTERACTION_OFFERED);
    assert_string_equal(holder(&world, interaction), "anna"); /* another has had it since she gave it away */
    assert_int_equal(interaction->data.rule, -1);
    world_deinit(&world);
}

static void a_call_without_an_agent_is_transferred_from_above_alone(void **state)
{
    struct world world;
    (void)state;
    const struct interaction *interaction = dialled(&world, "nobody");
    assert_int_equal(interaction->data.agent, -1);
    world_presence(&world, "anna", AGENT_BREAK, 0);
    world_presence(&world, "ben", AGENT_BREAK, 0);
    assert_int_equal(transfer(&world, interaction->id, "anna", "mail", NULL, true)->refusal,
                     REFUSAL_FORBIDDEN);
    const struct outcome *outcome = transfer(&world, interaction->id, NULL, "mail", NULL, true);
    assert_int_equal(outcome->outcome, OUTCOME_QUEUED);
    assert_int_equal(announced_as(outcome, ANNOUNCE_QUEUED)->agent.len, 0);
    world_deinit(&world);
}

static void what_is_on_offer_is_withdrawn_by_a_transfer_from_above(void **state)
{
    struct world world;
    (void)state;
    world_init(&world, 2);
    world_presence(&world, "anna", AGENT_AVAILABLE, 0);
    struct uuid id = world_ring(&world, "c1", "+491")->snapshot->interaction;
    assert_int_equal(transfer(&world, id, "anna", "mail", NULL, true)->refusal, REFUSAL_FORBIDDEN);
    const struct outcome *outcome = transfer(&world, id, NULL, "mail", NULL, true);
    assert_true(slice_is(announced_as(outcome, ANNOUNCE_WITHDRAWN)->cause, "transfer"));
    assert_string_equal(outcome->offer_end, "transfer");
    assert_int_equal(world_find(&world, CHANNEL_CALL, "c1")->data.queue, QUEUE_MAIL);
    assert_int_equal(world_find(&world, CHANNEL_CALL, "c1")->data.excluded, -1); /* she gave nothing away */
    world_deinit(&world);
}

static void who_has_left_the_file_gets_nothing_handed(void **state)
{
    struct world world;
    (void)state;
    const struct interaction *interaction = active_call(&world, 2);
    world_presence(&world, "ben", AGENT_AVAILABLE, 0);
    struct project_config without_ben = world.config;
    without_ben.agent_count = 1;
    world_step(&world, (struct input){.kind = INPUT_CONFIG, .config = &without_ben, .config_version = 2});
    assert_int_equal(transfer(&world, interaction->id, "anna", NULL, "ben", true)->refusal, REFUSAL_NO_AGENT);
    assert_int_equal(interaction->data.state, INTERACTION_ACTIVE);
    assert_string_equal(holder(&world, interaction), "anna");
    world_deinit(&world);
}

static void what_has_ended_is_moved_by_nobody(void **state)
{
    struct world world;
    (void)state;
    struct uuid id = active_call(&world, 2)->id, never = {{9}};
    world_end(&world, id, NULL);
    assert_int_equal(transfer(&world, id, NULL, "mail", NULL, true)->refusal, REFUSAL_CLOSED);
    assert_int_equal(give(&world, INPUT_ASSIGN, id, NULL, "ben")->refusal, REFUSAL_CLOSED);
    assert_int_equal(give(&world, INPUT_PULL, never, NULL, "ben")->refusal, REFUSAL_NOT_FOUND);
    struct uuid later = uuid_derive(world.now, 1, world.core.seq + 1, 0); /* of a row that is not there yet */
    assert_int_equal(transfer(&world, later, NULL, "mail", NULL, true)->refusal, REFUSAL_NOT_FOUND);
    world_deinit(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_transfer_keeps_the_age_or_resets_it_as_asked),
        cmocka_unit_test(what_was_moved_is_not_relaxed),
        cmocka_unit_test(who_gave_it_away_is_not_asked_again),
        cmocka_unit_test(a_transfer_to_an_agent_is_an_offer_if_that_one_can_take_it),
        cmocka_unit_test(a_transfer_starts_the_wrap_up_of_who_gives),
        cmocka_unit_test(who_is_freed_by_a_transfer_takes_older_work_first),
        cmocka_unit_test(a_call_that_went_out_is_handed_on_and_follows_no_rule),
        cmocka_unit_test(whom_an_agent_calls_may_be_blocked),
        cmocka_unit_test(a_supervisor_assigns_what_waits_to_whoever_has_room),
        cmocka_unit_test(an_agent_pulls_what_waits_in_its_queues),
        cmocka_unit_test(an_outbound_call_is_handed_on_and_has_a_queue_then),
        cmocka_unit_test(a_call_without_an_agent_is_transferred_from_above_alone),
        cmocka_unit_test(what_is_on_offer_is_withdrawn_by_a_transfer_from_above),
        cmocka_unit_test(who_has_left_the_file_gets_nothing_handed),
        cmocka_unit_test(what_has_ended_is_moved_by_nobody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
