#include <stdlib.h>

#include "proto/json.h"
#include "proto/msgpack.h"
#include "tests/unit/arena_world.h"

#define SUITE "conformance/msgpack-test-suite/dist/msgpack-test-suite.json"

#define BYTES(literal) ((struct slice){(literal), sizeof(literal) - 1})

static enum msgpack_status scan_all(struct slice bytes, size_t *used, const char **why)
{
    struct msgpack_scan scan;
    msgpack_scan_init(&scan);
    enum msgpack_status status = msgpack_scan_step(&scan, bytes, used);
    *why = scan.why;
    return status;
}

static void assert_bad(struct slice bytes)
{
    size_t used;
    const char *why;
    struct value value;
    struct fault fault;
    assert_int_equal(scan_all(bytes, &used, &why), MSGPACK_BAD);
    assert_non_null(why);
    assert_false(msgpack_read(&value, bytes, &arena, &fault));
}

static void a_bomb_is_refused_by_its_announcement(void **state)
{
    (void)state;
    assert_bad(BYTES("\xdd\xff\xff\xff\xff"));                 /* 2^32 items */
    assert_bad(BYTES("\xdf\xff\xff\xff\xff"));                 /* 2^32 members */
    assert_bad(BYTES("\xdf\x00\x01\x86\xa1"));                 /* 100,001 members are 200,002 values */
    assert_bad(BYTES("\xdb\xff\xff\xff\xff"));                 /* 4 GiB of text */
    assert_bad(BYTES("\xc6\x00\x40\x00\x01"));                 /* one byte too many */
    assert_bad(BYTES("\xc9\xff\xff\xff\xff\x01"));             /* ext */
    assert_bad(BYTES("\x92\xdc\xff\xff\xdd\x00\x03\x00\x00")); /* small ones add up */
    assert_bad(BYTES("\xc1"));
    assert_bad(BYTES("\x92\x01\xc1"));
}

static void depth_is_limited(void **state)
{
    (void)state;
    char bytes[MSGPACK_DEPTH_MAX + 2];
    size_t used;
    const char *why;
    struct value value;
    struct fault fault;
    memset(bytes, 0x91, sizeof bytes);
    bytes[MSGPACK_DEPTH_MAX - 1] = (char)0x90;
    struct slice good = {bytes, MSGPACK_DEPTH_MAX};
    assert_int_equal(scan_all(good, &used, &why), MSGPACK_READY);
    assert_true(msgpack_read(&value, good, &arena, &fault));
    bytes[MSGPACK_DEPTH_MAX - 1] = (char)0x91;
    bytes[MSGPACK_DEPTH_MAX] = 1;
    struct slice scalar = {bytes, MSGPACK_DEPTH_MAX + 1};
    assert_true(msgpack_read(&value, scalar, &arena, &fault));
    bytes[MSGPACK_DEPTH_MAX] = (char)0x90;
    assert_bad((struct slice){bytes, MSGPACK_DEPTH_MAX + 1});
}

/* Every object of this stream, fed byte by byte, must end exactly where it ends. */
static void a_scan_resumes_at_any_byte_and_finds_every_border(void **state)
{
    (void)state;
    static const char stream[] =
        "\x94\x00\x07\xa3"
        "abc\x93\x81\xa1k\xc4\x02\x00\x01\xca\x3f\x80\x00\x00\xd6\x01\x00\x00\x00\x00"
        "\xc0"
        "\xda\x00\x02hi"
        "\x90"
        "\xdd\x00\x00\x00\x02\xcf\x00\x00\x00\x00\x00\x00\x00\x01\x80";
    static const size_t borders[] = {26, 27, 32, 33, 48};
    size_t start = 0;
    for (size_t i = 0; i < sizeof borders / sizeof borders[0]; i++) {
        struct msgpack_scan scan;
        size_t used = 0;
        msgpack_scan_init(&scan);
        for (size_t end = start; end < borders[i]; end++)
            assert_int_equal(msgpack_scan_step(&scan, (struct slice){stream + start, end - start}, &used),
                             MSGPACK_NEED_MORE);
        /* What follows does not count. */
        assert_int_equal(
            msgpack_scan_step(&scan, (struct slice){stream + start, sizeof stream - 1 - start}, &used),
            MSGPACK_READY);
        assert_int_equal(used, borders[i] - start);
        start = borders[i];
    }
    assert_int_equal(start, sizeof stream - 1);
}

