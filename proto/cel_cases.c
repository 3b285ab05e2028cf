/* jansson is used directly: the expected strings hold NUL, which documents from outside may not. */
#include "proto/cel_cases.h"

#include <jansson.h>
#include <math.h>
#include <stdlib.h>

#include "proto/cel_json.h"
#include "proto/fault.h"
#include "proto/json.h"
#include "proto/regex.h"
#include "proto/zone.h"

#define BINDINGS_MAX 16

static struct slice text_of(const json_t *json)
{
    return json_is_string(json) ? (struct slice){json_string_value(json), json_string_length(json)}
                                : (struct slice){"", 0};
}

static struct slice member_text(const json_t *map, const char *name)
{
    return text_of(json_object_get(map, name));
}

/* --- Tagged values --- */

static bool read_tagged(struct cel_value *out, const json_t *json, struct arena *arena);

static bool read_double(struct cel_value *out, struct slice text)
{
    *out = cel_double(strtod(text.ptr, NULL)); /* knows nan and inf too */
    return text.len > 0;
}

static bool read_bytes(struct cel_value *out, struct slice hex, struct arena *arena)
{
    char *bytes = arena_alloc(arena, hex.len / 2);
    for (size_t i = 0; i + 1 < hex.len; i += 2) {
        const char pair[] = {hex.ptr[i], hex.ptr[i + 1], 0};
        bytes[i / 2] = (char)strtoul(pair, NULL, 16);
    }
    *out = cel_bytes((struct slice){bytes, hex.len / 2});
    return hex.len % 2 == 0;
}

static bool read_list(struct cel_value *out, const json_t *json, struct arena *arena)
{
    size_t count = json_array_size(json);
    struct cel_value *items = arena_array(arena, struct cel_value, count);
    for (size_t i = 0; i < count; i++) {
        if (!read_tagged(&items[i], json_array_get(json, i), arena))
            return false;
    }
    *out = cel_list(items, (uint32_t)count);
    return true;
}

static bool read_map(struct cel_value *out, const json_t *json, struct arena *arena)
{
    size_t count = json_array_size(json);
    struct cel_entry *entries = arena_array(arena, struct cel_entry, count);
    uint32_t bad;
    for (size_t i = 0; i < count; i++) {
        const json_t *pair = json_array_get(json, i);
        if (!read_tagged(&entries[i].key, json_array_get(pair, 0), arena) ||
            !read_tagged(&entries[i].value, json_array_get(pair, 1), arena))
            return false;
    }
    return cel_map_make(out, entries, (uint32_t)count, &bad, arena);
}

static bool read_type(struct cel_value *out, struct slice name, struct arena *arena)
{
    for (enum cel_kind kind = CEL_NULL; kind <= CEL_DURATION; kind++) {
        if (!slice_is(name, cel_kind_name(kind)))
            continue;
        struct cel_type *type = arena_new(arena, struct cel_type);
        type->kind = kind;
        *out = cel_type_value(type);
        return true;
    }
    return false;
}

static bool read_tagged(struct cel_value *out, const json_t *json, struct arena *arena)
{
    void *member = json_object_iter((json_t *)(uintptr_t)json);
    struct slice tag = slice_of(member ? json_object_iter_key(member) : NULL);
    const json_t *value = member ? json_object_iter_value(member) : NULL;
    struct slice text = text_of(value);
    *out = cel_null();
    if (slice_is(tag, "int"))
        *out = cel_int(strtoll(text.ptr, NULL, 10));
    else if (slice_is(tag, "uint"))
        *out = cel_uint(strtoull(text.ptr, NULL, 10));
    else if (slice_is(tag, "double"))
        return read_double(out, text);
    else if (slice_is(tag, "string"))
        *out = cel_string(text);
    else if (slice_is(tag, "bytes"))
        return read_bytes(out, text, arena);
    else if (slice_is(tag, "bool"))
        *out = cel_bool(json_is_true(value));
    else if (slice_is(tag, "list"))
        return read_list(out, value, arena);
    else if (slice_is(tag, "map"))
        return read_map(out, value, arena);
    else if (slice_is(tag, "type"))
        return read_type(out, text, arena);
    else
        return slice_is(tag, "null");
    return true;
}

