#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/lmtp_internal.h"

#define BACKLOG 128

static void on_part_closed(void *ctx)
{
    struct lmtp_server *server = ctx;
    if (--server->parts_open > 0)
        return;
    void (*on_closed)(void *ctx) = server->on_closed;
    void *on_closed_ctx = server->on_closed_ctx;
    free(server);
    if (on_closed)
        on_closed(on_closed_ctx);
}

static void on_listener_closed(uv_handle_t *handle)
{
    on_part_closed(handle->data);
}

static void on_connection(uv_stream_t *listener, int status)
{
    if (status == 0)
        lmtp_connection_accept(listener->data);
}

static bool listen_on(struct lmtp_server *server, const char *host, uint16_t port, char *why, size_t why_size)
{
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } address;
    bool is_ipv6 = strchr(host, ':');
    int len = sizeof address;
    int status = is_ipv6 ? uv_ip6_addr(host, port, &address.v6) : uv_ip4_addr(host, port, &address.v4);
    if (status == 0)
        status = uv_tcp_bind(&server->tcp, &address.any, 0);
    if (status == 0)
        status = uv_listen((uv_stream_t *)&server->tcp, BACKLOG, on_connection);
    if (status == 0)
        status = uv_tcp_getsockname(&server->tcp, &address.any, &len);
    if (status != 0) {
        snprintf(why, why_size, "cannot listen for LMTP on %s port %u: %s", host, port, uv_strerror(status));
        return false;
    }
    server->port = ntohs(is_ipv6 ? address.v6.sin6_port : address.v4.sin_port);
    return true;
}

static void init_queues(struct lmtp_server *server, const struct lmtp_options *options)
{
    const struct {
        struct deadline_queue *queue;
        unsigned length_ms, otherwise;
        void (*on_due)(struct deadline *deadline);
    } queues[] = {
        {&server->lines, options->line_deadline_ms, LMTP_LINE_DEADLINE_MS, lmtp_connection_on_late},
        {&server->idles, options->idle_deadline_ms, LMTP_IDLE_DEADLINE_MS, lmtp_connection_on_late},
        {&server->writes, 0, LMTP_WRITE_DEADLINE_MS, lmtp_connection_on_late},
        {&server->datas, options->data_deadline_ms, LMTP_DATA_DEADLINE_MS, lmtp_connection_on_late_data},
    };
    deadline_clock_init(&server->clock, server->loop);
    for (size_t i = 0; i < sizeof queues / sizeof *queues; i++)
        deadline_queue_init(queues[i].queue, &server->clock,
                            queues[i].length_ms ? queues[i].length_ms : queues[i].otherwise,
                            queues[i].on_due);
}

struct lmtp_server *lmtp_server_open(uv_loop_t *loop, const struct lmtp_options *options, struct app *app,
                                     char *why, size_t why_size)
{
    struct lmtp_server *server = calloc(1, sizeof *server);
    if (!server)
        abort();
    size_t host_size = sizeof server->host;
    server->loop = loop;
    server->app = app;
    server->connections.prev = server->connections.next = &server->connections;
    server->parts_open = 3;
    server->submitting_tail = &server->submitting;
    turn_init(&server->turn, loop, lmtp_delivery_on_turn, server);
    if (uv_os_gethostname(server->host, &host_size) != 0)
        snprintf(server->host, sizeof server->host, "localhost");
    init_queues(server, options);
    if (uv_tcp_init(loop, &server->tcp) != 0)
        abort();
    server->tcp.data = server;
    if (!listen_on(server, options->host, options->port, why, why_size))
        lmtp_server_close(&server, NULL, NULL);
    return server;
}

uint16_t lmtp_server_port(const struct lmtp_server *server)
{
    return server->port;
}

size_t lmtp_connection_count(const struct lmtp_server *server)
{
    return server->connection_count;
}

void lmtp_server_settle(struct lmtp_server *server)
{
    if (!server->closing || server->connection_count > 0 || server->clock_closing)
        return;
    server->clock_closing = true;
    turn_close(&server->turn, on_part_closed);
    deadline_clock_close(&server->clock, on_part_closed, server);
}

void lmtp_server_quiesce(struct lmtp_server *server)
{
    if (server->quiesced)
        return;
    server->quiesced = true;
    uv_close((uv_handle_t *)&server->tcp, on_listener_closed);
    struct lmtp_connection *next;
    for (struct lmtp_connection *at = server->connections.next; at != &server->connections; at = next) {
        next = at->next;
        if (at->is_delivering || at->is_ending || at->is_closing)
            continue;
        lmtp_connection_reply(at, "421 4.3.2 %s is stopping", server->host);
        lmtp_connection_end(at);
    }
}

/* A connection that delivers is told so when its message is answered; one that does not take its replies is
 * cut by its deadline. */
void lmtp_server_close(struct lmtp_server **owner, void (*on_closed)(void *ctx), void *ctx)
{
    struct lmtp_server *server = *owner;
    *owner = NULL;
    if (!server)
        return;
    server->closing = true;
    server->on_closed = on_closed;
    server->on_closed_ctx = ctx;
    lmtp_server_quiesce(server);
    struct lmtp_connection *next;
    for (struct lmtp_connection *at = server->connections.next; at != &server->connections; at = next) {
        next = at->next;
        if (!at->is_delivering)
            lmtp_connection_cut(at);
    }
    lmtp_server_settle(server);
}
