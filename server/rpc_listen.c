#include "server/rpc_internal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define BACKLOG 1024
#define SOCKET_MODE 0660

static void on_connection(uv_stream_t *listener, int status)
{
    struct rpc_server *server = listener->data;
    if (status == 0)
        rpc_connection_accept(server, listener);
}

bool rpc_listen_tcp(struct rpc_server *server, const char *host, uint16_t port, char *why, size_t why_size)
{
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } address;
    bool is_ipv6 = strchr(host, ':');
    if ((is_ipv6 ? uv_ip6_addr(host, port, &address.v6) : uv_ip4_addr(host, port, &address.v4)) != 0) {
        snprintf(why, why_size, "%s is not a numeric address", host);
        return false;
    }
    int len = sizeof address, status = uv_tcp_init(server->loop, &server->tcp);
    server->tcp.data = server;
    server->has_tcp = status == 0;
    if (status == 0)
        status = uv_tcp_bind(&server->tcp, &address.any, 0);
    if (status == 0)
        status = uv_listen((uv_stream_t *)&server->tcp, BACKLOG, on_connection);
    if (status == 0)
        status = uv_tcp_getsockname(&server->tcp, &address.any, &len);
    if (status != 0) {
        snprintf(why, why_size, "cannot listen on %s port %u: %s", host, port, uv_strerror(status));
        return false;
    }
    server->port = ntohs(is_ipv6 ? address.v6.sin6_port : address.v4.sin_port);
    return true;
}

/* A socket file that nobody accepts on: its server died. A full backlog (EAGAIN) is a living server. */
static bool is_stale(const char *path)
{
    struct stat status;
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (lstat(path, &status) != 0 || !S_ISSOCK(status.st_mode))
        return false;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return false;
    memcpy(address.sun_path, path, strlen(path) + 1);
    bool refused = connect(fd, (struct sockaddr *)&address, sizeof address) != 0 && errno == ECONNREFUSED;
    close(fd);
    return refused;
}

bool rpc_listen_unix(struct rpc_server *server, const char *path, char *why, size_t why_size)
{
    if (path[0] == '\0' || strlen(path) >= sizeof((struct sockaddr_un *)0)->sun_path) {
        snprintf(why, why_size, "%s is no path for a socket: empty or too long", path);
        return false;
    }
    int status = uv_pipe_init(server->loop, &server->pipe, 0);
    server->pipe.data = server;
    server->has_pipe = status == 0;
    if (status == 0)
        status = uv_pipe_bind(&server->pipe, path);
    if (status == UV_EADDRINUSE && is_stale(path) && unlink(path) == 0)
        status = uv_pipe_bind(&server->pipe, path);
    /* Between bind and listen nobody can connect, so nobody slips in under the mode that umask gave. */
    if (status == 0 && chmod(path, SOCKET_MODE) != 0)
        status = uv_translate_sys_error(errno);
    if (status == 0)
        status = uv_listen((uv_stream_t *)&server->pipe, BACKLOG, on_connection);
    if (status != 0)
        snprintf(why, why_size, "cannot listen on %s: %s", path, uv_strerror(status));
    return status == 0;
}