/* The same kinds throughout, unlike `==`; one NaN is another, one zero is not the other. */
static bool is_same(const struct cel_value *a, const struct cel_value *b)
{
    struct cel_meter meter = {UINT64_MAX};
    if (a->kind != b->kind || (a->kind != CEL_TIMESTAMP && a->count != b->count))
        return false;
    if (a->kind == CEL_DOUBLE)
        return (a->real == b->real && signbit(a->real) == signbit(b->real)) ||
               (isnan(a->real) && isnan(b->real));
    if (a->kind == CEL_LIST) {
        for (uint32_t i = 0; i < a->count; i++) {
            if (!is_same(&a->items[i], &b->items[i]))
                return false;
        }
        return true;
    }
    if (a->kind != CEL_MAP)
        return cel_equal(a, b, &meter);
    for (uint32_t i = 0; i < a->count; i++) {
        const struct cel_value *other = cel_map_find(b->map, &a->map->entries[i].key);
        if (!other || !is_same(&a->map->entries[i].value, other))
            return false;
    }
    return true;
}

/* --- Cases --- */

struct bindings {
    struct cel_variable variables[BINDINGS_MAX];
    struct cel_value values[BINDINGS_MAX];
    uint32_t count;
};

static bool read_bindings(struct bindings *bindings, const json_t *json, bool is_typed, struct arena *arena)
{
    json_t *map = (json_t *)(uintptr_t)json;
    for (void *at = json_object_iter(map); at; at = json_object_iter_next(map, at)) {
        uint32_t i = bindings->count++;
        if (i == BINDINGS_MAX || !read_tagged(&bindings->values[i], json_object_iter_value(at), arena))
            return false;
        bindings->variables[i] = (struct cel_variable){
            slice_of(json_object_iter_key(at)), is_typed ? cel_type_of(&bindings->values[i]) : &cel_type_dyn};
    }
    return true;
}

static struct slice shown(const struct cel_value *value, struct arena *arena)
{
    struct value document;
    if (!cel_to_value(&document, value, arena))
        return SLICE("a huge value");
    struct slice text = json_write(&document, arena);
    return arena_format(arena, "%s %.*s", cel_kind_name(value->kind), (int)text.len, text.ptr);
}

static void judge_value(struct cel_case_result *result, const json_t *json, const struct cel_value *got,
                        const struct cel_error *error, struct arena *arena)
{
    struct cel_value wanted;
    result->got = got ? shown(got, arena) : slice_of(error->text);
    if (!json) {
        result->verdict = got ? CEL_FAILED : CEL_PASSED;
        result->wanted = SLICE("an error");
    } else if (!read_tagged(&wanted, json, arena)) {
        result->verdict = CEL_SKIPPED;
        result->got = SLICE("a value that needs protocol buffers");
    } else {
        result->verdict = got && is_same(&wanted, got) ? CEL_PASSED : CEL_FAILED;
        result->wanted = shown(&wanted, arena);
    }
    if (!got && error->code == CEL_UNSUPPORTED)
        result->verdict = CEL_SKIPPED;
}

static void run_case(struct cel_case_result *result, const json_t *json, struct arena *arena)
{
    struct bindings bindings = {.count = 0};
    struct cel_error error;
    struct cel_value got;
    if (!read_bindings(&bindings, json_object_get(json, "bindings"),
                       json_is_true(json_object_get(json, "typed")), arena)) {
        result->verdict = CEL_SKIPPED;
        result->got = SLICE("a variable that needs protocol buffers");
        return;
    }
    const struct cel_env env = {.variables = bindings.variables,
                                .variable_count = bindings.count,
                                .container = member_text(json, "container"),
                                .regex = &regex_ops,
                                .zones = &zone_ops,
                                .is_unchecked = json_is_true(json_object_get(json, "disable_check"))};
    struct cel_program *program = cel_compile(&env, result->expression, NULL, arena, &error);
    bool has_value = program && cel_eval(&got, program, bindings.values, CEL_COST_DEFAULT, arena, &error);
    judge_value(result, json_object_get(json, "value"), has_value ? &got : NULL, &error, arena);
    cel_close(&program);
}

bool cel_cases_run(struct slice text, cel_on_case *on_case, void *ctx, struct fault *fault)
{
    json_error_t error;
    json_t *json = json_loadb(text.ptr, text.len, JSON_ALLOW_NUL, &error);
    if (!json)
        return fault_set(fault, "", "not JSON: %s (line %d)", error.text, error.line);
    bool is_list = json_is_array(json);
    for (size_t i = 0; is_list && i < json_array_size(json); i++) {
        const json_t *one = json_array_get(json, i);
        struct arena arena;
        struct cel_case_result result = {.section = member_text(one, "section"),
                                         .name = member_text(one, "name"),
                                         .expression = member_text(one, "expr")};
        arena_init(&arena);
        run_case(&result, one, &arena);
        on_case(&result, ctx);
        arena_deinit(&arena);
    }
    json_decref(json);
    return is_list || fault_set(fault, "", "not a list of cases");
}
