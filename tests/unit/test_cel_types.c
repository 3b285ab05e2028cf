/* Names and types: what the checker finds before anything is evaluated. */
#include "tests/unit/cel_world.h"

#include "rules/cel_text.h"

static void the_type_of_an_expression_is_found(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"1 + interaction.attempts", "int"},
        {"any", "dyn"},
        {"any + any", "dyn"},
        {"any < any", "bool"},
        {"any + 1", "int"},
        {"null", "null"},
        {"now - now", "duration"},
        {"now - interaction.age", "timestamp"},
        {"customer.tags", "list(string)"},
        {"customer.fields", "map(string, dyn)"},
        {"customer.fields.x", "dyn"},
        {"customer.tags[0]", "string"},
        {"customer.tags.map(t, t.size())", "list(int)"},
        {"customer.tags.filter(t, true)", "list(string)"},
        {"customer.tags.transformMap(i, t, t)", "map(int, string)"},
        {"customer.fields.map(k, k)", "list(string)"},
        {"any.map(x, x)", "list(dyn)"},
        {"[]", "list(dyn)"},
        {"{}", "map(dyn, dyn)"},
        {"[1, 2u]", "list(dyn)"},
        {"[[1], []]", "list(list(int))"},
        {"[[], [1]]", "list(list(int))"},
        {"[1, any]", "list(dyn)"},
        {"[[1], [any]]", "list(list(dyn))"},
        {"[now, null]", "list(timestamp)"},
        {"{1: 'a', 2u: 'b'}", "map(dyn, string)"},
        {"{'a': [null, now]}", "map(string, list(timestamp))"},
        {"true ? [1] : [any]", "list(dyn)"},
        {"true ? {'a': any} : {any: 1}", "map(dyn, dyn)"},
        {"[{'a': any}, {any: 1}]", "list(map(dyn, dyn))"},
        {"[[1]] + [[any]]", "list(list(dyn))"},
        {"[customer.fields, {any: 1}]", "list(map(dyn, dyn))"},
        {"cel.bind(x, [], x + [] == [1] ? [x, [any]] : [x])", "list(list(dyn))"},
        {"[{'a': 1}, {'b': 2}]", "list(map(string, int))"},
        {"true ? 1 : any", "dyn"},
        {"true ? [] : [1]", "list(int)"},
        {"true ? {} : {'a': 1}", "map(string, int)"},
        {"[][0].x", "dyn"},
        {"[][0].all(x, true)", "bool"},
        {"cel.bind(x, [1], x)", "list(int)"},
        {"type(1)", "type"},
        {"int", "type"},
        {"has(google.protobuf.Timestamp)", "bool"},
        {"[[[[[[[[[[1]]]]]]]]]]", "list(list(list(list(list(list(list(list(list(...)))))))))"},
        {"'a'.split(',')", "list(string)"},
        {"{'a': b''}['a']", "bytes"},
        {"1u", "uint"},
    };
    struct cel_error error;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct cel_program *program = compile(rows[i].source, false, &error);
        if (!program)
            fail_msg("%s: %s", rows[i].source, error.text);
        struct slice type = cel_type_text(cel_result_type(program), &arena);
        if (!slice_is(type, rows[i].wanted))
            fail_msg("%s: wanted %s, got %.*s", rows[i].source, rows[i].wanted, (int)type.len, type.ptr);
        cel_close(&program);
    }
}

