#include "server/rpc_internal.h"

#include <arpa/inet.h>
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* In the order of a connection's life: accept, read, pause and go on, drain, close, free. */

#define KEEPALIVE_S 60 /* idle seconds before the kernel asks whether the peer is still there */

_Static_assert(RPC_FRAME_MAX >= MSGPACK_FRAME_MAX,
               "a message that the scan lets pass fits into the read buffer");

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *room)
{
    (void)suggested;
    struct rpc_connection *connection = handle->data;
    struct rpc_buffer *in = &connection->in;
    if (in->len == in->size && in->size < RPC_FRAME_MAX) {
        size_t size = in->size > 0 ? in->size * 2 : RPC_INPUT_FIRST;
        char *bytes = realloc(in->bytes, size);
        if (!bytes)
            abort();
        in->bytes = bytes;
        in->size = size;
    }
    *room = uv_buf_init(in->bytes + in->len, (unsigned)(in->size - in->len));
}

/* Called between messages only. The next read allocates. */
static void set_input_size(struct rpc_buffer *in, size_t size)
{
    char *bytes = malloc(size);
    if (!bytes)
        abort();
    free(in->bytes);
    *in = (struct rpc_buffer){bytes, 0, size};
}

static void fit_input(struct rpc_buffer *in, size_t read_len, bool filled)
{
    if (in->len > 0)
        return;
    if (filled && in->size < RPC_INPUT_BUSY)
        set_input_size(in, in->size * 4 < RPC_INPUT_BUSY ? in->size * 4 : RPC_INPUT_BUSY);
    else if (in->size > RPC_INPUT_BUSY || (in->size > RPC_INPUT_FIRST && read_len < in->size / 4))
        set_input_size(in, RPC_INPUT_FIRST);
}

/* Hands out every whole message in the buffer, unless that is enough for now. */
static void take_messages(struct rpc_connection *connection)
{
    struct rpc_buffer *in = &connection->in;
    size_t at = 0;
    while (at < in->len && connection->state == RPC_STATE_OPEN && !connection->paused) {
        struct slice rest = {in->bytes + at, in->len - at};
        size_t used;
        enum msgpack_status status = msgpack_scan_step(&connection->scan, rest, &used);
        if (status == MSGPACK_NEED_MORE)
            break;
        if (status == MSGPACK_BAD) {
            rpc_call_refuse_bytes(connection, connection->scan.why);
            rpc_connection_drain(connection);
            return;
        }
        msgpack_scan_init(&connection->scan);
        at += used;
        rpc_call_dispatch(connection, (struct slice){rest.ptr, used});
        connection->paused = connection->calls >= RPC_CALLS_MAX;
    }
    if (connection->state != RPC_STATE_OPEN)
        return;
    in->len -= at;
    if (at > 0)
        memmove(in->bytes, in->bytes + at, in->len);
    if (in->len == 0 || connection->paused)
        deadline_stop(&connection->frame);
    else if (at > 0 || !deadline_is_running(&connection->frame))
        deadline_start(&connection->server->frames, &connection->frame);
}

static void on_read(uv_stream_t *stream, ssize_t len, const uv_buf_t *room)
{
    struct rpc_connection *connection = stream->data;
    if (len == UV_EOF)
        rpc_connection_drain(connection);
    else if (len < 0)
        rpc_connection_cut(connection);
    if (len <= 0)
        return;
    bool filled = (size_t)len == room->len;
    connection->in.len += (size_t)len;
    take_messages(connection);
    if (connection->state == RPC_STATE_OPEN && connection->paused)
        uv_read_stop(stream);
    else if (connection->state == RPC_STATE_OPEN)
        fit_input(&connection->in, (size_t)len, filled);
}

static void write_peer(struct rpc_connection *connection)
{
    struct sockaddr_storage address;
    int len = sizeof address;
    snprintf(connection->peer, sizeof connection->peer, "unix");
    if (connection->handle.any.type == UV_TCP &&
        uv_tcp_getpeername(&connection->handle.tcp, (struct sockaddr *)&address, &len) == 0)
        uv_ip_name((struct sockaddr *)&address, connection->peer, sizeof connection->peer);
}

static void on_closed(uv_handle_t *handle)
{
    struct rpc_connection *connection = handle->data;
    struct rpc_server *server = connection->server;
    assert(!connection->sending);
    connection->state = RPC_STATE_CLOSED;
    rpc_output_free(connection);
    free(connection->in.bytes);
    connection->in = (struct rpc_buffer){0};
    server->open_count--;
    server->handler.on_closed(server->handler.app, connection);
    rpc_connection_settle(connection);
}

