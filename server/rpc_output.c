#include "server/rpc_internal.h"

#include <stdlib.h>
#include <string.h>

/* All that a turn of the loop owes to a connection leaves in one write: a commit answers thousands of calls
 * at once. While the socket is full one uv_write is in flight and the rest collects behind it. */

size_t rpc_output_owed(const struct rpc_connection *connection)
{
    return connection->out.len + uv_stream_get_write_queue_size(&connection->handle.stream);
}

static void reserve(struct rpc_buffer *buffer, size_t more)
{
    if (buffer->size - buffer->len >= more)
        return;
    size_t size = buffer->size > 0 ? buffer->size : 1024;
    while (size - buffer->len < more)
        size *= 2;
    char *bytes = realloc(buffer->bytes, size);
    if (!bytes)
        abort();
    buffer->bytes = bytes;
    buffer->size = size;
}

bool rpc_output_append(struct rpc_connection *connection, struct slice bytes)
{
    if (bytes.len > rpc_output_room(connection))
        rpc_output_flush(connection);
    if (bytes.len > rpc_output_room(connection))
        rpc_connection_cut(connection);
    if (connection->state >= RPC_STATE_CLOSING)
        return false;
    reserve(&connection->out, bytes.len);
    memcpy(connection->out.bytes + connection->out.len, bytes.ptr, bytes.len);
    connection->out.len += bytes.len;
    rpc_server_visit(connection);
    if (connection->out.len > RPC_CORK_MAX)
        rpc_output_flush(connection);
    return true;
}

static void on_written(uv_write_t *write, int status)
{
    struct rpc_connection *connection = write->data;
    free(connection->sending);
    connection->sending = NULL;
    if (status < 0)
        rpc_connection_cut(connection);
    rpc_output_flush(connection);
    rpc_connection_settle(connection);
}

void rpc_output_flush(struct rpc_connection *connection)
{
    struct rpc_buffer *out = &connection->out;
    if (connection->state >= RPC_STATE_CLOSING || connection->sending || out->len == 0)
        return;
    uv_buf_t rest = uv_buf_init(out->bytes, (unsigned)out->len);
    int sent = uv_try_write(&connection->handle.stream, &rest, 1);
    if (sent < 0 && sent != UV_EAGAIN) {
        rpc_connection_cut(connection);
        return;
    }
    if (sent > 0) {
        rest.base += sent;
        rest.len -= (size_t)sent;
    }
    if (rest.len > 0) {
        connection->sending = out->bytes;
        *out = (struct rpc_buffer){0};
        connection->write.data = connection;
        if (uv_write(&connection->write, &connection->handle.stream, &rest, 1, on_written) == 0)
            return;
        free(connection->sending);
        connection->sending = NULL;
        rpc_connection_cut(connection);
        return;
    }
    out->len = 0;
    if (out->size > RPC_OUTPUT_KEPT)
        rpc_output_free(connection);
}

void rpc_output_free(struct rpc_connection *connection)
{
    free(connection->out.bytes);
    connection->out = (struct rpc_buffer){0};
}

bool rpc_notify(struct rpc_connection *connection, const char *method, const struct value *params)
{
    struct value items[] = {value_int(2), value_string(slice_of(method)), *params};
    struct value message = {.kind = VALUE_LIST, .count = 3, .items = items};
    struct arena *scratch = &connection->server->scratch;
    bool taken = rpc_output_append(connection, msgpack_write(&message, scratch));
    arena_reset(scratch);
    return taken;
}

size_t rpc_output_room(const struct rpc_connection *connection)
{
    size_t owed = rpc_output_owed(connection);
    return owed < RPC_OUTPUT_MAX ? RPC_OUTPUT_MAX - owed : 0;
}