static void wrong_types_are_refused_wherever_they_stand(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"nothing(1)", "undeclared 1:1 undeclared reference to 'nothing'"},
        {"channel.nothing(1)", "undeclared 1:9 undeclared reference to 'nothing'"},
        {"size()", "no_overload 1:1 found no matching overload for 'size' applied to '()'"},
        {"size(channel, channel)",
         "no_overload 1:1 found no matching overload for 'size' applied to '(string, string)'"},
        {"channel.substring()",
         "no_overload 1:9 found no matching overload for 'substring' applied to 'string.()'"},
        {"channel.charAt(1, 2)",
         "no_overload 1:9 found no matching overload for 'charAt' applied to 'string.(int, int)'"},
        {"{1: 2}.a", "no_overload 1:8 type 'map(int, int)' does not support field selection"},
        {"has({1: 2}.a)", "no_overload 1:12 type 'map(int, int)' does not support field selection"},
        {"has(channel.a)", "no_overload 1:13 type 'string' does not support field selection"},
        {"has(customer.owner).a", "no_overload 1:21 type 'bool' does not support field selection"},
        {"customer.owner.a", "no_overload 1:16 type 'string' does not support field selection"},
        {"customer.tagz.a", "undeclared 1:10 undefined field 'tagz' of 'customer'"},
        {"nobody.a", "undeclared 1:1 undeclared reference to 'nobody' (in container '')"},
        {"[1 + 'a']", "no_overload 1:4 found no matching overload for '_+_' applied to '(int, string)'"},
        {"{1 + 'a': 1}", "no_overload 1:4 found no matching overload for '_+_' applied to '(int, string)'"},
        {"{null: 1}", "no_overload 1:2 a map's keys are bool, int, uint or string, not 'null'"},
        {"true && 1", "no_overload 1:9 found no matching overload for '_&&_' applied to '(bool, int)'"},
        {"true || nobody", "undeclared 1:9 undeclared reference to 'nobody' (in container '')"},
        {"1 ? 2 : 3", "no_overload 1:3 found no matching overload for '_?_:_' applied to '(int, int, int)'"},
        {"nobody ? 2 : 3", "undeclared 1:1 undeclared reference to 'nobody' (in container '')"},
        {"size(nobody)", "undeclared 1:6 undeclared reference to 'nobody' (in container '')"},
        {"nobody.all(x, true)", "undeclared 1:1 undeclared reference to 'nobody' (in container '')"},
        {"[1].all(x, nobody)", "undeclared 1:12 undeclared reference to 'nobody' (in container '')"},
        {"[1].map(x, nobody, x)", "undeclared 1:12 undeclared reference to 'nobody' (in container '')"},
        {"[1].map(x, x, x)", "no_overload 1:12 the macro wants a bool here, not 'int'"},
        {"[1].exists_one(x, 'a')", "no_overload 1:19 the macro wants a bool here, not 'string'"},
        {"[1].filter(x, x)", "no_overload 1:15 the macro wants a bool here, not 'int'"},
        {"cel.bind(x, nobody, x)", "undeclared 1:13 undeclared reference to 'nobody' (in container '')"},
        {"cel.bind(x, 1, nobody)", "undeclared 1:16 undeclared reference to 'nobody' (in container '')"},
        {"now + now",
         "no_overload 1:5 found no matching overload for '_+_' applied to '(timestamp, timestamp)'"},
        {"[1] == ['a']",
         "no_overload 1:5 found no matching overload for '_==_' applied to '(list(int), list(string))'"},
        {"{'a': 1} == {'a': 'b'}", "no_overload 1:10 found no matching overload for '_==_' applied to "
                                   "'(map(string, int), map(string, string))'"},
        {"{'a': 1} == {1: 1}", "no_overload 1:10 found no matching overload for '_==_' applied to "
                               "'(map(string, int), map(int, int))'"},
        {"cel.bind(x, [], [x] == x)", "no_overload 1:21 found no matching overload for '_==_' applied to "
                                      "'(list(list(dyn)), list(dyn))'"},
        {"cel.bind(l, [], l[0] == {l[0]: 1})", "no_overload 1:22 found no matching overload for '_==_' "
                                               "applied to '(dyn, map(dyn, int))'"},
        {"[[1]] == [{}]", "no_overload 1:7 found no matching overload for '_==_' applied to "
                          "'(list(list(int)), list(map(dyn, dyn)))'"},
    };
    CHECK(rows);
}

