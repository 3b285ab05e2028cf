#include "server/operation.h"

#include <assert.h>
#include <stdio.h>

#include "proto/json.h"
#include "server/http.h"
#include "server/metrics.h"
#include "server/rpc.h"

#define JSON_MEDIA_TYPE "application/json"

const char *role_name(enum role role)
{
    static const char *const names[] = {"source", "agent", "supervisor", "pool_admin", "admin", "hook"};
    return names[role];
}

void operation_reply(struct operation_call *call, unsigned status, const struct value *result)
{
    if (call->over_rpc)
        rpc_reply(call->transport, result);
    else
        http_reply(call->transport, status, JSON_MEDIA_TYPE, json_write(result, call->arena), NULL, 0);
}

void operation_reply_json(struct operation_call *call, unsigned status, struct slice json)
{
    if (!call->over_rpc) {
        http_reply(call->transport, status, JSON_MEDIA_TYPE, json, NULL, 0);
        return;
    }
    struct value result;
    struct fault fault;
    /* A page of a thousand wide rows may pass what we accept from strangers. */
    if (json_read(&result, json, call->arena, &fault)) {
        rpc_reply(call->transport, &result);
        return;
    }
    struct problem problem;
    problem_set(&problem, PROBLEM_TOO_LARGE, NULL, "the answer is too large (%s): ask for less with limit",
                fault.detail);
    operation_fail(call, &problem);
}

/* A fault of parameters that stand inside another one. */
static struct problem *place_within(const struct problem *problem, const char *within, struct arena *arena)
{
    struct problem *placed = arena_new(arena, struct problem);
    *placed = *problem;
    snprintf(placed->pointer, sizeof placed->pointer, "%s%s", within, problem->pointer);
    return placed;
}

void operation_fail(struct operation_call *call, const struct problem *problem)
{
    if (call->within && problem->pointer[0])
        problem = place_within(problem, call->within, call->arena);
    metric_add(METRIC_REFUSALS, metric_label(METRIC_REFUSALS, problem_code_name(problem->code)), 1);
    if (call->over_rpc) {
        struct value error = problem_value_rpc(problem, call->arena);
        rpc_reply_error(call->transport, &error);
        return;
    }
    struct http_header headers[2];
    size_t count = 0;
    static_assert(PROBLEM_RETRY_AFTER_S == 1, "the header's text says so");
    if (problem_is_retryable(problem->code))
        headers[count++] = (struct http_header){"Retry-After", "1"};
    if (problem->code == PROBLEM_UNAUTHENTICATED)
        headers[count++] = (struct http_header){"WWW-Authenticate", "Bearer"};
    struct value body = problem_value_http(problem, call->arena);
    http_reply(call->transport, problem_status(problem->code), PROBLEM_MEDIA_TYPE,
               json_write(&body, call->arena), headers, count);
}
