/* A session lives until its connection is closed and no question about its token is under way. While one is,
 * calls are held back, so that they are served in the order in which they came. */
#include "server/rpc_dispatch.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "server/auth.h"
#include "server/project.h"
#include "server/streams.h"

enum session_state { SESSION_NEW, SESSION_OPEN };

struct held {
    struct held *next;
    struct rpc_call *call;
};

struct session {
    struct app *app;
    struct rpc_connection *connection; /* NULL once closed */
    enum session_state state;
    bool asking, draining;
    struct rpc_call *hello; /* the call that the question is for, or NULL */
    uint8_t hash[TOKEN_HASH_SIZE];
    uint64_t checked_ms;
    struct arena arena; /* holds the principal's texts */
    struct principal principal;
    struct held *held, **last_held;
};

static void serve(struct session *session, struct rpc_call *call);

static struct operation_call *operation_call_of(struct session *session, struct rpc_call *call)
{
    struct operation_call *operation_call = arena_new(rpc_arena(call), struct operation_call);
    *operation_call = (struct operation_call){
        .app = session->app, .arena = rpc_arena(call), .transport = call, .over_rpc = true};
    return operation_call;
}

static void fail(struct session *session, struct rpc_call *call, enum problem_code code, const char *pointer,
                 const char *detail)
{
    struct problem problem;
    problem_set(&problem, code, pointer, "%s", detail);
    operation_fail(operation_call_of(session, call), &problem);
}

static void session_free(struct session *session)
{
    assert(!session->held);
    arena_deinit(&session->arena);
    free(session);
}

static struct session *session_of(struct app *app, struct rpc_connection *connection)
{
    struct session *session = rpc_connection_ctx(connection);
    if (session)
        return session;
    session = calloc(1, sizeof *session);
    if (!session)
        abort();
    session->app = app;
    session->connection = connection;
    session->last_held = &session->held;
    arena_init(&session->arena);
    rpc_connection_set_ctx(connection, session);
    return session;
}

static void hold(struct session *session, struct rpc_call *call)
{
    struct held *held = arena_new(rpc_arena(call), struct held);
    held->call = call;
    *session->last_held = held;
    session->last_held = &held->next;
}

static struct rpc_call *take_held(struct session *session)
{
    struct rpc_call *call = session->held->call;
    session->held = session->held->next;
    if (!session->held)
        session->last_held = &session->held;
    return call;
}

static void refuse_held(struct session *session)
{
    while (session->held)
        fail(session, take_held(session), PROBLEM_STORAGE_UNAVAILABLE, NULL,
             "the token cannot be checked at the moment");
}

/* Serves what was held back until there is nothing more or the token is in question again. */
static void drain(struct session *session)
{
    if (session->draining)
        return;
    session->draining = true;
    while (session->held && !session->asking)
        serve(session, take_held(session));
    session->draining = false;
    if (!session->connection && !session->asking)
        session_free(session);
}

/* --- hello --- */

static void answer_hello(struct session *session, struct rpc_call *call)
{
    struct value result = value_map(rpc_arena(call), 6);
    value_set(&result, "server", value_string(SLICE("patchbay")));
    value_set(&result, "version", value_string(slice_of(PATCHBAY_VERSION)));
    value_set(&result, "protocol", value_int(RPC_PROTOCOL));
    value_set(&result, "project", value_string(session->principal.project_name));
    value_set(&result, "role", value_string(slice_of(role_name(session->principal.role))));
    value_set_text(&result, "agent", session->principal.agent);
    rpc_reply(call, &result);
}

/* Both for hello and for the confirmation of a session that has gone on for a while. */
static void on_authenticated(void *ctx, const struct principal *principal, bool storage_away)
{
    struct session *session = ctx;
    struct rpc_call *hello = session->hello;
    session->asking = false;
    session->hello = NULL;
    if (principal && principal->role == ROLE_HOOK) /* good for the URL of its hook only */
        principal = NULL;
    if (principal) {
        arena_reset(&session->arena);
        principal_copy(&session->principal, principal, &session->arena);
        session->checked_ms = uv_now(session->app->loop);
        session->state = SESSION_OPEN;
        if (session->connection)
            rpc_connection_set_trusted(session->connection);
    } else if (!storage_away) {
        session->state = SESSION_NEW;
    }
    if (hello && principal)
        answer_hello(session, hello);
    else if (hello && storage_away)
        fail(session, hello, PROBLEM_STORAGE_UNAVAILABLE, NULL, "the token cannot be checked at the moment");
    else if (hello)
        fail(session, hello, PROBLEM_UNAUTHENTICATED, "/auth/token",
             "the token is not known, has expired or was revoked");
    else if (storage_away)
        refuse_held(session);
    drain(session);
}

