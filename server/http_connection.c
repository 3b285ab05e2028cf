#include "server/http_internal.h"

#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>

#define ACKED_UNKNOWN UINT64_MAX

/* The deadline of a connection follows its phase: `requests` until a request is complete, none while the
 * application thinks, `stalls` while the client is owed bytes, `idles` between requests. */

static void set_options(const struct http_connection *connection)
{
    int on = 1;
    unsigned stall_ms = (unsigned)connection->server->stalls.length_ms;
    /* Best effort: a socket without them is slower to send and slower to notice a dead peer. */
    (void)setsockopt(connection->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    (void)setsockopt(connection->fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &stall_ms, sizeof stall_ms);
}

static void write_peer(struct http_connection *connection)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection->mhd, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    if (!info || !info->client_addr)
        return;
    const struct sockaddr *address = info->client_addr;
    if (address->sa_family == AF_INET)
        inet_ntop(AF_INET, &((const struct sockaddr_in *)(const void *)address)->sin_addr, connection->peer,
                  sizeof connection->peer);
    else if (address->sa_family == AF_INET6)
        inet_ntop(AF_INET6, &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr,
                  connection->peer, sizeof connection->peer);
}

static struct http_connection *connection_open(struct http_server *server, struct MHD_Connection *mhd)
{
    struct http_connection *connection = calloc(1, sizeof *connection);
    if (!connection)
        abort();
    connection->server = server;
    connection->mhd = mhd;
    connection->fd = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
    connection->next = &server->connections;
    connection->prev = server->connections.prev;
    connection->prev->next = server->connections.prev = connection;
    server->connection_count++;
    set_options(connection);
    write_peer(connection);
    deadline_start(&server->requests, &connection->deadline);
    return connection;
}

static void connection_close(struct http_connection *connection)
{
    if (connection->exchange)
        http_exchange_forget(connection->exchange);
    deadline_stop(&connection->deadline);
    connection->prev->next = connection->next;
    connection->next->prev = connection->prev;
    connection->server->connection_count--;
    free(connection);
}

void http_connection_notify(void *cls, struct MHD_Connection *mhd, void **context,
                            enum MHD_ConnectionNotificationCode code)
{
    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        *context = connection_open(cls, mhd);
    } else {
        connection_close(*context);
        *context = NULL;
    }
}

struct http_connection *http_connection_of(struct MHD_Connection *mhd)
{
    return MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT)->socket_context;
}

void http_connection_cut(struct http_connection *connection)
{
    deadline_stop(&connection->deadline);
    (void)shutdown(connection->fd, SHUT_RDWR);
}

void http_connection_part(struct http_connection *connection, struct slice words)
{
    /* Best effort: who has no room for so little does not read. */
    (void)!send(connection->fd, words.ptr, words.len, MSG_NOSIGNAL | MSG_DONTWAIT);
    (void)shutdown(connection->fd, SHUT_WR);
}

static struct http_connection *of_deadline(struct deadline *deadline)
{
    return (struct http_connection *)((char *)deadline - offsetof(struct http_connection, deadline));
}

void http_connection_on_late(struct deadline *deadline)
{
    http_connection_cut(of_deadline(deadline));
}

/* The kernel's tcp_info goes on behind what the C library declares, and <linux/tcp.h> cannot be included
 * beside it. */
struct tcp_info_more {
    struct tcp_info info;
    uint64_t pacing_rate, max_pacing_rate, bytes_acked;
};
_Static_assert(offsetof(struct tcp_info_more, bytes_acked) == 120, "layout of the kernel's struct tcp_info");

static uint64_t bytes_acked(const struct http_connection *connection)
{
    struct tcp_info_more more = {0};
    socklen_t len = sizeof more;
    (void)getsockopt(connection->fd, IPPROTO_TCP, TCP_INFO, &more, &len);
    return more.bytes_acked;
}

void http_connection_expect_progress(struct http_connection *connection)
{
    /* Not looked up here: almost every reply leaves at once and never meets its deadline. */
    connection->acked = ACKED_UNKNOWN;
    deadline_start(&connection->server->stalls, &connection->deadline);
}

void http_connection_on_stall(struct deadline *deadline)
{
    struct http_connection *connection = of_deadline(deadline);
    uint64_t acked = bytes_acked(connection);
    if (acked == connection->acked) {
        http_connection_cut(connection);
        return;
    }
    connection->acked = acked;
    deadline_start(&connection->server->stalls, deadline);
}
