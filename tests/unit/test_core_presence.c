/* What agents and their desktops say of presence. */
#include "tests/unit/core_world.h"

/* Whose desktop renews does not say that anybody is there; who comes back from a break does. */
static void a_renewed_lease_brings_nobody_back(void **state)
{
    struct world world;
    (void)state;
    world_prepare(&world, 1);
    world.config.misses = 1;
    world_start(&world);
    struct input renewal = {.kind = INPUT_PRESENCE,
                            .actor = SLICE("anna"),
                            .agent = SLICE("anna"),
                            .presence = AGENT_AVAILABLE,
                            .lease_ms = 30000};
    const struct agent_data *anna = &core_find_agent(&world.core, SLICE("anna"))->data;
    world_step(&world, renewal);
    world_ring(&world, "c1", "+4930");
    world_sleep(&world, 20000);
    assert_int_equal(anna->state, AGENT_NOT_RESPONDING);
    world_sleep(&world, 9999);
    world_step(&world, renewal);
    for (int i = 0; i < 10; i++) {
        world_sleep(&world, 29999); /* the cool-down is long over */
        const struct outcome *outcome = world_step(&world, renewal);
        assert_int_equal(outcome->state, AGENT_NOT_RESPONDING);
        assert_int_equal(outcome->announcement_count, 0);
    }
    assert_true(anna->lease_until == world.now + 30000 && anna->misses == 1);
    struct input word = renewal;
    word.presence = AGENT_BREAK;
    world_step(&world, word);
    assert_int_equal(anna->state, AGENT_BREAK);
    assert_non_null(announced_as(world_step(&world, renewal), ANNOUNCE_OFFERED));
    world_sleep(&world, 20000);
    assert_int_equal(anna->state, AGENT_NOT_RESPONDING);
    word = renewal;
    word.lease_ms = 0; /* until changed */
    assert_non_null(announced_as(world_step(&world, word), ANNOUNCE_OFFERED));
    world_sleep(&world, 20000);
    assert_int_equal(anna->state, AGENT_NOT_RESPONDING);
    assert_non_null(announced_as(world_step(&world, renewal), ANNOUNCE_OFFERED)); /* nothing to renew */
    world_sleep(&world, 20000);
    word = renewal;
    word.actor.len = 0; /* a supervisor */
    assert_non_null(announced_as(world_step(&world, word), ANNOUNCE_OFFERED));
    world_sleep(&world, 20000);
    world_sleep(&world, 10000);
    assert_int_equal(anna->state, AGENT_OFFLINE);
    assert_non_null(announced_as(world_step(&world, renewal), ANNOUNCE_OFFERED));
    world_deinit(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_renewed_lease_brings_nobody_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