static void a_refused_document_says_where(void **state)
{
    (void)state;
    static const struct {
        struct slice bytes;
        const char *pointer;
    } cases[] = {
        {{"\xa2\xc3\x28", 3}, ""},                       /* not UTF-8 */
        {{"\xa1\x00", 2}, ""},                           /* NUL */
        {{"\x92\x01\xd6\xff\x00\x00\x00\x00", 8}, "/1"}, /* a timestamp */
        {{"\x81\xa1"
          "a\x81\xa3x/y\xd4\x01\x00",
          11},
         "/a/x~1y"}, /* ext */
        {{"\x82\xa1"
          "a\x01\xa1"
          "a\x02",
          7},
         "/a"},                    /* twice */
        {{"\x81\x01\x02", 3}, ""}, /* a number as key */
        {{"\x81\xc4\x01"
          "a\x02",
          5},
         ""},                                                     /* bytes as key */
        {{"\x91\xcb\x7f\xf8\x00\x00\x00\x00\x00\x00", 10}, "/0"}, /* NaN */
        {{"\xca\x7f\x80\x00\x00", 5}, ""},                        /* infinity */
        {{"\x01\x02", 2}, ""},                                    /* two objects */
        {{"\x92\x01", 2}, ""},                                    /* not a whole one */
        {{"", 0}, ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct value value;
        struct fault fault;
        assert_false(msgpack_read(&value, cases[i].bytes, &arena, &fault));
        assert_string_equal(fault.pointer, cases[i].pointer);
        assert_true(strlen(fault.detail) > 0);
    }
}

static void a_name_given_twice_is_found_in_large_maps_too(void **state)
{
    (void)state;
    struct value map = value_map(&arena, 101), back;
    struct fault fault;
    for (int i = 0; i < 100; i++)
        value_set(&map, arena_format(&arena, "key%d", (i * 37) % 100).ptr, value_int(i));
    assert_true(msgpack_read(&back, msgpack_write(&map, &arena), &arena, &fault));
    value_set(&map, "key50", value_int(1));
    assert_false(msgpack_read(&back, msgpack_write(&map, &arena), &arena, &fault));
    assert_string_equal(fault.pointer, "/key50");
}

static void strings_do_not_point_into_the_input(void **state)
{
    (void)state;
    char bytes[] = "\x81\xa1k\xa3"
                   "abc";
    struct value value;
    struct fault fault;
    assert_true(msgpack_read(&value, (struct slice){bytes, sizeof bytes - 1}, &arena, &fault));
    memset(bytes, 'x', sizeof bytes);
    const struct value *member = value_member(&value, "k");
    assert_non_null(member);
    assert_true(slice_is(member->string, "abc"));
}

static struct slice hex_bytes(struct slice text)
{
    char *bytes = arena_alloc(&arena, text.len / 3 + 1);
    size_t len = 0;
    for (size_t i = 0; i + 1 < text.len; i += 3) {
        char pair[3] = {text.ptr[i], text.ptr[i + 1], 0};
        bytes[len++] = (char)strtoul(pair, NULL, 16);
    }
    return (struct slice){bytes, len};
}

static bool load(struct value *out, const char *path)
{
    const char *shared = getenv("PATCHBAY_SHARED");
    struct slice name = arena_format(&arena, "%s/%s", shared ? shared : TEST_SOURCE_DIR "/../shared", path);
    FILE *file = fopen(name.ptr, "rb");
    if (!file)
        return false;
    char *text = arena_alloc(&arena, 1 << 20);
    size_t len = fread(text, 1, 1 << 20, file);
    fclose(file);
    struct fault fault;
    assert_true(json_read(out, (struct slice){text, len}, &arena, &fault));
    return true;
}

static bool is_number(const struct value *value)
{
    return value->kind == VALUE_INT || value->kind == VALUE_DOUBLE;
}

/* The suite's JSON has "1" where a MessagePack float may stand: numbers are compared as numbers. */
static bool means_the_same(const struct value *got, const struct value *want)
{
    if (is_number(got) && is_number(want)) {
        double a = got->kind == VALUE_INT ? (double)got->integer : got->real;
        double b = want->kind == VALUE_INT ? (double)want->integer : want->real;
        return a == b;
    }
    return slice_equal(json_write(got, &arena), json_write(want, &arena));
}

static struct value wanted_value(const struct value_member *kind)
{
    struct value want = kind->value;
    struct fault fault;
    if (slice_is(kind->name, "binary"))
        want = (struct value){.kind = VALUE_BYTES, .string = hex_bytes(want.string)};
    if (slice_is(kind->name, "bignum"))
        assert_true(json_read(&want, kind->value.string, &arena, &fault));
    return want;
}

/* The first encoding is the shortest; one as long, listed behind it, is as good (d3 and cf of 2^63 - 1). */
static void assert_shortest(struct slice bytes, const struct value *list)
{
    assert_int_equal(bytes.len, hex_bytes(list->items[0].string).len);
    for (uint32_t i = 0; i < list->count; i++) {
        if (slice_equal(bytes, hex_bytes(list->items[i].string)))
            return;
    }
    fail_msg("not an encoding of the suite, which says %.*s", (int)list->items[0].string.len,
             list->items[0].string.ptr);
}

static void check_case(const struct value *item, unsigned *encodings)
{
    const struct value_member *kind = &item->members[item->count - 2];
    const struct value *list = value_member(item, "msgpack");
    bool refused = slice_is(kind->name, "timestamp") || slice_is(kind->name, "ext");
    struct value want = wanted_value(kind);
    for (uint32_t i = 0; i < list->count; i++, ++*encodings) {
        struct slice bytes = hex_bytes(list->items[i].string);
        struct value got;
        struct fault fault;
        size_t used;
        const char *why;
        assert_int_equal(scan_all(bytes, &used, &why), MSGPACK_READY);
        assert_int_equal(used, bytes.len);
        assert_int_equal(msgpack_read(&got, bytes, &arena, &fault), !refused);
        assert_true(refused || means_the_same(&got, &want));
    }
    /* Integers beyond int64_t are doubles to us, so their shortest form is a float's. */
    bool beyond = slice_is(kind->name, "bignum") && want.kind == VALUE_DOUBLE;
    if (!refused && !beyond)
        assert_shortest(msgpack_write(&want, &arena), list);
}

static void the_conformance_suite_decodes_and_encodes_as_it_says(void **state)
{
    (void)state;
    struct value suite;
    if (!load(&suite, SUITE))
        skip();
    unsigned cases = 0, encodings = 0;
    for (uint32_t i = 0; i < suite.count; i++) {
        const struct value *group = &suite.members[i].value;
        for (uint32_t j = 0; j < group->count; j++, cases++)
            check_case(&group->items[j], &encodings);
    }
    print_message("%u cases, %u encodings\n", cases, encodings);
    assert_int_equal(cases, 85);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ARENA_TEST(a_bomb_is_refused_by_its_announcement),
        ARENA_TEST(depth_is_limited),
        ARENA_TEST(a_scan_resumes_at_any_byte_and_finds_every_border),
        ARENA_TEST(a_refused_document_says_where),
        ARENA_TEST(a_name_given_twice_is_found_in_large_maps_too),
        ARENA_TEST(strings_do_not_point_into_the_input),
        ARENA_TEST(the_conformance_suite_decodes_and_encodes_as_it_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
