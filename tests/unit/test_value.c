#include "proto/fault.h"
#include "proto/names.h"
#include "proto/problem.h"
#include "rules/value.h"
#include "tests/unit/arena_world.h"

static void members_are_found_by_their_whole_name(void **state)
{
    (void)state;
    struct value map = value_map(&arena, 3);
    value_set(&map, "ab", value_int(1));
    value_set(&map, "a", value_bool(true));
    value_set(&map, "", value_null());
    assert_int_equal(value_member(&map, "ab")->integer, 1);
    assert_true(value_member(&map, "a")->boolean);
    assert_int_equal(value_member(&map, "")->kind, VALUE_NULL);
    assert_null(value_member(&map, "abc"));
    assert_null(value_member(NULL, "a"));
    struct value text = value_string(SLICE("a"));
    assert_null(value_member(&text, "a"));
}

static void empty_text_and_nil_ids_are_not_set(void **state)
{
    (void)state;
    struct value map = value_map(&arena, 2);
    struct uuid nil = {{0}}, id = {{1, 2, 3}};
    value_set_text(&map, "a", SLICE(""));
    value_set_uuid(&map, &arena, "b", &nil);
    assert_int_equal(map.count, 0);
    value_set_text(&map, "a", SLICE("x"));
    value_set_uuid(&map, &arena, "b", &id);
    assert_true(slice_is(value_member(&map, "b")->string, "01020300-0000-0000-0000-000000000000"));
}

static void a_map_has_the_room_that_was_asked_for(void **state)
{
    (void)state;
    struct value map = value_map(&arena, 1), list = value_list(&arena, 0);
    value_set(&map, "a", value_null());
    assert_int_equal(map.count, 1);
    assert_int_equal(list.count, 0);
}

static void a_copy_borrows_nothing(void **state)
{
    (void)state;
    struct arena first;
    arena_init(&first);
    struct value map = value_map(&first, 5), list = value_list(&first, 4), inner = value_map(&first, 1);
    value_set(&inner, arena_string(&first, SLICE("name")), value_string(arena_copy(&first, SLICE("text"))));
    value_append(&list, inner);
    value_append(&list, value_int(7));
    value_append(&list, value_list(&first, 0));
    value_set(&map, arena_string(&first, SLICE("list")), list);
    value_set(&map, "bytes", (struct value){.kind = VALUE_BYTES, .string = arena_copy(&first, SLICE("ab"))});
    value_set(&map, "bool", value_bool(true));
    value_set(&map, "null", value_null());
    struct value copy = value_copy(&map, &arena);
    arena_deinit(&first);
    assert_int_equal(copy.count, 4);
    const struct value *items = value_member(&copy, "list");
    assert_int_equal(items->count, 3);
    assert_true(slice_is(value_member(&items->items[0], "name")->string, "text"));
    assert_int_equal(items->items[1].integer, 7);
    assert_int_equal(items->items[2].kind, VALUE_LIST);
    assert_int_equal(value_member(&copy, "bytes")->kind, VALUE_BYTES);
    assert_true(slice_is(value_member(&copy, "bytes")->string, "ab"));
    assert_true(value_member(&copy, "bool")->boolean);
    assert_int_equal(value_member(&copy, "null")->kind, VALUE_NULL);
}

static void the_second_of_two_equal_names_is_found(void **state)
{
    (void)state;
    for (uint32_t count = 2; count < 40; count++) {
        struct value map = value_map(&arena, count);
        for (uint32_t i = 0; i < count; i++)
            value_set(&map, arena_format(&arena, "n%u", i).ptr, value_int(i));
        assert_null(names_find_duplicate(&map, &arena));
        map.members[count - 1].name = map.members[0].name;
        assert_ptr_equal(names_find_duplicate(&map, &arena), &map.members[count - 1]);
    }
}

static void names_are_sorted_bytewise(void **state)
{
    (void)state;
    struct value map = value_map(&arena, 4);
    value_set(&map, "b", value_null());
    value_set(&map, "ab", value_null());
    value_set(&map, "\xc3\xa4", value_null());
    value_set(&map, "a", value_null());
    const struct value_member **sorted = names_sorted(&map, &arena);
    assert_ptr_equal(sorted[0], &map.members[3]);
    assert_ptr_equal(sorted[1], &map.members[1]);
    assert_ptr_equal(sorted[2], &map.members[0]);
    assert_ptr_equal(sorted[3], &map.members[2]);
}

