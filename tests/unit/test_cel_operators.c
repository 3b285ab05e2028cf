/* What operators make of numbers, text, lists, maps and times. */
#include "tests/unit/cel_world.h"

static void arithmetic_gives_the_exact_result_or_an_error(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"[7 + 2, 7 - 2, 7 * 2, 7 / 2, 7 % 2, -7 / 2, -7 % 2]", "[9,5,14,3,1,-3,-1]"},
        {"[7u + 2u, 7u - 2u, 7u * 2u, 7u / 2u, 7u % 2u]", "[9,5,14,3,1]"},
        {"[7.0 + 2.0, 7.0 - 2.0, 7.0 * 2.0, 7.0 / 2.0]", "[9.0,5.0,14.0,3.5]"},
        {"9223372036854775807 + 1", "overflow 1:21 the result is out of range: _+_"},
        {"-9223372036854775808 - 1", "overflow 1:22 the result is out of range: _-_"},
        {"4611686018427387904 * 2", "overflow 1:21 the result is out of range: _*_"},
        {"-9223372036854775808 / -1", "overflow 1:22 the result is out of range: _/_"},
        {"-9223372036854775808 % -1", "overflow 1:22 the result is out of range: _%_"},
        {"-9223372036854775808 / 2", "-4611686018427387904"},
        {"5 / -1", "-5"},
        {"18446744073709551615u + 1u", "overflow 1:23 the result is out of range: _+_"},
        {"1u - 2u", "overflow 1:4 the result is out of range: _-_"},
        {"9223372036854775808u * 2u", "overflow 1:22 the result is out of range: _*_"},
        {"1u / 0u", "divide_by_zero 1:4 division by zero"},
        {"1u % 0u", "divide_by_zero 1:4 modulus by zero"},
        {"1.0 / 0.0", "\"Infinity\""},
        {"-interaction.attempts", "-2"},
        {"--5 == 5 && -(-5) == 5 && -(5) == -5 && -any == -1.5", "true"},
        {"-interaction.age == duration('-45s')", "true"},
        {"!customer.known || !!customer.known", "true"},
    };
    CHECK(rows);
}

static void text_and_lists_are_joined_by_plus(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"'a' + '' + '' + 'b' + ('' + 'c')", "\"abc\""},
        {"b'a' + b'\\xFF' == b'a\\xFF'", "true"},
        {"[1] + [2, 3] + [] + ([] + [])", "[1,2,3]"},
        {"customer.tags + ['x']", "[\"vip\",\"fleet\",\"x\"]"},
    };
    CHECK(rows);
}

static void times_are_moved_by_durations(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"interaction.age + now == now + interaction.age", "true"},
        {"now - interaction.age", "\"2026-07-28T23:59:15Z\""},
        {"now - timestamp('2026-07-28T23:59:59.5Z')", "\"0.5s\""},
        {"timestamp('2026-07-28T23:59:59.5Z') - now", "\"-0.5s\""},
        {"interaction.age + interaction.age - duration('1m30s') == duration('0')", "true"},
        {"now + duration('0.6s') + duration('0.6s')", "\"2026-07-29T00:00:01.2Z\""},
        {"now + duration('0.2s') - duration('0.6s')", "\"2026-07-28T23:59:59.6Z\""},
        {"duration('9223372036.854775807s') + duration('1ns')",
         "overflow 1:35 the result is out of range: _+_"},
        {"duration('-9223372036.854775808s') - duration('1ns')",
         "overflow 1:36 the result is out of range: _-_"},
        {"-duration('-9223372036.854775808s')", "overflow 1:1 the result is out of range: -_"},
        {"now - duration('-9223372036.854775808s')", "overflow 1:5 the result is out of range: _-_"},
        {"timestamp('9999-12-31T00:00:00Z') - timestamp('0001-01-01T00:00:00Z')",
         "overflow 1:35 the result is out of range: _-_"},
        {"timestamp('0001-01-01T00:00:00Z') - duration('1ns')",
         "out_of_range 1:35 the timestamp is out of range"},
        {"timestamp('2262-04-11T23:47:16.854775807Z') - timestamp('1970-01-01T00:00:00Z')",
         "\"9223372036.854775807s\""},
        {"timestamp('2262-04-11T23:47:16.854775808Z') - timestamp('1970-01-01T00:00:00Z')",
         "overflow 1:45 the result is out of range: _-_"},
        {"timestamp('1677-09-21T00:12:43.145224192Z') - timestamp('1970-01-01T00:00:00Z')",
         "\"-9223372036.854775808s\""},
    };
    CHECK(rows);
}

