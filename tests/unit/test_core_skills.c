/* Rules, skills, relaxation, priority and weight: what waits where, and who is next for whom. */
#include "tests/unit/core_world.h"

enum { GERMAN };

static void everybody_is_there(struct world *world)
{
    for (uint32_t i = 0; i < world->config.agent_count; i++) {
        world_presence(world, world->agents[i].name.ptr, AGENT_AVAILABLE, 0);
        world->now += 10;
    }
}

/* Anna speaks a little German and Ben much more; calls ask for level 5, for 2 after 30 s, for none after 60
 * s. */
static void prepare_german(struct world *world)
{
    world_prepare(world, 3);
    world_rule(world, "german", NULL, CONFIG_QUEUE_OF_ENDPOINT, 0);
    world->rules[0].skills = world_skill(world, GERMAN, 5);
    world->agents[0].skills = world_skill(world, GERMAN, 2);
    world->agents[1].skills = world_skill(world, GERMAN, 5);
    world->relax[0] = (struct config_relax){30000, world_skill(world, GERMAN, 2)};
    world->relax[1] = (struct config_relax){60000, {NULL, 0}};
    world->queues[QUEUE_SUPPORT].relax = world->relax;
    world->queues[QUEUE_SUPPORT].relax_count = 2;
}

static void the_first_rule_that_matches_decides(void **state)
{
    struct world world;
    (void)state;
    world_prepare(&world, 1);
    world_rule(&world, "broken", "event.attributes.nothing == 1", QUEUE_MAIL, 0);
    world_rule(&world, "chats", "channel == 'chat' && queues['chat'].waiting == 0", QUEUE_CHAT, 3);
    world_rule(&world, "rest", NULL, QUEUE_SUPPORT, 0);
    world_start(&world);
    const struct outcome *outcome = world_chat(&world, "s1");
    assert_true(slice_is(outcome->snapshot->queue, "chat"));
    assert_int_equal(outcome->rulings[0].rule, 1);
    assert_int_equal(outcome->rule_errors, 1);
    assert_int_equal(world_find(&world, CHANNEL_CHAT, "s1")->data.priority, 3);
    assert_true(slice_is(world_chat(&world, "s2")->snapshot->queue, "support")); /* one waits by now */
    world_deinit(&world);
}

static void rules_run_again_when_an_offer_comes_back(void **state)
{
    struct world world;
    (void)state;
    world_prepare(&world, 1);
    world_rule(&world, "tried", "interaction.attempts >= 1", QUEUE_MAIL, 2);
    world_rule(&world, "rest", NULL, QUEUE_SUPPORT, 0);
    world_start(&world);
    everybody_is_there(&world);
    struct uuid offer = world_ring(&world, "c1", "+491")->snapshot->offer;
    world_reject(&world, offer, "anna", REJECT_BUSY);
    const struct interaction *interaction = world_find(&world, CHANNEL_CALL, "c1");
    assert_int_equal(interaction->data.queue, QUEUE_MAIL);
    assert_int_equal(interaction->data.priority, 2);
    world_deinit(&world);
}

static void only_who_has_the_skill_is_asked(void **state)
{
    struct world world;
    (void)state;
    prepare_german(&world);
    world_start(&world);
    everybody_is_there(&world);
    const struct outcome *outcome = world_ring(&world, "c1", "+491");
    assert_true(slice_is(outcome->snapshot->agent, "ben"));
    const struct explanation *why = outcome->explanations;
    assert_int_equal(why->candidate_count, 3);
    assert_int_equal(why->candidates[0], CANDIDATE_SKILLS);
    assert_int_equal(why->candidates[1], CANDIDATE_CHOSEN);
    assert_int_equal(why->candidates[2], CANDIDATE_SKILLS);
    world_deinit(&world);
}

