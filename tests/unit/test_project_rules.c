#include "proto/zone.h"
#include "rules/rule_env.h"
#include "tests/unit/project_world.h"

/* A project with these rules, which begin in line 4. */
static struct slice file(const char *rules)
{
    return arena_format(&arena, "project: p\nqueues: {a: {}}\nrules:\n%s", rules);
}

static struct project_config good(const char *rules)
{
    return project_of(file(rules));
}

static void a_condition_is_compiled_over_what_a_rule_may_read(void **state)
{
    (void)state;
    struct project_config config =
        good("- {name: a, when: \"from.region == 'DE' && to.matches('^[+]49')\", queue: a, priority: 5}\n"
             "- {name: rest, when: true, queue: endpoint}\n");
    const struct config_rule *rule = &config.rules[0];
    assert_int_equal(rule->line, 4);
    assert_int_equal(rule->priority, 5);
    assert_int_equal(rule->queue, 0);
    assert_true(cel_uses(rule->when, RULE_FROM_REGION) && cel_uses(rule->when, RULE_TO));
    assert_false(cel_uses(rule->when, RULE_CHANNEL));
    assert_null(config.rules[1].when);
    config_close(&config);
    assert_null(rule->when);
}

static void what_always_matches_has_no_program(void **state)
{
    (void)state;
    static const char *const always[] = {"true",
                                         "\"true\"",
                                         "\"1 + 1 == 2\"",
                                         "\"channel == 'call' || true\"",
                                         "\"[1, 2].exists(x, x == 2 || customer.known)\"",
                                         "\"true || has(customer.owner)\""};
    for (size_t i = 0; i < sizeof always / sizeof *always; i++) {
        struct slice rule = arena_format(&arena, "- {name: a, when: %s, queue: a}\n", always[i]);
        struct project_config config = good(rule.ptr);
        assert_null(config.rules[0].when);
        config_close(&config);
    }
}

static void a_wrong_condition_is_refused_at_its_line_and_column(void **state)
{
    (void)state;
    static const struct {
        const char *rules, *detail;
        uint32_t line, column;
    } cases[] = {
        {"- {name: a, when: \"chanel == 'call'\", queue: a}\n", "undeclared reference to 'chanel'", 4, 20},
        {"- {name: a, when: 'channel == \"call\" && nope', queue: a}\n", "'nope'", 4, 41},
        {"- {name: a, when: 'channel == ''call'' && nope', queue: a}\n", "'nope'", 4, 43},
        {"- {name: a, when: \"channel == \\\"call\\\" && nope\", queue: a}\n", "'nope'", 4, 43},
        {"- {name: a, when: \"to == '\\u00e4' && nope\", queue: a}\n", "'nope'", 4, 38},
        {"- {name: a, when: \"to == '\xC3\xA4' && nope\", queue: a}\n", "'nope'", 4, 33},
        {"- name: a\n  when: to == nope\n  queue: a\n", "'nope'", 5, 15},
        {"- name: a\n  when:\n    \"to ==\n    nope\"\n  queue: a\n", "'nope'", 7, 5},
        {"- name: a\n  when: |\n    to == 'x' &&\n    nope\n  queue: a\n", "'nope'", 7, 5},
        {"- name: a\n  when: >\n    to == 'x'\n\n      && nope\n  queue: a\n", "'nope'", 8, 10},
        {"- {name: a, when: \"channel ==\", queue: a}\n", "ends where", 4, 30},
        {"- {name: a, when: channel ==, queue: a}\n", "ends where", 4, 29},
        {"- {name: a, when: \"channel\", queue: a}\n", "is string, not bool", 4, 20},
        {"- {name: a, when: \"to.matches('(')\", queue: a}\n", "regular expression", 4, 31},
        {"- {name: a, when: \"now.getHours('Mars/Base') > 9\", queue: a}\n", "time zone 'Mars/Base'", 4, 33},
        {"- {name: a, when: \"\", queue: a}\n", "ends where", 4, 20},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct project_config config;
        if (project_file_read(&config, file(cases[i].rules), &arena, &faults))
            fail_msg("accepted: %s", cases[i].rules);
        const struct fault *fault = &faults.items[0];
        if (faults.count != 1 || strcmp(fault->pointer, "/rules/0/when") != 0 ||
            fault->line != cases[i].line || fault->column != cases[i].column ||
            !strstr(fault->detail, cases[i].detail))
            fail_msg("%u faults, %s %u:%u: %s, in %s", faults.count, fault->pointer, fault->line,
                     fault->column, fault->detail, cases[i].rules);
    }
}

