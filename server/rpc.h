/* The MessagePack-RPC listener (msgpack-rpc spec: [0, msgid, method, params], [1, msgid, error, result],
 * [2, method, params]) on TCP and Unix sockets.
 *
 * A call stays valid until it is answered, exactly once, at once or later, even when the client has gone. A
 * connection object lives until on_closed and all its calls are answered. A bad frame ends its own connection
 * only. */
#ifndef SERVER_RPC_H
#define SERVER_RPC_H

#include <uv.h>

#include "rules/value.h"

#define RPC_FRAME_MAX (4u << 20)  /* bytes of one message */
#define RPC_CALLS_MAX 4096        /* unanswered calls of one connection; reading pauses there */
#define RPC_OUTPUT_MAX (4u << 20) /* bytes a slow reader may owe before its connection is cut */
#define RPC_CONNECTIONS_MAX 4096
#define RPC_FRAME_DEADLINE_MS 10000 /* from the first byte of a message to its last */
#define RPC_HELLO_DEADLINE_MS 10000 /* from connect to rpc_connection_set_trusted() */

struct rpc_server;
struct rpc_connection;
struct rpc_call;

struct rpc_handler {
    void (*on_call)(void *app, struct rpc_call *call);
    void (*on_closed)(void *app,
                      struct rpc_connection *connection); /* drop what rpc_connection_ctx() holds */
    void *app;
};

struct rpc_options {
    const char *host; /* numeric; NULL: no TCP */
    uint16_t port;
    const char *unix_path; /* NULL: no Unix socket; a stale socket file is replaced */
    unsigned frame_deadline_ms, hello_deadline_ms, connections_max; /* 0: the defaults above */
};

/* Also has the process ignore SIGPIPE, unless it handles it. After NULL and `why` the loop must run once more
 * before it is closed. */
struct rpc_server *rpc_server_open(uv_loop_t *loop, const struct rpc_options *options,
                                   const struct rpc_handler *handler, char *why, size_t why_size);
uint16_t rpc_server_port(const struct rpc_server *server);
void rpc_server_quiesce(struct rpc_server *server);
void rpc_server_close(struct rpc_server **server, void (*on_closed)(void *ctx), void *ctx);

/* Borrowed, valid until the call is answered. */
struct slice rpc_method(const struct rpc_call *call);
const struct value *rpc_params(const struct rpc_call *call); /* always a VALUE_LIST */
bool rpc_wants_reply(const struct rpc_call *call); /* false for notifications: answering is then a no-op */
struct arena *rpc_arena(struct rpc_call *call);
struct rpc_connection *rpc_call_connection(const struct rpc_call *call);

/* Exactly one of both ends the call. Values are encoded at once. */
void rpc_reply(struct rpc_call *call, const struct value *result);
void rpc_reply_error(struct rpc_call *call, const struct value *error);

/* Sends [2, method, params]; bytes are copied. False when RPC_OUTPUT_MAX would be passed: the connection is
 * being cut. */
bool rpc_notify(struct rpc_connection *connection, const char *method, const struct value *params);
/* Room left below RPC_OUTPUT_MAX. */
size_t rpc_output_room(const struct rpc_connection *connection);
void rpc_connection_set_ctx(struct rpc_connection *connection, void *ctx);
void *rpc_connection_ctx(const struct rpc_connection *connection);
void rpc_connection_set_trusted(
    struct rpc_connection *connection); /* hello was accepted: its deadline ends */
void rpc_connection_cut(struct rpc_connection *connection);
struct slice rpc_connection_peer(const struct rpc_connection *connection);
size_t rpc_connection_count(const struct rpc_server *server);

#endif
