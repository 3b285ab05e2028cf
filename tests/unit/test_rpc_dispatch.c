/* Sessions over MessagePack-RPC, with calls, a table and an authentication of our own: the linker takes them
 * instead of the server's. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "proto/json.h"
#include "server/auth.h"
#include "server/project.h"
#include "server/rpc_dispatch.h"
#include "server/streams.h"

#define CALLS_MAX 16
#define TOKEN "pbt_0123456789012345678901234567890123456789012"
#define HELLO "[{\"protocol\":1,\"client\":\"test\",\"auth\":{\"token\":\"" TOKEN "\"}}]"

struct rpc_connection {
    void *ctx;
    bool trusted;
};

struct rpc_call {
    const char *method;
    struct value params;
    struct arena arena;
    char code[32]; /* "" until answered, "ok", or the error's */
    unsigned order;
};

static struct rpc_connection connection;
static struct rpc_call calls[CALLS_MAX];
static unsigned call_count, answer_count;

static struct principal token_owner;
static enum { ANSWER_KNOWN, ANSWER_UNKNOWN, ANSWER_AWAY, ANSWER_LATER } next_answer;
static auth_on_found waiting;
static void *waiting_ctx;
static unsigned asked;

static uv_loop_t loop;
static struct app the_app;
static int projects_stand_in;

struct slice rpc_method(const struct rpc_call *call)
{
    return slice_of(call->method);
}

const struct value *rpc_params(const struct rpc_call *call)
{
    return &call->params;
}

struct arena *rpc_arena(struct rpc_call *call)
{
    return &call->arena;
}

struct rpc_connection *rpc_call_connection(const struct rpc_call *call)
{
    (void)call;
    return &connection;
}

static void answered(struct rpc_call *call, struct slice code)
{
    assert_string_equal(call->code, "");
    memcpy(call->code, code.ptr, code.len);
    call->code[code.len] = 0;
    call->order = ++answer_count;
}

void rpc_reply(struct rpc_call *call, const struct value *result)
{
    assert_int_equal(result->kind, VALUE_MAP);
    answered(call, SLICE("ok"));
}

void rpc_reply_error(struct rpc_call *call, const struct value *error)
{
    answered(call, value_member(error, "code")->string);
}

void rpc_connection_set_ctx(struct rpc_connection *of, void *ctx)
{
    of->ctx = ctx;
}

void *rpc_connection_ctx(const struct rpc_connection *of)
{
    return of->ctx;
}

void rpc_connection_set_trusted(struct rpc_connection *of)
{
    of->trusted = true;
}

static void give(auth_on_found on_found, void *ctx, int answer)
{
    on_found(ctx, answer == ANSWER_KNOWN ? &token_owner : NULL, answer == ANSWER_AWAY);
}

void auth_find_hash(struct auth *auth, const uint8_t hash[TOKEN_HASH_SIZE], auth_on_found on_found, void *ctx)
{
    (void)auth;
    (void)hash;
    asked++;
    if (next_answer != ANSWER_LATER) {
        give(on_found, ctx, (int)next_answer);
        return;
    }
    assert_null(waiting);
    waiting = on_found;
    waiting_ctx = ctx;
}

static void give_later(int answer)
{
    auth_on_found on_found = waiting;
    waiting = NULL;
    assert_non_null(on_found);
    give(on_found, waiting_ctx, answer);
}

void principal_copy(struct principal *to, const struct principal *from, struct arena *arena)
{
    (void)arena;
    *to = *from;
}

struct project *app_find_project(struct app *app, struct slice name)
{
    (void)app;
    (void)name;
    return (struct project *)&projects_stand_in;
}

const struct project_config *project_config(const struct project *project)
{
    static const struct project_config config;
    assert_ptr_equal(project, &projects_stand_in);
    return &config;
}

void streams_rpc_closed(struct streams *streams, const struct rpc_connection *of)
{
    (void)streams;
    assert_ptr_equal(of, &connection);
}

static void echo(struct operation_call *call)
{
    struct value result = value_map(call->arena, 0);
    operation_reply(call, 200, &result);
}

