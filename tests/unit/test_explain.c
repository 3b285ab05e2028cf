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

/* Anna serves support and lacks German; Ben has it and serves mail. */
struct skilled {
    struct project_config config;
    struct slice names[2];
    struct config_skill asked[2], annas[2], first[1];
    struct config_relax relax[2];
    struct config_rule rule;
    uint16_t queues[2];
};

static void make_skilled(struct skilled *skilled, struct world *world)
{
    *skilled = (struct skilled){.names = {SLICE("german"), SLICE("english")},
                                .asked = {{0, 3}, {1, 4}},
                                .annas = {{1, 2}},
                                .first = {{1, 2}},
                                .queues = {QUEUE_SUPPORT, QUEUE_MAIL}};
    skilled->relax[0] = (struct config_relax){30000, {skilled->first, 1}}; /* German is asked for no more */
    skilled->relax[1] = (struct config_relax){60000, {NULL, 0}};
    skilled->rule = (struct config_rule){.name = SLICE("vip"), .skills = {skilled->asked, 2}};
    world->agents[0].skills = (struct config_skills){skilled->annas, 1};
    world->agents[0].queues = skilled->queues;
    world->agents[1].queues = skilled->queues + 1;
    world->agents[0].queue_count = world->agents[1].queue_count = 1;
    world->queues[QUEUE_SUPPORT].relax = skilled->relax;
    world->queues[QUEUE_SUPPORT].relax_count = 2;
    skilled->config = world->config;
    skilled->config.skills = skilled->names;
    skilled->config.skill_count = 2;
    skilled->config.rules = &skilled->rule;
}

static void each_skill_says_when_less_of_it_is_enough(void **state)
{
    struct world world;
    struct skilled skilled;
    uint8_t reasons[] = {CANDIDATE_SKILLS};
    struct explanation why = {
        .held_until = TIME_NEVER, .stage = PREFER_QUEUE, .candidates = reasons, .candidate_count = 1};
    struct value value;
    (void)state;
    world_init(&world, 2);
    make_skilled(&skilled, &world);
    assert_true(explain_value(&value, &why, &skilled.config, &world.arena));
    assert_true(says(&world, &value,
                     "anna: skills - needs german 3, has 0; from 30 s on it is not asked for; "
                     "needs english 4, has 2; from 30 s on 2 is enough\n"));
    assert_true(says(&world, &value, "asks for german 3, english 4\n"));
    assert_true(says(&world, &value, "ben: membership - would have to be a member of support\n"));
    why.relax_step = 1;
    assert_true(explain_value(&value, &why, &skilled.config, &world.arena));
    assert_true(says(&world, &value, "asks for english 2\n"));
    why.moved = MOVE_OVERLOAD; /* what was moved asks for nothing */
    why.relax_step = 0;
    assert_true(explain_value(&value, &why, &skilled.config, &world.arena));
    assert_true(slice_is(value_member(&value, "moved")->string, "overload"));
    assert_int_equal(value_member(&value, "skills")->count, 0);
    world.queues[QUEUE_SUPPORT].relax_count = 0;
    world_deinit(&world);
}

static void a_way_through_queues_is_told_move_by_move(void **state)
{
    struct world world;
    struct explained_move path[] = {{QUEUE_SUPPORT, MOVE_EMPTY, EMPTY_ALL_ON_BREAK},
                                    {QUEUE_MAIL, MOVE_CLOSED, 0},
                                    {-1, MOVE_TRANSFER, 0}};
    struct explanation why = {.rule = -1,
                              .queue = QUEUE_CHAT,
                              .stage = PREFER_QUEUE,
                              .held_until = 1795000000000,
                              .excluded = SLICE("anna"),
                              .path = path,
                              .path_count = 3};
    struct value value;
    (void)state;
    world_init(&world, 1);
    assert_true(explain_value(&value, &why, &world.config, &world.arena));
    assert_true(says(&world, &value, "  not in support: empty (all_on_break)\n  not in mail: closed\n"));
    assert_true(says(&world, &value, "  held until the queue opens\n  given away by anna\n  waits\n"));
    assert_null(value_member(&value, "rule"));
    assert_null(value_member(&value_member(&value, "path")->items[2], "queue"));
    assert_int_equal(value_member(&value, "held_until_ms")->integer, 1795000000000);
    world_deinit(&world);
}

