#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "storage/pg_array.h"

static void expect(struct pg_array *array, const char *bytes, size_t len)
{
    struct pg_param param = pg_array_param(array);
    assert_true(param.binary);
    assert_int_equal(param.len, len);
    assert_memory_equal(param.data, bytes, len);
}

static void expect_null(struct pg_array *array)
{
    struct pg_param param = pg_array_param(array);
    assert_null(param.data);
    assert_int_equal(param.len, 0);
}

#define EXPECT(array, literal) expect((array), (literal), sizeof(literal) - 1)
#define HEADER(nulls, type, count)                                                                           \
    "\0\0\0\1"                                                                                               \
    "\0\0\0" nulls "\0\0" type "\0\0\0" count "\0\0\0\1"

static void an_empty_array_is_null(void **state)
{
    (void)state;
    struct pg_array array;
    pg_array_init(&array, PG_INT8);
    expect_null(&array);
    pg_array_int(&array, 1);
    pg_array_reset(&array);
    expect_null(&array);
    pg_array_deinit(&array);
}

static void integers_take_the_width_of_their_type(void **state)
{
    (void)state;
    struct pg_array array;
    pg_array_init(&array, PG_INT8);
    pg_array_int(&array, -2);
    EXPECT(&array, HEADER("\0", "\0\x14", "\1") "\0\0\0\x08"
                                                "\xff\xff\xff\xff\xff\xff\xff\xfe");
    pg_array_deinit(&array);
    pg_array_init(&array, PG_INT4);
    pg_array_int(&array, 0x01020304);
    pg_array_int(&array, INT32_MIN);
    EXPECT(&array, HEADER("\0", "\0\x17", "\2") "\0\0\0\4"
                                                "\1\2\3\4"
                                                "\0\0\0\4"
                                                "\x80\0\0\0");
    pg_array_deinit(&array);
    pg_array_init(&array, PG_INT2);
    pg_array_int(&array, 0x0102);
    EXPECT(&array, HEADER("\0", "\0\x15", "\1") "\0\0\0\2"
                                                "\1\2");
    pg_array_deinit(&array);
}

static void booleans_are_one_byte(void **state)
{
    (void)state;
    struct pg_array array;
    pg_array_init(&array, PG_BOOL);
    pg_array_bool(&array, true);
    pg_array_bool(&array, false);
    EXPECT(&array, HEADER("\0", "\0\x10", "\2") "\0\0\0\1"
                                                "\1"
                                                "\0\0\0\1"
                                                "\0");
    pg_array_deinit(&array);
}

static void absent_text_is_null_and_empty_text_is_not(void **state)
{
    (void)state;
    struct pg_array array;
    pg_array_init(&array, PG_TEXT);
    pg_array_bytes(&array, SLICE("ab"));
    pg_array_bytes(&array, SLICE(""));
    EXPECT(&array, HEADER("\0", "\0\x19", "\2") "\0\0\0\2"
                                                "ab"
                                                "\0\0\0\0");
    pg_array_bytes(&array, (struct slice){NULL, 0});
    EXPECT(&array, HEADER("\1", "\0\x19", "\3") "\0\0\0\2"
                                                "ab"
                                                "\0\0\0\0"
                                                "\xff\xff\xff\xff");
    pg_array_deinit(&array);
}

static void the_nil_uuid_is_null(void **state)
{
    (void)state;
    struct pg_array array;
    pg_array_init(&array, PG_UUID);
    pg_array_uuid(&array, &(struct uuid){"0123456789abcdef"});
    pg_array_uuid(&array, &(struct uuid){{0}});
    EXPECT(&array, HEADER("\1", "\x0b\x86", "\2") "\0\0\0\x10"
                                                  "0123456789abcdef"
                                                  "\xff\xff\xff\xff");
    pg_array_deinit(&array);
}

static void a_reset_forgets_elements_and_nulls_and_keeps_the_room(void **state)
{
    (void)state;
    struct pg_array array;
    pg_array_init(&array, PG_BYTEA);
    pg_array_null(&array);
    for (int i = 0; i < 5000; i++)
        pg_array_bytes(&array, SLICE("some bytes"));
    size_t capacity = array.capacity;
    pg_array_reset(&array);
    expect_null(&array);
    pg_array_bytes(&array, (struct slice){"\0", 1});
    EXPECT(&array, HEADER("\0", "\0\x11", "\1") "\0\0\0\1"
                                                "\0");
    assert_int_equal(array.capacity, capacity);
    pg_array_deinit(&array);
}

static void an_element_larger_than_the_room_fits(void **state)
{
    (void)state;
    struct pg_array array;
    char *large = malloc(1 << 20);
    memset(large, 'x', 1 << 20);
    pg_array_init(&array, PG_TEXT);
    pg_array_bytes(&array, SLICE("a"));
    pg_array_bytes(&array, (struct slice){large, 1 << 20});
    struct pg_param param = pg_array_param(&array);
    assert_int_equal(param.len, 20 + 4 + 1 + 4 + (1 << 20));
    assert_memory_equal((const char *)param.data + 29, large, 1 << 20);
    pg_array_deinit(&array);
    free(large);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_array_is_null),
        cmocka_unit_test(integers_take_the_width_of_their_type),
        cmocka_unit_test(booleans_are_one_byte),
        cmocka_unit_test(absent_text_is_null_and_empty_text_is_not),
        cmocka_unit_test(the_nil_uuid_is_null),
        cmocka_unit_test(a_reset_forgets_elements_and_nulls_and_keeps_the_room),
        cmocka_unit_test(an_element_larger_than_the_room_fits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
