#include "server/http_internal.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A response body that libmicrohttpd pulls from a bounded buffer. When the buffer is empty the connection
 * sleeps (suspended); the next write wakes it. libmicrohttpd frees the response when the connection is done
 * with it, whatever the reason; the application hears of it at the end of that turn. */

#define STREAM_BLOCK                                                                                         \
    4096 /* bytes libmicrohttpd asks for at once; also the buffer that an idle stream keeps */
#define DISPOSITION_MAX 256

struct http_stream {
    struct http_server *server;
    struct http_connection *connection;
    struct http_stream *next; /* among the waking or the closed */
    struct http_stream *next_idle;
    bool idle;
    void (*on_idle)(void *ctx);
    char *bytes;
    size_t start, len, size;
    bool asleep, waking;
    bool ending; /* no more writes; what is buffered is still sent */
    bool cut;
    bool gone; /* the exchange has ended: connection is invalid */
    void (*on_closed)(void *ctx);
    void *ctx;
};

static void wake(struct http_stream *stream)
{
    if (!stream->asleep || stream->waking)
        return;
    stream->waking = true;
    stream->next = stream->server->waking;
    stream->server->waking = stream;
    http_connection_expect_progress(stream->connection);
    turn_request(&stream->server->turn);
}

static void note_idle(struct http_stream *stream)
{
    if (!stream->on_idle || stream->idle)
        return;
    stream->idle = true;
    stream->next_idle = stream->server->idle;
    stream->server->idle = stream;
    turn_request(&stream->server->turn);
}

static ssize_t on_read(void *cls, uint64_t position, char *out, size_t room)
{
    (void)position;
    struct http_stream *stream = cls;
    if (stream->cut)
        return MHD_CONTENT_READER_END_WITH_ERROR;
    if (stream->len == 0 && stream->ending)
        return MHD_CONTENT_READER_END_OF_STREAM;
    if (stream->len == 0) {
        /* libmicrohttpd asks again only when all it had is with the kernel: nothing is owed now. */
        deadline_stop(&stream->connection->deadline);
        stream->asleep = true;
        note_idle(stream);
        MHD_suspend_connection(stream->connection->mhd);
        return 0;
    }
    size_t len = stream->len < room ? stream->len : room;
    memcpy(out, stream->bytes + stream->start, len);
    stream->start += len;
    stream->len -= len;
    if (stream->len == 0) {
        stream->start = 0;
        if (stream->size > STREAM_BLOCK) {
            free(stream->bytes);
            stream->bytes = NULL;
            stream->size = 0;
        }
    }
    return (ssize_t)len;
}

void http_stream_detach(struct http_stream *stream)
{
    stream->connection->exchange->stream = NULL;
    stream->connection = NULL;
    stream->gone = true;
}

static void on_free(void *cls)
{
    struct http_stream *stream = cls;
    if (!stream->gone)
        http_stream_detach(stream);
    free(stream->bytes);
    stream->bytes = NULL;
    stream->next = stream->server->closed;
    stream->server->closed = stream;
    turn_request(&stream->server->turn);
}

static void add_file(struct MHD_Response *response, const char *file)
{
    char text[DISPOSITION_MAX];
    int len = snprintf(text, sizeof text, "attachment; filename=\"%s\"", file);
    assert(len > 0 && (size_t)len < sizeof text);
    (void)MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_DISPOSITION, text);
}

struct http_stream *http_reply_stream(struct http_exchange *exchange, const char *content_type,
                                      const char *file, void (*on_closed)(void *ctx), void *ctx)
{
    struct http_stream *stream = calloc(1, sizeof *stream);
    if (!stream)
        abort();
    *stream = (struct http_stream){.server = exchange->server,
                                   .connection = exchange->connection,
                                   .ending = exchange->server->closing,
                                   .on_closed = on_closed,
                                   .ctx = ctx};
    exchange->stream = stream;
    struct MHD_Response *response =
        MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, STREAM_BLOCK, on_read, stream, on_free);
    if (!response)
        abort();
    if (content_type)
        (void)MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, content_type);
    if (file)
        add_file(response, file);
    (void)MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
    http_exchange_answer(exchange, MHD_HTTP_OK, response);
    return stream;
}

static void append(struct http_stream *stream, struct slice bytes)
{
    if (stream->size - stream->start - stream->len < bytes.len && stream->start > 0) {
        memmove(stream->bytes, stream->bytes + stream->start, stream->len);
        stream->start = 0;
    }
    if (stream->size - stream->len < bytes.len) {
        size_t size = stream->size > 0 ? stream->size : STREAM_BLOCK;
        while (size - stream->len < bytes.len)
            size *= 2;
        char *grown = realloc(stream->bytes, size);
        if (!grown)
            abort();
        stream->bytes = grown;
        stream->size = size;
    }
    memcpy(stream->bytes + stream->start + stream->len, bytes.ptr, bytes.len);
    stream->len += bytes.len;
}

bool http_stream_write(struct http_stream *stream, struct slice bytes)
{
    if (stream->gone || stream->ending || stream->cut)
        return false;
    if (bytes.len > HTTP_STREAM_BUFFER_MAX - stream->len) {
        stream->cut = true;
        http_connection_cut(stream->connection);
        wake(stream);
        return false;
    }
    if (bytes.len == 0)
        return true;
    append(stream, bytes);
    wake(stream);
    return true;
}

size_t http_stream_room(const struct http_stream *stream)
{
    return HTTP_STREAM_BUFFER_MAX - stream->len;
}

void http_stream_end(struct http_stream *stream)
{
    if (stream->gone || stream->ending)
        return;
    stream->ending = true;
    wake(stream);
}

void http_stream_cut(struct http_stream *stream)
{
    if (stream->gone || stream->cut)
        return;
    stream->cut = true;
    http_connection_cut(stream->connection);
    wake(stream);
}

void http_stream_on_idle(struct http_stream *stream, void (*on_idle)(void *ctx))
{
    stream->on_idle = on_idle;
}

/* Before the closed are freed: one of these may be among them. */
void http_stream_report_idle(struct http_server *server)
{
    struct http_stream *stream = server->idle;
    server->idle = NULL;
    while (stream) {
        struct http_stream *next = stream->next_idle;
        stream->idle = false;
        if (!stream->gone && !stream->cut && !stream->ending && stream->len == 0)
            stream->on_idle(stream->ctx);
        stream = next;
    }
}

void http_stream_resume_waking(struct http_server *server)
{
    while (server->waking) {
        struct http_stream *stream = server->waking;
        server->waking = stream->next;
        stream->asleep = stream->waking = false;
        MHD_resume_connection(stream->connection->mhd);
    }
}

void http_stream_report_closed(struct http_server *server)
{
    while (server->closed) {
        struct http_stream *stream = server->closed;
        server->closed = stream->next;
        if (stream->on_closed)
            stream->on_closed(stream->ctx);
        free(stream);
    }
}
