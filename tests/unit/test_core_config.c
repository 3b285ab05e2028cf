/* Configurations that take agents and queues away, while work hangs on them, live and across a restart. */
#include "tests/unit/core_world.h"

static void configure(struct world *world, const struct project_config *config, uint64_t version)
{
    world_step(world, (struct input){.kind = INPUT_CONFIG, .config = config, .config_version = version});
}

/* The world without its first queue; calls lead to what was the third. */
struct smaller {
    struct project_config config;
    struct config_queue queues[2];
    struct config_endpoint endpoints[2];
    struct config_agent agents[1];
    uint16_t numbers[2];
};

static void make_smaller(struct smaller *smaller, const struct world *world)
{
    *smaller = (struct smaller){.config = world->config,
                                .queues = {world->queues[1], world->queues[2]},
                                .endpoints = {world->endpoints[0], world->endpoints[1]},
                                .agents = {world->agents[0]},
                                .numbers = {0, 1}};
    smaller->endpoints[0].queue = smaller->endpoints[1].queue = 1;
    smaller->agents[0].queues = smaller->numbers;
    smaller->agents[0].queue_count = smaller->config.queue_count = smaller->config.endpoint_count = 2;
    smaller->config.queues = smaller->queues;
    smaller->config.endpoints = smaller->endpoints;
    smaller->config.agents = smaller->agents;
    smaller->config.agent_count = 1;
}

static void an_offer_of_a_removed_agent_survives_a_restart(void **state)
{
    struct world world;
    struct core loaded;
    (void)state;
    world_init(&world, 2);
    world_presence(&world, "anna", AGENT_AVAILABLE, 0);
    assert_int_equal(world_ring(&world, "c1", "+4930")->outcome, OUTCOME_OFFERED);
    struct project_config only_ben = world.config;
    only_ben.agents = world.agents + 1;
    only_ben.agent_count = 1;
    world_load_all(&world, &loaded, &only_ben);
    int64_t until = world.now + 60000;
    core_begin(&loaded);
    while (core_next_timer(&loaded) <= until) {
        struct input timer = core_timer(&loaded, until);
        core_step(&loaded, &timer, &world.arena);
    }
    core_commit(&loaded);
    const struct interaction *call = rank_first(&loaded.open)->owner;
    assert_int_equal(call->data.state, INTERACTION_QUEUED);
    core_deinit(&loaded);
    world_deinit(&world);
}

static void an_offer_from_a_removed_queue_comes_back_where_its_endpoint_leads(void **state)
{
    struct world world;
    struct smaller smaller;
    (void)state;
    world_init(&world, 1);
    world_presence(&world, "anna", AGENT_AVAILABLE, 0);
    struct uuid offer = world_ring(&world, "c1", "+4930")->snapshot->offer;
    make_smaller(&smaller, &world);
    configure(&world, &smaller.config, 2);
    world_reject(&world, offer, "anna", REJECT_REJECT);
    const struct interaction *call = world_find(&world, CHANNEL_CALL, "c1");
    assert_int_equal(call->data.state, INTERACTION_QUEUED);
    assert_int_equal(call->data.queue, 1);
    world_sleep(&world, 11000);
    assert_int_equal(call->data.state, INTERACTION_OFFERED);
    world_deinit(&world);
}

static void what_waits_in_a_queue_that_went_during_a_stop_is_found_a_place(void **state)
{
    struct world world;
    struct smaller smaller;
    struct core loaded;
    (void)state;
    world_init(&world, 1);
    world_ring(&world, "c1", "+4930");
    make_smaller(&smaller, &world);
    world_load_all(&world, &loaded, &smaller.config);
    const struct interaction *call = rank_first(&loaded.open)->owner;
    assert_int_equal(call->data.queue, 1);
    core_deinit(&loaded);
    world_deinit(&world);
}

