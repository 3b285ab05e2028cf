/* Who of several is asked first: the strategies, and that round robin is fair. */
#include "tests/unit/core_world.h"

static void start(struct world *world, enum strategy strategy, uint32_t agents)
{
    world_prepare(world, agents);
    for (int i = 0; i < QUEUE_COUNT; i++)
        world->queues[i].strategy = strategy;
    world_start(world);
    for (uint32_t i = 0; i < agents; i++) {
        world_presence(world, world->agents[i].name.ptr, AGENT_AVAILABLE, 0);
        world->now += 10;
    }
}

/* A chat that its agent takes, told by name. */
static const char *chat(struct world *world, int number)
{
    char subject[16];
    snprintf(subject, sizeof subject, "s%d", number);
    world_chat(world, subject);
    const struct interaction *interaction = world_find(world, CHANNEL_CHAT, subject);
    world_accept(world, interaction->data.offer, NULL);
    world->now += 10;
    return holder(world, interaction);
}

static void end_chat(struct world *world, int number)
{
    char subject[16];
    snprintf(subject, sizeof subject, "s%d", number);
    world_end(world, world_find(world, CHANNEL_CHAT, subject)->id, NULL);
    world->now += 10;
}

static void the_longest_idle_of_those_without_work_is_first(void **state)
{
    struct world world;
    (void)state;
    start(&world, STRATEGY_LONGEST_IDLE, 3);
    assert_string_equal(chat(&world, 1), "anna");
    assert_string_equal(chat(&world, 2), "ben");
    assert_string_equal(chat(&world, 3), "carl");
    end_chat(&world, 2);
    assert_string_equal(chat(&world, 4), "ben");
    assert_string_equal(chat(&world, 5), "anna"); /* all have one: it took its last first */
    world_deinit(&world);
}

static void wrap_up_is_not_idleness(void **state)
{
    struct world world;
    struct from from = {.email = "jo@x.example"};
    (void)state;
    world_prepare(&world, 2);
    world.queues[QUEUE_CHAT].wrap_up_ms = 10000;
    world.queues[QUEUE_MAIL].wrap_up_ms = 0;
    world_start(&world);
    world_presence(&world, "anna", AGENT_AVAILABLE, 0);
    world_presence(&world, "ben", AGENT_AVAILABLE, 0);
    assert_string_equal(chat(&world, 1), "anna");
    world_step(&world, world_event(&world, EVENT_EMAIL_RECEIVED, "m1", &from));
    const struct interaction *mail = world_find(&world, CHANNEL_EMAIL, "m1");
    world_accept(&world, mail->data.offer, "ben");
    end_chat(&world, 1);
    world_sleep(&world, 5000);
    world_end(&world, mail->id, NULL);
    world_sleep(&world, 5000); /* Anna has been without a chat for longer, but has only now done with it */
    assert_string_equal(chat(&world, 2), "ben");
    world_deinit(&world);
}

static void most_spare_goes_where_most_room_is(void **state)
{
    struct world world;
    (void)state;
    world_prepare(&world, 2);
    world.queues[QUEUE_CHAT].strategy = STRATEGY_MOST_SPARE;
    world.agents[1].capacity[CHANNEL_CHAT] = 5;
    world_start(&world);
    world_presence(&world, "anna", AGENT_AVAILABLE, 0);
    world_presence(&world, "ben", AGENT_AVAILABLE, 0);
    static const char *const expected[] = {"ben", "ben", "anna", "ben", "anna", "ben"};
    for (int i = 0; i < 6; i++)
        assert_string_equal(chat(&world, i), expected[i]);
    world_deinit(&world);
}

static void pack_fills_one_before_the_next(void **state)
{
    struct world world;
    (void)state;
    start(&world, STRATEGY_PACK, 2);
    static const char *const expected[] = {"anna", "anna", "anna", "ben"};
    for (int i = 0; i < 4; i++)
        assert_string_equal(chat(&world, i), expected[i]);
    end_chat(&world, 1);
    assert_string_equal(chat(&world, 4), "anna"); /* one free place is less than two */
    world_deinit(&world);
}

