#include "tests/unit/arena_world.h"
#include "tests/unit/rule_compile.h"

/* What is known when nothing is but that it is a chat. */
static const char *settled(const char *source)
{
    struct cel_value values[RULE_VARIABLE_COUNT], result;
    struct cel_program *program = rule_compile(source, NULL, &arena);
    for (int i = 0; i < RULE_VARIABLE_COUNT; i++)
        values[i] = cel_absent();
    values[RULE_CHANNEL] = cel_string(SLICE("chat"));
    if (!cel_settled(&result, program, values, &arena))
        return "open";
    return result.kind != CEL_BOOL ? "something" : result.boolean ? "true" : "false";
}

static void a_value_is_settled_when_nothing_unknown_can_change_it(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"true", "true"},
        {"1 + 1", "something"},
        {"channel == 'chat'", "true"},
        {"channel == 'call' && customer.known", "false"},
        {"customer.known && channel == 'call'", "false"},
        {"channel == 'chat' || to == 'x'", "true"},
        {"channel == 'chat' && customer.known", "open"},
        {"customer.known", "open"},
        {"customer.known || !customer.known", "open"}, /* true, but that takes more than a look */
        {"has(customer.owner)", "open"},
        {"!has(customer.owner) && channel != 'chat'", "false"},
        {"has(customer.fields.x) || channel == 'chat'", "true"},
        {"customer.known ? true : true", "open"},
        {"channel == 'chat' ? true : customer.known", "true"},
        {"customer.tags.exists(t, t == 'vip')", "open"},
        {"['chat'].all(c, c == channel)", "true"},
        {"[1, 2].exists(i, i == 1 || customer.known)", "true"},
        {"cel.bind(owner, customer.owner, channel == 'chat' || owner == 'anna')", "true"},
        {"1 / 0 == 1", "open"},
        {"interaction.age > duration('1m') || channel in ['chat', 'email']", "true"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *result = settled(cases[i][0]);
        if (strcmp(result, cases[i][1]) != 0)
            fail_msg("%s is %s", cases[i][0], result);
    }
}

static void one_tree_has_one_canonical_text(void **state)
{
    (void)state;
    static const char *const same[][2] = {
        {"a == 1", "a==1"},
        {"a == 1", "(((a)) == (1)) // why"},
        {"a && b || c", "(a && b) || c"},
        {"'x' in t", "\"x\" in t"},
        {"s == '\\u00e4'", "s == '\xC3\xA4'"},
        {"n == 0x10", "n == 16"},
        {"d == 1.50", "d == 15e-1"},
        {"!!a", "a"},
        {"m.`f`", "m.f"},
        {"[1, 2,]", "[1,2]"},
        {"t.exists(x, x == 1)", "t.exists(x, (x == 1))"},
    };
    static const char *const other[][2] = {
        {"a == 1", "a == 2"},
        {"a == 1", "a == 1u"},
        {"a == 1", "a == '1'"},
        {"a == 'b'", "a == b"},
        {"a == b'b'", "a == 'b'"},
        {"a == true", "a == null"},
        {"a && b", "b && a"},
        {"a && (b || c)", "a && b || c"},
        {"has(a.b)", "a.b"},
        {"a.b", ".a.b"},
        {"f(a)", "a.f()"},
        {"t.exists(x, x == 1)", "t.all(x, x == 1)"},
        {"t.exists(x, x == 1)", "t.exists(y, y == 1)"},
        {"t.map(x, x)", "t.filter(x, x)"},
        {"[ab]", "[a, b]"},
        {"-1", "- -1"},
    };
    for (size_t i = 0; i < sizeof same / sizeof *same; i++) {
        struct slice left = cel_canonical(slice_of(same[i][0]), &arena);
        assert_true(left.len);
        if (!slice_equal(left, cel_canonical(slice_of(same[i][1]), &arena)))
            fail_msg("%s and %s differ", same[i][0], same[i][1]);
    }
    for (size_t i = 0; i < sizeof other / sizeof *other; i++) {
        struct slice left = cel_canonical(slice_of(other[i][0]), &arena);
        if (slice_equal(left, cel_canonical(slice_of(other[i][1]), &arena)))
            fail_msg("%s and %s are the same", other[i][0], other[i][1]);
    }
    assert_int_equal(cel_canonical(SLICE("a ="), &arena).len, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ARENA_TEST(a_value_is_settled_when_nothing_unknown_can_change_it),
        ARENA_TEST(one_tree_has_one_canonical_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
