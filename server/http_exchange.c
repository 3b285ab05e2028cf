#include "server/http_internal.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/json.h"
#include "proto/problem.h"
#include "server/message_buffer.h"

/* libmicrohttpd calls http_exchange_begin() at the request line, http_exchange_step() when the headers are
 * complete, for each piece of the body, when all is there and again after each resume, and
 * http_exchange_end() when the reply has left or the connection has gone. */

static struct http_exchange *exchange_take(struct http_server *server)
{
    struct http_exchange *exchange = server->pool;
    if (exchange) {
        server->pool = exchange->next;
        server->pool_count--;
        return exchange;
    }
    exchange = calloc(1, sizeof *exchange);
    if (!exchange)
        abort();
    arena_init(&exchange->arena);
    return exchange;
}

static void exchange_release(struct http_exchange *exchange)
{
    struct http_server *server = exchange->server;
    message_buffer_free(exchange->body, exchange->body_size);
    if (server->pool_count == HTTP_POOLED_EXCHANGES) {
        arena_deinit(&exchange->arena);
        free(exchange);
        return;
    }
    arena_reset(&exchange->arena);
    *exchange = (struct http_exchange){.arena = exchange->arena, .next = server->pool};
    server->pool = exchange;
    server->pool_count++;
}

void http_exchange_free_pool(struct http_server *server)
{
    while (server->pool) {
        struct http_exchange *exchange = server->pool;
        server->pool = exchange->next;
        arena_deinit(&exchange->arena);
        free(exchange);
    }
}

static size_t param_count(struct slice query)
{
    size_t count = query.len > 0;
    for (size_t i = 0; i < query.len; i++)
        count += query.ptr[i] == '&';
    return count;
}

/* libmicrohttpd makes a record of each, though we read the target ourselves, and closes without a word when
 * the memory of the connection is used up. */
static void refuse_params(struct http_exchange *exchange)
{
    struct arena *arena = &exchange->arena;
    struct problem problem;
    problem_set(&problem, PROBLEM_TOO_LARGE, NULL, "The query has more than %d parameters.", HTTP_PARAMS_MAX);
    struct value value = problem_value_http(&problem, arena);
    struct slice text = json_write(&value, arena);
    exchange->is_told = true;
    http_connection_part(
        exchange->connection,
        arena_format(arena,
                     "HTTP/1.1 %d Content Too Large\r\nContent-Type: %s\r\nContent-Length: %zu\r\n"
                     "Connection: close\r\n\r\n%.*s",
                     MHD_HTTP_CONTENT_TOO_LARGE, PROBLEM_MEDIA_TYPE, text.len, (int)text.len, text.ptr));
}

void http_exchange_forget(struct http_exchange *exchange)
{
    assert(exchange->state < HTTP_EXCHANGE_OPEN);
    exchange_release(exchange);
}

void *http_exchange_begin(void *cls, const char *uri, struct MHD_Connection *mhd)
{
    struct http_server *server = cls;
    struct http_connection *connection = http_connection_of(mhd);
    struct http_exchange *exchange = exchange_take(server);
    exchange->server = server;
    exchange->connection = connection;
    exchange->state = HTTP_EXCHANGE_BEGUN;
    http_request_set_target(exchange, uri);
    connection->exchange = exchange;
    /* The first request of a connection keeps the deadline that began with the connection. */
    if (connection->deadline.queue != &server->requests)
        deadline_start(&server->requests, &connection->deadline);
    if (param_count(exchange->query) > HTTP_PARAMS_MAX)
        refuse_params(exchange);
    return exchange;
}

static enum MHD_Result queue_response(struct http_exchange *exchange)
{
    struct MHD_Response *response = exchange->response;
    exchange->response = NULL;
    exchange->state = HTTP_EXCHANGE_SENDING;
    http_connection_expect_progress(exchange->connection);
    enum MHD_Result result = MHD_queue_response(exchange->connection->mhd, exchange->status, response);
    MHD_destroy_response(response);
    return result;
}