static void pointers_are_escaped_and_never_cut_in_a_name(void **state)
{
    (void)state;
    struct fault fault;
    assert_false(fault_set_member(&fault, "/data", SLICE("a/b~c"), "%s", "x"));
    assert_string_equal(fault.pointer, "/data/a~1b~0c");
    assert_string_equal(fault.detail, "x");
    char name[200];
    memset(name, 'n', sizeof name);
    fault_set_member(&fault, "/data", (struct slice){name, sizeof name}, "x");
    assert_string_equal(fault.pointer, "/data");
}

static void cut_text_ends_with_a_whole_character(void **state)
{
    (void)state;
    struct fault fault;
    struct problem problem;
    for (int shift = 0; shift < 5; shift++) {
        char text[400] = "";
        memset(text, 'x', (size_t)shift);
        for (size_t at = (size_t)shift; at + 4 < sizeof text; at += 4)
            memcpy(text + at, "😀", 4);
        fault_set(&fault, text, "%s", text);
        assert_int_equal((strlen(fault.detail) - (size_t)shift) % 4, 0);
        assert_int_equal((strlen(fault.pointer) - (size_t)shift) % 4, 0);
        assert_true(strlen(fault.detail) > 250);
        assert_int_equal((fault_quote(slice_of(text)) - shift) % 4, 0);
        problem_set(&problem, PROBLEM_INVALID, text, "%s", text);
        assert_int_equal((strlen(problem.detail) - (size_t)shift) % 4, 0);
    }
    assert_int_equal(fault_quote(SLICE("short")), 5);
}

static void every_problem_has_its_row(void **state)
{
    (void)state;
    for (int i = 0; i < PROBLEM_CODE_COUNT; i++) {
        enum problem_code code = (enum problem_code)i, back;
        assert_true(problem_code_parse(&back, slice_of(problem_code_name(code))));
        assert_int_equal(back, code);
        assert_in_range(problem_status(code), 400, 503);
        assert_true(strlen(problem_title(code)) > 0);
        assert_int_equal(problem_is_retryable(code),
                         problem_status(code) == 429 || problem_status(code) == 503);
    }
}

static void a_problem_says_the_same_in_both_protocols(void **state)
{
    (void)state;
    struct problem problem;
    problem_set(&problem, PROBLEM_INVALID, "/data/to", "%s is required", "to");
    struct value http = problem_value_http(&problem, &arena), rpc = problem_value_rpc(&problem, &arena);
    memset(&problem, 'x', sizeof problem);
    assert_true(slice_is(value_member(&http, "type")->string, "urn:patchbay:problem:invalid"));
    assert_int_equal(value_member(&http, "status")->integer, 400);
    assert_true(slice_is(value_member(&http, "detail")->string, "to is required"));
    assert_true(slice_is(value_member(&http, "pointer")->string, "/data/to"));
    assert_true(slice_is(value_member(&rpc, "code")->string, "invalid"));
    assert_true(slice_is(value_member(&rpc, "message")->string, "to is required"));
    assert_true(slice_is(value_member(value_member(&rpc, "data"), "pointer")->string, "/data/to"));
    problem_set(&problem, PROBLEM_NOT_FOUND, NULL, "%s", "");
    http = problem_value_http(&problem, &arena);
    rpc = problem_value_rpc(&problem, &arena);
    assert_null(value_member(&http, "detail"));
    assert_null(value_member(&http, "pointer"));
    assert_true(slice_is(value_member(&rpc, "message")->string, "Not found"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ARENA_TEST(members_are_found_by_their_whole_name),
        ARENA_TEST(empty_text_and_nil_ids_are_not_set),
        ARENA_TEST(a_map_has_the_room_that_was_asked_for),
        ARENA_TEST(a_copy_borrows_nothing),
        ARENA_TEST(the_second_of_two_equal_names_is_found),
        ARENA_TEST(names_are_sorted_bytewise),
        ARENA_TEST(pointers_are_escaped_and_never_cut_in_a_name),
        ARENA_TEST(cut_text_ends_with_a_whole_character),
        ARENA_TEST(every_problem_has_its_row),
        ARENA_TEST(a_problem_says_the_same_in_both_protocols),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
