/* What can be written and what it means: tokens, literals, grammar, macros. */
#include "tests/unit/cel_world.h"

static void numbers_are_written_in_many_ways(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"[0, 007, 0x1F, 0xfF, -0x10, 9223372036854775807, -9223372036854775808]",
         "[0,7,31,255,-16,9223372036854775807,-9223372036854775808]"},
        {"[0u, 7U, 0x1Fu, 18446744073709551615u == 0xFFFFFFFFFFFFFFFFu]", "[0,7,31,true]"},
        {"[1.5, .5, 1e3, 1E+3, 1e-3, 2.5e0, -1.5, -.5]", "[1.5,0.5,1000.0,1000.0,0.001,2.5,-1.5,-0.5]"},
        {"1e400 == double('inf') && 1e-400 == 0.0", "true"},
        {"9223372036854775808", "syntax 1:1 the number is out of range"},
        {"-9223372036854775809", "syntax 1:2 the number is out of range"},
        {"99999999999999999999", "syntax 1:1 the number is out of range"},
        {"0x10000000000000000", "syntax 1:1 the number is out of range"},
        {"18446744073709551616u", "syntax 1:1 the number is out of range"},
        {"99999999999999999999u", "syntax 1:1 the number is out of range"},
        {"-1u", "no_overload 1:1 found no matching overload for '-_' applied to '(uint)'"},
        {"0x", "syntax 1:2 a number ends with a letter"},
        {"0xg", "syntax 1:2 a number ends with a letter"},
        {"0x1g", "syntax 1:4 a number ends with a letter"},
        {"0X1", "syntax 1:2 a number ends with a letter"},
        {"1e", "syntax 1:2 a number ends with a letter"},
        {"1e+", "syntax 1:2 a number ends with a letter"},
        {"1.5u", "syntax 1:4 a number ends with a letter"},
        {"1_000", "syntax 1:2 a number ends with a letter"},
        {"1.", "syntax 1:3 the expression ends where a field's name should stand"},
    };
    CHECK(rows);
}

static void strings_have_escapes_raw_forms_and_several_lines(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"'a\"b' + \"a'b\"", "\"a\\\"ba'b\""},
        {"'''a'b\"c\nd''' + \"\"\"e\"f\"\"\"", "\"a'b\\\"c\\nde\\\"f\""},
        {"'' + \"\" + '''''' + \"\"\"\"\"\"", "\"\""},
        {"'''a''b'''", "\"a''b\""},
        {"r'\\n' + R\"\\x\" + r'''\\''' == '\\\\n\\\\x\\\\'", "true"},
        {"'\\a\\b\\f\\n\\r\\t\\v\\\\\\?\\\"\\'\\`'.size()", "12"},
        {"'\\101\\x41\\X41\\u0041\\U00000041'", "\"AAAAA\""},
        {"'\\377\\xe4\\u00E4\\ue000\\U0001F600'", "\"\xC3\xBF\xC3\xA4\xC3\xA4\xEE\x80\x80\xF0\x9F\x98\x80\""},
        {"b'\\377\\xe4\xC3\xA4\\n' == b'\\xff\\xe4\\xc3\\xa4\\x0a' && b'\\101'.size() == 1", "true"},
        {"B\"a\" == b'''a''' && br'\\n' == bR\"\\n\" && Br'\\n'.size() == 2", "true"},
        {"b'\\u0041'", "syntax 1:3 no such escape; \\\\ is a backslash"},
        {"rb'a'", "syntax 1:3 ''a'' stands where an operator or the end should"},
        {"'\\400'", "syntax 1:2 no such escape; \\\\ is a backslash"},
        {"'\\08'", "syntax 1:2 an escape has too few digits: \\ooo, \\xhh, \\uhhhh, \\Uhhhhhhhh"},
        {"'\\xg1'", "syntax 1:2 an escape has too few digits: \\ooo, \\xhh, \\uhhhh, \\Uhhhhhhhh"},
        {"'\\x:1'", "syntax 1:2 an escape has too few digits: \\ooo, \\xhh, \\uhhhh, \\Uhhhhhhhh"},
        {"'\\u004'", "syntax 1:2 an escape has too few digits: \\ooo, \\xhh, \\uhhhh, \\Uhhhhhhhh"},
        {"'\\U00110000'", "syntax 1:2 an escape is no Unicode scalar value"},
        {"'\\uDFFF'", "syntax 1:2 an escape is no Unicode scalar value"},
        {"'a\\", "syntax 1:1 a string is not closed"},
        {"'a\\'", "syntax 1:1 a string is not closed"},
        {"'a\rb'", "syntax 1:1 a string is not closed"},
        {"'''a''", "syntax 1:1 a string is not closed"},
        {"'''a'", "syntax 1:1 a string is not closed"},
        {"1 + \"a", "syntax 1:5 a string is not closed"},
    };
    CHECK(rows);
}