static void relaxation_at_30_s_and_60_s_does_not_lose_the_place(void **state)
{
    struct world world;
    (void)state;
    prepare_german(&world);
    world_start(&world);
    world_presence(&world, "carl", AGENT_AVAILABLE, 0);
    int64_t began = world.now;
    world_ring(&world, "c1", "+491");
    world.now += 5;
    world_ring(&world, "c2", "+492");
    world_sleep(&world, began + 29999 - world.now);
    world_presence(&world, "anna", AGENT_AVAILABLE, 0);
    assert_int_equal(world_find(&world, CHANNEL_CALL, "c1")->data.state, INTERACTION_QUEUED);
    world_sleep(&world, 1);
    assert_string_equal(holder(&world, world_find(&world, CHANNEL_CALL, "c1")), "anna");
    assert_int_equal(world.last->explanations->trigger, TRIGGER_RELAXED);
    world_end(&world, world_find(&world, CHANNEL_CALL, "c1")->id,
              NULL); /* the caller gives up; c2 is 5 ms younger */
    assert_int_equal(world_find(&world, CHANNEL_CALL, "c2")->data.state, INTERACTION_QUEUED);
    world_presence(&world, "anna", AGENT_BREAK, 0);
    world_sleep(&world, began + 60004 - world.now);
    assert_int_equal(world_find(&world, CHANNEL_CALL, "c2")->data.state, INTERACTION_QUEUED);
    assert_int_equal(world_find(&world, CHANNEL_CALL, "c2")->data.enqueued_ms, began + 5);
    world_sleep(&world, 1);
    assert_string_equal(holder(&world, world_find(&world, CHANNEL_CALL, "c2")), "carl");
    world_deinit(&world);
}

static void a_rejected_offer_does_not_reset_relaxation(void **state)
{
    struct world world;
    (void)state;
    prepare_german(&world);
    world_start(&world);
    everybody_is_there(&world);
    int64_t began = world.now;
    world_ring(&world, "c1", "+491");
    world_sleep(&world, 20000); /* Ben does not answer and cools down for 10 s */
    world_presence(&world, "ben", AGENT_OFFLINE, 0);
    world_sleep(&world, began + 29999 - world.now);
    assert_int_equal(world_find(&world, CHANNEL_CALL, "c1")->data.state, INTERACTION_QUEUED);
    world_sleep(&world, 1);
    const struct interaction *interaction = world_find(&world, CHANNEL_CALL, "c1");
    assert_string_equal(holder(&world, interaction), "anna");
    world_sleep(&world, 19999);
    world_reject(&world, interaction->data.offer, "anna", REJECT_BUSY);
    assert_int_equal(interaction->data.relax_step, 1);
    assert_int_equal(interaction->data.state, INTERACTION_QUEUED);
    world_sleep(&world, began + 60000 - world.now);
    assert_string_equal(holder(&world, interaction), "carl");
    world_deinit(&world);
}

static void priority_5_overtakes_exactly_five_minutes_of_waiting(void **state)
{
    (void)state;
    for (int late = -1; late <= 1; late++) {
        struct world world;
        world_prepare(&world, 1);
        world_rule(&world, "vip", "from.phone == '+499'", CONFIG_QUEUE_OF_ENDPOINT, 5);
        world_rule(&world, "rest", NULL, CONFIG_QUEUE_OF_ENDPOINT, 0);
        world_start(&world);
        world_ring(&world, "c1", "+491");
        world.now += 300000 + late; /* at the millisecond they are equal, and who came first is first */
        world_ring(&world, "c2", "+499");
        world_presence(&world, "anna", AGENT_AVAILABLE, 0);
        const char *first = late < 0 ? "c2" : "c1";
        assert_string_equal(holder(&world, world_find(&world, CHANNEL_CALL, first)), "anna");
        world_deinit(&world);
    }
}

static void an_agent_of_three_queues_gets_the_best_rank_over_all(void **state)
{
    struct world world;
    (void)state;
    world_prepare(&world, 1);
    world_rule(&world, "mail", "from.phone == '+492'", QUEUE_MAIL, 0);
    world_rule(&world, "chat", "from.phone == '+493'", QUEUE_CHAT, 0);
    world_rule(&world, "rest", NULL, QUEUE_SUPPORT, 0);
    world.rules[1].skills = world_skill(&world, GERMAN, 1);
    world.agents[0].skills = world_skill(&world, GERMAN, 1);
    world_start(&world);
    static const char *const phones[] = {"+492", "+493", "+491"}, *const subjects[] = {"c1", "c2", "c3"};
    for (int i = 0; i < 3; i++, world.now += 7)
        world_ring(&world, subjects[i], phones[i]);
    world_presence(&world, "anna", AGENT_AVAILABLE, 0);
    for (int i = 0; i < 3; i++) {
        const struct interaction *interaction = world_find(&world, CHANNEL_CALL, subjects[i]);
        assert_int_equal(interaction->data.state, INTERACTION_OFFERED);
        world_end(&world, interaction->id, NULL);
    }
    world_deinit(&world);
}

