#include <math.h>
#include <stdlib.h>

#include "proto/base64.h"
#include "proto/json.h"
#include "tests/unit/arena_world.h"

static void assert_text(struct slice text, const char *want)
{
    assert_int_equal(text.len, strlen(want));
    assert_memory_equal(text.ptr, want, text.len);
}

static bool reads(const char *text, struct value *out, struct fault *fault)
{
    return json_read(out, slice_of(text), &arena, fault);
}

static void what_is_read_is_written_the_same(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "null",
        "true",
        "\"\"",
        "0",
        "-9223372036854775808",
        "9223372036854775807",
        "{}",
        "[]",
        "{\"b\":1,\"a\":[true,false,null,{\"x\":\"y\"}],\"\":\"/\"}",
        "\"\\u0001\\b\\t\\n\\f\\r\\u001f\\\"\\\\\"",
        "\"Grüße 😀\"",
        "0.5",
        "1.0",
        "-1e-07",
        "1e+22",
        "0.1",
        "123456.789",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct value value;
        struct fault fault;
        assert_true(reads(texts[i], &value, &fault));
        assert_text(json_write(&value, &arena), texts[i]);
        assert_int_equal(json_size(&value), strlen(texts[i]));
    }
}

static void what_is_not_json_is_refused_with_a_reason(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",    " ",           "{",        "[1,]",  "{\"a\":1,\"a\":2}", "\"\\u0000\"", "\"\xff\"", "\"\xc3\"",
        "1 2", "{\"a\":1} x", "nul",      "NaN",   "Infinity",          "01",          "1e400",    "-1e400",
        "'a'", "\"\\ud800\"", "[\"\t\"]", "{1:2}", "\xef\xbb\xbf{}",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct value value;
        struct fault fault = {.line = 77};
        assert_false(reads(texts[i], &value, &fault));
        assert_true(strlen(fault.detail) > 0);
        assert_string_equal(fault.pointer, "");
        assert_int_not_equal(fault.line, 77);
    }
}

static void a_nul_byte_ends_nothing(void **state)
{
    (void)state;
    static const struct slice texts[] = {{"4e8\0", 4}, {"4\0x", 3},   {"{}\0", 3},
                                         {"\0", 1},    {"\"\0\"", 3}, {"[1\0]", 4}};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct value value;
        struct fault fault;
        assert_false(json_read(&value, texts[i], &arena, &fault));
    }
}

static void the_line_of_a_fault_is_told(void **state)
{
    (void)state;
    struct value value;
    struct fault fault;
    assert_false(reads("{\n\"a\": 1,\n\"b\": }", &value, &fault));
    assert_int_equal(fault.line, 3);
}

static void integers_beyond_64_bits_become_doubles_and_others_stay(void **state)
{
    (void)state;
    struct value value;
    struct fault fault;
    assert_true(
        reads("[9223372036854775808,-9223372036854775809,9223372036854775807,\"99999999999999999999\","
              "7,1.5e3,18446744073709551615,100000000000000000000e1,0.00000000000000000000000001]",
              &value, &fault));
    assert_int_equal(value.items[0].kind, VALUE_DOUBLE);
    assert_true(value.items[0].real == 0x1p63);
    assert_true(value.items[1].kind == VALUE_DOUBLE && value.items[1].real == -0x1p63);
    assert_true(value.items[2].kind == VALUE_INT && value.items[2].integer == INT64_MAX);
    assert_text(value.items[3].string, "99999999999999999999");
    assert_true(value.items[4].kind == VALUE_INT && value.items[4].integer == 7);
    assert_true(value.items[5].kind == VALUE_DOUBLE && value.items[5].real == 1500);
    assert_true(value.items[6].real == 0x1p64);
    assert_true(value.items[7].real == 1e21);
    assert_true(value.items[8].real == 1e-26);
}

static struct slice repeated(const char *piece, size_t count, const char *middle, const char *close)
{
    size_t len = strlen(piece), close_len = strlen(close), middle_len = strlen(middle);
    char *text = arena_alloc(&arena, (len + close_len) * count + middle_len + 1);
    char *to = text;
    for (size_t i = 0; i < count; i++)
        to = (char *)memcpy(to, piece, len) + len;
    to = (char *)memcpy(to, middle, middle_len) + middle_len;
    for (size_t i = 0; i < count; i++)
        to = (char *)memcpy(to, close, close_len) + close_len;
    return (struct slice){text, (size_t)(to - text)};
}