static void blanks_and_comments_stand_anywhere(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"\t\n\r\f 1 // one\n+ // and\n2 // two", "3"},
        {"//", "syntax 1:3 the expression ends where a value or a name should stand"},
        {"1 / / 2", "syntax 1:5 '/' stands where a value or a name should"},
        {"6 / 2", "3"},
        {"1 \x01", "syntax 1:3 unexpected character U+0001"},
        {"1 \x7F", "syntax 1:3 unexpected character U+007F"},
        {"1 \xC3\xA4", "syntax 1:3 unexpected character '\xC3\xA4'"},
        {"1 & 2", "syntax 1:3 unexpected character '&'"},
        {"1 = 2", "syntax 1:3 unexpected character '='"},
    };
    CHECK(rows);
    struct cel_error error;
    const struct cel_env env = {0};
    assert_null(cel_compile(&env, SLICE("1 \0"), NULL, &arena, &error));
    assert_string_equal(error.text, "unexpected character U+0000");
    assert_null(cel_compile(&env, SLICE("'\\\0'"), NULL, &arena, &error));
    assert_string_equal(error.text, "no such escape; \\\\ is a backslash");
}

static void operators_bind_as_they_do_in_c(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"1 + 2 * 3 - 4 / 2 % 2", "7"},
        {"(1 + 2) * 3", "9"},
        {"1 + 1 == 2 && 2 < 3 || false", "true"},
        {"true || false && false", "true"},
        {"10 - 3 - 2", "5"},
        {"false ? 1 : true ? 2 : 3", "2"},
        {"true ? false ? 1 : 2 : 3", "syntax 1:14 '?' stands where ':' should"},
        {"- - 5 + - - -5", "0"},
        {"!!true && !!!false", "true"},
        {"-2.0 * -.5", "1.0"},
        {"-[1][0] - -{'a': 2}.a", "1"},
        {"[1, 2,][1] + {'a': 1,}.a", "3"},
        {"1 in [1] == true", "true"},
        {"'a' + 'b'.upperAscii()", "\"aB\""},
    };
    CHECK(rows);
}

static void what_is_not_complete_says_what_is_missing(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"[1 2]", "syntax 1:4 '2' stands where ',' or ']' should"},
        {"[1,,2]", "syntax 1:4 ',' stands where a value or a name should"},
        {"[", "syntax 1:2 the expression ends where a value or a name should stand"},
        {"[1,", "syntax 1:4 the expression ends where a value or a name should stand"},
        {"{1}", "syntax 1:3 '}' stands where ':' should"},
        {"{:1}", "syntax 1:2 ':' stands where a value or a name should"},
        {"{1:}", "syntax 1:4 '}' stands where a value or a name should"},
        {"{1:1 2:2}", "syntax 1:6 '2' stands where ',' or '}' should"},
        {"{1:1,", "syntax 1:6 the expression ends where a value or a name should stand"},
        {"size(1,)", "syntax 1:8 ')' stands where a value or a name should"},
        {"size(1", "syntax 1:7 the expression ends where ',' or ')' should stand"},
        {"channel.size(1", "syntax 1:15 the expression ends where ',' or ')' should stand"},
        {"channel.", "syntax 1:9 the expression ends where a field's name should stand"},
        {"channel.1", "syntax 1:8 '.1' stands where an operator or the end should"},
        {"channel.in", "syntax 1:9 'in' stands where a field's name should"},
        {"channel.true", "syntax 1:9 'true' stands where a field's name should"},
        {"channel.false", "syntax 1:9 'false' stands where a field's name should"},
        {"channel.null", "syntax 1:9 'null' stands where a field's name should"},
        {"channel[1", "syntax 1:10 the expression ends where ']' should stand"},
        {"channel[]", "syntax 1:9 ']' stands where a value or a name should"},
        {"true ? 1", "syntax 1:9 the expression ends where ':' should stand"},
        {"true ? : 1", "syntax 1:8 ':' stands where a value or a name should"},
        {"true ? 1 :", "syntax 1:11 the expression ends where a value or a name should stand"},
        {"!", "syntax 1:2 the expression ends where a value or a name should stand"},
        {"true && ", "syntax 1:9 the expression ends where a value or a name should stand"},
        {"(1", "syntax 1:3 the expression ends where ')' should stand"},
        {"()", "syntax 1:2 ')' stands where a value or a name should"},
        {".", "syntax 1:2 the expression ends where a value or a name should stand"},
        {".1.", "syntax 1:4 the expression ends where a field's name should stand"},
        {".in", "syntax 1:2 'in' stands where a value or a name should"},
        {"while + 1", "syntax 1:1 'while' stands where a value or a name should"},
        {"1 channel", "syntax 1:3 'channel' stands where an operator or the end should"},
        {"1 a123456789012345678901234567890123456789\xC3\xA4",
         "syntax 1:3 'a123456789012345678901234567890123456789' stands where an operator or the end should"},
        {"1 '12345678901234567890123456789012345678\xC3\xA4'",
         "syntax 1:3 ''12345678901234567890123456789012345678' stands where an operator or the end should"},
        {"[1]{}", "syntax 1:4 '{' stands where an operator or the end should"},
        {"channel.size{}", "unsupported 1:13 messages of protocol buffers are not supported"},
    };
    CHECK(rows);
}