/* A pattern or a zone that is wrong is found by the compiler, however deep it stands. */
static void wrong_constants_are_refused_wherever_they_stand(void **state)
{
    (void)state;
    static const char *const forms[][2] = {
        {"", ""},
        {"[", "]"},
        {"{'a': ", "}"},
        {"!", ""},
        {"", " && true"},
        {"true || ", ""},
        {"", " ? 1 : 2"},
        {"true ? ", " : true"},
        {"true ? true : ", ""},
        {"[", "].all(x, x)"},
        {"[true].all(x, ", ")"},
        {"[true].map(x, ", ", x)"},
        {"[true].filter(x, ", ")"},
        {"cel.bind(x, ", ", x)"},
        {"cel.bind(x, 1, ", ")"},
        {"{'a': [", "]}.a"},
        {"has({'a': [", "]}.a)"},
        {"string(", ")"},
    };
    static const char *const wrong[][2] = {
        {"channel.matches('(')", "not a regular expression: missing ): ("},
        {"(now.getHours('Mars/Olympus') == 1)", "unknown time zone 'Mars/Olympus'"},
    };
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        for (size_t w = 0; w < 2; w++) {
            struct slice source = arena_format(&arena, "%s%s%s", forms[i][0], wrong[w][0], forms[i][1]);
            struct cel_error error;
            assert_null(compile(arena_string(&arena, source), false, &error));
            assert_string_equal(error.text, wrong[w][1]);
        }
    }
}

static void null_fits_where_a_time_is_meant(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"now == null || null == now || interaction.age == null || null != interaction.age", "true"},
        {"[now, null].size() + [null, interaction.age].size()", "4"},
        {"channel == null",
         "no_overload 1:9 found no matching overload for '_==_' applied to '(string, null)'"},
        {"null == 1", "no_overload 1:6 found no matching overload for '_==_' applied to '(null, int)'"},
    };
    CHECK(rows);
}

static const struct cel_type own_int = {.kind = CEL_INT};

static const struct cel_variable in_containers[] = {
    {SLICE("x"), &cel_type_int},        {SLICE("a.x"), &cel_type_string}, {SLICE("a.b.x"), &cel_type_bool},
    {SLICE("a.b.c.y"), &cel_type_uint}, {SLICE("m"), &cel_type_map},      {SLICE("a.x.deep"), &cel_type_bool},
    {SLICE("own"), &own_int},
};

static void a_name_is_looked_for_in_the_container_and_its_parents(void **state)
{
    (void)state;
    static const struct {
        const char *container, *source, *type;
    } rows[] = {
        {"a.b", "x", "bool"},
        {"a.b.c", "x", "bool"},
        {"a", "x", "string"},
        {"", "x", "int"},
        {"other", "x", "int"},
        {"a.b", ".x", "int"},
        {"a", "b.x", "bool"},
        {"a.b", "a.x", "string"},
        {"a.b", "c.y", "uint"},
        {"a.b", ".a.x", "string"},
        {"a", "m.any", "dyn"},
        {"a", "m[1]", "dyn"},
        {"a", "m.all(k, true)", "bool"},
        {"a", "[] == [m]", "bool"},
        {"", "[own, 1, own + 1]", "list(int)"},
        {"", "a.x.deep", "bool"},
    };
    struct cel_error error;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct cel_env env = {.variables = in_containers,
                                    .variable_count = sizeof in_containers / sizeof *in_containers,
                                    .container = slice_of(rows[i].container)};
        struct cel_program *program = cel_compile(&env, slice_of(rows[i].source), NULL, &arena, &error);
        if (!program)
            fail_msg("%s in %s: %s", rows[i].source, rows[i].container, error.text);
        struct slice type = cel_type_text(cel_result_type(program), &arena);
        if (!slice_is(type, rows[i].type))
            fail_msg("%s in %s: %.*s", rows[i].source, rows[i].container, (int)type.len, type.ptr);
        cel_close(&program);
    }
    const struct cel_env object = {.variables = in_containers,
                                   .variable_count = sizeof in_containers / sizeof *in_containers};
    assert_null(cel_compile(&object, SLICE("a.x.other"), NULL, &arena, &error));
    assert_string_equal(error.text, "type 'string' does not support field selection");
    const struct cel_env env = {.container = SLICE("a.b")};
    assert_null(cel_compile(&env, SLICE("z"), NULL, &arena, &error));
    assert_string_equal(error.text, "undeclared reference to 'z' (in container 'a.b')");
}

