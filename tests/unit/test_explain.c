/* Explanations: each agent with the first test that failed, and what would have to change. */
#include "rules/explain.h"
#include "tests/unit/core_world.h"

static struct value explained(struct world *world, const struct outcome *outcome)
{
    struct value value;
    assert_non_null(outcome->explanations);
    assert_true(explain_value(&value, outcome->explanations, world->core.config, &world->arena));
    return value;
}

static bool says(struct world *world, const struct value *value, const char *text)
{
    struct slice words = explain_words(value, &world->arena);
    return strstr(arena_string(&world->arena, words), text) != NULL;
}

static void an_offer_names_its_rule_its_queue_and_every_agent(void **state)
{
    struct world world;
    (void)state;
    world_init(&world, 4);
    world_presence(&world, "anna", AGENT_AVAILABLE, 0);
    world_presence(&world, "ben", AGENT_BREAK, 0);
    struct value value = explained(&world, world_ring(&world, "c1", "+491"));
    assert_true(slice_is(value_member(&value, "chosen")->string, "anna"));
    assert_true(slice_is(value_member(&value, "queue")->string, "support"));
    const struct value *candidates = value_member(&value, "candidates");
    assert_int_equal(candidates->count, 4);
    assert_true(slice_is(value_member(&candidates->items[0], "reason")->string, "chosen"));
    assert_null(value_member(&candidates->items[0], "failed"));
    assert_true(slice_is(value_member(&candidates->items[1], "failed")->string, "presence"));
    assert_true(slice_is(value_member(&candidates->items[2], "reason")->string, "offline"));
    assert_true(says(&world, &value, "goes to anna"));
    assert_true(says(&world, &value, "carl: offline - would have to be available"));
    world_deinit(&world);
}

static void a_wait_says_that_there_is_no_room(void **state)
{
    struct world world;
    (void)state;
    world_init(&world, 1);
    world_presence(&world, "anna", AGENT_AVAILABLE, 0);
    world_ring(&world, "c1", "+491");
    struct value value = explained(&world, world_ring(&world, "c2", "+492"));
    assert_null(value_member(&value, "chosen"));
    assert_true(
        slice_is(value_member(&value_member(&value, "candidates")->items[0], "failed")->string, "capacity"));
    assert_true(says(&world, &value, "waits"));
    world_deinit(&world);
}

static void a_missing_skill_says_what_is_needed_and_when_less_is_enough(void **state)
{
    struct world world;
    struct slice names[] = {SLICE("german")};
    struct config_skill asked = {0, 3}, has = {0, 2}, relaxed = {0, 2};
    struct config_relax relax = {30000, {&relaxed, 1}};
    uint8_t reasons[] = {CANDIDATE_SKILLS};
    struct explanation why = {.interaction = {{1}},
                              .held_until = TIME_NEVER,
                              .stage = PREFER_QUEUE,
                              .candidates = reasons,
                              .candidate_count = 1};
    struct value value;
    (void)state;
    world_init(&world, 1);
    struct config_rule rule = {.name = SLICE("vip"), .skills = {&asked, 1}};
    struct project_config config = world.config;
    config.skills = names;
    config.skill_count = 1;
    config.rules = &rule;
    world.agents[0].skills = (struct config_skills){&has, 1};
    world.queues[0].relax = &relax;
    world.queues[0].relax_count = 1;
    assert_true(explain_value(&value, &why, &config, &world.arena));
    assert_true(says(&world, &value, "anna: skills - needs german 3, has 2; from 30 s on 2 is enough"));
    assert_true(says(&world, &value, "asks for german 3"));
    why.rule = 7; /* of another configuration */
    assert_false(explain_value(&value, &why, &config, &world.arena));
    why.rule = 0;
    why.candidate_count = 0; /* nobody was looked at */
    assert_true(explain_value(&value, &why, &config, &world.arena));
    assert_int_equal(value_member(&value, "candidates")->count, 0);
    world.queues[0].relax_count = 0;
    world_deinit(&world);
}

static void what_is_held_names_the_hours_and_a_preference_who_was_asked(void **state)
{
    static const struct {
        enum prefer_stage stage;
        const char *words;
    } stages[] = {{PREFER_SAME, "goes to anna, asked as who has other work of this customer\n"},
                  {PREFER_OWNER, "goes to anna, asked as the customer's owner\n"},
                  {PREFER_LAST, "goes to anna, asked as the customer's last agent\n"},
                  {PREFER_QUEUE, "goes to anna\n"}};
    struct world world;
    struct hours hours = {.name = SLICE("office")};
    struct explained_move path = {QUEUE_SUPPORT, MOVE_CLOSED, 0};
    struct explanation why = {.interaction = {{1}}, .held_until = 1000, .stage = PREFER_QUEUE};
    struct value value;
    (void)state;
    world_init(&world, 1);
    struct project_config config = world.config;
    config.hours = &hours;
    config.hours_count = 1;
    world.queues[QUEUE_SUPPORT].hours = 0;
    assert_true(explain_value(&value, &why, &config, &world.arena));
    assert_true(slice_is(value_member(&value, "hours")->string, "office"));
    assert_true(says(&world, &value, "  held until the queue opens (hours office)\n  waits\n"));
    why.held_until = TIME_NEVER;
    why.queue = QUEUE_MAIL;
    why.path = &path;
    why.path_count = 1;
    why.chosen = SLICE("anna");
    for (size_t i = 0; i < sizeof stages / sizeof *stages; i++) {
        why.stage = stages[i].stage;
        assert_true(explain_value(&value, &why, &config, &world.arena));
        assert_null(value_member(&value, "hours"));
        assert_true(says(&world, &value, "  not in support: closed (hours office)\n"));
        assert_true(says(&world, &value, stages[i].words));
    }
    world.queues[QUEUE_SUPPORT].hours = -1;
    world_deinit(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_offer_names_its_rule_its_queue_and_every_agent),
        cmocka_unit_test(a_wait_says_that_there_is_no_room),
        cmocka_unit_test(a_missing_skill_says_what_is_needed_and_when_less_is_enough),
        cmocka_unit_test(what_is_held_names_the_hours_and_a_preference_who_was_asked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