static void weight_goes_before_age(void **state)
{
    struct world world;
    (void)state;
    world_prepare(&world, 1);
    world.queues[QUEUE_CHAT].weight = 1;
    world_rule(&world, "heavy", "from.phone == '+492'", QUEUE_CHAT, 0);
    world_rule(&world, "rest", NULL, QUEUE_SUPPORT, 0);
    world_start(&world);
    world_ring(&world, "c1", "+491");
    world_sleep(&world, 3600000);
    world_ring(&world, "c2", "+492");
    world_presence(&world, "anna", AGENT_AVAILABLE, 0);
    assert_string_equal(holder(&world, world_find(&world, CHANNEL_CALL, "c2")), "anna");
    world_deinit(&world);
}

static void after_loading_the_best_waits_least_whatever_its_lane(void **state)
{
    struct world world;
    (void)state;
    world_prepare(&world, 1);
    world_rule(&world, "mail", "from.phone == '+492'", QUEUE_MAIL, 0);
    world_rule(&world, "rest", NULL, QUEUE_SUPPORT, 0);
    world_start(&world);
    world_ring(&world, "c1", "+492");
    world.now += 1;
    world_ring(&world, "c2", "+491");
    world_presence(&world, "anna", AGENT_BREAK, 0);
    core_begin(&world.core);
    core_commit(&world.core);
    world.core.agents[0].data.state = AGENT_AVAILABLE; /* as if only the tables had known */
    struct core loaded;
    core_init(&loaded, 1, &world.config, 1);
    assert_true(core_load_agent(&loaded, SLICE("anna"), &world.core.agents[0].data));
    for (const struct rank_node *node = rank_first(&world.core.open); node; node = rank_next(node))
        world_load(&world, node->owner, &loaded);
    core_loaded(&loaded, world.core.seq, world.now);
    world.core.agents[0].data.state = AGENT_BREAK;
    core_deinit(&world.core);
    world.core = loaded;
    world_sleep(&world, 0);
    assert_string_equal(holder(&world, world_find(&world, CHANNEL_CALL, "c1")), "anna");
    assert_int_equal(world.last->explanations->trigger, TRIGGER_LOADED);
    world_deinit(&world);
}

static void a_call_comes_on_top_of_chats_but_nothing_on_top_of_a_call(void **state)
{
    struct world world;
    (void)state;
    world_init(&world, 1);
    world_presence(&world, "anna", AGENT_AVAILABLE, 0);
    assert_int_equal(world_chat(&world, "s1")->outcome, OUTCOME_OFFERED);
    assert_int_equal(world_ring(&world, "c1", "+491")->outcome, OUTCOME_OFFERED);
    const struct outcome *outcome = world_chat(&world, "s2");
    assert_int_equal(outcome->outcome, OUTCOME_QUEUED);
    assert_int_equal(outcome->explanations->candidates[0], CANDIDATE_EXCLUSIVE);
    outcome = world_ring(&world, "c2", "+492");
    assert_int_equal(outcome->explanations->candidates[0], CANDIDATE_FULL);
    world_end(&world, world_find(&world, CHANNEL_CALL, "c2")->id, NULL);
    world_end(&world, world_find(&world, CHANNEL_CALL, "c1")->id, NULL);
    assert_string_equal(holder(&world, world_find(&world, CHANNEL_CHAT, "s2")), "anna");
    world_deinit(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_rule_that_matches_decides),
        cmocka_unit_test(rules_run_again_when_an_offer_comes_back),
        cmocka_unit_test(only_who_has_the_skill_is_asked),
        cmocka_unit_test(relaxation_at_30_s_and_60_s_does_not_lose_the_place),
        cmocka_unit_test(a_rejected_offer_does_not_reset_relaxation),
        cmocka_unit_test(priority_5_overtakes_exactly_five_minutes_of_waiting),
        cmocka_unit_test(an_agent_of_three_queues_gets_the_best_rank_over_all),
        cmocka_unit_test(weight_goes_before_age),
        cmocka_unit_test(after_loading_the_best_waits_least_whatever_its_lane),
        cmocka_unit_test(a_call_comes_on_top_of_chats_but_nothing_on_top_of_a_call),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