static const struct operation_param params[] = {{"name", PARAM_TEXT, PARAM_REQUIRED, 1, 8},
                                                {NULL, PARAM_TEXT, 0, 0, 0}};
static const struct operation_param no_params[] = {{NULL, PARAM_TEXT, 0, 0, 0}};
const struct operation operations[] = {
    {"POST", NULL, "event", ROLE_BIT(ROLE_AGENT), echo, NULL, "", NULL, true},
    {"PUT", "x", "set", ROLE_BIT(ROLE_AGENT), echo, NULL, "", params, false},
    {"GET", "x", "get", ROLE_BIT(ROLE_AGENT), echo, NULL, "", no_params, false},
    {"GET", "y", "secret", ROLE_BIT(ROLE_ADMIN), echo, NULL, "", no_params, false},
    {NULL, NULL, NULL, 0, NULL, NULL, NULL, NULL, false},
};

/* The code of the answer, "" while there is none. */
static const char *call(const char *method, const char *json)
{
    assert_true(call_count < CALLS_MAX);
    struct rpc_call *made = &calls[call_count++];
    struct fault fault;
    made->method = method;
    arena_init(&made->arena);
    assert_true(json_read(&made->params, slice_of(json), &made->arena, &fault));
    rpc_dispatch_on_call(&the_app, made);
    return made->code;
}

static int set_up(void **state)
{
    (void)state;
    memset(calls, 0, sizeof calls);
    connection = (struct rpc_connection){NULL, false};
    call_count = answer_count = asked = 0;
    waiting = NULL;
    next_answer = ANSWER_KNOWN;
    token_owner = (struct principal){.role = ROLE_AGENT, .project_name = SLICE("demo")};
    the_app.loop = &loop;
    loop.time = 1000;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    if (connection.ctx)
        rpc_dispatch_on_closed(&the_app, &connection);
    for (unsigned i = 0; i < call_count; i++) {
        assert_string_not_equal(calls[i].code, "");
        arena_deinit(&calls[i].arena);
    }
    return 0;
}

static void nothing_is_served_before_hello(void **state)
{
    (void)state;
    assert_string_equal(call("get", "[]"), "unauthenticated");
    assert_string_equal(call("nonsense", "[]"), "unauthenticated");
    assert_false(connection.trusted);
    assert_string_equal(call("hello", HELLO), "ok");
    assert_true(connection.trusted);
    assert_string_equal(call("get", "[]"), "ok");
}

static void a_hello_must_be_whole(void **state)
{
    (void)state;
    assert_string_equal(call("hello", "[]"), "invalid");
    assert_string_equal(call("hello", "[1]"), "invalid");
    assert_string_equal(call("hello", "[{\"auth\":{\"token\":\"" TOKEN "\"}}]"), "invalid");
    assert_string_equal(call("hello", "[{\"protocol\":2,\"auth\":{\"token\":\"" TOKEN "\"}}]"), "invalid");
    assert_string_equal(call("hello", "[{\"protocol\":1}]"), "unauthenticated");
    assert_string_equal(call("hello", "[{\"protocol\":1,\"auth\":{\"token\":7}}]"), "unauthenticated");
    assert_string_equal(call("hello", "[{\"protocol\":1,\"auth\":{\"token\":\"x\"}}]"), "unauthenticated");
    assert_int_equal(asked, 0);
}

static void hello_is_said_once(void **state)
{
    (void)state;
    next_answer = ANSWER_UNKNOWN;
    assert_string_equal(call("hello", HELLO), "unauthenticated");
    next_answer = ANSWER_AWAY;
    assert_string_equal(call("hello", HELLO), "storage_unavailable");
    next_answer = ANSWER_KNOWN;
    assert_string_equal(call("hello", HELLO), "ok");
    assert_string_equal(call("hello", HELLO), "invalid");
}

static void the_token_of_a_hook_opens_no_session(void **state)
{
    (void)state;
    token_owner.role = ROLE_HOOK;
    assert_string_equal(call("hello", HELLO), "unauthenticated");
    assert_false(connection.trusted);
    assert_string_equal(call("get", "[]"), "unauthenticated");
}

