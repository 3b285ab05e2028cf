/* In the order of a connection's life: accept, read, reply, wait, end, close, free. */
#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/lmtp_internal.h"

#define KEEPALIVE_S 60
#define LMTP_READ_MAX 8192 /* libuv reads up to 32 times a turn, and nobody else is served meanwhile */

static void on_closed(uv_handle_t *handle)
{
    struct lmtp_connection *connection = handle->data;
    connection->is_closed = true;
    lmtp_connection_go_on(connection);
}

void lmtp_connection_cut(struct lmtp_connection *connection)
{
    if (connection->is_closing)
        return;
    connection->is_closing = true;
    deadline_stop(&connection->deadline);
    deadline_stop(&connection->data_deadline);
    uv_close((uv_handle_t *)&connection->tcp, on_closed);
}

static void connection_free(struct lmtp_connection *connection)
{
    struct lmtp_server *server = connection->server;
    lmtp_delivery_free(&connection->delivery);
    connection->prev->next = connection->next;
    connection->next->prev = connection->prev;
    server->connection_count--;
    free(connection);
    lmtp_server_settle(server);
}

/* --- replies --- */

void lmtp_connection_reply(struct lmtp_connection *connection, const char *format, ...)
{
    char line[LMTP_REPLY_MAX];
    va_list args;
    va_start(args, format);
    int len = vsnprintf(line, sizeof line - 2, format, args);
    va_end(args);
    if (len > (int)sizeof line - 3)
        len = (int)sizeof line - 3;
    for (int i = 0; i < len; i++) { /* what is quoted must not end the line */
        if ((unsigned char)line[i] < ' ')
            line[i] = '?';
    }
    memcpy(line + len, "\r\n", 2);
    assert(connection->out_len + (size_t)len + 2 <= sizeof connection->out);
    memcpy(connection->out + connection->out_len, line, (size_t)len + 2);
    connection->out_len += (size_t)len + 2;
}

static void on_written(uv_write_t *write, int status)
{
    struct lmtp_connection *connection = write->data;
    connection->is_writing = false;
    if (status != 0)
        lmtp_connection_cut(connection);
    else
        lmtp_connection_go_on(connection);
}

static void send_replies(struct lmtp_connection *connection)
{
    if (!connection->out_len || connection->is_writing)
        return;
    uv_stream_t *stream = (uv_stream_t *)&connection->tcp;
    uv_buf_t bytes = uv_buf_init(connection->out, (unsigned)connection->out_len);
    int sent = uv_try_write(stream, &bytes, 1);
    size_t done = sent > 0 ? (size_t)sent : 0;
    size_t left = connection->out_len - done;
    connection->out_len = 0;
    if (!left)
        return;
    memcpy(connection->sending, connection->out + done, left);
    bytes = uv_buf_init(connection->sending, (unsigned)left);
    connection->write.data = connection;
    connection->is_writing = uv_write(&connection->write, stream, &bytes, 1, on_written) == 0;
    if (!connection->is_writing)
        lmtp_connection_cut(connection);
}

void lmtp_connection_end(struct lmtp_connection *connection)
{
    connection->is_ending = true;
    lmtp_connection_go_on(connection);
}

/* --- deadlines --- */

static bool is_inside_data(const struct lmtp_connection *connection)
{
    return connection->reader.mode == LMTP_READS_DATA || connection->reader.mode == LMTP_READS_CHUNK;
}

static enum lmtp_wait wait_of(const struct lmtp_connection *connection)
{
    if (connection->is_writing)
        return LMTP_WAITS_FOR_WRITE;
    if (connection->is_delivering || is_inside_data(connection))
        return LMTP_WAITS_FOR_NOTHING;
    return connection->in_len || connection->reader.mode == LMTP_SKIPS_LINE ? LMTP_WAITS_FOR_LINE
                                                                            : LMTP_WAITS_IDLY;
}

/* From its first byte on, also between chunks: a message in pieces has no more time than one in one piece. */
static void set_data_deadline(struct lmtp_connection *connection)
{
    bool is_sent = !connection->is_delivering && !connection->is_ending &&
                   (is_inside_data(connection) || connection->phase == LMTP_HAS_CHUNKS);
    if (!is_sent)
        deadline_stop(&connection->data_deadline);
    else if (!deadline_is_running(&connection->data_deadline))
        deadline_start(&connection->server->datas, &connection->data_deadline);
}

/* Progress within a line does not move its deadline. */
static void set_deadline(struct lmtp_connection *connection)
{
    struct lmtp_server *server = connection->server;
    struct deadline_queue *queues[] = {NULL, &server->lines, &server->idles, &server->writes};
    enum lmtp_wait waits = wait_of(connection);
    if (waits == connection->waits && !connection->progressed)
        return;
    connection->waits = waits;
    connection->progressed = false;
    if (queues[waits])
        deadline_start(queues[waits], &connection->deadline);
    else
        deadline_stop(&connection->deadline);
}

