/* What other rules would have said of an arrival, with the facts and the queues as they were. */
#include "rules/whatif.h"
#include "tests/unit/core_world.h"

/* The queues in another order, and one that the core does not know. */
struct other {
    struct project_config config;
    struct config_queue queues[3];
    struct config_endpoint endpoints[1];
    struct config_rule rules[3];
};

enum { OTHER_MAIL, OTHER_NIGHT, OTHER_SUPPORT };

/* `when` leads to support, the rest to mail. */
static void make_other(struct other *other, struct world *world, const char *when)
{
    *other =
        (struct other){.config = world->config,
                       .queues = {config_queue_default(SLICE("mail")), config_queue_default(SLICE("night")),
                                  config_queue_default(SLICE("support"))},
                       .endpoints = {world->endpoints[0]}};
    other->rules[0] = (struct config_rule){.name = SLICE("first"),
                                           .queue = OTHER_SUPPORT,
                                           .when = rule_compile(when, &cel_type_bool, &world->rule_arena)};
    other->rules[1] = (struct config_rule){.name = SLICE("rest"), .queue = OTHER_MAIL};
    other->endpoints[0].queue = OTHER_NIGHT;
    other->config.queues = other->queues;
    other->config.endpoints = other->endpoints;
    other->config.rules = other->rules;
    other->config.queue_count = 3;
    other->config.endpoint_count = 1;
    other->config.rule_count = 2;
}

static struct whatif ask(struct world *world, const struct other *other, const struct from *from)
{
    struct input call = world_event(world, EVENT_CALL_RINGING, "now", from);
    call.at_ms = world->now;
    return whatif_arrival(&world->core, &call, &other->config, &world->arena);
}

static void the_first_rule_that_is_true_names_the_queue(void **state)
{
    struct world world;
    struct other other;
    (void)state;
    world_init(&world, 2);
    struct from from = {.phone = "+491"};
    make_other(&other, &world, "from.phone == '+491'");
    struct whatif now = ask(&world, &other, &from);
    assert_int_equal(now.rule, 0);
    assert_int_equal(now.queue, OTHER_SUPPORT);
    from.phone = "+492";
    now = ask(&world, &other, &from);
    assert_int_equal(now.rule, 1);
    assert_int_equal(now.queue, OTHER_MAIL);
    world_deinit(&world);
}

static void a_condition_that_ends_in_an_error_does_not_match(void **state)
{
    struct world world;
    struct other other;
    (void)state;
    world_init(&world, 2);
    make_other(&other, &world, "customer.owner == 'anna'");
    assert_int_equal(ask(&world, &other, &(struct from){.phone = "+491"}).rule, 1);
    world_deinit(&world);
}

static void an_address_that_no_endpoint_has_would_have_been_refused(void **state)
{
    struct world world;
    struct other other;
    (void)state;
    world_init(&world, 2);
    make_other(&other, &world, "true");
    other.rules[0].queue = CONFIG_QUEUE_OF_ENDPOINT;
    assert_int_equal(ask(&world, &other, &(struct from){.phone = "+491"}).queue, OTHER_NIGHT);
    other.config.endpoint_count = 0;
    struct whatif now = ask(&world, &other, &(struct from){.phone = "+491"});
    assert_int_equal(now.rule, 0);
    assert_int_equal(now.queue, -1);
    world_deinit(&world);
}

static void the_customer_is_the_one_that_was_found_then(void **state)
{
    struct world world;
    struct other other;
    static struct slice tags[] = {SLICE("vip")};
    struct customer_fact found[] = {{.id = {{1}}, .by_phone = true, .tags = tags, .tag_count = 1},
                                    {.id = {{2}}, .by_phone = true, .tags = tags, .tag_count = 1}};
    (void)state;
    world_init(&world, 2);
    make_other(&other, &world, "'vip' in customer.tags");
    assert_int_equal(ask(&world, &other, &(struct from){"+491", NULL, found, 1, {{0}}}).rule, 0);
    assert_int_equal(ask(&world, &other, &(struct from){"+491", NULL, found, 2, {{0}}}).rule,
                     1); /* ambiguous */
    assert_int_equal(ask(&world, &other, &(struct from){"+491", NULL, NULL, 0, {{0}}}).rule, 1);
    world_deinit(&world);
}

static void queues_are_those_of_the_core_by_name_and_nothing_changes(void **state)
{
    struct world world;
    struct other other;
    (void)state;
    world_init(&world, 2);
    world_ring(&world, "c1", "+491"); /* nobody is there: it waits in support */
    uint64_t seq = world.core.seq;
    struct from from = {.phone = "+492"};
    make_other(&other, &world,
               "queues.support.waiting == 1 && queues.mail.waiting == 0 && queues.night.waiting == 0");
    for (int twice = 0; twice < 2; twice++)
        assert_int_equal(ask(&world, &other, &from).rule, 0);
    assert_int_equal(world.core.seq, seq);
    assert_int_equal(core_depth(&world.core, QUEUE_SUPPORT, CHANNEL_CALL).waiting, 1);
    assert_null(world_find(&world, CHANNEL_CALL, "now"));
    world_deinit(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_rule_that_is_true_names_the_queue),
        cmocka_unit_test(a_condition_that_ends_in_an_error_does_not_match),
        cmocka_unit_test(an_address_that_no_endpoint_has_would_have_been_refused),
        cmocka_unit_test(the_customer_is_the_one_that_was_found_then),
        cmocka_unit_test(queues_are_those_of_the_core_by_name_and_nothing_changes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