/* Declared names are short; a chain of fields that is longer is a chain of fields. */
static void a_long_chain_of_fields_is_no_declared_name(void **state)
{
    (void)state;
    struct slice chain = SLICE("customer.fields");
    for (int i = 0; i < 60; i++)
        chain = arena_format(&arena, "%.*s.field", (int)chain.len, chain.ptr);
    struct slice result = outcome(arena_string(&arena, chain), false, CEL_COST_DEFAULT);
    assert_true(slice_is(result, "no_such_key 1:17 no such key: 'field'"));
}

/* Only binding makes types that are deeper than an expression. */
static void types_that_are_too_deep_fit_nothing(void **state)
{
    (void)state;
    enum { HALF = 130 };
    char open[HALF + 1] = "", close[HALF + 1] = "";
    memset(open, '[', HALF);
    memset(close, ']', HALF);
    static const struct row rows[] = {
        {"c", NULL},
        {"[c, d]", NULL},
        {"c == c", "no matching overload for '_==_'"},
        {"c == d", "no matching overload for '_==_'"},
        {"[] == [c]", "no matching overload for '_==_'"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct slice source =
            arena_format(&arena,
                         "cel.bind(a, %s1%s, cel.bind(b, %s1%s, cel.bind(c, %sa%s, "
                         "cel.bind(d, %sb%s, %s))))",
                         open, close, open, close, open, close, open, close, rows[i].source);
        struct cel_error error = {0};
        struct cel_program *program = compile(arena_string(&arena, source), false, &error);
        if (rows[i].wanted)
            assert_non_null(strstr(error.text, rows[i].wanted));
        else
            assert_non_null(program);
        cel_close(&program);
    }
}

static void without_a_hook_there_are_no_patterns_and_only_fixed_offsets(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"channel.matches('c')", "there are no regular expressions here"},
        {"channel.matches(channel)", "there are no regular expressions here"},
        {"now.getHours(channel) == 1", "unknown time zone: call"},
        {"now.getHours('+02:00') == 2", NULL},
    };
    const struct cel_env env = {.variables = variables, .variable_count = VARIABLE_COUNT};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct cel_error error;
        struct cel_value value;
        struct cel_program *program = cel_compile(&env, slice_of(rows[i].source), NULL, &arena, &error);
        assert_non_null(program);
        if (cel_eval(&value, program, values, CEL_COST_DEFAULT, &arena, &error)) {
            assert_null(rows[i].wanted);
            assert_true(value.boolean);
        } else {
            assert_string_equal(error.text, rows[i].wanted);
        }
        cel_close(&program);
    }
    struct cel_error error;
    assert_null(cel_compile(&env, SLICE("now.getHours('Europe/Berlin')"), NULL, &arena, &error));
    assert_string_equal(error.text, "unknown time zone 'Europe/Berlin'");
}