static void order_goes_by_value_code_point_and_moment(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"1 < 2 && 2 > 1 && 1 <= 1 && 1 >= 1 && !(1 < 1) && !(2 <= 1) && !(1 >= 2) && !(1 > 1)", "true"},
        {"1u < 2u && 2u > 1u && 1u >= 1u && 1.0 < 2.0 && 2.0 > 1.0 && 1.0 <= 1.0", "true"},
        {"false < true && !(true < false) && true >= true", "true"},
        {"'a' < 'b' && 'a' < 'aa' && '' < 'a' && 'Z' < 'a' && 'z' < '\xC3\xA4' && !('b' <= 'a')", "true"},
        {"b'a' < b'b' && b'\\x7F' < b'\\x80' && b'' <= b''", "true"},
        {"now < now + interaction.age && now < now + duration('1ns') && now > now - duration('1ns') && now >= now",
         "true"},
        {"timestamp('2026-01-01T00:00:00.5Z') > timestamp('2026-01-01T00:00:00.4Z')", "true"},
        {"duration('1s') < duration('2s') && duration('-1s') < duration('0') && interaction.age <= "
         "interaction.age",
         "true"},
        {"-1 < 1u && 1u > -1 && 2 > 1u && 1u < 2 && 1 <= 1u && 1u >= 1", "true"},
        {"9223372036854775807 < 9223372036854775808u && 9223372036854775808u > 9223372036854775807", "true"},
        {"1 < 1.5 && 1.5 > 1 && 2.5 > 2u && 2u < 2.5 && -1.5 < 0u && 0u > -1.5", "true"},
        {"9223372036854775807 < 1e19 && -9223372036854775808 > -1e19 && 1e19 > 1 && -1e19 < 1", "true"},
        {"18446744073709551615u < 1e20 && 1e20 > 18446744073709551615u", "true"},
        {"[1.0 < 0.0 / 0.0, 1 < 0.0 / 0.0, 0.0 / 0.0 > 1u, 0.0 / 0.0 <= 0.0 / 0.0]",
         "[false,false,false,false]"},
    };
    CHECK(rows);
}

static void equality_goes_by_value_and_differs_between_kinds(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"null == null && true == true && true != false && dyn(null) != false", "true"},
        {"'a' == 'a' && '' == '' && 'a' != 'b' && 'a' != 'aa' && b'a' == b'a' && dyn('a') != b'a'", "true"},
        {"[1, 'a'] == [1, 'a'] && [1] != [2] && [1] != [1, 1] && [] == []", "true"},
        {"[dyn(1), 2u, 3.0] == [dyn(1.0), 2, 3u]", "true"},
        {"{} == {} && {'a': 1} == {'a': 1} && {'a': 1} != {'a': 2} && {'a': 1} != {'b': 1}", "true"},
        {"{'a': 1} != {'a': 1, 'b': 2} && {'a': 1, 'b': 2} == {'b': 2, 'a': 1}", "true"},
        {"{'a': [1, {'b': 2}]} == {'a': [1, {'b': 2}]}", "true"},
        {"type(1) == type(2) && type(1) != type('a') && int == int && type([1]) == list", "true"},
        {"now == now && now != now + duration('1ns') && interaction.age == duration('45000ms')", "true"},
        {"0.0 / 0.0 == 0.0 / 0.0 || [0.0 / 0.0] == [0.0 / 0.0]", "false"},
        {"0.0 == -0.0 && 1 in [2, 1] && !(3 in [2, 1]) && dyn('a') != 1 && !(dyn('a') in [1])", "true"},
        {"9223372036854775807 == dyn(9223372036854775808.0)", "true"},
        {"dyn(18446744073709551615u) != dyn(18446744073709551616.0 * 2.0) && dyn(1u) != dyn(-1.0)", "true"},
    };
    CHECK(rows);
}

static void documents_become_values_of_their_kinds(void **state)
{
    (void)state;
    struct value list = value_list(&arena, 3), map = value_map(&arena, 2);
    value_append(&list, value_null());
    value_append(&list, value_bool(true));
    value_append(&list, (struct value){.kind = VALUE_DOUBLE, .real = 0.5});
    value_set(&map, "list", list);
    value_set(&map, "bytes", (struct value){.kind = VALUE_BYTES, .string = SLICE("\xFF")});
    values[NUMBER] = cel_from_value(&map, &arena);
    static const struct row rows[] = {
        {"any.list == [null, true, 0.5] && type(any.bytes) == bytes && any.bytes == b'\\xff'", "true"},
        {"any.size() == 2 && any.list[2] > 0.4 && has(any.list) && !has(any.other)", "true"},
    };
    CHECK(rows);
}

