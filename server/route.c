#include "server/route.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistr.h>

#include "proto/fault.h"
#include "proto/json.h"
#include "server/auth.h"
#include "server/operation_health.h"
#include "server/operation_hooks.h"
#include "server/project.h"

#define PREFIX "/v1/projects/"
#define ALLOW_MAX 64

struct request {
    struct operation_call call; /* over HTTP the transport is the exchange */
    struct principal principal;
    struct slice project;
    struct slice segments[ROUTE_SEGMENTS_MAX];
    unsigned segment_count;
};

static void fail(struct request *request, enum problem_code code, const char *detail)
{
    struct problem problem;
    problem_set(&problem, code, NULL, "%s", detail);
    operation_fail(&request->call, &problem);
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* RFC 3986 2.1. Names and ids are printable ASCII, so anything else in a path is simply not there. */
static bool decode_segment(struct slice *out, struct slice segment, struct arena *arena)
{
    char *text = arena_alloc(arena, segment.len + 1);
    size_t len = 0;
    for (size_t i = 0; i < segment.len; i++) {
        int c = (unsigned char)segment.ptr[i];
        if (c == '%') {
            int high = i + 2 < segment.len ? hex_digit(segment.ptr[i + 1]) : -1;
            int low = i + 2 < segment.len ? hex_digit(segment.ptr[i + 2]) : -1;
            if (high < 0 || low < 0)
                return false;
            c = high << 4 | low;
            i += 2;
        }
        if (c < 0x20 || c > 0x7e)
            return false;
        text[len++] = (char)c;
    }
    *out = (struct slice){text, len};
    return len > 0;
}

static bool split_path(struct request *request, struct slice path)
{
    struct slice rest = {path.ptr + sizeof PREFIX - 1, path.len - (sizeof PREFIX - 1)};
    for (bool is_first = true; rest.ptr; is_first = false) {
        const char *slash = memchr(rest.ptr, '/', rest.len);
        struct slice segment = {rest.ptr, slash ? (size_t)(slash - rest.ptr) : rest.len};
        struct slice *to = is_first ? &request->project : &request->segments[request->segment_count];
        if (!is_first && request->segment_count++ == ROUTE_SEGMENTS_MAX)
            return false;
        if (!decode_segment(to, segment, request->call.arena))
            return false;
        rest = slash ? (struct slice){slash + 1, rest.len - segment.len - 1} : (struct slice){NULL, 0};
    }
    return request->segment_count > 0;
}

/* Walks the row's path beside the request's segments. */
static bool path_matches(const char *path, const struct request *request)
{
    for (unsigned i = 0; i < request->segment_count; i++) {
        size_t len = strcspn(path, "/");
        if (len == 0 || (*path != '{' && !slice_equal(request->segments[i], (struct slice){path, len})))
            return false;
        path += len;
        if (*path == '/')
            path++;
    }
    return *path == '\0';
}

static bool method_matches(const char *method, struct slice given)
{
    return slice_is(given, method) || (slice_is(given, "HEAD") && strcmp(method, "GET") == 0);
}

static void add_allowed(char allow[ALLOW_MAX], const char *method)
{
    size_t len = strlen(allow);
    if (!strstr(allow, method))
        snprintf(allow + len, ALLOW_MAX - len, "%s%s%s", len ? ", " : "", method,
                 strcmp(method, "GET") == 0 ? ", HEAD" : "");
}

void route_refuse_method(struct http_exchange *exchange, const char *allow)
{
    struct problem problem;
    problem_set(&problem, PROBLEM_METHOD_NOT_ALLOWED, NULL, "this path takes %s", allow);
    struct value body = problem_value_http(&problem, http_arena(exchange));
    struct http_header header = {"Allow", allow};
    http_reply(exchange, problem_status(problem.code), PROBLEM_MEDIA_TYPE,
               json_write(&body, http_arena(exchange)), &header, 1);
}

/* NULL after it has answered. */
static const struct operation *find_operation(struct request *request)
{
    char allow[ALLOW_MAX] = "";
    struct slice method = http_method(request->call.transport);
    for (const struct operation *operation = operations; operation->method; operation++) {
        if (!operation->path || !path_matches(operation->path, request))
            continue;
        if (method_matches(operation->method, method))
            return operation;
        add_allowed(allow, operation->method);
    }
    if (*allow)
        route_refuse_method(request->call.transport, allow);
    else
        fail(request, PROBLEM_NOT_FOUND, "there is nothing at this path");
    return NULL;
}

bool route_content_type_is(const struct http_exchange *exchange, const char *type)
{
    struct slice value;
    if (!http_find_header(exchange, "content-type", &value))
        return false;
    size_t len = strlen(type);
    if (value.len < len || strncasecmp(value.ptr, type, len) != 0)
        return false;
    while (len < value.len && (value.ptr[len] == ' ' || value.ptr[len] == '\t'))
        len++;
    return len == value.len || value.ptr[len] == ';';
}

static bool read_body(struct request *request, struct value *out)
{
    struct slice body = http_body(request->call.transport);
    *out = value_map(request->call.arena, 0);
    if (body.len == 0)
        return true;
    if (!route_content_type_is(request->call.transport, "application/json")) {
        fail(request, PROBLEM_UNSUPPORTED_MEDIA_TYPE, "the body must be application/json");
        return false;
    }
    struct fault fault;
    struct problem problem;
    if (!json_read(out, body, request->call.arena, &fault)) {
        problem_set_fault(&problem, &fault);
        operation_fail(&request->call, &problem);
        return false;
    }
    if (out->kind == VALUE_MAP)
        return true;
    fail(request, PROBLEM_INVALID, "the body must be an object");
    return false;
}

/* An id in a path that cannot be one names nothing. */
static bool add_path_params(struct request *request, struct value *params)
{
    const char *path = request->call.operation->path;
    for (unsigned i = 0; i < request->segment_count; i++, path += strcspn(path, "/") + 1) {
        if (*path != '{')
            continue;
        struct slice name = {path + 1, strcspn(path, "}") - 1};
        const struct operation_param *param = operation_find_param(request->call.operation, name);
        struct uuid id;
        if (param && param->kind == PARAM_UUID && !uuid_parse(&id, request->segments[i])) {
            fail(request, PROBLEM_NOT_FOUND, "there is nothing of this id");
            return false;
        }
        struct value_member *member = &params->members[params->count++];
        *member = (struct value_member){name, value_string(request->segments[i])};
    }
    return true;
}

static bool refuse_query(struct request *request, struct slice name, const char *detail)
{
    struct problem problem;
    bool printable = name.len > 0;
    for (size_t i = 0; i < name.len; i++)
        printable &= name.ptr[i] > 0x20 && name.ptr[i] < 0x7f;
    problem_set(&problem, PROBLEM_INVALID, NULL, "in the query: %s", detail);
    if (printable)
        fault_append_name(problem.pointer, sizeof problem.pointer, name);
    operation_fail(&request->call, &problem);
    return false;
}

static bool has_body(struct slice method)
{
    return slice_is(method, "POST") || slice_is(method, "PUT") || slice_is(method, "PATCH");
}

/* What the operation does not know was a slip of somebody who expects it to count. */
static bool add_query(struct request *request, struct value *params)
{
    const struct operation *operation = request->call.operation;
    struct slice name, text;
    size_t at = 0;
    while (http_next_query(request->call.transport, &at, &name, &text)) {
        const struct operation_param *param = operation_find_param(operation, name);
        if (!param || (has_body(slice_of(operation->method)) && !operation->raw))
            return refuse_query(request, name, "no such parameter");
        if (value_member(params, param->name))
            return refuse_query(request, name, "is given already");
        if (text.len && u8_check((const uint8_t *)text.ptr, text.len))
            return refuse_query(request, name, "is not UTF-8");
        value_set(params, param->name, value_string(text));
    }
    return true;
}

/* A body may repeat what the path says, but not say otherwise. */
static bool add_body(struct request *request, struct value *params, const struct value *body)
{
    uint32_t in_path = params->count;
    for (uint32_t i = 0; i < body->count; i++) {
        const struct value_member *member = &body->members[i];
        const struct value_member *same = NULL;
        for (uint32_t j = 0; j < in_path; j++)
            if (slice_equal(params->members[j].name, member->name))
                same = &params->members[j];
        if (!same) {
            params->members[params->count++] = *member;
            continue;
        }
        if (member->value.kind == VALUE_STRING && slice_equal(member->value.string, same->value.string))
            continue;
        struct problem problem;
        problem_set(&problem, PROBLEM_INVALID, NULL, "must be what the path says");
        fault_append_name(problem.pointer, sizeof problem.pointer, member->name);
        operation_fail(&request->call, &problem);
        return false;
    }
    return true;
}

static bool read_params(struct request *request)
{
    const struct operation *operation = request->call.operation;
    bool takes_body = has_body(slice_of(operation->method)) && !operation->raw;
    struct value body = {.kind = VALUE_MAP};
    if (takes_body && !read_body(request, &body))
        return false;
    uint32_t room = ROUTE_SEGMENTS_MAX + body.count;
    for (const struct operation_param *param = operation->params; param && param->name; param++)
        room++;
    struct value *params = arena_new(request->call.arena, struct value);
    *params = value_map(request->call.arena, room);
    if (!add_path_params(request, params) || !add_query(request, params) || !add_body(request, params, &body))
        return false;
    if (operation->raw) {
        request->call.params = params;
        return true;
    }
    return operation_check_params(&request->call, params);
}

static void on_authenticated(void *ctx, const struct principal *principal, bool storage_away)
{
    struct request *request = ctx;
    struct operation_call *call = &request->call;
    if (storage_away) {
        fail(request, PROBLEM_STORAGE_UNAVAILABLE, "the token cannot be checked at the moment");
        return;
    }
    if (!principal) {
        fail(request, PROBLEM_UNAUTHENTICATED, "the token is not known, has expired or was revoked");
        return;
    }
    if (!slice_equal(principal->project_name, request->project)) {
        fail(request, PROBLEM_FORBIDDEN, "the token belongs to another project");
        return;
    }
    principal_copy(&request->principal, principal, call->arena);
    call->principal = &request->principal;
    call->operation = find_operation(request);
    if (!call->operation)
        return;
    if (!(call->operation->roles & ROLE_BIT(principal->role))) {
        fail(request, PROBLEM_FORBIDDEN, "the token's role may not do this");
        return;
    }
    call->project = app_find_project(call->app, request->project);
    if (!call->project || !project_config(call->project))
        fail(request, PROBLEM_STORAGE_UNAVAILABLE, "the project is not loaded yet");
    else if (read_params(request))
        call->operation->handler(call);
}

static bool find_token(struct slice *token, const struct http_exchange *exchange)
{
    static const char scheme[] = "Bearer ";
    size_t len = sizeof scheme - 1;
    struct slice value;
    if (!http_find_header(exchange, "authorization", &value) || value.len <= len ||
        strncasecmp(value.ptr, scheme, len) != 0)
        return false;
    while (len < value.len && value.ptr[len] == ' ')
        len++;
    *token = (struct slice){value.ptr + len, value.len - len};
    return true;
}

bool route_is_streamed(struct slice method, struct slice path)
{
    static const struct slice end = SLICE("/customers/import");
    return slice_is(method, "POST") && path.len > end.len &&
           memcmp(path.ptr + path.len - end.len, end.ptr, end.len) == 0;
}

void route_on_http(void *app, struct http_exchange *exchange)
{
    struct arena *arena = http_arena(exchange);
    struct request *request = arena_new(arena, struct request);
    request->call = (struct operation_call){.app = app, .arena = arena, .transport = exchange};
    struct slice path = http_path(exchange), token;
    if (operation_health_serve(app, exchange) || operation_hooks_serve(app, exchange))
        return;
    if (path.len < sizeof PREFIX || memcmp(path.ptr, PREFIX, sizeof PREFIX - 1) != 0)
        fail(request, PROBLEM_NOT_FOUND, "there is nothing at this path");
    else if (!find_token(&token, exchange))
        fail(request, PROBLEM_UNAUTHENTICATED, "send a token: Authorization: Bearer ...");
    else if (!split_path(request, path))
        fail(request, PROBLEM_NOT_FOUND, "there is nothing at this path");
    else
        auth_find(request->call.app->auth, token, on_authenticated, request);
}