static enum MHD_Result refuse(struct http_exchange *exchange, enum problem_code code, const char *detail)
{
    struct problem problem;
    problem_set(&problem, code, NULL, "%s", detail);
    struct value value = problem_value_http(&problem, &exchange->arena);
    struct slice text = json_write(&value, &exchange->arena);
    struct MHD_Response *response =
        MHD_create_response_from_buffer(text.len, (void *)text.ptr, MHD_RESPMEM_MUST_COPY);
    if (!response)
        abort();
    (void)MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, PROBLEM_MEDIA_TYPE);
    if (code == PROBLEM_INVALID)
        (void)MHD_add_response_header(response, MHD_HTTP_HEADER_CONNECTION, "close");
    exchange->status = problem_status(code);
    exchange->response = response;
    return queue_response(exchange);
}

static enum MHD_Result refuse_too_large(struct http_exchange *exchange)
{
    char detail[64];
    snprintf(detail, sizeof detail, "The body is larger than %u bytes.", HTTP_BODY_MAX);
    return refuse(exchange, PROBLEM_TOO_LARGE, detail);
}

static unsigned long long declared_length(const struct http_exchange *exchange)
{
    struct slice length;
    bool is_declared = http_find_header(exchange, MHD_HTTP_HEADER_CONTENT_LENGTH, &length);
    return is_declared ? strtoull(length.ptr, NULL, 10) : 0;
}

/* A client that asks before sending (Expect), or announces more than is worth reading, is refused at once and
 * loses its connection; others have their body read and discarded, because closing on them would reset the
 * connection before they see why. */
static bool is_refused_at_once(const struct http_exchange *exchange)
{
    struct slice expect;
    return http_find_header(exchange, MHD_HTTP_HEADER_EXPECT, &expect) ||
           declared_length(exchange) > HTTP_DISCARD_MAX;
}

/* The application gets it now and asks for the body in pieces, or answers. */
static enum MHD_Result step_streamed(struct http_exchange *exchange)
{
    struct http_server *server = exchange->server;
    if (server->closing)
        return MHD_NO;
    exchange->streamed = true;
    deadline_stop(&exchange->connection->deadline);
    exchange->state = HTTP_EXCHANGE_OPEN;
    server->open_count++;
    server->on_request(server->app, exchange);
    if (exchange->state == HTTP_EXCHANGE_OPEN) {
        exchange->suspended = exchange->asked_again = true;
        MHD_suspend_connection(exchange->connection->mhd);
        return MHD_YES;
    }
    deadline_start(&server->requests, &exchange->connection->deadline);
    if (exchange->state == HTTP_EXCHANGE_ANSWERED && is_refused_at_once(exchange))
        return queue_response(exchange);
    return MHD_YES;
}

/* After the first suspension libmicrohttpd shows the headers once more. */
static enum MHD_Result step_headers_again(struct http_exchange *exchange)
{
    exchange->asked_again = false;
    deadline_start(&exchange->server->requests, &exchange->connection->deadline);
    if (exchange->state == HTTP_EXCHANGE_ANSWERED && is_refused_at_once(exchange))
        return queue_response(exchange);
    return MHD_YES;
}

static bool is_chosen(const struct http_exchange *exchange, http_choice choice)
{
    return choice && choice(exchange->method, exchange->path);
}

/* The headers are complete. */
static enum MHD_Result step_headers(struct http_exchange *exchange, const char *method, const char *version)
{
    exchange->method = slice_of(method);
    exchange->state = HTTP_EXCHANGE_READING;
    const char *fault = http_head_fault(exchange, version);
    if (fault)
        return refuse(exchange, PROBLEM_INVALID, fault);
    if (is_chosen(exchange, exchange->server->is_streamed))
        return step_streamed(exchange);
    if (declared_length(exchange) <= HTTP_BODY_MAX)
        return MHD_YES;
    if (is_chosen(exchange, exchange->server->hears_of_large)) {
        exchange->is_too_large = true;
        return step_streamed(exchange);
    }
    exchange->state = HTTP_EXCHANGE_DISCARDING;
    return is_refused_at_once(exchange) ? refuse_too_large(exchange) : MHD_YES;
}

