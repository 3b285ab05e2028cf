#include "proto/cel_json.h"
#include "proto/regex.h"
#include "rules/cel.h"
#include "tests/unit/arena_world.h"

static const struct cel_variable variables[] = {{SLICE("n"), &cel_type_int},
                                                {SLICE("unused"), &cel_type_int}};

static struct cel_program *compile(struct slice source, const struct cel_type *expected,
                                   struct cel_error *error)
{
    const struct cel_env env = {.variables = variables, .variable_count = 2, .regex = &regex_ops};
    return cel_compile(&env, source, expected, &arena, error);
}

static enum cel_code refusal(struct slice source)
{
    struct cel_error error;
    struct cel_program *program = compile(source, NULL, &error);
    bool is_refused = !program;
    cel_close(&program);
    return is_refused ? error.code : 0;
}

/* 0 when there is a value. */
static enum cel_code run(const char *source, uint64_t cost)
{
    const struct cel_value values[] = {cel_int(3), cel_absent()};
    struct cel_error error;
    struct cel_value value;
    struct cel_program *program = compile(slice_of(source), NULL, &error);
    assert_non_null(program);
    bool is_good = cel_eval(&value, program, values, cost, &arena, &error);
    cel_close(&program);
    return is_good ? 0 : error.code;
}

static struct slice repeated(const char *part, unsigned times, const char *end)
{
    size_t len = strlen(part), end_len = strlen(end);
    char *text = arena_alloc(&arena, len * times + end_len);
    for (unsigned i = 0; i < times; i++)
        memcpy(text + len * i, part, len);
    memcpy(text + len * times, end, end_len);
    return (struct slice){text, len * times + end_len};
}

static void nesting_is_limited_everywhere(void **state)
{
    (void)state;
    static const char *const parts[] = {"(",     "[",          "{1:", "-(",   "!(",      "true?(",
                                        "size(", "[1].map(x,", "1+(", "a.b(", "true?1:", "true&&("};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        assert_int_equal(refusal(repeated(parts[i], 5000, "1")), CEL_TOO_LARGE);
    assert_int_equal(refusal(repeated("n+", 1000, "n")), CEL_TOO_LARGE);
    assert_int_equal(refusal(repeated("n.a", 1000, "")), CEL_TOO_LARGE);
    assert_int_equal(refusal(repeated("(", 5000, "")), CEL_TOO_LARGE);
    struct slice deep = repeated(".a", CEL_DEPTH_MAX - 1, "");
    assert_int_equal(refusal(arena_format(&arena, "n%.*s", (int)deep.len, deep.ptr)), CEL_NO_OVERLOAD);
    assert_int_equal(refusal(arena_format(&arena, "n%.*s.size()", (int)deep.len, deep.ptr)), CEL_TOO_LARGE);
    assert_int_equal(refusal(arena_format(&arena, "size(n%.*s)", (int)deep.len, deep.ptr)), CEL_TOO_LARGE);
}

static void what_is_flat_may_be_long(void **state)
{
    (void)state;
    assert_int_equal(refusal(repeated("n == 1 || ", 5000, "true")), 0);
    assert_int_equal(refusal(repeated("n == 1 && ", 5000, "true")), 0);
    assert_int_equal(refusal(repeated("-", 50000, "1")), 0);
    assert_int_equal(refusal(repeated("n+", 150, "n")), 0);
    assert_int_equal(refusal(repeated(" ", CEL_SOURCE_MAX - 1, "1")), 0);
    assert_int_equal(refusal(repeated(" ", CEL_SOURCE_MAX, "1")), CEL_TOO_LARGE);
}

static void a_source_that_is_no_text_is_refused(void **state)
{
    (void)state;
    assert_int_equal(refusal(SLICE("'\xFF'")), CEL_SYNTAX);
    assert_int_equal(refusal(SLICE("1\0+1")), CEL_SYNTAX);
    assert_int_equal(refusal((struct slice){NULL, 0}), CEL_SYNTAX);
}

static void the_cost_limit_ends_what_is_too_much_and_nothing_absorbs_it(void **state)
{
    (void)state;
    static const char loop[] = "[n, n, n, n, n, n, n, n].all(a, [n, n, n, n, n, n, n, n].all(b, "
                               "[n, n, n, n, n, n, n, n].all(c, a + b + c > 0))) || true";
    assert_int_equal(run(loop, 100000), 0);
    assert_int_equal(run(loop, 1000), CEL_COST);
    assert_int_equal(run("n == 3", 6), 0);
    assert_int_equal(run("n == 3", 2), CEL_COST);
}

/* Each level doubles what the last one was: as text, as a list, and as a tree that is only walked. */
static void doubling_runs_into_the_limit_and_not_into_memory(void **state)
{
    (void)state;
    static const char *const forms[][2] = {{"cel.bind(a, string(n), ", "cel.bind(a, a + a, "},
                                           {"cel.bind(a, [n], ", "cel.bind(a, a + a, "},
                                           {"cel.bind(a, [n], ", "cel.bind(a, [a, a], "}};
    for (size_t i = 0; i < 3; i++) {
        struct slice levels = repeated(forms[i][1], 40, "");
        char closing[48];
        memset(closing, ')', sizeof closing);
        struct slice source =
            arena_format(&arena, "%s%.*sa == a%.*s", forms[i][0], (int)levels.len, levels.ptr, 41, closing);
        size_t before = arena.used;
        assert_int_equal(run(arena_string(&arena, source), CEL_COST_DEFAULT), CEL_COST);
        assert_true(arena.used - before < 16u << 20);
    }
}

