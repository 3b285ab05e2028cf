/* Which rule is whose: the first that is true, whatever becomes of the others. */
#include "tests/unit/core_world.h"

static struct input ring_with(struct world *world, const char *subject, struct value vip)
{
    struct from from = {.phone = "+491"};
    struct input call = world_event(world, EVENT_CALL_RINGING, subject, &from);
    struct value *attributes = &((struct event *)call.event)->attributes;
    *attributes = value_map(&world->arena, 1);
    value_set(attributes, "vip", vip);
    return call;
}

static int queue_of(struct world *world, const char *subject)
{
    return world_find(world, CHANNEL_CALL, subject)->data.queue;
}

static void what_is_neither_true_nor_without_fault_does_not_match(void **state)
{
    struct world world;
    (void)state;
    world_prepare(&world, 1);
    world_rule(&world, "vip", "event.attributes.vip", QUEUE_MAIL, 5);
    world_rule(&world, "rest", NULL, CONFIG_QUEUE_OF_ENDPOINT, 0);
    world_start(&world);
    static const struct {
        struct value vip;
        int queue;
        uint32_t errors;
    } rows[] = {
        {{.kind = VALUE_BOOL, .boolean = true}, QUEUE_MAIL, 0},
        {{.kind = VALUE_BOOL, .boolean = false}, QUEUE_SUPPORT, 0},
        {{.kind = VALUE_INT, .integer = 1}, QUEUE_SUPPORT, 0},
        {{.kind = VALUE_NULL}, QUEUE_SUPPORT, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char subject[16];
        snprintf(subject, sizeof subject, "c%zu", i);
        const struct outcome *outcome = world_step(&world, ring_with(&world, subject, rows[i].vip));
        assert_int_equal(queue_of(&world, subject), rows[i].queue);
        assert_int_equal(outcome->rule_errors, rows[i].errors);
        assert_int_equal(world_find(&world, CHANNEL_CALL, subject)->data.priority, i == 0 ? 5 : 0);
    }
    const struct outcome *outcome = world_ring(&world, "plain", "+492"); /* there is no such attribute */
    assert_int_equal(queue_of(&world, "plain"), QUEUE_SUPPORT);
    assert_int_equal(outcome->rule_errors, 1);
    assert_int_equal(outcome->ruling_count, 1);
    assert_int_equal(outcome->rulings[0].rule, 1);
    assert_int_equal(outcome->rulings[0].errors, 1);
    world_deinit(&world);
}

static void a_rule_without_a_condition_ends_the_list(void **state)
{
    struct world world;
    (void)state;
    world_prepare(&world, 1);
    world_rule(&world, "no", "channel == 'chat'", QUEUE_CHAT, 0);
    world_rule(&world, "always", NULL, QUEUE_MAIL, 0);
    world_rule(&world, "never", "true", QUEUE_CHAT, 0);
    world_start(&world);
    world_ring(&world, "c1", "+491");
    assert_int_equal(queue_of(&world, "c1"), QUEUE_MAIL);
    world_deinit(&world);
}

/* Replay: what the rules read may have been erased since. */
static void a_ruling_that_was_recorded_is_taken_and_not_asked_for_again(void **state)
{
    static const struct ruling recorded[] = {{.rule = 1, .errors = 1}};
    struct world world;
    (void)state;
    world_prepare(&world, 1);
    world_rule(&world, "vip", "event.attributes.vip", QUEUE_MAIL, 5);
    world_rule(&world, "rest", NULL, CONFIG_QUEUE_OF_ENDPOINT, 0);
    world_start(&world);
    struct input call = ring_with(&world, "c1", value_bool(true));
    call.rulings = recorded;
    call.ruling_count = 1;
    const struct outcome *outcome = world_step(&world, call);
    assert_int_equal(queue_of(&world, "c1"), QUEUE_SUPPORT);
    assert_int_equal(outcome->rule_errors, 1);
    assert_int_equal(outcome->rulings[0].rule, 1);
    world_deinit(&world);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(what_is_neither_true_nor_without_fault_does_not_match),
    cmocka_unit_test(a_rule_without_a_condition_ends_the_list),
    cmocka_unit_test(a_ruling_that_was_recorded_is_taken_and_not_asked_for_again),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