static void append(struct http_exchange *exchange, const char *bytes, size_t len)
{
    if (exchange->body_size - exchange->body_len < len) {
        size_t size = exchange->body_size > 0 ? exchange->body_size : HTTP_BODY_FIRST;
        while (size - exchange->body_len < len)
            size *= 2;
        if (size > HTTP_BODY_MAX)
            size = HTTP_BODY_MAX;
        exchange->body = message_buffer_grow(exchange->body, exchange->body_size, size);
        exchange->body_size = size;
    }
    if (len)
        memcpy(exchange->body + exchange->body_len, bytes, len);
    exchange->body_len += len;
}

static void drop_body(struct http_exchange *exchange)
{
    message_buffer_free(exchange->body, exchange->body_size);
    exchange->body = NULL;
    exchange->body_len = exchange->body_size = 0;
}

static enum MHD_Result step_body(struct http_exchange *exchange, const char *bytes, size_t len)
{
    if (exchange->state == HTTP_EXCHANGE_READING && len <= HTTP_BODY_MAX - exchange->body_len) {
        append(exchange, bytes, len);
        return MHD_YES;
    }
    if (exchange->state == HTTP_EXCHANGE_READING) {
        exchange->state = HTTP_EXCHANGE_DISCARDING;
        exchange->discarded = exchange->body_len;
        drop_body(exchange);
    }
    exchange->discarded += len;
    return exchange->discarded <= HTTP_DISCARD_MAX ? MHD_YES : MHD_NO;
}

static enum MHD_Result step_complete(struct http_exchange *exchange)
{
    struct http_server *server = exchange->server;
    /* What was in the socket's buffer when the listener closed may still complete a request. */
    if (server->closing)
        return MHD_NO;
    deadline_stop(&exchange->connection->deadline);
    exchange->state = HTTP_EXCHANGE_OPEN;
    server->open_count++;
    server->on_request(server->app, exchange);
    if (exchange->state == HTTP_EXCHANGE_ANSWERED)
        return queue_response(exchange);
    exchange->suspended = true;
    MHD_suspend_connection(exchange->connection->mhd);
    return MHD_YES;
}

/* It turned out while it came. */
static enum MHD_Result step_too_large(struct http_exchange *exchange)
{
    if (!is_chosen(exchange, exchange->server->hears_of_large))
        return refuse_too_large(exchange);
    exchange->is_too_large = true;
    return step_complete(exchange);
}

static enum MHD_Result step_piece(struct http_exchange *exchange, const char *bytes, size_t len)
{
    struct http_server *server = exchange->server;
    bool is_last = len == 0;
    exchange->body_len = 0;
    append(exchange, bytes, len);
    deadline_stop(&exchange->connection->deadline);
    exchange->state = HTTP_EXCHANGE_OPEN;
    exchange->body_ended = is_last;
    exchange->on_piece(exchange->on_piece_ctx, (struct slice){exchange->body, len},
                       is_last ? HTTP_PIECE_LAST : HTTP_PIECE);
    if (exchange->state == HTTP_EXCHANGE_ANSWERED && is_last)
        return queue_response(exchange);
    if (exchange->state == HTTP_EXCHANGE_OPEN) {
        exchange->suspended = true;
        MHD_suspend_connection(exchange->connection->mhd);
    } else {
        deadline_start(&server->requests, &exchange->connection->deadline);
    }
    return MHD_YES;
}

/* Answered before its body was over. */
static enum MHD_Result step_unwanted(struct http_exchange *exchange, size_t len)
{
    exchange->discarded += len;
    if (len == 0)
        return queue_response(exchange);
    return exchange->discarded <= HTTP_DISCARD_MAX ? MHD_YES : MHD_NO;
}

enum MHD_Result http_exchange_step(void *cls, struct MHD_Connection *mhd, const char *url, const char *method,
                                   const char *version, const char *upload, size_t *upload_size,
                                   void **context)
{
    (void)cls, (void)mhd, (void)url;
    struct http_exchange *exchange = *context;
    if (exchange->is_told)
        return MHD_NO;
    if (exchange->state == HTTP_EXCHANGE_BEGUN)
        return step_headers(exchange, method, version);
    if (exchange->asked_again)
        return step_headers_again(exchange);
    if (exchange->state == HTTP_EXCHANGE_ANSWERED && (!exchange->streamed || exchange->body_ended))
        return queue_response(exchange);
    if (exchange->streamed && exchange->state == HTTP_EXCHANGE_OPEN)
        return MHD_YES; /* suspended by the piece before, out of the same buffer: it is shown again */
    size_t len = *upload_size;
    *upload_size = 0;
    if (exchange->state == HTTP_EXCHANGE_PULLING)
        return step_piece(exchange, upload, len);
    if (exchange->state == HTTP_EXCHANGE_ANSWERED)
        return step_unwanted(exchange, len);
    if (len > 0)
        return step_body(exchange, upload, len);
    if (exchange->state == HTTP_EXCHANGE_READING)
        return step_complete(exchange);
    assert(exchange->state == HTTP_EXCHANGE_DISCARDING);
    return step_too_large(exchange);
}