static void what_has_no_type_of_its_own_is_dyn(void **state)
{
    (void)state;
    struct cel_value absent = cel_absent(), text = cel_string(SLICE("a"));
    assert_ptr_equal(cel_type_of(&absent), &cel_type_dyn);
    assert_ptr_equal(cel_type_of(&text), &cel_type_string);
}

static void items_and_entries_are_found_by_value(void **state)
{
    (void)state;
    static const struct row rows[] = {
        {"[5, 6][0] + [5, 6][dyn(1u)] + [5, 6][dyn(1.0)]", "17"},
        {"[5][dyn(0.5)]",
         "no_overload 1:4 found no matching overload for '_[_]' applied to '(list, double)'"},
        {"[5][dyn(-1.0)]",
         "no_overload 1:4 found no matching overload for '_[_]' applied to '(list, double)'"},
        {"[5][dyn(1e10)]",
         "no_overload 1:4 found no matching overload for '_[_]' applied to '(list, double)'"},
        {"[5][-1]", "out_of_range 1:4 index out of range: -1"},
        {"[5][1]", "out_of_range 1:4 index out of range: 1"},
        {"[5][dyn(18446744073709551615u)]", "out_of_range 1:4 index out of range: 9223372036854775807"},
        {"{true: 'a', false: 'b'}[false] + {1u: 'c'}[1u] + {-1: 'd'}[dyn(-1.0)]", "\"bcd\""},
        {"{18446744073709551615u: 1, 9223372036854775808u: 2}[dyn(9223372036854775808.0)]", "2"},
        {"{1: 1}[dyn(0.5)]", "no_such_key 1:7 no such key: double"},
        {"{1: 1}[dyn(1e30)]", "no_such_key 1:7 no such key: double"},
        {"{1: 1}[dyn(0.0 / 0.0)]", "no_such_key 1:7 no such key: double"},
        {"{1: 1}[dyn(true)]", "no_such_key 1:7 no such key: bool"},
        {"{'a': 1}[dyn(1)]", "no_such_key 1:9 no such key: 1"},
        {"{1: 1}[dyn(null)]", "no_such_key 1:7 no such key: null_type"},
        {"{1: 1}[-5]", "no_such_key 1:7 no such key: -5"},
        {"{'a': 1}['']", "no_such_key 1:9 no such key: ''"},
        {"{'a': 1}['0123456789012345678901234567890123456789012345678901234567890123456789']",
         "no_such_key 1:9 no such key: '012345678901234567890123456789012345678901234567890123456789012"},
        {"'a' in {'a': 1} && !('b' in {'a': 1}) && 1 in {1: 2} && dyn(1.0) in {1: 2} && !(dyn(null) in {1: 2})",
         "true"},
        {"{true: 1, 1: 2, '1': 3, 'a': 4, 'b': 5, 'c': 6, 'd': 7, 'e': 8, 'f': 9, 'g': 10}[true]", "1"},
        {"{'a': 1, 'b': 2, 'c': 3, 'd': 4, 'e': 5, 'f': 6, 'g': 7, 'h': 8, 'i': 9, 'a': 10}",
         "bad_key 1:1 repeated key: 'a'"},
        {"{1: 1, 1u: 2}", "bad_key 1:1 repeated key: uint"},
        {"{true: 1, true: 2}", "bad_key 1:1 repeated key: bool"},
        {"{dyn(null): 1}", "bad_key 1:1 unsupported key type: null_type"},
        {"has({'a': 1}.a) && !has({'a': 1}.b) && {'a': 1}.a == 1", "true"},
        {"{'a': {'b': 2}}.a.b", "2"},
    };
    CHECK(rows);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(arithmetic_gives_the_exact_result_or_an_error, setup, teardown),
    cmocka_unit_test_setup_teardown(text_and_lists_are_joined_by_plus, setup, teardown),
    cmocka_unit_test_setup_teardown(times_are_moved_by_durations, setup, teardown),
    cmocka_unit_test_setup_teardown(order_goes_by_value_code_point_and_moment, setup, teardown),
    cmocka_unit_test_setup_teardown(equality_goes_by_value_and_differs_between_kinds, setup, teardown),
    cmocka_unit_test_setup_teardown(documents_become_values_of_their_kinds, setup, teardown),
    cmocka_unit_test_setup_teardown(what_has_no_type_of_its_own_is_dyn, setup, teardown),
    cmocka_unit_test_setup_teardown(items_and_entries_are_found_by_value, setup, teardown),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
