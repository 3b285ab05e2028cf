/* docs/openapi.json describes the route table, all of it and nothing else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "proto/json.h"
#include "server/openapi.h"
#include "server/operation.h"

#define BASE "/v1/projects/{project}/"
#define PUBLIC_PATHS 6 /* healthz, readyz, metrics, openapi.json, hooks by POST and GET */

static struct arena arena;
static struct value document;

static int set_up(void **state)
{
    (void)state;
    struct fault fault;
    arena_init(&arena);
    if (!json_read(&document, openapi_text(), &arena, &fault))
        fail_msg("%s: %s", fault.pointer, fault.detail);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    arena_deinit(&arena);
    return 0;
}

static const struct value *member(const struct value *map, const char *name)
{
    const struct value *value = value_member(map, name);
    if (!value)
        fail_msg("no member %s", name);
    return value;
}

static const struct value *described(const struct operation *operation)
{
    char path[128], method[8] = "";
    snprintf(path, sizeof path, BASE "%s", operation->path);
    for (size_t i = 0; operation->method[i]; i++)
        method[i] = (char)(operation->method[i] | 0x20);
    const struct value *at = value_member(member(&document, "paths"), path);
    at = value_member(at, method);
    if (!at)
        fail_msg("%s %s is not described", operation->method, path);
    return at;
}

static void every_row_with_a_path_is_described(void **state)
{
    (void)state;
    for (const struct operation *operation = operations; operation->method; operation++)
        if (operation->path)
            assert_true(member(described(operation), "summary")->string.len > 0);
}

static void nothing_is_described_that_is_not_there(void **state)
{
    (void)state;
    uint32_t rows = 0, described_count = 0;
    for (const struct operation *operation = operations; operation->method; operation++)
        rows += operation->path != NULL;
    const struct value *paths = member(&document, "paths");
    for (uint32_t i = 0; i < paths->count; i++)
        for (uint32_t j = 0; j < paths->members[i].value.count; j++)
            described_count += !slice_is(paths->members[i].value.members[j].name, "parameters");
    assert_int_equal(described_count, rows + PUBLIC_PATHS);
}

static void roles_are_those_of_the_table(void **state)
{
    (void)state;
    for (const struct operation *operation = operations; operation->method; operation++) {
        if (!operation->path)
            continue;
        const struct value *roles = member(described(operation), "x-roles");
        unsigned bits = 0;
        for (uint32_t i = 0; i < roles->count; i++)
            for (int role = 0; role < ROLE_COUNT; role++)
                if (slice_is(roles->items[i].string, role_name((enum role)role)))
                    bits |= ROLE_BIT((enum role)role);
        if (bits != operation->roles)
            fail_msg("%s %s: other roles", operation->method, operation->path);
    }
}

static bool is_described_method(const char *rpc)
{
    const struct value *paths = member(&document, "paths");
    for (uint32_t i = 0; i < paths->count; i++) {
        for (uint32_t j = 0; j < paths->members[i].value.count; j++) {
            const struct value *name =
                value_member(&paths->members[i].value.members[j].value, "x-rpc-method");
            if (name && slice_is(name->string, rpc))
                return true;
        }
    }
    return value_member(member(&document, "x-rpc-only"), rpc) != NULL;
}

static void every_method_of_messagepack_rpc_is_named(void **state)
{
    (void)state;
    for (const struct operation *operation = operations; operation->method; operation++)
        if (operation->rpc && !is_described_method(operation->rpc))
            fail_msg("%s is not described", operation->rpc);
}

/* The schema itself, or the one that it refers to. */
static const struct value *resolved(const struct value *schema)
{
    const struct value *ref = value_member(schema, "$ref");
    if (!ref)
        return schema;
    const char *name = strrchr(arena_string(&arena, ref->string), '/') + 1;
    return member(member(member(&document, "components"), "schemas"), name);
}

static bool has_parameter(const struct value *description, const char *name)
{
    const struct value *list = value_member(description, "parameters");
    for (uint32_t i = 0; list && i < list->count; i++)
        if (slice_is(member(&list->items[i], "name")->string, name))
            return true;
    return false;
}

static const struct value *body_properties(const struct value *description)
{
    const struct value *content = value_member(value_member(description, "requestBody"), "content");
    const struct value *json = value_member(content, "application/json");
    return json ? value_member(resolved(member(json, "schema")), "properties") : NULL;
}

static void every_parameter_is_described_and_no_other(void **state)
{
    (void)state;
    for (const struct operation *operation = operations; operation->method; operation++) {
        if (!operation->path || operation->raw)
            continue;
        const struct value *description = described(operation), *body = body_properties(description);
        for (const struct operation_param *param = operation->params; param && param->name; param++)
            if (!has_parameter(description, param->name) && !value_member(body, param->name))
                fail_msg("%s %s: %s is not described", operation->method, operation->path, param->name);
        for (uint32_t i = 0; body && i < body->count; i++)
            if (!operation_find_param(operation, body->members[i].name))
                fail_msg("%s %s: %.*s is not taken", operation->method, operation->path,
                         (int)body->members[i].name.len, body->members[i].name.ptr);
    }
}

static void a_method_or_a_path_stands_in_the_table_once(void **state)
{
    (void)state;
    for (const struct operation *a = operations; a->method; a++) {
        for (const struct operation *b = a + 1; b->method; b++) {
            assert_false(a->rpc && b->rpc && strcmp(a->rpc, b->rpc) == 0);
            assert_false(a->path && b->path && strcmp(a->path, b->path) == 0 &&
                         strcmp(a->method, b->method) == 0);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row_with_a_path_is_described),
        cmocka_unit_test(nothing_is_described_that_is_not_there),
        cmocka_unit_test(roles_are_those_of_the_table),
        cmocka_unit_test(every_method_of_messagepack_rpc_is_named),
        cmocka_unit_test(every_parameter_is_described_and_no_other),
        cmocka_unit_test(a_method_or_a_path_stands_in_the_table_once),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
