#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "rules/lane.h"

enum { GERMAN, BILLING };

static struct config_skill fluent_german[] = {{GERMAN, 3}};
static struct config_skill german_and_billing[] = {{GERMAN, 3}, {BILLING, 2}};
static struct config_skill some_german[] = {{GERMAN, 1}};
static struct config_skill much_german[] = {{GERMAN, 9}};
static struct config_relax relax[] = {
    {30000, {much_german, 1}}, {60000, {some_german, 1}}, {90000, {much_german, 1}}, {120000, {NULL, 0}}};
static struct config_queue queues[] = {{.relax = relax, .relax_count = 4}, {.relax = NULL}};
static struct config_rule rules[] = {
    {.queue = 0, .skills = {fluent_german, 1}},
    {.queue = CONFIG_QUEUE_OF_ENDPOINT, .skills = {german_and_billing, 2}},
    {.queue = 0, .skills = {fluent_german, 1}},
    {.queue = CONFIG_QUEUE_OF_ENDPOINT},
};
static struct config_endpoint endpoints[] = {{.channel = CHANNEL_CALL, .queue = 0}};
static uint16_t both[] = {0, 1}, second[] = {1};
static struct config_agent agents[] = {
    {.queues = both, .queue_count = 2, .position = 2, .skills = {german_and_billing, 2}},
    {.queues = both, .queue_count = 2, .position = 0, .skills = {some_german, 1}},
    {.queues = second, .queue_count = 1, .position = 1},
};
static const struct project_config config = {.queues = queues,
                                             .queue_count = 2,
                                             .rules = rules,
                                             .rule_count = 4,
                                             .endpoints = endpoints,
                                             .endpoint_count = 1,
                                             .agents = agents,
                                             .agent_count = 3};

static struct lane_table lanes;

static int setup(void **state)
{
    (void)state;
    lanes_init(&lanes, &config);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    lanes_deinit(&lanes);
    return 0;
}

static void rules_that_ask_for_the_same_share_a_lane(void **state)
{
    (void)state;
    assert_int_equal(lanes_find(&lanes, 0, 0, 0), lanes_find(&lanes, 0, 2, 0));
    assert_int_not_equal(lanes_find(&lanes, 0, 0, 0), lanes_find(&lanes, 0, 1, 0));
    assert_int_not_equal(lanes_find(&lanes, 0, 0, 0), lanes_find(&lanes, 0, 3, 0));
    assert_int_equal(lanes_find(&lanes, 0, 3, 0), lanes_find(&lanes, 0, -1, 0));
}

static void a_rule_asks_for_nothing_in_a_queue_that_it_does_not_lead_to(void **state)
{
    (void)state;
    assert_int_equal(lanes_find(&lanes, 1, 0, 0), lanes_find(&lanes, 1, -1, 0));
    assert_int_equal(lanes.queues[1].lane_count, 1);
}

static void relaxation_lowers_drops_and_never_asks_for_more_again(void **state)
{
    (void)state;
    uint32_t asked = lanes_find(&lanes, 0, 1, 0);
    assert_int_equal(lanes.lanes[asked].needs.count, 2);
    uint32_t first = lanes_find(&lanes, 0, 1, 1);
    assert_int_equal(first,
                     lanes_find(&lanes, 0, 0, 0)); /* no more than the rule's level; billing is dropped */
    uint32_t low = lanes_find(&lanes, 0, 1, 2);
    assert_int_equal(lanes.lanes[low].needs.items[0].level, 1);
    assert_int_equal(lanes_find(&lanes, 0, 1, 3), low);
    assert_int_equal(lanes_find(&lanes, 0, 1, 4), lanes_find(&lanes, 0, -1, 0));
    assert_int_equal(lanes_loosest(&lanes, 0, 1), lanes_find(&lanes, 0, -1, 0));
}

static void the_next_age_is_that_of_the_next_change(void **state)
{
    (void)state;
    assert_int_equal(lanes_next_age(&lanes, 0, 0, 0),
                     60000); /* 30 s changes nothing for a rule that asks for 3 */
    assert_int_equal(lanes_next_age(&lanes, 0, 1, 0), 30000);
    assert_int_equal(lanes_next_age(&lanes, 0, 1, 2), 120000);
    assert_int_equal(lanes_next_age(&lanes, 0, 1, 4), TIME_NEVER);
    assert_int_equal(lanes_next_age(&lanes, 0, 3, 0), TIME_NEVER);
    assert_int_equal(lanes_step(&lanes, 0, 59999), 1);
    assert_int_equal(lanes_step(&lanes, 0, 60000), 2);
    assert_int_equal(lanes_step(&lanes, 0, 999999), 4);
}

static void agents_stand_in_the_lanes_whose_skills_they_have(void **state)
{
    (void)state;
    uint32_t asked = lanes_find(&lanes, 0, 1, 0), low = lanes_find(&lanes, 0, 1, 2);
    int place = lanes_place(&lanes, 0, asked);
    assert_true(place >= 0);
    assert_int_equal(lanes.agents[0].places[place].score, 5);
    assert_int_equal(lanes_place(&lanes, 1, asked), -1);
    assert_true(lanes_place(&lanes, 1, low) >= 0);
    assert_int_equal(lanes_place(&lanes, 2, low), -1); /* not of that queue */
    assert_true(lanes_place(&lanes, 2, lanes_find(&lanes, 1, -1, 0)) >= 0);
}

static void members_stand_as_the_file_lists_them(void **state)
{
    (void)state;
    const uint32_t expected[] = {1, 2, 0};
    assert_int_equal(lanes.queues[1].member_count, 3);
    assert_memory_equal(lanes.queues[1].members, expected, sizeof expected);
    const uint8_t meets[] = {0, 1};
    assert_memory_equal(lanes.lanes[lanes_find(&lanes, 0, 1, 0)].meets, meets, sizeof meets);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(rules_that_ask_for_the_same_share_a_lane, setup, teardown),
        cmocka_unit_test_setup_teardown(a_rule_asks_for_nothing_in_a_queue_that_it_does_not_lead_to, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(relaxation_lowers_drops_and_never_asks_for_more_again, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(the_next_age_is_that_of_the_next_change, setup, teardown),
        cmocka_unit_test_setup_teardown(agents_stand_in_the_lanes_whose_skills_they_have, setup, teardown),
        cmocka_unit_test_setup_teardown(members_stand_as_the_file_lists_them, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