static void depth_is_limited(void **state)
{
    (void)state;
    struct value value;
    struct fault fault;
    assert_true(json_read(&value, repeated("[", JSON_DEPTH_MAX, "", "]"), &arena, &fault));
    assert_false(json_read(&value, repeated("[", JSON_DEPTH_MAX + 1, "", "]"), &arena, &fault));
    assert_false(json_read(&value, repeated("{\"a\":", JSON_DEPTH_MAX + 1, "1", "}"), &arena, &fault));
    assert_false(json_read(&value, repeated("[", 100000, "", "]"), &arena, &fault));
}

static void values_are_counted_but_commas_in_text_are_not(void **state)
{
    (void)state;
    struct value value;
    struct fault fault;
    struct slice many = repeated("0,", 300000, "0]", "");
    char *list = arena_alloc(&arena, many.len + 3);
    list[0] = '[';
    memcpy(list + 1, many.ptr, many.len);
    assert_false(json_read(&value, (struct slice){list, many.len + 1}, &arena, &fault));
    assert_non_null(strstr(fault.detail, "200,000"));
    char *text = arena_alloc(&arena, many.len + 3);
    memset(text, ',', many.len + 2);
    text[0] = text[many.len + 1] = '"';
    assert_true(json_read(&value, (struct slice){text, many.len + 2}, &arena, &fault));
    assert_int_equal(value.string.len, many.len);
}

static void what_json_cannot_say_is_null(void **state)
{
    (void)state;
    struct value list = value_list(&arena, 3);
    value_append(&list, (struct value){.kind = VALUE_DOUBLE, .real = (double)NAN});
    value_append(&list, (struct value){.kind = VALUE_DOUBLE, .real = (double)INFINITY});
    value_append(&list, (struct value){.kind = VALUE_BYTES, .string = SLICE("\x00\xff\x10")});
    assert_text(json_write(&list, &arena), "[null,null,\"AP8Q\"]");
}

static void doubles_survive_a_round_trip(void **state)
{
    (void)state;
    uint64_t random = 88172645463325252u;
    for (int i = 0; i < 20000; i++) {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        struct value value = {.kind = VALUE_DOUBLE}, again;
        struct fault fault;
        memcpy(&value.real, &random, sizeof random);
        if (!isfinite(value.real))
            continue;
        struct slice text = json_write(&value, &arena);
        assert_true(json_read(&again, text, &arena, &fault));
        assert_int_equal(again.kind, VALUE_DOUBLE);
        assert_memory_equal(&again.real, &value.real, sizeof value.real);
        arena_reset(&arena);
    }
}

static void base64_follows_rfc_4648(void **state)
{
    (void)state;
    static const char *const pairs[][2] = {{"", ""},
                                           {"f", "Zg=="},
                                           {"fo", "Zm8="},
                                           {"foo", "Zm9v"},
                                           {"foob", "Zm9vYg=="},
                                           {"fooba", "Zm9vYmE="},
                                           {"foobar", "Zm9vYmFy"}};
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        struct slice back;
        assert_text(base64_write(slice_of(pairs[i][0]), &arena), pairs[i][1]);
        assert_true(base64_read(&back, slice_of(pairs[i][1]), &arena));
        assert_text(back, pairs[i][0]);
    }
    static const char *const wrong[] = {
        "Z", "Zg", "Zg=", "Zh==", "Zm9=", "Zg==Zg==", "====", "Zm 9v", "Zm9v\n", "Z-_v"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct slice back;
        assert_false(base64_read(&back, slice_of(wrong[i]), &arena));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ARENA_TEST(what_is_read_is_written_the_same),
        ARENA_TEST(what_is_not_json_is_refused_with_a_reason),
        ARENA_TEST(a_nul_byte_ends_nothing),
        ARENA_TEST(the_line_of_a_fault_is_told),
        ARENA_TEST(integers_beyond_64_bits_become_doubles_and_others_stay),
        ARENA_TEST(depth_is_limited),
        ARENA_TEST(values_are_counted_but_commas_in_text_are_not),
        ARENA_TEST(what_json_cannot_say_is_null),
        ARENA_TEST(doubles_survive_a_round_trip),
        ARENA_TEST(base64_follows_rfc_4648),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
