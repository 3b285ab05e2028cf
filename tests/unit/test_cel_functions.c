/* What each function makes of its arguments; test_cel_overloads.c has what it does not take. */
#include "tests/unit/cel_world.h"

static void text_becomes_what_it_spells_or_is_refused(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"['0', 'f', 'F', 'FALSE', 'false', 'False'].exists(t, bool(t))", "false"},
        {"['1', 't', 'T', 'TRUE', 'true', 'True'].all(t, bool(t))", "true"},
        {"bool('yes')", "bad_argument 1:1 not a bool: yes"},
        {"bool('tRUE')", "bad_argument 1:1 not a bool: tRUE"},
        {"bool(customer.known)", "true"},
        {"bytes('\xC3\xA4') == b'\\xC3\\xA4' && bytes(b'a') == b'a'", "true"},
        {"int('-9223372036854775808')", "-9223372036854775808"},
        {"int('9223372036854775807')", "9223372036854775807"},
        {"int('9223372036854775808')", "bad_argument 1:1 not an int: 9223372036854775808"},
        {"int('-9223372036854775809')", "bad_argument 1:1 not an int: -9223372036854775809"},
        {"int('+5')", "5"},
        {"int('-')", "bad_argument 1:1 not an int: -"},
        {"int('')", "bad_argument 1:1 not an int: "},
        {"int('5x')", "bad_argument 1:1 not an int: 5x"},
        {"int(' 5')", "bad_argument 1:1 not an int:  5"},
        {"uint('18446744073709551615') == 18446744073709551615u", "true"},
        {"uint('18446744073709551616')", "bad_argument 1:1 not a uint: 18446744073709551616"},
        {"uint('99999999999999999999')", "bad_argument 1:1 not a uint: 99999999999999999999"},
        {"uint('-1')", "bad_argument 1:1 not a uint: -1"},
        {"uint('')", "bad_argument 1:1 not a uint: "},
        {"double('-1.5e2')", "-150.0"},
        {"double('inf') > 1e308 && double('+Infinity') > 1e308 && double('-INF') < -1e308", "true"},
        {"double('NaN') == double('nan')", "false"},
        {"double('infinit')", "bad_argument 1:1 not a double: infinit"},
        {"double('-')", "bad_argument 1:1 not a double: -"},
        {"double('')", "bad_argument 1:1 not a double: "},
        {"timestamp('2026-07-29T00:00:00Z') == now", "true"},
        {"duration('45s') == interaction.age", "true"},
    };
    CHECK(rows);
}

static void a_number_becomes_another_kind_if_it_is_in_range(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"int(7) + int(7u) + int(7.9) + int(-7.9)", "14"},
        {"int(9223372036854775807u)", "9223372036854775807"},
        {"int(9223372036854775808u)", "out_of_range 1:1 the value is out of the type's range: int"},
        {"int(9223372036854775808.0)", "out_of_range 1:1 the value is out of the type's range: int"},
        {"int(-9223372036854775808.0)", "out_of_range 1:1 the value is out of the type's range: int"},
        {"int(0.0 / 0.0)", "out_of_range 1:1 the value is out of the type's range: int"},
        {"int(timestamp('1970-01-01T00:01:00.9Z'))", "60"},
        {"[uint(7), uint(7u), uint(7.9)].all(n, n == 7u)", "true"},
        {"uint(-1)", "out_of_range 1:1 the value is out of the type's range: uint"},
        {"uint(-0.5)", "out_of_range 1:1 the value is out of the type's range: uint"},
        {"uint(18446744073709551616.0)", "out_of_range 1:1 the value is out of the type's range: uint"},
        {"[double(2), double(2u), double(2.0)].all(n, n == 2.0)", "true"},
        {"timestamp(timestamp(60))", "\"1970-01-01T00:01:00Z\""},
        {"timestamp(253402300799)", "\"9999-12-31T23:59:59Z\""},
        {"timestamp(253402300800)", "out_of_range 1:1 the value is out of the type's range: timestamp"},
        {"timestamp(-62135596801)", "out_of_range 1:1 the value is out of the type's range: timestamp"},
        {"duration(duration('1m')) == duration('60s')", "true"},
    };
    CHECK(rows);
}