static void a_value_that_shares_its_parts_is_not_written_out_endlessly(void **state)
{
    (void)state;
    struct cel_value levels[32][2], top = cel_int(1);
    struct value document;
    for (int i = 0; i < 28; i++) {
        levels[i][0] = levels[i][1] = top;
        top = cel_list(levels[i], 2);
    }
    assert_false(cel_to_value(&document, &top, &arena));
}

static void the_expected_type_is_checked(void **state)
{
    (void)state;
    struct cel_error error;
    assert_null(compile(SLICE("n + 1"), &cel_type_bool, &error));
    assert_int_equal(error.code, CEL_WRONG_TYPE);
    assert_string_equal(error.text, "the expression is int, not bool");
    struct cel_program *program = compile(SLICE("n > 1"), &cel_type_bool, &error);
    assert_non_null(program);
    assert_int_equal(cel_result_type(program)->kind, CEL_BOOL);
    assert_true(cel_uses(program, 0));
    assert_false(cel_uses(program, 1));
    assert_false(cel_uses(program, 2));
    cel_close(&program);
    assert_null(program);
}

static void constants_are_computed_once(void **state)
{
    (void)state;
    static const char *const sources[] = {"1 + 2 * 3",
                                          "['a', 'b', 'c']",
                                          "{'a': [1, 2]}['a'][1]",
                                          "duration('30s') + duration('1m')",
                                          "'a'.matches('[a-z]')",
                                          "timestamp('2026-01-01T00:00:00Z').getHours('+02:00')"};
    struct cel_error error;
    for (size_t i = 0; i < sizeof sources / sizeof *sources; i++) {
        struct cel_program *program = compile(slice_of(sources[i]), NULL, &error);
        assert_non_null(program);
        assert_int_equal(cel_size(program), 2);
        cel_close(&program);
    }
}

static void patterns_made_while_evaluating_are_bounded(void **state)
{
    (void)state;
    struct slice pattern = repeated("x", CEL_PATTERN_MAX, "");
    struct slice source =
        arena_format(&arena, "'a'.matches(string(n) + '%.*s')", (int)pattern.len, pattern.ptr);
    assert_int_equal(run(arena_string(&arena, source), CEL_COST_DEFAULT), CEL_TOO_LARGE);
    assert_int_equal(run("'3'.matches('^' + string(n))", CEL_COST_DEFAULT), 0);
    assert_int_equal(run("'3'.matches('^' + string(n))", 100), CEL_COST);
    /* What takes other engines years. */
    assert_int_equal(run("'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa'.matches('(a*)*b')", CEL_COST_DEFAULT), 0);
}

static void maps_find_by_value_however_many_there_are(void **state)
{
    (void)state;
    enum { COUNT = 1000 };
    struct cel_entry *entries = arena_array(&arena, struct cel_entry, COUNT);
    struct cel_value map, key;
    uint32_t bad;
    for (int i = 0; i < COUNT; i++)
        entries[i] = (struct cel_entry){i % 2 ? cel_int(i) : cel_uint((uint64_t)i), cel_int(i)};
    assert_true(cel_map_make(&map, entries, COUNT, &bad, &arena));
    for (int i = 0; i < COUNT; i++) {
        key = cel_double(i);
        assert_int_equal(cel_map_find(map.map, &key)->integer, i);
        key = i % 2 ? cel_uint((uint64_t)i) : cel_int(i);
        assert_int_equal(cel_map_find(map.map, &key)->integer, i);
    }
    key = cel_double(0.5);
    assert_null(cel_map_find(map.map, &key));
    key = cel_string(SLICE("1"));
    assert_null(cel_map_find(map.map, &key));
    entries[COUNT - 1].key = cel_uint(7);
    assert_false(cel_map_make(&map, entries, COUNT, &bad, &arena));
    assert_int_equal(bad, COUNT - 1);
}

static const struct CMUnitTest tests[] = {
    ARENA_TEST(nesting_is_limited_everywhere),
    ARENA_TEST(what_is_flat_may_be_long),
    ARENA_TEST(a_source_that_is_no_text_is_refused),
    ARENA_TEST(the_cost_limit_ends_what_is_too_much_and_nothing_absorbs_it),
    ARENA_TEST(doubling_runs_into_the_limit_and_not_into_memory),
    ARENA_TEST(a_value_that_shares_its_parts_is_not_written_out_endlessly),
    ARENA_TEST(the_expected_type_is_checked),
    ARENA_TEST(constants_are_computed_once),
    ARENA_TEST(patterns_made_while_evaluating_are_bounded),
    ARENA_TEST(maps_find_by_value_however_many_there_are),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
