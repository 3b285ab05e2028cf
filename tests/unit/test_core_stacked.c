/* Two batches on top of each other: what the second does to what the first did, and what is left when the
 * second, or both, come to nothing. */
#include "tests/unit/core_world.h"

static const struct outcome *step(struct world *world, struct input input)
{
    input.at_ms = world->now;
    if (input.kind == INPUT_EVENT && uuid_is_nil(&input.facts.closed))
        core_find_closed(&world->core, &input.conversation, &input.facts.closed);
    return core_step(&world->core, &input, &world->arena);
}

static const struct outcome *ring(struct world *world, const char *subject, const char *phone)
{
    struct from from = {.phone = phone};
    return step(world, world_event(world, EVENT_CALL_RINGING, subject, &from));
}

static const struct outcome *hang_up(struct world *world, const char *subject)
{
    return step(world, world_event(world, EVENT_CALL_ENDED, subject, NULL));
}

static struct input block_input(enum input_kind kind, const char *phone, int64_t until_ms)
{
    return (struct input){
        .kind = kind,
        .block = {
            .id = {{7}}, .kind = BLOCK_PHONE, .key = slice_of(phone), .channels = 7, .until_ms = until_ms}};
}

static void end(struct world *world)
{
    core_commit(&world->core);
    core_bury(&world->core);
}

struct dirty {
    int added, moved, agents;
};

static void on_interaction(void *ctx, const struct interaction *interaction, bool is_new)
{
    struct dirty *dirty = ctx;
    (void)interaction;
    dirty->added += is_new;
    dirty->moved += !is_new;
}

static void on_agent(void *ctx, const struct agent *agent)
{
    struct dirty *dirty = ctx;
    (void)agent;
    dirty->agents++;
}

static struct dirty dirty_of(const struct world *world)
{
    struct dirty dirty = {0};
    core_dirty(&world->core, on_interaction, on_agent, &dirty);
    return dirty;
}

static void what_the_first_opens_and_the_second_closes_is_in_both_lists(void **state)
{
    struct world world;
    (void)state;
    world_init(&world, 1);
    world_presence(&world, "anna", AGENT_AVAILABLE, 0);
    core_begin(&world.core);
    assert_int_equal(ring(&world, "c1", "+4930")->outcome, OUTCOME_OFFERED);
    struct dirty first = dirty_of(&world);
    assert_int_equal(first.added, 1);
    assert_int_equal(first.moved, 0);
    assert_int_equal(first.agents, 1);
    core_begin(&world.core);
    const struct outcome *ended = hang_up(&world, "c1");
    assert_int_equal(ended->outcome, OUTCOME_ENDED);
    struct dirty second = dirty_of(&world);
    assert_int_equal(second.added, 0);
    assert_int_equal(second.moved, 1);
    assert_int_equal(second.agents, 1);
    end(&world);
    /* The second is not in: its outcome still looks at what it closed. */
    assert_non_null(core_find_interaction(&world.core, &ended->snapshot->interaction));
    assert_string_equal(ended->snapshot->texts->phone.ptr ? "kept" : "gone", "kept");
    end(&world);
    assert_int_equal(world.core.interactions.count, 0);
    assert_int_equal(world.core.agents[0].data.load[CHANNEL_CALL], 0);
    world_deinit(&world);
}

static void what_the_first_closed_is_found_closed_by_the_second_and_gone_with_the_first(void **state)
{
    struct world world;
    (void)state;
    world_init(&world, 1);
    struct uuid id = world_ring(&world, "c1", "+4930")->snapshot->interaction;
    core_begin(&world.core);
    hang_up(&world, "c1");
    core_begin(&world.core);
    const struct outcome *again = step(&world, (struct input){.kind = INPUT_END, .interaction = id});
    assert_int_equal(again->refusal, REFUSAL_CLOSED);
    const struct outcome *late = ring(&world, "c1", "+4930");
    assert_int_equal(late->outcome, OUTCOME_ENDED);
    assert_memory_equal(&late->snapshot->interaction, &id, sizeof id);
    end(&world);
    assert_null(core_find_interaction(&world.core, &id));
    core_rollback(&world.core);
    assert_int_equal(world.core.interactions.count, 0);
    core_begin(&world.core);
    assert_int_equal(ring(&world, "c1", "+4930")->outcome, OUTCOME_ENDED); /* the closing is remembered */
    end(&world);
    world_deinit(&world);
}

