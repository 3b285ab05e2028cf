/* Shared by the files of the MessagePack-RPC listener only.
 *
 * A connection reads frames into one buffer, hands each out as a call with its own arena, and collects what
 * it owes in one output buffer that leaves once per turn of the loop. It ends in one of two ways: drained (no
 * more reading; it closes when its calls are answered and its output has left) or cut (at once). */
#ifndef SERVER_RPC_INTERNAL_H
#define SERVER_RPC_INTERNAL_H

#include "proto/msgpack.h"
#include "server/deadline.h"
#include "server/rpc.h"
#include "server/turn.h"

#define RPC_INPUT_FIRST (4u << 10) /* bytes of the read buffer of a quiet connection */
#define RPC_INPUT_BUSY (64u << 10) /* of one that fills its buffer with whole frames */
#define RPC_OUTPUT_KEPT (4u << 10) /* an empty output buffer larger than this is freed */
#define RPC_CORK_MAX (64u << 10)   /* output leaves before the turn ends when it grows past this */
#define RPC_POOLED_CALLS 1024      /* calls kept for reuse, each with an arena of one block */
#define RPC_CLOSE_GRACE_MS 1000    /* for clients to take the last answers once all are given */
#define RPC_PEER_MAX 64

enum rpc_state {
    RPC_STATE_OPEN,     /* reads unless paused */
    RPC_STATE_DRAINING, /* reads no more */
    RPC_STATE_CLOSING,  /* its handle is being closed */
    RPC_STATE_CLOSED,   /* on_closed was called; calls may still be unanswered */
};

struct rpc_buffer {
    char *bytes;
    size_t len, size;
};

struct rpc_connection {
    union {
        uv_handle_t any;
        uv_stream_t stream;
        uv_tcp_t tcp;
        uv_pipe_t pipe;
    } handle;
    struct rpc_server *server;
    struct rpc_connection *prev, *next; /* ring of all */
    struct rpc_connection *next_due;    /* in the list of those that on_turn() visits */
    bool is_due;
    enum rpc_state state;
    bool paused;    /* RPC_CALLS_MAX was reached */
    uint32_t calls; /* unanswered */
    struct rpc_buffer in;
    struct msgpack_scan scan; /* of the frame at the start of `in` */
    struct rpc_buffer out;    /* collected in this turn */
    char *sending;            /* what the socket did not take at once, with libuv; else NULL */
    uv_write_t write;
    struct deadline hello, frame; /* `frame` also bounds draining */
    void *ctx;
    char peer[RPC_PEER_MAX];
};

struct rpc_call {
    struct rpc_connection *connection;
    struct rpc_call *next; /* in the pool */
    struct arena arena;
    struct slice method;
    const struct value *params;
    uint32_t msgid;
    bool wants_reply;
};

struct rpc_server {
    uv_loop_t *loop;
    struct rpc_handler handler;
    uv_tcp_t tcp;
    uv_pipe_t pipe;
    bool has_tcp, has_pipe;
    struct turn turn;
    struct deadline_clock clock;
    struct deadline_queue hellos, frames, graces;
    struct deadline grace;
    struct arena scratch; /* for encoding notifications */
    unsigned connections_max;
    struct rpc_connection connections; /* ring; only its links are used */
    size_t connection_count;           /* until freed */
    size_t open_count;                 /* until on_closed */
    struct rpc_connection *due, **due_tail;
    struct rpc_call *pool;
    size_t pool_count;
    size_t calls; /* unanswered */
    uint16_t port;
    bool quiesced, closing, finishing;
    unsigned parts_open; /* listeners, turn and clock: on_closed waits for them */
    void (*on_closed)(void *ctx);
    void *on_closed_ctx;
};

/* rpc.c */
/* The turn visits this connection: it has output to send, or input that waited. */
void rpc_server_visit(struct rpc_connection *connection);

/* rpc_listen.c: false and `why`; what was initialised is marked in has_tcp, has_pipe and wants closing. */
bool rpc_listen_tcp(struct rpc_server *server, const char *host, uint16_t port, char *why, size_t why_size);
bool rpc_listen_unix(struct rpc_server *server, const char *path, char *why, size_t why_size);

/* rpc_connection.c */
void rpc_connection_accept(struct rpc_server *server, uv_stream_t *listener);
void rpc_connection_turn(struct rpc_connection *connection);
void rpc_connection_drain(struct rpc_connection *connection);
void rpc_connection_on_late(struct deadline *hello);
void rpc_connection_on_stall(struct deadline *frame);
/* A call was answered or output has left: goes on reading, closes a drained connection, frees a closed one.
 */
void rpc_connection_settle(struct rpc_connection *connection);

/* rpc_call.c */
/* One whole message: a call for the handler, or a refusal for the client. */
void rpc_call_dispatch(struct rpc_connection *connection, struct slice message);
/* Answers bytes that are no message at all. */
void rpc_call_refuse_bytes(struct rpc_connection *connection, const char *why);
void rpc_call_free_pool(struct rpc_server *server);

/* rpc_output.c */
/* Copies; false: the bound would be passed and the connection was cut, or it was closing already. */
bool rpc_output_append(struct rpc_connection *connection, struct slice bytes);
void rpc_output_flush(struct rpc_connection *connection);
size_t rpc_output_owed(const struct rpc_connection *connection);
void rpc_output_free(struct rpc_connection *connection);

#endif