static void calls_behind_a_hello_wait_for_it_and_keep_their_order(void **state)
{
    (void)state;
    next_answer = ANSWER_LATER;
    const char *hello = call("hello", HELLO), *first = call("get", "[]"), *second = call("event", "[1]");
    assert_string_equal(hello, "");
    assert_string_equal(first, "");
    give_later(ANSWER_KNOWN);
    assert_string_equal(hello, "ok");
    assert_string_equal(first, "ok");
    assert_string_equal(second, "ok");
    assert_true(calls[0].order < calls[1].order && calls[1].order < calls[2].order);
}

static void calls_behind_a_refused_hello_are_refused(void **state)
{
    (void)state;
    next_answer = ANSWER_LATER;
    call("hello", HELLO);
    const char *behind = call("get", "[]");
    give_later(ANSWER_UNKNOWN);
    assert_string_equal(behind, "unauthenticated");
}

static void a_session_ends_when_its_token_does(void **state)
{
    (void)state;
    call("hello", HELLO);
    next_answer = ANSWER_UNKNOWN;
    loop.time += AUTH_SESSION_MS - 1;
    assert_string_equal(call("get", "[]"), "ok");
    loop.time += 1;
    assert_string_equal(call("get", "[]"), "unauthenticated");
    assert_string_equal(call("get", "[]"), "unauthenticated");
    next_answer = ANSWER_KNOWN;
    assert_string_equal(call("hello", HELLO), "ok");
}

static void a_session_is_not_served_while_its_token_cannot_be_confirmed(void **state)
{
    (void)state;
    call("hello", HELLO);
    loop.time += AUTH_SESSION_MS;
    next_answer = ANSWER_LATER;
    const char *first = call("get", "[]"), *second = call("get", "[]");
    give_later(ANSWER_AWAY);
    assert_string_equal(first, "storage_unavailable");
    assert_string_equal(second, "storage_unavailable");
    next_answer = ANSWER_KNOWN;
    assert_string_equal(call("get", "[]"), "ok");
}

static void a_connection_may_close_while_its_token_is_in_question(void **state)
{
    (void)state;
    next_answer = ANSWER_LATER;
    call("hello", HELLO);
    const char *behind = call("get", "[]");
    rpc_dispatch_on_closed(&the_app, &connection);
    assert_null(connection.ctx);
    give_later(ANSWER_KNOWN);
    assert_string_equal(behind, "unauthenticated");
}

static void methods_and_arguments_are_checked(void **state)
{
    (void)state;
    call("hello", HELLO);
    assert_string_equal(call("nonsense", "[]"), "not_found");
    assert_string_equal(call("secret", "[]"), "forbidden");
    assert_string_equal(call("set", "[{\"name\":\"a\"}]"), "ok");
    assert_string_equal(call("set", "[]"), "invalid");
    assert_string_equal(call("set", "[{\"name\":\"a\"},{}]"), "invalid");
    assert_string_equal(call("set", "[\"a\"]"), "invalid");
    assert_string_equal(call("set", "[{\"name\":\"a\",\"x\":1}]"), "invalid");
    assert_string_equal(call("get", "[{}]"), "ok");
    assert_string_equal(call("get", "[[]]"), "ok");
    assert_string_equal(call("event", "[]"), "invalid");
    assert_string_equal(call("event", "[[]]"), "ok");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(nothing_is_served_before_hello, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_hello_must_be_whole, set_up, tear_down),
        cmocka_unit_test_setup_teardown(hello_is_said_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_token_of_a_hook_opens_no_session, set_up, tear_down),
        cmocka_unit_test_setup_teardown(calls_behind_a_hello_wait_for_it_and_keep_their_order, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(calls_behind_a_refused_hello_are_refused, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_session_ends_when_its_token_does, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_session_is_not_served_while_its_token_cannot_be_confirmed, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_connection_may_close_while_its_token_is_in_question, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(methods_and_arguments_are_checked, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
