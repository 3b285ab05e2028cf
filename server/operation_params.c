/* Parameters are checked once, by the table, before a handler runs; the getters serve handlers whose row says
 * nothing (raw) and repeat the check for free. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "proto/fault.h"
#include "server/operation.h"

#define INT_TEXT_MAX 20 /* "-9223372036854775808" */

__attribute__((format(printf, 3, 4))) static bool refuse(struct operation_call *call, const char *name,
                                                         const char *format, ...)
{
    char detail[256], pointer[128] = "";
    va_list args;
    va_start(args, format);
    vsnprintf(detail, sizeof detail, format, args);
    va_end(args);
    fault_trim(detail, sizeof detail);
    fault_append_name(pointer, sizeof pointer, slice_of(name));
    struct problem problem;
    problem_set(&problem, PROBLEM_INVALID, pointer, "%s", detail);
    operation_fail(call, &problem);
    return false;
}

static bool has_control(struct slice text)
{
    for (size_t i = 0; i < text.len; i++)
        if ((unsigned char)text.ptr[i] < 0x20 || text.ptr[i] == 0x7f)
            return true;
    return false;
}

/* Decimal text to an integer, as query strings have it. */
static bool parse_int(int64_t *out, struct slice text)
{
    bool negative = text.len && text.ptr[0] == '-';
    size_t at = negative ? 1 : 0;
    if (text.len > INT_TEXT_MAX || at == text.len)
        return false;
    int64_t value = 0;
    for (; at < text.len; at++) {
        if (text.ptr[at] < '0' || text.ptr[at] > '9')
            return false;
        int digit = text.ptr[at] - '0';
        if (__builtin_mul_overflow(value, 10, &value) ||
            (negative ? __builtin_sub_overflow(value, digit, &value)
                      : __builtin_add_overflow(value, digit, &value)))
            return false;
    }
    *out = value;
    return true;
}

/* What stands in a path or behind it is text, whatever it means. */
static bool is_text(const struct operation_call *call, const char *name)
{
    const char *method = call->operation->method, *path = call->operation->path;
    if (call->over_rpc || !path)
        return false;
    /* The body of a raw one is no map: what there is stands in the query. */
    if (call->operation->raw || strcmp(method, "GET") == 0 || strcmp(method, "DELETE") == 0)
        return true;
    size_t len = strlen(name);
    for (const char *at = path; (at = strchr(at, '{')); at++)
        if (strncmp(at + 1, name, len) == 0 && at[1 + len] == '}')
            return true;
    return false;
}

static bool check_text(struct operation_call *call, const struct operation_param *param, struct slice text)
{
    if ((int64_t)text.len > param->max)
        return refuse(call, param->name, "at most %lld bytes", (long long)param->max);
    if ((int64_t)text.len < param->min)
        return refuse(call, param->name, param->min == 1 ? "must not be empty" : "at least %lld bytes",
                      (long long)param->min);
    if (param->kind == PARAM_TEXT && has_control(text))
        return refuse(call, param->name, "control characters are not allowed");
    return true;
}

static bool check_int(struct operation_call *call, const struct operation_param *param, struct value *value)
{
    int64_t integer;
    if (value->kind == VALUE_STRING && is_text(call, param->name) && parse_int(&integer, value->string))
        *value = value_int(integer);
    if (value->kind != VALUE_INT)
        return refuse(call, param->name, "must be an integer");
    if (value->integer < param->min || value->integer > param->max)
        return refuse(call, param->name, "must be from %lld to %lld", (long long)param->min,
                      (long long)param->max);
    return true;
}

static bool check_bool(struct operation_call *call, const struct operation_param *param, struct value *value)
{
    if (value->kind == VALUE_STRING && is_text(call, param->name)) {
        if (slice_is(value->string, "true") || slice_is(value->string, "false"))
            *value = value_bool(slice_is(value->string, "true"));
    }
    if (value->kind != VALUE_BOOL)
        return refuse(call, param->name, "must be true or false");
    return true;
}