static void rules_that_failed_before_the_one_that_matched_are_counted(void **state)
{
    struct world world;
    struct explanation why = {.is_ruled = true, .errors = 2, .held_until = TIME_NEVER, .stage = PREFER_QUEUE};
    struct value value;
    (void)state;
    world_init(&world, 1);
    assert_true(explain_value(&value, &why, &world.config, &world.arena));
    assert_int_equal(value_member(value_member(&value, "rule"), "failed_before")->integer, 2);
    world_deinit(&world);
}

static void what_is_not_of_this_configuration_is_not_explained(void **state)
{
    struct world world;
    uint8_t reasons[] = {CANDIDATE_LATER, CANDIDATE_LATER};
    struct explained_move far = {7, MOVE_CLOSED, 0};
    const struct explanation fits = {.held_until = TIME_NEVER, .stage = PREFER_QUEUE};
    struct explanation wrong[7];
    struct value value;
    (void)state;
    world_init(&world, 1);
    assert_true(explain_value(&value, &fits, &world.config, &world.arena));
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        wrong[i] = fits;
    wrong[0].queue = 9;
    wrong[1].rule = 1;
    wrong[2].path = &far;
    wrong[2].path_count = 1;
    wrong[3].relax_step = 1; /* the queue relaxes nothing */
    wrong[4].candidates = wrong[5].candidates = wrong[6].candidates = reasons;
    wrong[4].candidate_count = 2; /* more than the queue has members */
    wrong[5].queue = wrong[6].queue = -1;
    wrong[5].candidate_count = 1; /* of no queue */
    wrong[6].relax_step = 1;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        if (explain_value(&value, &wrong[i], &world.config, &world.arena))
            fail_msg("wrong[%zu] is explained", i);
    world.config.agent_count = 2; /* fewer were looked at than are members now */
    struct explanation fewer = fits;
    fewer.candidates = reasons;
    fewer.candidate_count = 1;
    world.agents[1] = world.agents[0];
    assert_false(explain_value(&value, &fewer, &world.config, &world.arena));
    world.config.agent_count = 1;
    world_deinit(&world);
}

static void whoever_got_it_from_outside_the_queue_is_the_chosen_one(void **state)
{
    struct world world;
    struct skilled skilled;
    uint8_t reasons[] = {CANDIDATE_FULL};
    struct explanation why = {.held_until = TIME_NEVER,
                              .stage = PREFER_QUEUE,
                              .chosen = SLICE("ben"),
                              .candidates = reasons,
                              .candidate_count = 1};
    struct value value;
    (void)state;
    world_init(&world, 2);
    make_skilled(&skilled, &world);
    assert_true(explain_value(&value, &why, &skilled.config, &world.arena));
    const struct value *ben = &value_member(&value, "candidates")->items[1];
    assert_true(slice_is(value_member(ben, "reason")->string, "chosen"));
    assert_null(value_member(ben, "failed"));
    world.queues[QUEUE_SUPPORT].relax_count = 0;
    world_deinit(&world);
}

/* --- As things stand --- */

static struct value now(struct world *world, const char *subject)
{
    struct value value;
    struct explanation why = core_why(&world->core, world_find(world, CHANNEL_CALL, subject), &world->arena);
    assert_int_equal(why.trigger, TRIGGER_NOW);
    assert_true(explain_value(&value, &why, world->core.config, &world->arena));
    return value;
}

static void what_is_open_is_explained_as_things_stand(void **state)
{
    struct world world;
    (void)state;
    world_init(&world, 2);
    world_ring(&world, "c1", "+491");
    world_ring(&world, "c2", "+492");
    struct value value = now(&world, "c1");
    assert_true(says(&world, &value, "  waits\n    anna: offline"));
    world_presence(&world, "ben", AGENT_AVAILABLE, 0);
    value = now(&world, "c1"); /* on offer */
    assert_true(says(&world, &value,
                     "  goes to ben\n    anna: offline - would have to be available\n    ben: chosen"));
    value = now(&world, "c2");
    assert_true(says(&world, &value, "    ben: capacity - would have to have room"));
    world_accept(&world, world_find(&world, CHANNEL_CALL, "c1")->data.offer, "ben");
    value = now(&world, "c1"); /* active */
    assert_true(says(&world, &value, "  goes to ben"));
    world_step(&world, (struct input){.kind = INPUT_TRANSFER,
                                      .interaction = world_find(&world, CHANNEL_CALL, "c1")->id,
                                      .actor = SLICE("ben"),
                                      .queue = SLICE("mail"),
                                      .keep_age = true});
    value = now(&world, "c1");
    assert_true(says(&world, &value, "  in queue mail"));
    assert_true(says(&world, &value, "  given away by ben\n  waits\n"));
    world_deinit(&world);
}