void http_exchange_end(void *cls, struct MHD_Connection *mhd, void **context,
                       enum MHD_RequestTerminationCode code)
{
    (void)mhd, (void)code;
    struct http_server *server = cls;
    struct http_exchange *exchange = *context;
    struct http_connection *connection = exchange->connection;
    *context = NULL;
    assert(exchange->state != HTTP_EXCHANGE_OPEN);
    if (exchange->state == HTTP_EXCHANGE_PULLING) {
        server->open_count--;
        exchange->on_piece(exchange->on_piece_ctx, (struct slice){NULL, 0}, HTTP_PIECE_LOST);
    }
    if (exchange->response)
        MHD_destroy_response(exchange->response);
    if (exchange->stream)
        http_stream_detach(exchange->stream);
    exchange_release(exchange);
    connection->exchange = NULL;
    if (server->closing)
        http_connection_cut(connection);
    else
        deadline_start(&server->idles, &connection->deadline);
}

static void resume_later(struct http_exchange *exchange)
{
    struct http_server *server = exchange->server;
    if (!exchange->suspended)
        return;
    exchange->next = NULL;
    *server->answered_tail = exchange;
    server->answered_tail = &exchange->next;
    turn_request(&server->turn);
}

void http_exchange_answer(struct http_exchange *exchange, unsigned status, struct MHD_Response *response)
{
    struct http_server *server = exchange->server;
    assert(exchange->state == HTTP_EXCHANGE_OPEN && status >= 200 && status <= 599);
    if (server->closing)
        (void)MHD_add_response_header(response, MHD_HTTP_HEADER_CONNECTION, "close");
    exchange->state = HTTP_EXCHANGE_ANSWERED;
    exchange->status = status;
    exchange->response = response;
    if (exchange->streamed && exchange->suspended && !exchange->body_ended)
        deadline_start(&server->requests, &exchange->connection->deadline); /* of what is thrown away */
    server->open_count--;
    drop_body(exchange);
    resume_later(exchange);
}

void http_body_next(struct http_exchange *exchange, http_on_piece on_piece, void *ctx)
{
    assert(exchange->streamed && exchange->state == HTTP_EXCHANGE_OPEN && !exchange->body_ended);
    exchange->state = HTTP_EXCHANGE_PULLING;
    exchange->on_piece = on_piece;
    exchange->on_piece_ctx = ctx;
    if (exchange->server->closing)
        http_connection_cut(exchange->connection); /* nobody waits for the rest */
    if (exchange->suspended && !exchange->asked_again)
        deadline_start(&exchange->server->requests, &exchange->connection->deadline);
    resume_later(exchange);
}

void http_exchange_resume_answered(struct http_server *server)
{
    struct http_exchange *exchange = server->answered;
    server->answered = NULL;
    server->answered_tail = &server->answered;
    for (; exchange; exchange = exchange->next) {
        exchange->suspended = false;
        MHD_resume_connection(exchange->connection->mhd);
    }
}

void http_reply(struct http_exchange *exchange, unsigned status, const char *content_type, struct slice body,
                const struct http_header *headers, size_t header_count)
{
    struct MHD_Response *response =
        MHD_create_response_from_buffer(body.len, (void *)body.ptr, MHD_RESPMEM_MUST_COPY);
    if (!response)
        abort();
    /* libmicrohttpd refuses a header that would break the framing; it is left out then. */
    if (content_type)
        (void)MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, content_type);
    for (size_t i = 0; i < header_count; i++)
        (void)MHD_add_response_header(response, headers[i].name, headers[i].value);
    http_exchange_answer(exchange, status, response);
}