static bool check_count(struct operation_call *call, const struct operation_param *param,
                        const struct value *value, enum value_kind kind, const char *what)
{
    if (value->kind != kind)
        return refuse(call, param->name, "must be a %s", what);
    if (value->count < param->min || value->count > param->max)
        return refuse(call, param->name, "must have %lld to %lld entries", (long long)param->min,
                      (long long)param->max);
    return true;
}

static bool check_param(struct operation_call *call, const struct operation_param *param, struct value *value)
{
    struct uuid id;
    switch (param->kind) {
    case PARAM_TEXT:
    case PARAM_DOCUMENT:
        if (value->kind != VALUE_STRING)
            return refuse(call, param->name, "must be a string");
        return check_text(call, param, value->string);
    case PARAM_INT:
        return check_int(call, param, value);
    case PARAM_BOOL:
        return check_bool(call, param, value);
    case PARAM_UUID:
        if (value->kind != VALUE_STRING || !uuid_parse(&id, value->string))
            return refuse(call, param->name, "must be a UUID");
        return true;
    case PARAM_LIST:
        return check_count(call, param, value, VALUE_LIST, "list");
    case PARAM_MAP:
        return check_count(call, param, value, VALUE_MAP, "map");
    }
    return true;
}

const struct operation_param *operation_find_param(const struct operation *operation, struct slice name)
{
    for (const struct operation_param *param = operation->params; param && param->name; param++)
        if (slice_is(name, param->name))
            return param;
    return NULL;
}

bool operation_check_params(struct operation_call *call, const struct value *given)
{
    struct value *checked = arena_new(call->arena, struct value);
    *checked = value_map(call->arena, given->count);
    for (uint32_t i = 0; i < given->count; i++) {
        const struct value_member *member = &given->members[i];
        const struct operation_param *param = operation_find_param(call->operation, member->name);
        if (!param)
            return refuse(call, arena_string(call->arena, member->name), "no such parameter");
        struct value value = member->value;
        if (value.kind == VALUE_NULL) {
            if (param->flags & PARAM_NULLABLE)
                value_set(checked, param->name, value);
            continue;
        }
        if (!check_param(call, param, &value))
            return false;
        value_set(checked, param->name, value);
    }
    for (const struct operation_param *param = call->operation->params; param && param->name; param++)
        if (param->flags & PARAM_REQUIRED && !value_member(checked, param->name))
            return refuse(call, param->name, "is required");
    call->params = checked;
    return true;
}

bool operation_text(struct operation_call *call, const char *name, bool required, size_t max,
                    struct slice *out)
{
    const struct value *value = value_member(call->params, name);
    *out = (struct slice){NULL, 0};
    if (!value || value->kind == VALUE_NULL)
        return !required || refuse(call, name, "is required");
    struct operation_param param = {name, PARAM_TEXT, 0, required ? 1 : 0, (int64_t)max};
    struct value copy = *value;
    if (!check_param(call, &param, &copy))
        return false;
    *out = copy.string;
    return true;
}

bool operation_int(struct operation_call *call, const char *name, int64_t min, int64_t max, int64_t fallback,
                   int64_t *out)
{
    const struct value *value = value_member(call->params, name);
    *out = fallback;
    if (!value || value->kind == VALUE_NULL)
        return true;
    struct operation_param param = {name, PARAM_INT, 0, min, max};
    struct value copy = *value;
    if (!check_param(call, &param, &copy))
        return false;
    *out = copy.integer;
    return true;
}

bool operation_bool(struct operation_call *call, const char *name, bool fallback, bool *out)
{
    const struct value *value = value_member(call->params, name);
    *out = fallback;
    if (!value || value->kind == VALUE_NULL)
        return true;
    struct operation_param param = {name, PARAM_BOOL, 0, 0, 0};
    struct value copy = *value;
    if (!check_param(call, &param, &copy))
        return false;
    *out = copy.boolean;
    return true;
}

bool operation_uuid(struct operation_call *call, const char *name, struct uuid *out)
{
    const struct value *value = value_member(call->params, name);
    if (value && value->kind == VALUE_STRING && uuid_parse(out, value->string))
        return true;
    return refuse(call, name, "must be a UUID");
}