static void a_rule_that_cannot_be_reached_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *rules, *pointer, *detail;
        uint32_t line;
    } cases[] = {
        {"- {name: all, when: \"channel != '' || true\", queue: a}\n- {name: b, when: true, queue: a}\n",
         "/rules/1", "cannot be reached: rule \"all\" (line 4) before it always matches", 5},
        {"- {name: a, when: false, queue: a}\n- {name: b, when: true, queue: a}\n", "/rules/0/when",
         "can never be true", 4},
        {"- {name: a, when: \"customer.known && 2 < 1\", queue: a}\n- {name: b, when: true, queue: a}\n",
         "/rules/0/when", "can never be true", 4},
        {"- {name: a, when: \"dyn(5)\", queue: a}\n- {name: b, when: true, queue: a}\n", "/rules/0/when",
         "can never be true", 4},
        {"- {name: a, when: \"to == 'x' && channel == 'call'\", queue: a}\n"
         "- {name: b, when: \"channel == 'call'\", queue: a}\n"
         "- {name: c, when: \"(to=='\\\\x78')&&( channel == \\\"call\\\" ) // again\", queue: a}\n"
         "- {name: d, when: true, queue: a}\n",
         "/rules/2", "cannot be reached: rule \"a\" (line 4) has the same condition", 6},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct project_config config;
        if (project_file_read(&config, file(cases[i].rules), &arena, &faults))
            fail_msg("accepted: %s", cases[i].rules);
        const struct fault *fault = &faults.items[0];
        if (faults.count != 1 || strcmp(fault->pointer, cases[i].pointer) != 0 ||
            fault->line != cases[i].line || !strstr(fault->detail, cases[i].detail))
            fail_msg("%u faults, %s line %u: %s, in %s", faults.count, fault->pointer, fault->line,
                     fault->detail, cases[i].rules);
    }
}

static void conditions_that_differ_in_a_letter_are_different(void **state)
{
    (void)state;
    struct project_config config = good("- {name: a, when: \"to == 'x'\", queue: a}\n"
                                        "- {name: b, when: \"to == 'y'\", queue: a}\n"
                                        "- {name: c, when: \"to == 'x' || channel == 'call'\", queue: a}\n"
                                        "- {name: d, when: \"!(to == 'x')\", queue: a}\n"
                                        "- {name: e, when: \"interaction.attempts == 1\", queue: a}\n"
                                        "- {name: f, when: \"interaction.attempts == 11\", queue: a}\n"
                                        "- {name: g, when: \"has(customer.fields.x)\", queue: a}\n"
                                        "- {name: h, when: \"customer.fields.x\", queue: a}\n"
                                        "- {name: i, when: true, queue: a}\n");
    assert_int_equal(config.rule_count, 9);
    config_close(&config);
}

static void the_last_rule_must_always_match(void **state)
{
    (void)state;
    struct project_config config;
    assert_false(project_file_read(&config,
                                   file("- {name: a, when: \"channel == 'call'\", queue: a}\n"
                                        "- name: b\n  when: \"customer.known\"\n  queue: a\n"),
                                   &arena, &faults));
    assert_int_equal(faults.count, 1);
    assert_string_equal(faults.items[0].pointer, "/rules/1/when");
    assert_int_equal(faults.items[0].line, 6);
    assert_non_null(strstr(faults.items[0].detail, "must always match"));
}

static bool opens_at_nine(const struct project_config *config, int64_t now_ms)
{
    struct cel_value values[RULE_VARIABLE_COUNT], result;
    struct cel_error error;
    values[RULE_NOW] = cel_timestamp_ms(now_ms);
    if (!cel_eval(&result, config->rules[0].when, values, CEL_COST_DEFAULT, &arena, &error))
        fail_msg("%s", error.text);
    return result.boolean;
}