static void a_second_that_comes_to_nothing_leaves_the_first_as_it_was(void **state)
{
    struct world world;
    (void)state;
    world_init(&world, 2);
    world_presence(&world, "anna", AGENT_AVAILABLE, 0);
    core_begin(&world.core);
    struct uuid offer = ring(&world, "c1", "+4930")->snapshot->offer;
    uint64_t seq = world.core.seq, agentsequence = world.core.agents[0].data.agentsequence;
    core_begin(&world.core);
    assert_int_equal(step(&world, (struct input){.kind = INPUT_ACCEPT, .offer = offer})->outcome,
                     OUTCOME_ASSIGNED);
    ring(&world, "c2", "+4931");
    core_rollback(&world.core);
    assert_int_equal(world.core.seq, seq);
    assert_int_equal(world.core.agents[0].data.agentsequence, agentsequence);
    assert_null(world_find(&world, CHANNEL_CALL, "c2"));
    assert_int_equal(world_find(&world, CHANNEL_CALL, "c1")->data.state, INTERACTION_OFFERED);
    /* The first is still open: whoever reads an agent's numbers must see that they are not in yet. */
    assert_non_null(world.core.agents[0].undo);
    struct dirty dirty = dirty_of(&world);
    assert_int_equal(dirty.added, 1);
    core_rollback(&world.core);
    assert_null(world.core.agents[0].undo);
    assert_int_equal(world.core.agents[0].data.agentsequence, agentsequence - 1);
    assert_int_equal(world.core.open.count, 0);
    world_deinit(&world);
}

/* However often it is tried: what the interaction owns is as before. */
static void what_came_to_nothing_leaves_no_memory(void **state)
{
    struct world world;
    (void)state;
    world_init(&world, 1);
    world_presence(&world, "anna", AGENT_AVAILABLE, 0);
    world_ring(&world, "c1", "+4930");
    const struct interaction *call = world_find(&world, CHANNEL_CALL, "c1");
    const struct owned_block *before = call->blocks;
    core_begin(&world.core);
    hang_up(&world, "c1");
    assert_ptr_not_equal(call->blocks, before);
    assert_int_equal(call->data.state, INTERACTION_CLOSED);
    core_rollback(&world.core);
    assert_ptr_equal(call->blocks, before);
    assert_int_equal(call->data.cause.len, 0);
    assert_true(slice_is(call->texts.phone, "+4930"));
    world_deinit(&world);
}

static void the_first_goes_on_after_a_second_that_came_to_nothing(void **state)
{
    struct world world;
    (void)state;
    world_init(&world, 1);
    world_presence(&world, "anna", AGENT_AVAILABLE, 0);
    core_begin(&world.core);
    ring(&world, "c1", "+4930");
    core_begin(&world.core);
    hang_up(&world, "c1");
    core_rollback(&world.core);
    hang_up(&world, "c1");
    struct dirty dirty = dirty_of(&world);
    assert_int_equal(dirty.added, 1); /* each once */
    assert_int_equal(dirty.moved, 0);
    assert_int_equal(dirty.agents, 1);
    end(&world);
    assert_int_equal(world.core.interactions.count, 0);
    world_deinit(&world);
}

