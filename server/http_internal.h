/* Shared by the files of the HTTP listener only.
 *
 * libmicrohttpd runs at one place, once per turn of the loop: on_turn() in http.c. Everything that the
 * application does (replies, stream writes, closing) only leaves a mark and asks for a turn; what
 * libmicrohttpd calls back happens inside that turn. A connection whose exchange is with the application, or
 * whose stream has nothing to send, is suspended: libmicrohttpd neither reads nor frees it, so its request
 * stays readable in place. */
#ifndef SERVER_HTTP_INTERNAL_H
#define SERVER_HTTP_INTERNAL_H

#include <arpa/inet.h>
#include <microhttpd.h>

#include "server/deadline.h"
#include "server/http.h"
#include "server/turn.h"

#define HTTP_CLOSE_GRACE_MS 1000 /* for clients to take the last replies once all are given */
#define HTTP_DISCARD_MAX                                                                                     \
    (64u << 20) /* bytes of a refused body that are read so that the client sees the refusal */
#define HTTP_BODY_FIRST (16u << 10) /* first size of a body's buffer */
#define HTTP_POOLED_EXCHANGES 256

struct http_connection {
    struct http_server *server;
    struct MHD_Connection *mhd;
    struct http_connection *prev, *next; /* ring of all */
    struct http_exchange *exchange;      /* NULL between requests */
    struct deadline deadline;            /* of the phase it is in */
    uint64_t acked; /* bytes the peer had taken when the stall deadline was last looked at */
    int fd;
    char peer[INET6_ADDRSTRLEN];
};

enum http_exchange_state {
    HTTP_EXCHANGE_BEGUN,      /* request line seen */
    HTTP_EXCHANGE_READING,    /* headers are complete */
    HTTP_EXCHANGE_DISCARDING, /* the body is too large */
    HTTP_EXCHANGE_OPEN,       /* with the application */
    HTTP_EXCHANGE_PULLING,    /* with the application, which waits for a piece of the body */
    HTTP_EXCHANGE_ANSWERED,   /* `response` waits for libmicrohttpd to ask for it */
    HTTP_EXCHANGE_SENDING,
};

struct http_exchange {
    struct http_server *server;
    struct http_connection *connection;
    struct http_exchange *next; /* in the pool, or among the answered to be resumed */
    enum http_exchange_state state;
    bool suspended, has_spaced_target, is_too_large;
    bool is_told;                           /* refused before libmicrohttpd has read its head */
    bool streamed, asked_again, body_ended; /* a body in pieces; see http_exchange_step() */
    http_on_piece on_piece;
    void *on_piece_ctx;
    unsigned status;
    struct MHD_Response *response;
    struct http_stream *stream;
    struct arena arena;
    struct slice method, path, query;
    char *body;
    size_t body_len, body_size;
    uint64_t discarded;
};

struct http_server {
    uv_loop_t *loop;
    struct MHD_Daemon *daemon;
    uv_poll_t poll; /* of libmicrohttpd's epoll descriptor */
    struct turn turn;
    struct deadline_clock clock;
    struct deadline_queue requests, idles, stalls, graces;
    struct deadline grace;
    http_on_request on_request;
    void *app;
    http_choice is_streamed, hears_of_large;
    struct http_connection connections; /* ring */
    size_t connection_count;
    size_t open_count; /* exchanges with the application */
    struct http_exchange *answered, **answered_tail;
    struct http_exchange *pool;
    size_t pool_count;
    struct http_stream *waking; /* asleep, with something to do */
    struct http_stream *closed; /* on_closed is due */
    struct http_stream *idle;   /* on_idle is due */
    uint16_t port;
    bool quiesced, closing, grace_over;
    unsigned parts_open; /* of poll, turn and clock, once closing */
    void (*on_closed)(void *ctx);
    void *on_closed_ctx;
};

/* http_connection.c */
void http_connection_notify(void *cls, struct MHD_Connection *mhd, void **context,
                            enum MHD_ConnectionNotificationCode code);
struct http_connection *http_connection_of(struct MHD_Connection *mhd);
/* The peer sees the end at once; libmicrohttpd notices in its next turn. */
void http_connection_cut(struct http_connection *connection);
/* The last words, past libmicrohttpd, which has sent all that came before and can send nothing any more. */
void http_connection_part(struct http_connection *connection, struct slice words);
/* Running deadline_queue callbacks. */
void http_connection_on_late(struct deadline *deadline);
void http_connection_on_stall(struct deadline *deadline);
/* Something is owed to the peer from now on: it has to keep taking bytes. */
void http_connection_expect_progress(struct http_connection *connection);

/* http_exchange.c */
void *http_exchange_begin(void *cls, const char *uri, struct MHD_Connection *mhd);
enum MHD_Result http_exchange_step(void *cls, struct MHD_Connection *mhd, const char *url, const char *method,
                                   const char *version, const char *upload, size_t *upload_size,
                                   void **context);
void http_exchange_end(void *cls, struct MHD_Connection *mhd, void **context,
                       enum MHD_RequestTerminationCode code);
/* Takes the response. */
void http_exchange_answer(struct http_exchange *exchange, unsigned status, struct MHD_Response *response);
void http_exchange_resume_answered(struct http_server *server);
void http_exchange_free_pool(struct http_server *server);
/* The connection has gone, and libmicrohttpd, out of memory for the head, never said that the request has. */
void http_exchange_forget(struct http_exchange *exchange);

/* http_head.c: what is wrong with the request line and the headers, or NULL. */
const char *http_head_fault(const struct http_exchange *exchange, const char *version);

/* http_request.c: splits the target into path and query. */
void http_request_set_target(struct http_exchange *exchange, const char *uri);

/* http_stream.c */
/* The exchange ends before libmicrohttpd frees the response, or after: whichever comes first detaches. */
void http_stream_detach(struct http_stream *stream);
void http_stream_resume_waking(struct http_server *server);
void http_stream_report_closed(struct http_server *server);
void http_stream_report_idle(struct http_server *server);

#endif