static const char zoned[] = "- {name: a, when: \"now.getHours('Europe/Berlin') == 9\", queue: a}\n"
                            "- {name: b, when: true, queue: a}\n";

static void zones_in_conditions_are_tables_that_stay_with_the_configuration(void **state)
{
    (void)state;
    struct project_config config = good(zoned), stored;
    assert_int_equal(config.zone_count, 1);
    assert_true(opens_at_nine(&config, INT64_C(1785135600000)));  /* 07:00Z in July */
    assert_false(opens_at_nine(&config, INT64_C(1767250800000))); /* 07:00Z in January */
    struct slice zones = project_file_zones(&config, &arena);
    assert_non_null(strstr(zones.ptr, "\"Europe/Berlin\""));
    assert_true(project_file_load(&stored, file(zoned), zones, &arena, &faults));
    assert_true(opens_at_nine(&stored, INT64_C(1785135600000)));
    config_close(&stored);
    /* Another government decides otherwise: the stored table is what counts. */
    static const char other[] =
        "[{\"name\": \"Europe/Berlin\", \"offset\": 0, \"changes\": [[1785000000, -3600]]}]";
    assert_true(project_file_load(&stored, file(zoned), slice_of(other), &arena, &faults));
    assert_true(opens_at_nine(&stored, INT64_C(1785135600000) + 3 * 3600000));
    assert_false(opens_at_nine(&stored, INT64_C(1785135600000)));
    config_close(&stored);
    config_close(&config);
}

static void a_stored_configuration_asks_the_system_for_no_zone(void **state)
{
    (void)state;
    struct project_config stored;
    static const char *const zones[] = {"[]",
                                        "5",
                                        "{",
                                        "[{}]",
                                        "[{\"name\": \"UTC\", \"offset\": 0}]",
                                        "[{\"name\": \"UTC\", \"offset\": 100000, \"changes\": []}]",
                                        "[{\"name\": \"UTC\", \"offset\": 0, \"changes\": [[1, 0], [1, 0]]}]",
                                        "[{\"name\": \"UTC\", \"offset\": 0, \"changes\": [[1]]}]"};
    for (size_t i = 0; i < sizeof zones / sizeof *zones; i++) {
        assert_false(project_file_load(&stored, file(zoned), slice_of(zones[i]), &arena, &faults));
        assert_int_equal(faults.count, 1);
    }
}

static void a_zone_that_only_a_field_names_is_not_there(void **state)
{
    (void)state;
    struct project_config config = good("- {name: a, when: \"now.getHours(to) == 9\", queue: a}\n"
                                        "- {name: b, when: \"now.getHours('Asia/Tokyo') == 9\", queue: a}\n"
                                        "- {name: c, when: true, queue: a}\n");
    struct cel_value values[RULE_VARIABLE_COUNT], result;
    struct cel_error error;
    values[RULE_NOW] = cel_timestamp_ms(0);
    values[RULE_TO] = cel_string(SLICE("Europe/Berlin"));
    assert_false(cel_eval(&result, config.rules[0].when, values, CEL_COST_DEFAULT, &arena, &error));
    assert_int_equal(error.code, CEL_BAD_ARGUMENT);
    values[RULE_TO] = cel_string(SLICE("Asia/Tokyo")); /* another rule names it */
    assert_true(cel_eval(&result, config.rules[0].when, values, CEL_COST_DEFAULT, &arena, &error));
    assert_int_equal(config.zone_count, 1);
    config_close(&config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ARENA_TEST(a_condition_is_compiled_over_what_a_rule_may_read),
        ARENA_TEST(what_always_matches_has_no_program),
        ARENA_TEST(a_wrong_condition_is_refused_at_its_line_and_column),
        ARENA_TEST(a_rule_that_cannot_be_reached_is_refused),
        ARENA_TEST(conditions_that_differ_in_a_letter_are_different),
        ARENA_TEST(the_last_rule_must_always_match),
        ARENA_TEST(zones_in_conditions_are_tables_that_stay_with_the_configuration),
        ARENA_TEST(a_stored_configuration_asks_the_system_for_no_zone),
        ARENA_TEST(a_zone_that_only_a_field_names_is_not_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