static void a_block_of_the_first_that_the_second_lifts_is_back_when_the_second_is_undone(void **state)
{
    struct world world;
    (void)state;
    for (int undone = 0; undone < 2; undone++) {
        world_init(&world, 1);
        core_begin(&world.core);
        step(&world, block_input(INPUT_BLOCK, "+4930", TIME_NEVER));
        assert_int_equal(ring(&world, "c1", "+4930")->outcome, OUTCOME_BLOCKED);
        core_begin(&world.core);
        step(&world, block_input(INPUT_UNBLOCK, "+4930", TIME_NEVER));
        assert_int_equal(ring(&world, "c2", "+4930")->outcome, OUTCOME_QUEUED);
        end(&world);
        if (undone)
            core_rollback(&world.core);
        else
            end(&world);
        assert_int_equal(world_ring(&world, "c3", "+4930")->outcome,
                         undone ? OUTCOME_BLOCKED : OUTCOME_QUEUED);
        world_deinit(&world);
    }
}

static void both_undone_leave_no_block_and_no_lifting(void **state)
{
    struct world world;
    (void)state;
    world_init(&world, 1);
    core_begin(&world.core);
    step(&world, block_input(INPUT_BLOCK, "+4930", TIME_NEVER));
    core_begin(&world.core);
    step(&world, block_input(INPUT_UNBLOCK, "+4930", TIME_NEVER));
    core_rollback(&world.core);
    core_rollback(&world.core);
    assert_int_equal(world.core.blacklist.by_id.count, 0);
    assert_int_equal(world_ring(&world, "c1", "+4930")->outcome, OUTCOME_QUEUED);
    world_deinit(&world);
}

/* The commit of the first drops what is over; the second may have added or lifted just that. */
static void a_block_that_is_over_when_the_first_comes_in_does_not_trip_the_second(void **state)
{
    struct world world;
    (void)state;
    for (int lifted = 0; lifted < 2; lifted++) {
        world_init(&world, 1);
        core_begin(&world.core);
        ring(&world, "c1", "+4930");
        if (lifted)
            step(&world, block_input(INPUT_BLOCK, "+4931", world.now));
        core_begin(&world.core);
        step(&world, block_input(lifted ? INPUT_UNBLOCK : INPUT_BLOCK, "+4931", world.now));
        end(&world);
        core_rollback(&world.core);
        assert_int_equal(world_ring(&world, "c2", "+4931")->outcome, OUTCOME_QUEUED);
        assert_int_equal(world.core.blacklist.by_id.count, 0);
        world_deinit(&world);
    }
}

static void a_temporary_block_stays_as_long_as_the_second_may_be_undone(void **state)
{
    struct world world;
    (void)state;
    world_init(&world, 1);
    world_step(&world, block_input(INPUT_BLOCK, "+4930", world.now + 1000));
    core_begin(&world.core);
    assert_int_equal(ring(&world, "c1", "+4930")->outcome, OUTCOME_BLOCKED);
    core_begin(&world.core);
    world.now += 2000;
    assert_int_equal(ring(&world, "c2", "+4930")->outcome, OUTCOME_QUEUED);
    end(&world);
    core_rollback(&world.core);
    world.now -= 2000;
    assert_int_equal(world_ring(&world, "c3", "+4930")->outcome, OUTCOME_BLOCKED);
    world_deinit(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_the_first_opens_and_the_second_closes_is_in_both_lists),
        cmocka_unit_test(what_the_first_closed_is_found_closed_by_the_second_and_gone_with_the_first),
        cmocka_unit_test(a_second_that_comes_to_nothing_leaves_the_first_as_it_was),
        cmocka_unit_test(what_came_to_nothing_leaves_no_memory),
        cmocka_unit_test(the_first_goes_on_after_a_second_that_came_to_nothing),
        cmocka_unit_test(a_block_of_the_first_that_the_second_lifts_is_back_when_the_second_is_undone),
        cmocka_unit_test(both_undone_leave_no_block_and_no_lifting),
        cmocka_unit_test(a_block_that_is_over_when_the_first_comes_in_does_not_trip_the_second),
        cmocka_unit_test(a_temporary_block_stays_as_long_as_the_second_may_be_undone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