static void end_late(struct lmtp_connection *connection)
{
    if (connection->is_writing || connection->is_ending) {
        lmtp_connection_cut(connection);
        return;
    }
    lmtp_connection_reply(connection, "421 4.4.2 %s has waited long enough", connection->server->host);
    lmtp_connection_end(connection);
}

void lmtp_connection_on_late(struct deadline *deadline)
{
    end_late((struct lmtp_connection *)((char *)deadline - offsetof(struct lmtp_connection, deadline)));
}

void lmtp_connection_on_late_data(struct deadline *deadline)
{
    end_late((struct lmtp_connection *)((char *)deadline - offsetof(struct lmtp_connection, data_deadline)));
}

/* --- reading --- */

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *room)
{
    (void)suggested;
    struct lmtp_connection *connection = handle->data;
    size_t left = sizeof connection->in - connection->in_len;
    *room = uv_buf_init(connection->in + connection->in_len,
                        (unsigned)(left < LMTP_READ_MAX ? left : LMTP_READ_MAX));
}

static void on_read(uv_stream_t *stream, ssize_t len, const uv_buf_t *room)
{
    (void)room;
    struct lmtp_connection *connection = stream->data;
    if (len < 0) {
        lmtp_connection_cut(connection);
        return;
    }
    connection->in_len += (size_t)len;
    lmtp_connection_go_on(connection);
}

static void take_step(struct lmtp_connection *connection, const struct lmtp_step *step)
{
    switch (step->status) {
    case LMTP_COMMAND:
        connection->progressed = true;
        lmtp_session_command(connection, &step->command);
        break;
    case LMTP_CONTENT:
        if (!connection->chunk_is_refused)
            lmtp_delivery_add(connection->delivery, step->content);
        break;
    case LMTP_CHUNK_END:
        connection->progressed = true;
        lmtp_session_chunk_end(connection);
        break;
    case LMTP_DATA_END:
        connection->progressed = true;
        lmtp_delivery_begin(connection->delivery);
        break;
    case LMTP_NEED_MORE:
        break;
    }
}

static bool may_take(const struct lmtp_connection *connection)
{
    return !connection->is_delivering && !connection->is_ending && !connection->is_closing &&
           !connection->is_writing && connection->out_len < LMTP_OUTPUT_FULL;
}

static void take_input(struct lmtp_connection *connection)
{
    struct lmtp_step step = {.status = LMTP_COMMAND};
    size_t at = 0;
    while (may_take(connection) && step.status != LMTP_NEED_MORE) {
        struct slice rest = {connection->in + at, connection->in_len - at};
        lmtp_read(&connection->reader, rest, &step);
        at += step.used;
        take_step(connection, &step);
    }
    connection->in_len -= at;
    memmove(connection->in, connection->in + at, connection->in_len);
}

static void set_reading(struct lmtp_connection *connection)
{
    bool wants = may_take(connection);
    if (wants == connection->is_reading)
        return;
    connection->is_reading = wants;
    if (!wants)
        uv_read_stop((uv_stream_t *)&connection->tcp);
    else if (uv_read_start((uv_stream_t *)&connection->tcp, on_alloc, on_read) != 0)
        lmtp_connection_cut(connection);
}

void lmtp_connection_go_on(struct lmtp_connection *connection)
{
    if (connection->is_closed) {
        if (!connection->is_delivering)
            connection_free(connection);
        return;
    }
    size_t before;
    do {
        before = connection->in_len;
        take_input(connection);
        if (!connection->is_closing)
            send_replies(connection);
    } while (connection->in_len != before && may_take(connection));
    if (connection->is_closing)
        return;
    if (connection->is_ending && !connection->is_writing) {
        lmtp_connection_cut(connection);
        return;
    }
    set_reading(connection);
    set_deadline(connection);
    set_data_deadline(connection);
}

void lmtp_connection_accept(struct lmtp_server *server)
{
    struct lmtp_connection *connection = calloc(1, sizeof *connection);
    if (!connection || uv_tcp_init(server->loop, &connection->tcp) != 0)
        abort();
    connection->server = server;
    connection->tcp.data = connection;
    connection->next = &server->connections;
    connection->prev = server->connections.prev;
    connection->prev->next = server->connections.prev = connection;
    server->connection_count++;
    lmtp_reader_init(&connection->reader);
    if (uv_accept((uv_stream_t *)&server->tcp, (uv_stream_t *)&connection->tcp) != 0) {
        lmtp_connection_cut(connection);
        return;
    }
    (void)uv_tcp_nodelay(&connection->tcp, 1);
    (void)uv_tcp_keepalive(&connection->tcp, 1, KEEPALIVE_S);
    connection->progressed = true;
    if (server->connection_count > LMTP_CONNECTIONS_MAX) {
        lmtp_connection_reply(connection, "421 4.3.2 %s has too many connections", server->host);
        lmtp_connection_end(connection);
        return;
    }
    lmtp_connection_reply(connection, "220 %s LMTP patchbay", server->host);
    lmtp_connection_go_on(connection);
}
