#include "server/http_internal.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Opening, the turn, and closing in this order: stop listening; end streams and cut connections without an
 * exchange; wait until the application has answered the others; wait until their clients have taken the
 * replies, at most HTTP_CLOSE_GRACE_MS; stop libmicrohttpd; close the handles. */

static void on_part_closed(void *ctx)
{
    struct http_server *server = ctx;
    if (--server->parts_open > 0)
        return;
    void (*on_closed)(void *ctx) = server->on_closed;
    void *on_closed_ctx = server->on_closed_ctx;
    http_exchange_free_pool(server);
    free(server);
    if (on_closed)
        on_closed(on_closed_ctx);
}

static void on_poll_closed(uv_handle_t *handle)
{
    on_part_closed(handle->data);
}

static void stop(struct http_server *server)
{
    /* The poll must let go of the descriptor before libmicrohttpd closes it. */
    server->parts_open = 3;
    uv_close((uv_handle_t *)&server->poll, on_poll_closed);
    MHD_stop_daemon(server->daemon);
    server->daemon = NULL;
    http_stream_report_closed(server);
    assert(server->connection_count == 0 && !server->answered && !server->waking);
    deadline_clock_close(&server->clock, on_part_closed, server);
    turn_close(&server->turn, on_part_closed);
}

static void on_grace_over(struct deadline *deadline)
{
    struct http_server *server =
        (struct http_server *)((char *)deadline - offsetof(struct http_server, grace));
    server->grace_over = true;
    turn_request(&server->turn);
}

static void step_close(struct http_server *server)
{
    if (server->open_count > 0 || server->answered || server->waking)
        return;
    if (server->connection_count == 0 || server->grace_over)
        stop(server);
    else if (!deadline_is_running(&server->grace))
        deadline_start(&server->graces, &server->grace);
}

static void on_turn(void *ctx)
{
    struct http_server *server = ctx;
    http_exchange_resume_answered(server);
    http_stream_resume_waking(server);
    MHD_run(server->daemon);
    http_stream_report_idle(server);
    http_stream_report_closed(server);
    /* Without timeouts of its own libmicrohttpd only ever asks to be run again at once, or when its epoll
     * says so. */
    MHD_UNSIGNED_LONG_LONG timeout_ms;
    if (MHD_get_timeout(server->daemon, &timeout_ms) == MHD_YES)
        turn_request(&server->turn);
    if (server->closing)
        step_close(server);
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
    (void)status, (void)events;
    struct http_server *server = poll->data;
    turn_request(&server->turn);
}

/* A bound, listening socket, or -1 and *why. */
static int listen_on(const char *host, uint16_t port, bool *is_ipv6, uint16_t *port_got, char *why,
                     size_t why_size)
{
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } address = {0};
    *is_ipv6 = strchr(host, ':');
    socklen_t len = *is_ipv6 ? sizeof address.v6 : sizeof address.v4;
    int status = *is_ipv6 ? uv_ip6_addr(host, port, &address.v6) : uv_ip4_addr(host, port, &address.v4);
    if (status != 0) {
        snprintf(why, why_size, "%s is not a numeric address", host);
        return -1;
    }
    int fd = socket(address.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), on = 1;
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
        bind(fd, &address.any, len) != 0 || listen(fd, SOMAXCONN) != 0 ||
        getsockname(fd, &address.any, &len) != 0) {
        snprintf(why, why_size, "cannot listen on %s port %u: %s", host, port, strerror(errno));
        if (fd >= 0)
            close(fd);
        return -1;
    }
    *port_got = ntohs(*is_ipv6 ? address.v6.sin6_port : address.v4.sin_port);
    return fd;
}