static void everything_but_lists_and_maps_has_a_text(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"string(true) + string(false)", "\"truefalse\""},
        {"string(-5) + ' ' + string(5u) + ' ' + string(any)", "\"-5 5 1.5\""},
        {"string('a') + string(b'\\xC3\\xA4')", "\"a\xC3\xA4\""},
        {"string(b'\\xFF')", "bad_argument 1:1 the bytes are not valid UTF-8"},
        {"string(now) + ' ' + string(interaction.age)", "\"2026-07-29T00:00:00Z 45s\""},
        {"string(dyn([]))", "no_overload 1:1 found no matching overload for 'string' applied to '(list)'"},
        {"string(dyn(null))",
         "no_overload 1:1 found no matching overload for 'string' applied to '(null_type)'"},
        {"type(1) == int && type('') == string && type(type(1)) == type && type(null) == null_type", "true"},
        {"[type([]), type({}), type(now), type(interaction.age), type(b''), type(1u), type(1.0), type(true)]",
         "[\"list\",\"map\",\"google.protobuf.Timestamp\",\"google.protobuf.Duration\",\"bytes\",\"uint\","
         "\"double\",\"bool\"]"},
        {"dyn(1) == 1", "true"},
    };
    CHECK(rows);
}

static void sizes_count_code_points_bytes_items_and_entries(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"size('\xC3\xA4') + '\xC3\xA4'.size()", "2"},
        {"size(b'\xC3\xA4') + b'\xC3\xA4'.size()", "4"},
        {"size([1, 2]) + [1].size() + size({}) + {1: 1}.size()", "4"},
    };
    CHECK(rows);
}

static void parts_of_text_are_found_where_they_are(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"channel.contains('al') && channel.contains('') && !channel.contains('lac')", "true"},
        {"''.contains('') && !''.contains('a')", "true"},
        {"channel.startsWith('ca') && channel.startsWith('') && !channel.startsWith('all')", "true"},
        {"channel.startsWith('call') && !channel.startsWith('calls')", "true"},
        {"channel.endsWith('ll') && channel.endsWith('') && !channel.endsWith('cal')", "true"},
        {"channel.endsWith('call') && !channel.endsWith('recall')", "true"},
        {"text.indexOf('z', 3)", "3"},
        {"text.indexOf('a', 1)", "-1"},
        {"text.indexOf('', 4)", "4"},
        {"text.indexOf('z', 5)", "out_of_range 1:6 index out of range: 5"},
        {"text.indexOf('z', -1)", "out_of_range 1:6 index out of range: -1"},
        {"''.indexOf('a')", "-1"},
        {"'ababa'.lastIndexOf('aba')", "2"},
        {"'ababa'.lastIndexOf('aba', 1)", "0"},
        {"'ababa'.lastIndexOf('b', 0)", "-1"},
        {"'ab'.lastIndexOf('abc')", "-1"},
        {"text.lastIndexOf('\xF0\x9F\x98\x80', 3)", "2"},
        {"text.lastIndexOf('a', 9)", "out_of_range 1:6 index out of range: 9"},
        {"channel.matches('^c') && matches(channel, 'l+$') && !channel.matches('^a')", "true"},
        {"channel.matches('^' + channel + '$') && !channel.matches('^' + channel + 's')", "true"},
    };
    CHECK(rows);
}

