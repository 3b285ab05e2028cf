/* cel-spec's cases, where the shared material is there; without it this is skipped. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "proto/cel_cases.h"
#include "tests/unit/identity_cases.h"

#define CASES "conformance/cel"

static unsigned counts[CEL_VERDICT_COUNT];

/* `ctx` is the file's name; NULL where failures are meant. */
static void on_case(const struct cel_case_result *result, void *ctx)
{
    counts[result->verdict]++;
    if (result->verdict == CEL_FAILED && ctx)
        print_error("%s: %.*s/%.*s: %.*s: wanted %.*s, got %.*s\n", (const char *)ctx,
                    (int)result->section.len, result->section.ptr, (int)result->name.len, result->name.ptr,
                    (int)result->expression.len, result->expression.ptr, (int)result->wanted.len,
                    result->wanted.ptr, (int)result->got.len, result->got.ptr);
}

static void cel_spec_agrees(void **state)
{
    (void)state;
    static const char *const files[] = {
        "basic",        "bindings_ext", "comparisons", "conversions", "fields",     "fp_math",
        "integer_math", "lists",        "logic",       "macros",      "macros2",    "namespace",
        "parse",        "plumbing",     "string",      "string_ext",  "timestamps",
    };
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        char name[64];
        struct fault fault;
        snprintf(name, sizeof name, CASES "/%s.json", files[i]);
        char *text = identity_shared_file(name);
        if (!text)
            skip();
        if (!cel_cases_run(slice_of(text), on_case, name, &fault))
            fail_msg("%s: %s", name, fault.detail);
        free(text);
    }
    assert_int_equal(counts[CEL_FAILED], 0);
    assert_int_equal(counts[CEL_SKIPPED], 0);
}

static void counts_and_reasons_are_right(void **state)
{
    (void)state;
    static const char text[] =
        "[{\"section\": \"a\", \"name\": \"b\", \"expr\": \"1 + 1\", \"value\": {\"int\": \"2\"}},"
        " {\"section\": \"a\", \"name\": \"c\", \"expr\": \"1 + 1\", \"value\": {\"uint\": \"2\"}},"
        " {\"section\": \"a\", \"name\": \"d\", \"expr\": \"1 / 0\", \"error\": [\"any\"]},"
        " {\"section\": \"a\", \"name\": \"e\", \"expr\": \"1\", \"error\": [\"any\"]},"
        " {\"section\": \"a\", \"name\": \"f\", \"expr\": \"T{}\", \"value\": {\"object\": {}}},"
        " {\"section\": \"a\", \"name\": \"g\", \"expr\": \"x.y\", \"bindings\": {\"x.y\": {\"list\": []}}, \"value\":"
        "  {\"list\": []}}]";
    unsigned before[CEL_VERDICT_COUNT];
    struct fault fault;
    memcpy(before, counts, sizeof before);
    assert_true(cel_cases_run(slice_of(text), on_case, NULL, &fault));
    assert_int_equal(counts[CEL_PASSED] - before[CEL_PASSED], 3);
    assert_int_equal(counts[CEL_FAILED] - before[CEL_FAILED], 2);
    assert_int_equal(counts[CEL_SKIPPED] - before[CEL_SKIPPED], 1);
    assert_false(cel_cases_run(SLICE("{}"), on_case, NULL, &fault));
    assert_false(cel_cases_run(SLICE("["), on_case, NULL, &fault));
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(cel_spec_agrees),
    cmocka_unit_test(counts_and_reasons_are_right),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