static bool find_hello_token(struct session *session, struct rpc_call *call, struct slice *token)
{
    const struct value *params = rpc_params(call);
    const struct value *map = params->count == 1 ? &params->items[0] : NULL;
    const struct value *protocol = value_member(map, "protocol");
    const struct value *given = value_member(value_member(map, "auth"), "token");
    if (!map || map->kind != VALUE_MAP)
        fail(session, call, PROBLEM_INVALID, NULL, "hello takes one map: {protocol, client, auth: {token}}");
    else if (!protocol || protocol->kind != VALUE_INT || protocol->integer != RPC_PROTOCOL)
        fail(session, call, PROBLEM_INVALID, "/protocol", "this server speaks protocol 1");
    else if (!given || given->kind != VALUE_STRING)
        fail(session, call, PROBLEM_UNAUTHENTICATED, "/auth/token", "a token is required");
    else {
        *token = given->string;
        return true;
    }
    return false;
}

static void serve_hello(struct session *session, struct rpc_call *call)
{
    struct slice token;
    if (session->state != SESSION_NEW) {
        fail(session, call, PROBLEM_INVALID, NULL, "hello has been said on this connection");
        return;
    }
    if (!find_hello_token(session, call, &token))
        return;
    if (!token_hash(token, session->hash)) {
        fail(session, call, PROBLEM_UNAUTHENTICATED, "/auth/token", "the token is not known");
        return;
    }
    session->asking = true;
    session->hello = call;
    auth_find_hash(session->app->auth, session->hash, on_authenticated, session);
}

/* --- everything else --- */

static const struct operation *find_operation(struct slice method)
{
    for (const struct operation *operation = operations; operation->method; operation++)
        if (operation->rpc && slice_is(method, operation->rpc))
            return operation;
    return NULL;
}

static bool read_params(struct operation_call *call, const struct value *params)
{
    static const struct value none = {.kind = VALUE_MAP};
    const struct value *given = params->count ? &params->items[0] : &none;
    struct problem problem;
    if (params->count > 1 || (call->operation->raw && params->count == 0)) {
        problem_set(&problem, PROBLEM_INVALID, NULL, "the method takes one argument");
    } else if (call->operation->raw) {
        call->params = given;
        return true;
    } else if (given->kind == VALUE_MAP || (given->kind == VALUE_LIST && given->count == 0)) {
        /* Lua knows no difference between an empty map and an empty list. */
        return operation_check_params(call, given->kind == VALUE_MAP ? given : &none);
    } else {
        problem_set(&problem, PROBLEM_INVALID, NULL, "the argument must be a map");
    }
    operation_fail(call, &problem);
    return false;
}

static void serve_operation(struct session *session, struct rpc_call *rpc)
{
    const struct operation *operation = find_operation(rpc_method(rpc));
    if (!operation) {
        fail(session, rpc, PROBLEM_NOT_FOUND, NULL, "no such method");
        return;
    }
    if (!(operation->roles & ROLE_BIT(session->principal.role))) {
        fail(session, rpc, PROBLEM_FORBIDDEN, NULL, "the token's role may not do this");
        return;
    }
    struct project *project = app_find_project(session->app, session->principal.project_name);
    if (!project || !project_config(project)) {
        fail(session, rpc, PROBLEM_STORAGE_UNAVAILABLE, NULL, "the project is not loaded yet");
        return;
    }
    /* The call may outlive the session's next confirmation, which replaces the principal. */
    struct principal *principal = arena_new(rpc_arena(rpc), struct principal);
    principal_copy(principal, &session->principal, rpc_arena(rpc));
    struct operation_call *call = operation_call_of(session, rpc);
    call->operation = operation;
    call->project = project;
    call->principal = principal;
    if (read_params(call, rpc_params(rpc)))
        operation->handler(call);
}

static void serve(struct session *session, struct rpc_call *call)
{
    if (!session->connection) /* a subscription would never end */
        fail(session, call, PROBLEM_UNAUTHENTICATED, NULL, "the connection is closed");
    else if (slice_is(rpc_method(call), "hello"))
        serve_hello(session, call);
    else if (session->state == SESSION_NEW)
        fail(session, call, PROBLEM_UNAUTHENTICATED, NULL, "say hello first");
    else
        serve_operation(session, call);
}

void rpc_dispatch_on_call(void *ctx, struct rpc_call *call)
{
    struct app *app = ctx;
    struct session *session = session_of(app, rpc_call_connection(call));
    if (session->asking || session->held) {
        hold(session, call);
        return;
    }
    if (session->state == SESSION_OPEN && uv_now(app->loop) - session->checked_ms >= AUTH_SESSION_MS) {
        hold(session, call);
        session->asking = true;
        auth_find_hash(app->auth, session->hash, on_authenticated, session);
        return;
    }
    serve(session, call);
}

void rpc_dispatch_on_closed(void *ctx, struct rpc_connection *connection)
{
    struct app *app = ctx;
    struct session *session = rpc_connection_ctx(connection);
    if (app->streams)
        streams_rpc_closed(app->streams, connection);
    if (!session)
        return;
    rpc_connection_set_ctx(connection, NULL);
    session->connection = NULL;
    if (!session->asking && !session->draining)
        session_free(session);
}
