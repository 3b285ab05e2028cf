#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "proto/project_file.h"
#include "rules/assign_rule.h"

#define AGENTS "project: p\nagents: {a: {department: sales}, b: {department: sales}, c: {}}\n"

static struct arena arena;
static struct project_faults faults;

static int setup(void **state)
{
    (void)state;
    arena_init(&arena);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    arena_deinit(&arena);
    return 0;
}

static struct project_config good(const char *sections)
{
    struct project_config config;
    if (!project_file_read(&config, arena_format(&arena, AGENTS "%s", sections), &arena, &faults))
        fail_msg("line %u: %s", faults.items[0].line, faults.items[0].detail);
    return config;
}

static void the_first_condition_that_is_true_decides(void **state)
{
    (void)state;
    struct project_config config =
        good("assign:\n"
             "- {name: x, when: \"customer.fields.plan == 'gold'\", agents: [c, a]}\n"
             "- {name: y, when: \"'vip' in customer.tags && now > timestamp('2026-01-01T00:00:00Z')\", "
             "pool: North side}\n"
             "- {name: z, when: \"customer.source == 'fair' && customer.stage == 'to_be_assigned'\", "
             "departments: [sales]}\n");
    struct slice vip = SLICE("vip");
    struct customer_fact fact = {
        .id = {{1}}, .stage = SLICE("to_be_assigned"), .source = SLICE("fair"), .tags = &vip, .tag_count = 1};
    assert_int_equal(assign_match(&config, &fact, INT64_C(1800000000000), &arena), 1);
    assert_int_equal(assign_match(&config, &fact, 0, &arena), 2);
    fact.source = SLICE("web");
    assert_int_equal(assign_match(&config, &fact, 0, &arena), -1);
    fact.fields = value_map(&arena, 1);
    value_set(&fact.fields, "plan", value_string(SLICE("gold")));
    assert_int_equal(assign_match(&config, &fact, 0, &arena), 0);
    assert_int_equal(config.assigns[0].agent_count, 2);
    assert_true(slice_is(config.assigns[0].agents[0], "c"));
    assert_true(slice_is(config.assigns[1].pool, "North side"));
    assert_int_equal(config.assigns[2].department_count, 1);
    config_close(&config);
}

static void what_always_matches_has_no_condition(void **state)
{
    (void)state;
    struct project_config config = good("assign: [{name: x, when: true, agents: [a]}]\n");
    struct customer_fact fact = {.id = {{1}}};
    assert_int_equal(assign_match(&config, &fact, 0, &arena), 0);
    config_close(&config);
}

static void sections_may_be_empty_or_left_out(void **state)
{
    (void)state;
    static const char *const texts[] = {"", "assign: []\npermission_groups: {}\n",
                                        "assign:\npermission_groups:\n"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct project_config config = good(texts[i]);
        assert_int_equal(config.assign_count, 0);
        assert_false(config.create_to_assign);
        config_close(&config);
    }
    struct project_config config = good("create: {stage: to_be_assigned}\n");
    assert_true(config.create_to_assign);
    config_close(&config);
}