static void a_call_of_no_queue_and_one_that_is_held_have_no_candidates(void **state)
{
    struct zone_transition always = {INT64_MIN, 0};
    struct zone_table utc = {SLICE("UTC"), &always, 1};
    struct hours never = {.zone = &utc, .otherwise = -1};
    struct world world;
    (void)state;
    world_prepare(&world, 1);
    world.queues[QUEUE_SUPPORT].hours = 0;
    world.config.hours = &never;
    world.config.hours_count = 1;
    world_start(&world);
    world_ring(&world, "held", "+491");
    struct from from = {.phone = "+492"};
    struct input dial = world_event(&world, EVENT_CALL_RINGING, "dialled", &from);
    ((struct event *)dial.event)->outbound = true;
    world_step(&world, dial);
    struct value value = now(&world, "held");
    assert_int_equal(value_member(&value, "candidates")->count, 0);
    assert_true(says(&world, &value, "held until the queue opens"));
    value = now(&world, "dialled");
    assert_null(value_member(&value, "queue"));
    assert_null(value_member(&value, "chosen")); /* the gateway does not know whose it is */
    assert_int_equal(value_member(&value, "candidates")->count, 0);
    world_deinit(&world);
}

static void a_place_counts_what_is_asked_before_over_all_lanes(void **state)
{
    struct world world;
    (void)state;
    world_prepare(&world, 1);
    world_rule(&world, "vip", "from.phone == '+499'", QUEUE_SUPPORT, 5);
    world.rules[0].skills = world_skill(&world, 0, 3);
    world_rule(&world, "rest", NULL, QUEUE_SUPPORT, 0);
    world_start(&world);
    world_ring(&world, "c1", "+491");
    world.now += 1000;
    world_ring(&world, "c2", "+492");
    world.now += 1000;
    world_ring(&world, "vip", "+499"); /* five minutes older than it is, and in a lane of its own */
    world_chat(&world, "s1");
    static const struct {
        const char *subject;
        uint32_t position;
    } places[] = {{"vip", 1}, {"c1", 2}, {"c2", 3}};
    for (int i = 0; i < 3; i++)
        assert_int_equal(core_position(&world.core, world_find(&world, CHANNEL_CALL, places[i].subject)),
                         places[i].position);
    assert_int_equal(core_position(&world.core, world_find(&world, CHANNEL_CHAT, "s1")), 1);
    assert_int_equal(core_depth(&world.core, QUEUE_SUPPORT, CHANNEL_CALL).waiting, 3);
    assert_int_equal(core_depth(&world.core, QUEUE_SUPPORT, CHANNEL_CALL).since_ms, world.now - 2000);
    world_presence(&world, "anna", AGENT_AVAILABLE, 0); /* lacks what the vip needs */
    assert_int_equal(core_position(&world.core, world_find(&world, CHANNEL_CALL, "c1")), 0); /* on offer */
    assert_int_equal(core_position(&world.core, world_find(&world, CHANNEL_CALL, "c2")), 2);
    world_deinit(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_offer_names_its_rule_its_queue_and_every_agent),
        cmocka_unit_test(a_wait_says_that_there_is_no_room),
        cmocka_unit_test(a_missing_skill_says_what_is_needed_and_when_less_is_enough),
        cmocka_unit_test(what_is_held_names_the_hours_and_a_preference_who_was_asked),
        cmocka_unit_test(each_skill_says_when_less_of_it_is_enough),
        cmocka_unit_test(a_way_through_queues_is_told_move_by_move),
        cmocka_unit_test(rules_that_failed_before_the_one_that_matched_are_counted),
        cmocka_unit_test(what_is_not_of_this_configuration_is_not_explained),
        cmocka_unit_test(whoever_got_it_from_outside_the_queue_is_the_chosen_one),
        cmocka_unit_test(what_is_open_is_explained_as_things_stand),
        cmocka_unit_test(a_call_of_no_queue_and_one_that_is_held_have_no_candidates),
        cmocka_unit_test(a_place_counts_what_is_asked_before_over_all_lanes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
