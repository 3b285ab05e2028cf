/* What the tests of expressions share: the variables of a rule, and tables of expressions with what they come
 * to. */
#ifndef TESTS_UNIT_CEL_WORLD_H
#define TESTS_UNIT_CEL_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "proto/cel_json.h"
#include "proto/json.h"
#include "proto/regex.h"
#include "proto/zone.h"

static struct arena arena;

static const struct cel_type strings = {.kind = CEL_LIST, .item = &cel_type_string};
static const struct cel_type fields = {.kind = CEL_MAP, .key = &cel_type_string, .item = &cel_type_dyn};

enum { CHANNEL, KNOWN, TAGS, OWNER, FIELDS, AGE, ATTEMPTS, NOW, TEXT, NUMBER, VARIABLE_COUNT };

static const struct cel_variable variables[VARIABLE_COUNT] = {
    [CHANNEL] = {SLICE("channel"), &cel_type_string},
    [KNOWN] = {SLICE("customer.known"), &cel_type_bool},
    [TAGS] = {SLICE("customer.tags"), &strings},
    [OWNER] = {SLICE("customer.owner"), &cel_type_string},
    [FIELDS] = {SLICE("customer.fields"), &fields},
    [AGE] = {SLICE("interaction.age"), &cel_type_duration},
    [ATTEMPTS] = {SLICE("interaction.attempts"), &cel_type_int},
    [NOW] = {SLICE("now"), &cel_type_timestamp},
    [TEXT] = {SLICE("text"), &cel_type_string},
    [NUMBER] = {SLICE("any"), &cel_type_dyn},
};

static struct cel_value values[VARIABLE_COUNT];

static inline int setup(void **state)
{
    (void)state;
    arena_init(&arena);
    struct cel_value *tags = arena_array(&arena, struct cel_value, 2);
    struct cel_entry *entries = arena_array(&arena, struct cel_entry, 1);
    uint32_t bad;
    tags[0] = cel_string(SLICE("vip"));
    tags[1] = cel_string(SLICE("fleet"));
    entries[0] = (struct cel_entry){cel_string(SLICE("contract")), cel_int(42)};
    values[CHANNEL] = cel_string(SLICE("call"));
    values[KNOWN] = cel_bool(true);
    values[TAGS] = cel_list(tags, 2);
    values[OWNER] = cel_absent();
    assert_true(cel_map_make(&values[FIELDS], entries, 1, &bad, &arena));
    values[AGE] = cel_duration_ms(45000);
    values[ATTEMPTS] = cel_int(2);
    values[NOW] = cel_timestamp_ms(1785283200000); /* 2026-07-29T00:00:00Z, a Wednesday */
    values[TEXT] = cel_string(SLICE("a\xC3\xA4\xF0\x9F\x98\x80z"));
    values[NUMBER] = cel_double(1.5);
    return 0;
}

static inline int teardown(void **state)
{
    (void)state;
    arena_deinit(&arena);
    return 0;
}

static inline struct cel_program *compile(const char *source, bool is_unchecked, struct cel_error *error)
{
    const struct cel_env env = {.variables = variables,
                                .variable_count = VARIABLE_COUNT,
                                .regex = &regex_ops,
                                .zones = &zone_ops,
                                .is_unchecked = is_unchecked};
    return cel_compile(&env, slice_of(source), NULL, &arena, error);
}

/* The value as JSON, or the error as "code line:column text". */
static inline struct slice outcome(const char *source, bool is_unchecked, uint64_t cost)
{
    struct cel_error error;
    struct cel_value value;
    struct value document;
    struct cel_program *program = compile(source, is_unchecked, &error);
    bool is_good = program && cel_eval(&value, program, values, cost, &arena, &error);
    struct slice text = SLICE("not for JSON");
    if (!is_good)
        text = arena_format(&arena, "%s %u:%u %s", cel_code_name(error.code), error.line, error.column,
                            error.text);
    else if (cel_to_value(&document, &value, &arena))
        text = json_write(&document, &arena);
    cel_close(&program);
    return text;
}

struct row {
    const char *source, *wanted;
};

static inline void check(const struct row *rows, size_t count, bool is_unchecked)
{
    size_t wrong = 0;
    for (size_t i = 0; i < count; i++) {
        struct slice got = outcome(rows[i].source, is_unchecked, CEL_COST_DEFAULT);
        if (slice_is(got, rows[i].wanted))
            continue;
        print_error("%s\n    wanted %s\n    got    %.*s\n", rows[i].source, rows[i].wanted, (int)got.len,
                    got.ptr);
        wrong++;
    }
    assert_int_equal(wrong, 0);
}

#define CHECK(rows) check(rows, sizeof(rows) / sizeof *(rows), false)
#define CHECK_UNCHECKED(rows) check(rows, sizeof(rows) / sizeof *(rows), true)

#endif
