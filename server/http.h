/* The HTTP/1.1 listener: libmicrohttpd behind an exchange object, driven by the libuv loop.
 *
 * An exchange is one request and its reply. It stays valid until http_reply() or http_reply_stream() is
 * called, exactly once, at once or later, even when the client has gone. Absolute deadlines (not inactivity)
 * end requests that drip. */
#ifndef SERVER_HTTP_H
#define SERVER_HTTP_H

#include <uv.h>

#include "rules/arena.h"

#define HTTP_BODY_MAX (4u << 20)           /* bytes; 413 beyond */
#define HTTP_CONNECTION_MEMORY (16u << 10) /* bytes of headers a connection may hold; 431 beyond */
#define HTTP_PARAMS_MAX 100                /* of a query; 413 beyond */
#define HTTP_REQUEST_DEADLINE_MS 10000     /* from connect or first byte of a request to its last byte */
#define HTTP_IDLE_DEADLINE_MS 75000        /* of a kept-alive connection between requests */
#define HTTP_STALL_DEADLINE_MS                                                                               \
    60000 /* of a client that is owed bytes and takes none: cut after once to twice that */
#define HTTP_CONNECTIONS_MAX 4096
#define HTTP_STREAM_BUFFER_MAX (1u << 20) /* bytes a slow reader may owe before its stream is cut */

struct http_server;
struct http_exchange;
struct http_stream;

typedef void (*http_on_request)(void *app, struct http_exchange *exchange);

struct http_header {
    const char *name, *value;
};

typedef bool (*http_choice)(struct slice method, struct slice path);

struct http_options {
    const char *host;                                                /* numeric address; default 127.0.0.1 */
    uint16_t port;                                                   /* 0: any free one */
    unsigned request_deadline_ms, idle_deadline_ms, connections_max; /* 0: the defaults above */
    unsigned stall_deadline_ms;                                      /* 0: the default above */
    http_choice is_streamed; /* its body comes in pieces: on_request when the headers are there; NULL: none */
    http_choice hears_of_large; /* on_request too when the body is too large, and is left out; NULL: 413 */
};

struct http_server *http_server_open(uv_loop_t *loop, const struct http_options *options,
                                     http_on_request on_request, void *app, char *why, size_t why_size);
uint16_t http_server_port(const struct http_server *server);
/* Stops listening; running exchanges may still be answered. */
void http_server_quiesce(struct http_server *server);
/* Streams end, connections close; on_closed fires when no exchange is open any more. *server is NULL at once.
 */
void http_server_close(struct http_server **server, void (*on_closed)(void *ctx), void *ctx);

/* All slices are borrowed and live as long as the exchange. */
struct slice http_method(const struct http_exchange *exchange);
struct slice http_path(const struct http_exchange *exchange); /* not percent-decoded, no query */
struct slice http_body(const struct http_exchange *exchange);
bool http_is_too_large(const struct http_exchange *exchange);  /* the body, which is left out */
struct slice http_query(const struct http_exchange *exchange); /* without "?", not decoded */
bool http_find_header(const struct http_exchange *exchange, const char *name, struct slice *out);
/* The next parameter of the query, decoded; false after the last. `*at` begins as 0. */
bool http_next_query(const struct http_exchange *exchange, size_t *at, struct slice *name,
                     struct slice *value);
void http_each_header(const struct http_exchange *exchange,
                      void (*each)(void *ctx, struct slice name, struct slice value), void *ctx);
struct arena *http_arena(struct http_exchange *exchange);
struct slice http_peer(const struct http_exchange *exchange); /* numeric address */

/* The next piece of a streamed request's body. on_piece is called exactly once, later or from within the turn
 * that asked; its bytes are borrowed until the next piece is asked for. The application asks, or replies; a
 * reply before the end lets the rest be read and thrown away. After HTTP_PIECE_LOST the exchange is gone and
 * may not be answered. A client has the deadline of a request for each piece. */
enum http_piece { HTTP_PIECE, HTTP_PIECE_LAST, HTTP_PIECE_LOST };
typedef void (*http_on_piece)(void *ctx, struct slice bytes, enum http_piece piece);
void http_body_next(struct http_exchange *exchange, http_on_piece on_piece, void *ctx);

/* Ends the exchange; copies the body. `headers` come besides Content-Type; content_type NULL: none. */
void http_reply(struct http_exchange *exchange, unsigned status, const char *content_type, struct slice body,
                const struct http_header *headers, size_t header_count);

/* Ends the exchange with a response whose body comes in pieces. `file` is the name that it is to be saved as,
 * of letters, digits, dots, underscores and hyphens, or NULL. on_closed fires exactly once, when the client
 * went, the bound was reached, or after http_stream_end(); the stream is invalid from then on. */
struct http_stream *http_reply_stream(struct http_exchange *exchange, const char *content_type,
                                      const char *file, void (*on_closed)(void *ctx), void *ctx);
/* False when HTTP_STREAM_BUFFER_MAX would be passed: the stream is being cut and on_closed will come. */
bool http_stream_write(struct http_stream *stream, struct slice bytes);
size_t http_stream_room(const struct http_stream *stream); /* bytes below HTTP_STREAM_BUFFER_MAX */
void http_stream_end(struct http_stream *stream);
/* Breaks it off, so that the client sees that it is not whole. */
void http_stream_cut(struct http_stream *stream);
/* `on_idle` is called, at the end of a turn, each time that all bytes have been taken. */
void http_stream_on_idle(struct http_stream *stream, void (*on_idle)(void *ctx));

size_t http_connection_count(const struct http_server *server);

#endif