static void unchecked_calls_may_have_any_number_of_arguments(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"size()", "undeclared 1:1 undeclared function: size"},
        {"size() == 1 || true", "true"},
        {"channel.matches(1)",
         "no_overload 1:9 found no matching overload for 'matches' applied to '(string, int)'"},
        {"size(1, 'a')", "no_overload 1:1 found no matching overload for 'size' applied to '(int, string)'"},
        {"size(1, 2, 3, 4)",
         "no_overload 1:1 found no matching overload for 'size' applied to '(int, int, int, int)'"},
        {"size(1, 2, 3, 4, 5)",
         "no_overload 1:1 found no matching overload for 'size' applied to '(int, int, int, int, ...)'"},
        {"size(1, 2, 3, 4, 5, 6)",
         "no_overload 1:1 found no matching overload for 'size' applied to '(int, int, int, int, ...)'"},
    };
    CHECK_UNCHECKED(rows);
    struct slice many = SLICE("size(1");
    for (int i = 0; i < 255; i++)
        many = arena_format(&arena, "%.*s, 1", (int)many.len, many.ptr);
    many = arena_format(&arena, "%.*s)", (int)many.len, many.ptr);
    assert_true(slice_is(outcome(arena_string(&arena, many), true, CEL_COST_DEFAULT),
                         "undeclared 1:1 undeclared function: size"));
}

static void text_is_found_cut_and_counted_by_code_points(void **state)
{
    (void)state;
    struct slice text = SLICE("a\xC3\xA4z"), empty = {NULL, 0};
    assert_int_equal(cel_find(text, SLICE("z"), 0), 3);
    assert_int_equal(cel_find(text, SLICE("z"), 4), CEL_NOWHERE);
    assert_int_equal(cel_find(text, SLICE("z"), 5), CEL_NOWHERE);
    assert_int_equal(cel_find(text, empty, 4), 4);
    assert_int_equal(cel_find_last(text, SLICE("a"), 4), 0);
    assert_int_equal(cel_find_last(text, SLICE("longer"), 4), CEL_NOWHERE);
    assert_int_equal(cel_find_last(text, empty, 9), 4);
    assert_int_equal(cel_find_last(empty, empty, 0), 0);
    assert_int_equal(cel_utf8_offset(text, 2), 3);
    assert_int_equal(cel_utf8_offset(text, 3), 4);
    assert_int_equal(cel_utf8_offset(text, 4), CEL_NOWHERE);
    assert_int_equal(cel_utf8_offset(text, 9), CEL_NOWHERE);
    assert_int_equal(cel_utf8_count(text), 3);
    assert_int_equal(cel_utf8_cut(text, 2).len, 1);
    assert_int_equal(cel_utf8_cut(text, 3).len, 3);
    assert_int_equal(cel_utf8_cut(text, 9).len, 4);
    assert_int_equal(cel_utf8_cut(SLICE("\xA4\xA4"), 1).len, 0);
    assert_true(cel_utf8_is_valid(text) && cel_utf8_is_valid(empty) && !cel_utf8_is_valid(SLICE("\xC3")));
    assert_null(cel_slice_from(empty, 0).ptr);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(the_type_of_an_expression_is_found, setup, teardown),
    cmocka_unit_test_setup_teardown(wrong_types_are_refused_wherever_they_stand, setup, teardown),
    cmocka_unit_test_setup_teardown(wrong_constants_are_refused_wherever_they_stand, setup, teardown),
    cmocka_unit_test_setup_teardown(null_fits_where_a_time_is_meant, setup, teardown),
    cmocka_unit_test_setup_teardown(a_name_is_looked_for_in_the_container_and_its_parents, setup, teardown),
    cmocka_unit_test_setup_teardown(a_long_chain_of_fields_is_no_declared_name, setup, teardown),
    cmocka_unit_test_setup_teardown(types_that_are_too_deep_fit_nothing, setup, teardown),
    cmocka_unit_test_setup_teardown(without_a_hook_there_are_no_patterns_and_only_fixed_offsets, setup,
                                    teardown),
    cmocka_unit_test_setup_teardown(unchecked_calls_may_have_any_number_of_arguments, setup, teardown),
    cmocka_unit_test_setup_teardown(text_is_found_cut_and_counted_by_code_points, setup, teardown),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