static struct MHD_Daemon *start_daemon(struct http_server *server, int fd, bool is_ipv6,
                                       unsigned connections_max)
{
    unsigned flags = MHD_USE_EPOLL | MHD_ALLOW_SUSPEND_RESUME | (is_ipv6 ? MHD_USE_IPv6 : 0);
    struct MHD_OptionItem options[] = {
        {MHD_OPTION_LISTEN_SOCKET, fd, NULL},
        {MHD_OPTION_CONNECTION_LIMIT, connections_max, NULL},
        {MHD_OPTION_CONNECTION_MEMORY_LIMIT, HTTP_CONNECTION_MEMORY, NULL},
        {MHD_OPTION_STRICT_FOR_CLIENT, 0, NULL}, /* http_head.c is, and says why */
        {MHD_OPTION_NOTIFY_CONNECTION, (intptr_t)http_connection_notify, server},
        {MHD_OPTION_URI_LOG_CALLBACK, (intptr_t)http_exchange_begin, server},
        {MHD_OPTION_NOTIFY_COMPLETED, (intptr_t)http_exchange_end, server},
        {MHD_OPTION_END, 0, NULL},
    };
    return MHD_start_daemon(flags, 0, NULL, NULL, http_exchange_step, server, MHD_OPTION_ARRAY, options,
                            MHD_OPTION_END);
}

static uint64_t or_default(unsigned value, unsigned otherwise)
{
    return value > 0 ? value : otherwise;
}

struct http_server *http_server_open(uv_loop_t *loop, const struct http_options *options,
                                     http_on_request on_request, void *app, char *why, size_t why_size)
{
    bool is_ipv6;
    uint16_t port;
    const char *host = options->host ? options->host : "127.0.0.1";
    int fd = listen_on(host, options->port, &is_ipv6, &port, why, why_size);
    if (fd < 0)
        return NULL;
    struct http_server *server = calloc(1, sizeof *server);
    if (!server)
        abort();
    server->loop = loop;
    server->port = port;
    server->on_request = on_request;
    server->is_streamed = options->is_streamed;
    server->hears_of_large = options->hears_of_large;
    server->app = app;
    server->connections.prev = server->connections.next = &server->connections;
    server->answered_tail = &server->answered;
    unsigned connections_max = (unsigned)or_default(options->connections_max, HTTP_CONNECTIONS_MAX);
    server->daemon = start_daemon(server, fd, is_ipv6, connections_max);
    const union MHD_DaemonInfo *info =
        server->daemon ? MHD_get_daemon_info(server->daemon, MHD_DAEMON_INFO_EPOLL_FD) : NULL;
    if (!info || uv_poll_init(loop, &server->poll, info->epoll_fd) != 0) {
        snprintf(why, why_size, "cannot start the HTTP listener on %s port %u", host, port);
        if (server->daemon)
            MHD_stop_daemon(server->daemon); /* closes the socket too */
        else
            close(fd);
        free(server);
        return NULL;
    }
    server->poll.data = server;
    uv_poll_start(&server->poll, UV_READABLE, on_readable);
    turn_init(&server->turn, loop, on_turn, server);
    deadline_clock_init(&server->clock, loop);
    deadline_queue_init(&server->requests, &server->clock,
                        or_default(options->request_deadline_ms, HTTP_REQUEST_DEADLINE_MS),
                        http_connection_on_late);
    deadline_queue_init(&server->idles, &server->clock,
                        or_default(options->idle_deadline_ms, HTTP_IDLE_DEADLINE_MS),
                        http_connection_on_late);
    deadline_queue_init(&server->stalls, &server->clock,
                        or_default(options->stall_deadline_ms, HTTP_STALL_DEADLINE_MS),
                        http_connection_on_stall);
    deadline_queue_init(&server->graces, &server->clock, HTTP_CLOSE_GRACE_MS, on_grace_over);
    return server;
}

uint16_t http_server_port(const struct http_server *server)
{
    return server->port;
}

void http_server_quiesce(struct http_server *server)
{
    if (server->quiesced)
        return;
    server->quiesced = true;
    int fd = MHD_quiesce_daemon(server->daemon);
    if (fd != MHD_INVALID_SOCKET)
        close(fd);
}

void http_server_close(struct http_server **owner, void (*on_closed)(void *ctx), void *ctx)
{
    struct http_server *server = *owner;
    *owner = NULL;
    if (!server)
        return;
    server->closing = true;
    server->on_closed = on_closed;
    server->on_closed_ctx = ctx;
    http_server_quiesce(server);
    for (struct http_connection *at = server->connections.next; at != &server->connections; at = at->next) {
        if (!at->exchange || at->exchange->state < HTTP_EXCHANGE_OPEN)
            http_connection_cut(at);
        else if (at->exchange->stream)
            http_stream_end(at->exchange->stream);
    }
    turn_request(&server->turn);
}

size_t http_connection_count(const struct http_server *server)
{
    return server->connection_count;
}