/* Each has one fault, in line 3 unless it says so. */
static void what_is_wrong_is_told_with_its_place(void **state)
{
    (void)state;
    static const struct {
        const char *text, *pointer, *detail;
        uint32_t line;
    } cases[] = {
        {"assign: {}\n", "/assign", "list", 3},
        {"assign: [7]\n", "/assign/0", "map", 3},
        {"assign:\n- {name: x, when: true, agents: [a], priority: 5}\n", "/assign/0/priority", "unknown key",
         4},
        {"assign:\n- {when: true, agents: [a]}\n", "/assign/0/name", "is required", 4},
        {"assign:\n- {name: x, agents: [a]}\n", "/assign/0/when", "is required", 4},
        {"assign:\n- {name: x, when: 5, agents: [a]}\n", "/assign/0/when", "an expression", 4},
        {"assign:\n- {name: x, when: \"custmer.source == 'x'\", agents: [a]}\n", "/assign/0/when",
         "undeclared", 4},
        {"assign:\n- {name: x, when: \"channel == 'call'\", agents: [a]}\n", "/assign/0/when",
         "\"channel\" cannot be read here", 4},
        {"assign:\n- {name: x, when: \"'x' in customer.tags || queues.a.waiting > 1\", agents: [a]}\n",
         "/assign/0/when", "\"queues\" cannot be read here", 4},
        {"assign:\n- {name: x, when: \"1 > 2\", agents: [a]}\n", "/assign/0/when", "can never be true", 4},
        {"assign:\n- {name: x, when: true}\n", "/assign/0", "either agents or departments, or a pool", 4},
        {"assign:\n- {name: x, when: true, agents: []}\n", "/assign/0",
         "either agents or departments, or a pool", 4},
        {"assign:\n- {name: x, when: true, agents: [a], pool: y}\n", "/assign/0", "either", 4},
        {"assign:\n- {name: x, when: true, agents: [d]}\n", "/assign/0/agents/0", "no agent \"d\"", 4},
        {"assign:\n- {name: x, when: true, agents: [a, a]}\n", "/assign/0/agents/1", "there twice", 4},
        {"assign:\n- {name: x, when: true, agents: [a, ]}\n- {name: y, when: true, agents: [b]}\n",
         "/assign/1", "cannot be reached: rule \"x\" (line 4) before it always matches", 5},
        {"assign:\n- {name: x, when: \"customer.source == 'x'\", agents: [a]}\n- {name: x, when: true, agents: [a]}\n",
         "/assign/1/name", "another rule has this name", 5},
        {"assign:\n- {name: x, when: \"customer.source == 'x'\", agents: [a]}\n"
         "- {name: y, when: \"( customer.source==\\\"x\\\" )\", agents: [b]}\n",
         "/assign/1", "has the same condition", 5},
        {"assign:\n- {name: x, when: true, departments: [none]}\n", "/assign/0/departments/0",
         "of department", 4},
        {"assign:\n- {name: x, when: true, departments: sales}\n", "/assign/0/departments", "list", 4},
        {"permission_groups: []\n", "/permission_groups", "map", 3},
        {"permission_groups: {g: 7}\n", "/permission_groups/g", "map", 3},
        {"permission_groups: {\"g h\": {members: [a], agents: [b]}}\n", "/permission_groups/g h", "no name",
         3},
        {"permission_groups: {g: {members: [a], agents: [b], queues: []}}\n", "/permission_groups/g/queues",
         "unknown key", 3},
        {"permission_groups: {g: {agents: [b]}}\n", "/permission_groups/g/members", "is required", 3},
        {"permission_groups: {g: {members: [a]}}\n", "/permission_groups/g", "agents or departments", 3},
        {"permission_groups: {g: {members: [d], agents: [b]}}\n", "/permission_groups/g/members/0",
         "no agent", 3},
        {"permission_groups: {g: {members: [a], departments: [x]}}\n", "/permission_groups/g/departments/0",
         "of department", 3},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct project_config config;
        if (project_file_read(&config, arena_format(&arena, AGENTS "%s", cases[i].text), &arena, &faults))
            fail_msg("accepted: %s", cases[i].text);
        const struct fault *fault = &faults.items[0];
        if (faults.count != 1 || strcmp(fault->pointer, cases[i].pointer) != 0 ||
            fault->line != cases[i].line || !strstr(fault->detail, cases[i].detail))
            fail_msg("%u faults, %s line %u: %s, in %s", faults.count, fault->pointer, fault->line,
                     fault->detail, cases[i].text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_condition_that_is_true_decides),
        cmocka_unit_test(what_always_matches_has_no_condition),
        cmocka_unit_test(sections_may_be_empty_or_left_out),
        cmocka_unit_test(what_is_wrong_is_told_with_its_place),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
