#include "server/rpc_internal.h"

#include <assert.h>
#include <stdlib.h>

#include "proto/problem.h"

/* A message that is whole but wrong is answered and the connection goes on: its framing is intact. The answer
 * carries nil for a msgid where the message has none that can be read. */

enum { TYPE_CALL = 0, TYPE_ANSWER = 1, TYPE_NOTIFICATION = 2 };

static struct rpc_call *call_take(struct rpc_connection *connection)
{
    struct rpc_server *server = connection->server;
    struct rpc_call *call = server->pool;
    if (call) {
        server->pool = call->next;
        server->pool_count--;
    } else {
        call = calloc(1, sizeof *call);
        if (!call)
            abort();
        arena_init(&call->arena);
    }
    call->connection = connection;
    return call;
}

static void call_release(struct rpc_call *call)
{
    struct rpc_server *server = call->connection->server;
    if (server->pool_count == RPC_POOLED_CALLS) {
        arena_deinit(&call->arena);
        free(call);
        return;
    }
    arena_reset(&call->arena);
    *call = (struct rpc_call){.arena = call->arena, .next = server->pool};
    server->pool = call;
    server->pool_count++;
}

void rpc_call_free_pool(struct rpc_server *server)
{
    while (server->pool) {
        struct rpc_call *call = server->pool;
        server->pool = call->next;
        arena_deinit(&call->arena);
        free(call);
    }
}

static void send_answer(struct rpc_call *call, struct value msgid, struct value error, struct value result)
{
    struct value items[] = {value_int(TYPE_ANSWER), msgid, error, result};
    struct value message = {.kind = VALUE_LIST, .count = 4, .items = items};
    (void)rpc_output_append(call->connection, msgpack_write(&message, &call->arena));
}

static void refuse(struct rpc_call *call, struct value msgid, const struct fault *fault)
{
    struct problem problem;
    problem_set_fault(&problem, fault);
    send_answer(call, msgid, problem_value_rpc(&problem, &call->arena), value_null());
    call_release(call);
}

void rpc_call_refuse_bytes(struct rpc_connection *connection, const char *why)
{
    struct fault fault = {0};
    snprintf(fault.detail, sizeof fault.detail, "not a MessagePack stream: %s", why);
    refuse(call_take(connection), value_null(), &fault);
}

static bool is_msgid(const struct value *value)
{
    return value->kind == VALUE_INT && value->integer >= 0 && value->integer <= UINT32_MAX;
}

/* The msgid of a message whose values could not be read, in the form that every client writes: an array of
 * four, type 0, an unsigned integer. Otherwise nil. */
static struct value peek_msgid(struct slice message)
{
    const unsigned char *at = (const unsigned char *)message.ptr;
    if (message.len < 3 || at[0] != 0x94 || at[1] != TYPE_CALL)
        return value_null();
    if (at[2] < 0x80)
        return value_int(at[2]);
    if (at[2] < 0xcc || at[2] > 0xce)
        return value_null();
    size_t width = (size_t)1 << (at[2] - 0xcc);
    if (message.len < 3 + width)
        return value_null();
    int64_t msgid = 0;
    for (size_t i = 0; i < width; i++)
        msgid = msgid << 8 | at[3 + i];
    return value_int(msgid);
}

/* Why the message is no call or notification, or NULL and the call is filled in. */
static const char *fill(struct rpc_call *call, const struct value *message)
{
    const struct value *items = message->items;
    call->wants_reply = items[0].integer == TYPE_CALL;
    uint32_t arity = call->wants_reply ? 4 : 3;
    if (message->count != arity)
        return call->wants_reply ? "a call is [0, msgid, method, params]"
                                 : "a notification is [2, method, params]";
    if (call->wants_reply && !is_msgid(&items[1]))
        return "msgid is not an unsigned integer of 32 bits";
    if (items[arity - 2].kind != VALUE_STRING)
        return "method is not a string";
    if (items[arity - 1].kind != VALUE_LIST)
        return "params is not an array";
    call->msgid = call->wants_reply ? (uint32_t)items[1].integer : 0;
    call->method = items[arity - 2].string;
    call->params = &items[arity - 1];
    return NULL;
}

void rpc_call_dispatch(struct rpc_connection *connection, struct slice bytes)
{
    struct rpc_server *server = connection->server;
    struct rpc_call *call = call_take(connection);
    struct value *message = arena_new(&call->arena, struct value);
    struct fault fault = {0};
    if (!msgpack_read(message, bytes, &call->arena, &fault)) {
        refuse(call, peek_msgid(bytes), &fault);
        return;
    }
    bool is_typed = message->kind == VALUE_LIST && message->count > 0 && message->items[0].kind == VALUE_INT;
    int64_t type = is_typed ? message->items[0].integer : -1;
    if (type == TYPE_ANSWER) {
        /* Nobody was asked. */
        call_release(call);
        return;
    }
    const char *why = type == TYPE_CALL || type == TYPE_NOTIFICATION
                          ? fill(call, message)
                          : "a message is an array that begins with its type, 0 or 2";
    if (why) {
        bool has_msgid = type == TYPE_CALL && message->count > 1 && is_msgid(&message->items[1]);
        snprintf(fault.detail, sizeof fault.detail, "%s", why);
        refuse(call, has_msgid ? message->items[1] : value_null(), &fault);
        return;
    }
    connection->calls++;
    server->calls++;
    server->handler.on_call(server->handler.app, call);
}

static void end(struct rpc_call *call)
{
    struct rpc_connection *connection = call->connection;
    struct rpc_server *server = connection->server;
    assert(connection->calls > 0);
    connection->calls--;
    server->calls--;
    call_release(call);
    rpc_connection_settle(connection);
    if (server->closing)
        turn_request(&server->turn);
}

void rpc_reply(struct rpc_call *call, const struct value *result)
{
    if (call->wants_reply && call->connection->state < RPC_STATE_CLOSING)
        send_answer(call, value_int(call->msgid), value_null(), *result);
    end(call);
}

void rpc_reply_error(struct rpc_call *call, const struct value *error)
{
    if (call->wants_reply && call->connection->state < RPC_STATE_CLOSING)
        send_answer(call, value_int(call->msgid), *error, value_null());
    end(call);
}

struct slice rpc_method(const struct rpc_call *call)
{
    return call->method;
}

const struct value *rpc_params(const struct rpc_call *call)
{
    return call->params;
}

bool rpc_wants_reply(const struct rpc_call *call)
{
    return call->wants_reply;
}

struct arena *rpc_arena(struct rpc_call *call)
{
    return &call->arena;
}

struct rpc_connection *rpc_call_connection(const struct rpc_call *call)
{
    return call->connection;
}
