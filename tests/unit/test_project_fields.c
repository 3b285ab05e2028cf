/* The sections of the project file that people see: custom fields, scripts, datasheets, tags. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>
#include <string.h>

#include "proto/project_file.h"

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

static struct project_config good(const char *text)
{
    struct project_config config;
    if (!project_file_read(&config, slice_of(text), &arena, &faults))
        fail_msg("line %u: %s", faults.items[0].line, faults.items[0].detail);
    config_close(&config);
    return config;
}

static void fields_scripts_and_datasheets_are_read(void **state)
{
    (void)state;
    assert_false(good("project: p\nqueues: {q: {}}\n").has_fields);
    struct project_config config = good("project: p\nqueues: {q: {}}\n"
                                        "fields:\n"
                                        "  note: {type: text}\n"
                                        "  level: {type: number, required: true, indexed: true, max: 10}\n"
                                        "  size: {type: choice, choices: [small, large]}\n"
                                        "  code: {type: text, indexed: true}\n"
                                        "scripts: {hello: {text: \"a\\nb\", queues: [q]}}\n"
                                        "datasheets: {survey: {fields: {happy: {type: boolean}}}}\n"
                                        "tags: {status: [vip, \"s p\"], interest: []}\n");
    const struct field_config *fields = config.fields.items;
    assert_true(config.has_fields);
    assert_int_equal(config.fields.count, 4);
    assert_int_equal(fields[0].max, FIELD_TEXT_DEFAULT);
    assert_true(fields[1].required && fields[1].indexed && fields[1].has_max && fields[1].max == 10);
    assert_int_equal(fields[2].choice_count, 2);
    assert_true(slice_is(fields[2].choices[1], "large"));
    assert_int_equal(fields[3].max, FIELD_INDEXED_TEXT_MAX);
    assert_int_equal(config.datasheet_count, 1);
    assert_true(slice_is(config.datasheets[0].name, "survey"));
    assert_int_equal(config.datasheets[0].fields.items[0].type, FIELD_BOOLEAN);
}

static void the_script_of_a_queue_comes_before_that_of_all(void **state)
{
    (void)state;
    struct project_config config = good("project: p\nqueues: {q: {}, r: {}, s: {}}\n"
                                        "scripts:\n"
                                        "  beta: {text: all of them, queues: [r, q]}\n"
                                        "  alpha: {text: \"r alone\", queues: [r]}\n"
                                        "  Zulu: {text: anything}\n"
                                        "  zero: {text: anything else}\n"
                                        "  none: {text: never, queues: []}\n");
    static const char *const expected[][2] = {
        {"q", "beta"}, {"r", "alpha"}, {"s", "Zulu"}, {"gone", "Zulu"}, {"", "Zulu"}};
    for (size_t i = 0; i < sizeof expected / sizeof *expected; i++)
        assert_true(slice_is(config_find_script(&config, slice_of(expected[i][0]))->name, expected[i][1]));
    assert_true(slice_is(config_find_script(&config, SLICE("r"))->text, "r alone"));
    config = good("project: p\nqueues: {q: {}, r: {}}\nscripts: {a: {text: x, queues: [q]}}\n");
    assert_null(config_find_script(&config, SLICE("r")));
}

static const struct {
    const char *text, *pointer, *detail;
} mistakes[] = {
    {"fields: []\n", "/fields", "must be a map"},
    {"fields:\n  a b: {type: text}\n", "/fields/a b", "is no name"},
    {"fields:\n  a:\n", "/fields/a", "is empty"},
    {"fields:\n  a: {}\n", "/fields/a/type", "is required"},
    {"fields:\n  a: {type: money}\n", "/fields/a/type", ""},
    {"fields:\n  a: {type: text, unique: true}\n", "/fields/a/unique", ""},
    {"fields:\n  a: {type: text, required: 1}\n", "/fields/a/required", "true or false"},
    {"fields:\n  a: {type: text, indexed: true, max: 257}\n", "/fields/a/max", "from 1 to 256"},
    {"fields:\n  a: {type: date, max: 3}\n", "/fields/a/max", "only a text or a number"},
    {"fields:\n  a: {type: choice}\n", "/fields/a/choices", "is required"},
    {"fields:\n  a: {type: choice, choices: []}\n", "/fields/a/choices", "needs one"},
    {"fields:\n  a: {type: choice, choices: [x, x]}\n", "/fields/a/choices/1", "twice"},
    {"fields:\n  a: {type: text, choices: [x]}\n", "/fields/a/choices", "only a choice"},
    {"scripts:\n  a: {}\n", "/scripts/a/text", "is required"},
    {"scripts:\n  a: {text: 7}\n", "/scripts/a/text", "must be text"},
    {"scripts:\n  a: {text: x, queues: [none]}\n", "/scripts/a/queues/0", "there is no queue"},
    {"datasheets:\n  a: {}\n", "/datasheets/a/fields", "needs one"},
    {"datasheets:\n  a: {fields: {b: {type: text, indexed: true}}}\n", "/datasheets/a/fields/b/indexed",
     "only fields of customers"},
    {"tags: [vip]", "/tags", "must be a map"},
    {"tags: {a: vip}", "/tags/a", "must be a list"},
    {"tags: {a: }", "/tags/a", "needs a list"},
    {"tags: {-a: [vip]}", "/tags/-a", "no name"},
    {"tags: {a: [7]}", "/tags/a/0", "must be text"},
    {"tags: {a: [\"\"]}", "/tags/a/0", "1 to 64 bytes"},
    {"tags: {a: [x, ~]}", "/tags/a/1", "missing"},
    {"tags: {a: [x], b: [y, x]}", "/tags/b/1", "of one kind"},
};

static void each_mistake_is_refused_where_it_is(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof mistakes / sizeof mistakes[0]; i++) {
        struct project_config config;
        struct slice text = arena_format(&arena, "project: p\nqueues: {q: {}}\n%s", mistakes[i].text);
        assert_false(project_file_read(&config, text, &arena, &faults));
        if (faults.count != 1 || strcmp(faults.items[0].pointer, mistakes[i].pointer) != 0 ||
            !strstr(faults.items[0].detail, mistakes[i].detail))
            fail_msg("%s: %u, %s: %s", mistakes[i].text, faults.count, faults.items[0].pointer,
                     faults.items[0].detail);
    }
}

static void no_more_fields_are_indexed_than_there_is_room(void **state)
{
    (void)state;
    struct project_config config;
    char text[4096] = "project: p\nqueues: {q: {}}\nfields:\n";
    for (int i = 0; i < FIELDS_INDEXED_MAX; i++)
        snprintf(text + strlen(text), sizeof text - strlen(text), "  f%d: {type: text, indexed: true}\n", i);
    assert_int_equal(good(text).fields.count, FIELDS_INDEXED_MAX);
    snprintf(text + strlen(text), sizeof text - strlen(text), "  more: {type: text, indexed: true}\n");
    assert_false(project_file_read(&config, slice_of(text), &arena, &faults));
    assert_string_equal(faults.items[0].pointer, "/fields/more");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(fields_scripts_and_datasheets_are_read, setup, teardown),
        cmocka_unit_test_setup_teardown(the_script_of_a_queue_comes_before_that_of_all, setup, teardown),
        cmocka_unit_test_setup_teardown(each_mistake_is_refused_where_it_is, setup, teardown),
        cmocka_unit_test_setup_teardown(no_more_fields_are_indexed_than_there_is_room, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