static void linear_asks_as_the_file_lists_them(void **state)
{
    struct world world;
    (void)state;
    world_prepare(&world, 3);
    for (uint32_t i = 0; i < 3; i++)
        world.agents[i].position = 2 - i;
    world.queues[QUEUE_CHAT].strategy = STRATEGY_LINEAR;
    world_start(&world);
    for (uint32_t i = 0; i < 3; i++)
        world_presence(&world, world.agents[i].name.ptr, AGENT_AVAILABLE, 0);
    static const char *const expected[] = {"carl", "carl", "carl", "ben"};
    for (int i = 0; i < 4; i++)
        assert_string_equal(chat(&world, i), expected[i]);
    world_deinit(&world);
}

static void the_most_skilled_is_first_then_the_least_busy(void **state)
{
    struct world world;
    (void)state;
    world_prepare(&world, 3);
    world.queues[QUEUE_CHAT].strategy = STRATEGY_MOST_SKILLED;
    world_rule(&world, "german", NULL, CONFIG_QUEUE_OF_ENDPOINT, 0);
    world.rules[0].skills = world_skill(&world, 0, 1);
    for (uint16_t i = 0; i < 3; i++)
        world.agents[i].skills = world_skill(&world, 0, i ? 5 : 3);
    world_start(&world);
    for (uint32_t i = 0; i < 3; i++) {
        world_presence(&world, world.agents[i].name.ptr, AGENT_AVAILABLE, 0);
        world.now += 10;
    }
    static const char *const expected[] = {"ben", "carl", "ben", "carl", "ben", "carl", "anna"};
    for (int i = 0; i < 7; i++)
        assert_string_equal(chat(&world, i), expected[i]);
    world_deinit(&world);
}

static void equal_agents_differ_by_at_most_one_in_round_robin(void **state)
{
    struct world world;
    (void)state;
    start(&world, STRATEGY_ROUND_ROBIN, 4);
    for (int i = 0; i < 4; i++)
        world.agents[i].capacity[CHANNEL_CHAT] = 3;
    int counts[4] = {0};
    for (int i = 0; i < 100; i++) {
        const char *name = chat(&world, i);
        counts[name[0] - 'a']++;
        if (i % 3 != 2) /* some stay open for longer than others */
            end_chat(&world, i);
        if (i % 12 == 11) {
            for (int old = i - 9; old <= i; old += 3)
                end_chat(&world, old);
        }
        for (int a = 0; a < 4; a++) {
            for (int b = 0; b < 4; b++)
                assert_in_range(counts[a] - counts[b] + 1, 0, 2);
        }
    }
    world_deinit(&world);
}

static void who_comes_back_in_round_robin_gets_one_turn_and_no_burst(void **state)
{
    struct world world;
    (void)state;
    start(&world, STRATEGY_ROUND_ROBIN, 3);
    for (int i = 0; i < 3; i++) {
        chat(&world, i);
        end_chat(&world, i);
    }
    world_presence(&world, "anna", AGENT_OFFLINE, 0);
    for (int i = 3; i < 23; i++) {
        assert_string_not_equal(chat(&world, i), "anna");
        end_chat(&world, i);
    }
    world_presence(&world, "anna", AGENT_AVAILABLE, 0);
    int hers = 0;
    for (int i = 23; i < 29; i++) {
        hers += strcmp(chat(&world, i), "anna") == 0;
        end_chat(&world, i);
        assert_in_range(hers, 1 + (i - 23) / 3, 1 + (i - 23) / 3);
    }
    world_deinit(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_longest_idle_of_those_without_work_is_first),
        cmocka_unit_test(wrap_up_is_not_idleness),
        cmocka_unit_test(most_spare_goes_where_most_room_is),
        cmocka_unit_test(pack_fills_one_before_the_next),
        cmocka_unit_test(linear_asks_as_the_file_lists_them),
        cmocka_unit_test(the_most_skilled_is_first_then_the_least_busy),
        cmocka_unit_test(equal_agents_differ_by_at_most_one_in_round_robin),
        cmocka_unit_test(who_comes_back_in_round_robin_gets_one_turn_and_no_burst),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