static void quoted_names_reach_fields_that_are_no_names(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"{'a-b': 1, 'in': 2, 'a.b/c d_9': 3}.map(k, k).size()", "3"},
        {"{'a-b': 1}.`a-b` + {'in': 2}.`in` + {'a.b/c d_9': 3}.`a.b/c d_9`", "6"},
        {"has({'a-b': 1}.`a-b`)", "true"},
        {"customer.`known`", "undeclared 1:10 undefined field 'known' of 'customer'"},
        {"{'a': 1}.`a`()", "syntax 1:13 '(' stands where an operator or the end should"},
        {"{'a': 1}.``", "syntax 1:10 a quoted field name is letters, digits and _ . / - between ` and `"},
        {"{'a': 1}.`a", "syntax 1:10 a quoted field name is letters, digits and _ . / - between ` and `"},
        {"{'a': 1}.`a!`", "syntax 1:10 a quoted field name is letters, digits and _ . / - between ` and `"},
        {"`a`", "syntax 1:1 '`a`' stands where a value or a name should"},
    };
    CHECK(rows);
}

static void macros_want_their_form(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"[1, 2].all(i, v, i < v) && [3].exists(i, v, i == 0 && v == 3)", "true"},
        {"[1, 1].exists_one(i, v, i == 1 && v == 1) && [1].existsOne(x, x == 1)", "true"},
        {"{'a': 1}.all(k, v, k == 'a' && v == 1) && [1].existsOne(i, v, i == 0)", "true"},
        {"[1, 2].transformList(i, v, v > 1, i + v)", "[3]"},
        {"{'a': 1, 'b': 2}.transformList(k, v, k + string(v))", "[\"a1\",\"b2\"]"},
        {"{'a': 1, 'b': 2}.transformMap(k, v, k != 'a', v)", "{\"b\":2}"},
        {"[1].all(x, x, true)", "syntax 1:12 the macro's variables must differ"},
        {"[1].all(.x, true)", "syntax 1:10 the macro's variable must be a simple name"},
        {"[1].all(1, x, true)", "syntax 1:9 the macro's variable must be a simple name"},
        {"[1].all(x, 1, true)", "syntax 1:12 the macro's variable must be a simple name"},
        {"cel.bind(1, 2, 3)", "syntax 1:10 the macro's variable must be a simple name"},
        {"cel.bind(x, 2, x + 1)", "3"},
        {".cel.bind(x, 2, x + 1)", "undeclared 1:6 undeclared reference to 'bind'"},
        {"channel.bind(x, 2, 3)", "undeclared 1:9 undeclared reference to 'bind'"},
        {"1.bind(x, 2, 3)", "undeclared 1:3 undeclared reference to 'bind'"},
        {"cel.bind(x, 2)", "undeclared 1:5 undeclared reference to 'bind'"},
        {"cel.bound(x, 2, 3)", "undeclared 1:5 undeclared reference to 'bound'"},
        {"has(1)", "syntax 1:1 has() wants a field: has(customer.owner)"},
        {"has(customer.owner, 1)", "syntax 1:1 has() wants a field: has(customer.owner)"},
        {"has()", "syntax 1:1 has() wants a field: has(customer.owner)"},
        {"has(has(customer.owner))", "syntax 1:1 has() wants a field: has(customer.owner)"},
        {".has(customer.owner)", "undeclared 1:2 undeclared reference to 'has'"},
        {"[1].all(x)", "undeclared 1:5 undeclared reference to 'all'"},
        {"all(x, true)", "undeclared 1:1 undeclared reference to 'all'"},
    };
    CHECK(rows);
}

static void a_name_shadows_what_is_outside(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"['x'].map(channel, channel + .channel)", "[\"xcall\"]"},
        {"[[1]].map(x, x.map(x, x + 1))", "[[2]]"},
        {"[{'known': 'no'}].map(customer, customer.known)", "[\"no\"]"},
        {"[{'known': 'no'}].map(customer, .customer.known)", "[true]"},
        {"cel.bind(channel, 'x', channel) + channel", "\"xcall\""},
    };
    CHECK(rows);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(numbers_are_written_in_many_ways, setup, teardown),
    cmocka_unit_test_setup_teardown(strings_have_escapes_raw_forms_and_several_lines, setup, teardown),
    cmocka_unit_test_setup_teardown(blanks_and_comments_stand_anywhere, setup, teardown),
    cmocka_unit_test_setup_teardown(operators_bind_as_they_do_in_c, setup, teardown),
    cmocka_unit_test_setup_teardown(what_is_not_complete_says_what_is_missing, setup, teardown),
    cmocka_unit_test_setup_teardown(quoted_names_reach_fields_that_are_no_names, setup, teardown),
    cmocka_unit_test_setup_teardown(macros_want_their_form, setup, teardown),
    cmocka_unit_test_setup_teardown(a_name_shadows_what_is_outside, setup, teardown),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