static void the_agentsequence_goes_on_when_an_agent_comes_back(void **state)
{
    struct world world;
    struct core loaded;
    (void)state;
    world_init(&world, 2);
    world_presence(&world, "anna", AGENT_AVAILABLE, 0);
    world_presence(&world, "anna", AGENT_BREAK, 0);
    uint64_t before = core_find_agent(&world.core, SLICE("anna"))->data.agentsequence;
    struct project_config without = world.config, with = world.config;
    without.agents = world.agents + 1;
    without.agent_count = 1;
    configure(&world, &without, 2);
    configure(&world, &with, 3);
    before++; /* told that it is offline now */
    assert_int_equal(core_find_agent(&world.core, SLICE("anna"))->data.agentsequence, before);
    assert_int_equal(core_find_agent(&world.core, SLICE("anna"))->data.state, AGENT_OFFLINE);
    world_load_all(&world, &loaded, &without);
    assert_int_equal(core_find_agent(&loaded, SLICE("anna"))->data.agentsequence, before);
    core_deinit(&loaded);
    world_deinit(&world);
}

/* Blocks are loaded last: what nobody could withdraw meanwhile is withdrawn with the first timer. */
static void a_block_made_while_nobody_owned_the_project_shuts_out_at_load(void **state)
{
    struct world world;
    struct core loaded;
    (void)state;
    world_init(&world, 1);
    world_presence(&world, "anna", AGENT_AVAILABLE, 0);
    world_ring(&world, "c1", "+491");
    struct block block = {.id = {{7}},
                          .kind = BLOCK_PHONE,
                          .key = SLICE("+491"),
                          .channels = 7,
                          .start_ms = world.now,
                          .until_ms = TIME_NEVER};
    world_load_all(&world, &loaded, &world.config);
    core_load_block(&loaded, &block);
    struct input timer = core_timer(&loaded, world.now);
    core_begin(&loaded);
    const struct outcome *outcome = core_step(&loaded, &timer, &world.arena);
    assert_true(slice_is(announced_as(outcome, ANNOUNCE_WITHDRAWN)->cause, "blocked"));
    core_commit(&loaded);
    assert_int_equal(loaded.open.count, 0);
    core_deinit(&loaded);
    world_deinit(&world);
}

/* Found by the simulator. */
static void an_agent_who_comes_back_is_told_to_be_offline(void **state)
{
    struct world world;
    (void)state;
    world_init(&world, 2);
    world_presence(&world, "anna", AGENT_AVAILABLE, 0);
    struct project_config with = world.config, without = world.config;
    without.agents = world.agents + 1;
    without.agent_count = 1;
    configure(&world, &without, 2);
    assert_null(announced_as(world.last, ANNOUNCE_PRESENCE));
    configure(&world, &with, 3);
    const struct announcement *told = announced_as(world.last, ANNOUNCE_PRESENCE);
    assert_true(slice_is(told->agent, "anna"));
    assert_int_equal(told->state, AGENT_OFFLINE);
    world_deinit(&world);
}

static void note_queue(void *ctx, const struct interaction *interaction, bool is_new)
{
    *(int *)ctx = is_new ? -2 : interaction->data.queue;
}

static void ignore_agent(void *ctx, const struct agent *agent)
{
    (void)ctx;
    (void)agent;
}

/* Found by the simulator: else a restart after the queue is back would know it, and who never stopped would
 * not. */
static void a_queue_that_is_forgotten_is_forgotten_in_the_tables_too(void **state)
{
    struct world world;
    struct smaller smaller;
    (void)state;
    world_init(&world, 1);
    make_smaller(&smaller, &world);
    world_presence(&world, "anna", AGENT_AVAILABLE, 0);
    world_accept(&world, world_ring(&world, "c1", "+491")->snapshot->offer, "anna");
    struct input input = {
        .kind = INPUT_CONFIG, .at_ms = world.now, .config = &smaller.config, .config_version = 2};
    int written = -2;
    core_begin(&world.core);
    core_step(&world.core, &input, &world.arena);
    core_dirty(&world.core, note_queue, ignore_agent, &written);
    core_commit(&world.core);
    assert_int_equal(written, -1);
    world_deinit(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_offer_of_a_removed_agent_survives_a_restart),
        cmocka_unit_test(an_offer_from_a_removed_queue_comes_back_where_its_endpoint_leads),
        cmocka_unit_test(what_waits_in_a_queue_that_went_during_a_stop_is_found_a_place),
        cmocka_unit_test(the_agentsequence_goes_on_when_an_agent_comes_back),
        cmocka_unit_test(an_agent_who_comes_back_is_told_to_be_offline),
        cmocka_unit_test(a_queue_that_is_forgotten_is_forgotten_in_the_tables_too),
        cmocka_unit_test(a_block_made_while_nobody_owned_the_project_shuts_out_at_load),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