static void text_is_cut_changed_and_joined(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"text.substring(1)", "\"\xC3\xA4\xF0\x9F\x98\x80z\""},
        {"text.substring(4) + text.substring(0, 0)", "\"\""},
        {"text.substring(0, 5)", "out_of_range 1:6 index out of range: 5"},
        {"text.charAt(9)", "out_of_range 1:6 index out of range: 9"},
        {"'aZ\xC3\x84@[`{'.lowerAscii()", "\"az\xC3\x84@[`{\""},
        {"'aZ\xC3\xA4@[`{'.upperAscii()", "\"AZ\xC3\xA4@[`{\""},
        {"''.lowerAscii() + ''.upperAscii() + ''.reverse() + ''.trim()", "\"\""},
        {"'aXbXc'.replace('X', '--')", "\"a--b--c\""},
        {"'aXbXc'.replace('X', '-', 0)", "\"aXbXc\""},
        {"'aXbXc'.replace('X', '-', -1)", "\"a-b-c\""},
        {"'aXbXc'.replace('Y', '-')", "\"aXbXc\""},
        {"''.replace('', '-')", "\"-\""},
        {"'ab'.replace('', '-', 9)", "\"-a-b-\""},
        {"'a,b,c'.split(',')", "[\"a\",\"b\",\"c\"]"},
        {"'a,b,c'.split(',', 0)", "[]"},
        {"'a,b,c'.split(',', -1)", "[\"a\",\"b\",\"c\"]"},
        {"'a,b,'.split(',', 9)", "[\"a\",\"b\",\"\"]"},
        {"'abc'.split('', 2)", "[\"a\",\"bc\"]"},
        {"'abc'.split('', 9)", "[\"a\",\"b\",\"c\"]"},
        {"['a', '', 'c'].join()", "\"ac\""},
        {"['a', '', 'c'].join('-')", "\"a--c\""},
        {"[].join('-')", "\"\""},
        {"[dyn('a'), dyn(1)].join('-')",
         "no_overload 1:20 found no matching overload for 'join' applied to '(int)'"},
        {"strings.quote('\\a\\b\\f\\n\\r\\t\\v\\\\\"\\x00\xC3\xA4') == "
         "r'\"\\a\\b\\f\\n\\r\\t\\v\\\\\\\"' + '\\x00\xC3\xA4\"'",
         "true"},
    };
    CHECK(rows);
}

static void trim_takes_every_kind_of_white_space(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"['\\t', '\\n', '\\v', '\\f', '\\r', ' ', '\\u0085', '\\u00A0', '\\u1680', '\\u2000', '\\u200A', "
         "'\\u2028', '\\u2029', '\\u202F', '\\u205F', '\\u3000'].all(s, (s + 'x' + s).trim() == 'x')",
         "true"},
        {"['\\b', '\\x0E', '\\x1F', '!', '\\u0086', '\\u00A1', '\\u167F', '\\u1FFF', '\\u200B', '\\u2030', "
         "'\\u2060', '\\u3001'].all(s, (s + 'x' + s).trim() == s + 'x' + s)",
         "true"},
    };
    CHECK(rows);
}

static void format_writes_each_kind_in_each_clause(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"'%s %s %s %s %s'.format(['a', b'\\xC3\\xA4', true, now, interaction.age])",
         "\"a \xC3\xA4 true 2026-07-29T00:00:00Z 45s\""},
        {"'%s %s %s'.format([1.5, [], {}])", "\"1.5 [] {}\""},
        {"'%s'.format([[1, [2u, 3.0], 'a', {'k': [null]}]])", "\"[1, [2, 3], a, {k: [null]}]\""},
        {"'%s'.format([{2: 'b', 10: 'a', true: 'c', 'x': 'd'}])", "\"{10: a, 2: b, true: c, x: d}\""},
        {"'%s %s'.format([int, type(now)])", "\"int google.protobuf.Timestamp\""},
        {"'%s'.format([b'\\xFF'])", "bad_argument 1:6 not valid UTF-8: bytes"},
        {"'%d %d %d'.format([-5, 5u, -0])", "\"-5 5 0\""},
        {"'%d %d'.format([1.0 / 0.0, 0.0 / 0.0])", "\"Infinity NaN\""},
        {"'%d'.format([1.5])", "bad_argument 1:6 %d is for integers, not for: double"},
        {"'%f %.0f %.3f %.2f'.format([1.5, 2.5, -3, 4u])", "\"1.500000 2 -3.000 4.00\""},
        {"'%e %.1e'.format([1500.0, 2])", "\"1.500000e+03 2.0e+00\""},
        {"'%f %e'.format([1.0 / 0.0, -1.0 / 0.0])", "\"Infinity -Infinity\""},
        {"'%f'.format(['a'])", "bad_argument 1:6 %f is for numbers, not for: string"},
        {"'%e'.format([null])", "bad_argument 1:6 %e is for numbers, not for: null_type"},
        {"'%b %b %b %b'.format([true, false, 0, 5u])", "\"1 0 0 101\""},
        {"'%b'.format([-9223372036854775808])", "\"-1"
                                                "000000000"
                                                "000000000"
                                                "000000000"
                                                "000000000"
                                                "000000000"
                                                "000000000"
                                                "000000000\""},
        {"'%b'.format(['a'])", "bad_argument 1:6 %b is for integers and bools, not for: string"},
        {"'%o %o'.format([-8, 64u])", "\"-10 100\""},
        {"'%o'.format([1.0])", "bad_argument 1:6 %o is for integers, not for: double"},
        {"'%x %X %x %X'.format([255, 255, b'\\x0A\\xBC', 'k\xC3\xA4'])", "\"ff FF 0abc 6BC3A4\""},
        {"'%x'.format([true])", "bad_argument 1:6 %x is for integers, strings and bytes, not for: bool"},
        {"'100%% %%'.format([])", "\"100% %\""},
        {"'plain'.format([1])", "\"plain\""},
        {"''.format([])", "\"\""},
        {"'%s%s'.format(['', ''])", "\"\""},
        {"'%'.format([1])", "bad_argument 1:5 no such formatting clause: "},
        {"'%.'.format([1])", "bad_argument 1:6 no such formatting clause: "},
        {"'%.-3f'.format([1])", "bad_argument 1:9 no such formatting clause: -3f"},
        {"'%.3'.format([1])", "bad_argument 1:7 no such formatting clause: "},
        {"'%\xC3\xA4x'.format([1])", "bad_argument 1:7 no such formatting clause: \xC3\xA4x"},
        {"'%.1000f'.format([0]).size()", "1002"},
        {"'%s'.format([[dyn(customer.tags), any].map(x, x)])", "\"[[vip, fleet], 1.5]\""},
    };
    CHECK(rows);
}