void rpc_connection_accept(struct rpc_server *server, uv_stream_t *listener)
{
    struct rpc_connection *connection = calloc(1, sizeof *connection);
    if (!connection)
        abort();
    connection->server = server;
    bool is_tcp = listener->type == UV_TCP;
    int status = is_tcp ? uv_tcp_init(server->loop, &connection->handle.tcp)
                        : uv_pipe_init(server->loop, &connection->handle.pipe, 0);
    assert(status == 0);
    connection->handle.any.data = connection;
    connection->next = &server->connections;
    connection->prev = server->connections.prev;
    connection->prev->next = server->connections.prev = connection;
    server->connection_count++;
    server->open_count++;
    msgpack_scan_init(&connection->scan);
    if (uv_accept(listener, &connection->handle.stream) != 0 ||
        server->open_count > server->connections_max ||
        uv_read_start(&connection->handle.stream, on_alloc, on_read) != 0) {
        rpc_connection_cut(connection);
        return;
    }
    if (is_tcp) {
        (void)uv_tcp_nodelay(&connection->handle.tcp, 1);
        (void)uv_tcp_keepalive(&connection->handle.tcp, 1, KEEPALIVE_S);
    }
    write_peer(connection);
    deadline_start(&server->hellos, &connection->hello);
}

void rpc_connection_turn(struct rpc_connection *connection)
{
    if (connection->state == RPC_STATE_OPEN && connection->paused && connection->calls <= RPC_CALLS_MAX / 2) {
        connection->paused = false;
        take_messages(connection);
        if (connection->state == RPC_STATE_OPEN && !connection->paused &&
            uv_read_start(&connection->handle.stream, on_alloc, on_read) != 0)
            rpc_connection_cut(connection);
    }
    rpc_output_flush(connection);
    rpc_connection_settle(connection);
}

static void step_drain(struct rpc_connection *connection)
{
    if (connection->calls > 0)
        return;
    if (rpc_output_owed(connection) == 0)
        rpc_connection_cut(connection);
    else if (!deadline_is_running(&connection->frame))
        deadline_start(&connection->server->frames, &connection->frame);
}

void rpc_connection_drain(struct rpc_connection *connection)
{
    if (connection->state != RPC_STATE_OPEN)
        return;
    connection->state = RPC_STATE_DRAINING;
    uv_read_stop(&connection->handle.stream);
    deadline_stop(&connection->hello);
    deadline_stop(&connection->frame);
    step_drain(connection);
}

void rpc_connection_cut(struct rpc_connection *connection)
{
    if (connection->state >= RPC_STATE_CLOSING)
        return;
    connection->state = RPC_STATE_CLOSING;
    deadline_stop(&connection->hello);
    deadline_stop(&connection->frame);
    uv_close(&connection->handle.any, on_closed);
}

static void connection_free(struct rpc_connection *connection)
{
    struct rpc_server *server = connection->server;
    connection->prev->next = connection->next;
    connection->next->prev = connection->prev;
    server->connection_count--;
    if (server->closing)
        turn_request(&server->turn);
    free(connection);
}

void rpc_connection_settle(struct rpc_connection *connection)
{
    if (connection->state == RPC_STATE_OPEN && connection->paused && connection->calls <= RPC_CALLS_MAX / 2)
        rpc_server_visit(connection);
    else if (connection->state == RPC_STATE_DRAINING)
        step_drain(connection);
    else if (connection->state == RPC_STATE_CLOSED && connection->calls == 0 && !connection->is_due)
        connection_free(connection);
}

void rpc_connection_on_late(struct deadline *hello)
{
    rpc_connection_cut((struct rpc_connection *)((char *)hello - offsetof(struct rpc_connection, hello)));
}

void rpc_connection_on_stall(struct deadline *frame)
{
    rpc_connection_cut((struct rpc_connection *)((char *)frame - offsetof(struct rpc_connection, frame)));
}

void rpc_connection_set_ctx(struct rpc_connection *connection, void *ctx)
{
    connection->ctx = ctx;
}

void *rpc_connection_ctx(const struct rpc_connection *connection)
{
    return connection->ctx;
}

void rpc_connection_set_trusted(struct rpc_connection *connection)
{
    deadline_stop(&connection->hello);
}

struct slice rpc_connection_peer(const struct rpc_connection *connection)
{
    return slice_of(connection->peer);
}