/* The text grows in a buffer that doubles; nothing of it is lost on the way. */
static void format_grows_as_far_as_it_has_to(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"'%s%s%s%s%s%s%s%s'.format([text, now, text, now, text, now, text, now]).size()", "96"},
        {"'%s'.format([['0123456789', '0123456789', '0123456789', '0123456789', '0123456789', '0123456789', "
         "'0123456789', '0123456789', '0123456789', '0123456789', '0123456789', '0123456789']]) == "
         "'[0123456789, 0123456789, 0123456789, 0123456789, 0123456789, 0123456789, 0123456789, 0123456789, "
         "0123456789, 0123456789, 0123456789, 0123456789]'",
         "true"},
    };
    CHECK(rows);
}

static void format_goes_no_deeper_than_a_person_reads(void **state)
{
    (void)state;
    struct slice nested = SLICE("any"), source;
    for (int i = 0; i < 64; i++)
        nested = arena_format(&arena, "[%.*s]", (int)nested.len, nested.ptr);
    source = arena_format(&arena, "'%%s'.format([%.*s]).size()", (int)nested.len, nested.ptr);
    assert_true(slice_is(outcome(arena_string(&arena, source), false, CEL_COST_DEFAULT), "131"));
    source = arena_format(&arena, "'%%s'.format([[%.*s]]).size()", (int)nested.len, nested.ptr);
    assert_true(slice_is(outcome(arena_string(&arena, source), false, CEL_COST_DEFAULT),
                         "too_large 1:6 a value is nested too deeply"));
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(text_becomes_what_it_spells_or_is_refused, setup, teardown),
    cmocka_unit_test_setup_teardown(a_number_becomes_another_kind_if_it_is_in_range, setup, teardown),
    cmocka_unit_test_setup_teardown(everything_but_lists_and_maps_has_a_text, setup, teardown),
    cmocka_unit_test_setup_teardown(sizes_count_code_points_bytes_items_and_entries, setup, teardown),
    cmocka_unit_test_setup_teardown(parts_of_text_are_found_where_they_are, setup, teardown),
    cmocka_unit_test_setup_teardown(text_is_cut_changed_and_joined, setup, teardown),
    cmocka_unit_test_setup_teardown(trim_takes_every_kind_of_white_space, setup, teardown),
    cmocka_unit_test_setup_teardown(format_writes_each_kind_in_each_clause, setup, teardown),
    cmocka_unit_test_setup_teardown(format_grows_as_far_as_it_has_to, setup, teardown),
    cmocka_unit_test_setup_teardown(format_goes_no_deeper_than_a_person_reads, setup, teardown),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
