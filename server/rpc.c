#include "server/rpc_internal.h"

#include <signal.h>
#include <stdlib.h>

/* Opening, the turn, and closing in this order: stop listening; drain every connection; wait until the
 * application has answered all calls; wait until the clients have taken the answers, at most
 * RPC_CLOSE_GRACE_MS; close the rest. */

static void on_part_closed(void *ctx)
{
    struct rpc_server *server = ctx;
    if (--server->parts_open > 0)
        return;
    void (*on_closed)(void *ctx) = server->on_closed;
    void *on_closed_ctx = server->on_closed_ctx;
    rpc_call_free_pool(server);
    arena_deinit(&server->scratch);
    free(server);
    if (on_closed)
        on_closed(on_closed_ctx);
}

static void on_listener_closed(uv_handle_t *handle)
{
    on_part_closed(handle->data);
}

static void on_grace_over(struct deadline *grace)
{
    struct rpc_server *server = (struct rpc_server *)((char *)grace - offsetof(struct rpc_server, grace));
    for (struct rpc_connection *at = server->connections.next; at != &server->connections; at = at->next)
        rpc_connection_cut(at);
}

static void step_close(struct rpc_server *server)
{
    if (server->finishing || server->calls > 0)
        return;
    if (server->connection_count == 0) {
        server->finishing = true;
        turn_close(&server->turn, on_part_closed);
        deadline_clock_close(&server->clock, on_part_closed, server);
    } else if (!deadline_is_running(&server->grace)) {
        deadline_start(&server->graces, &server->grace);
    }
}

void rpc_server_visit(struct rpc_connection *connection)
{
    struct rpc_server *server = connection->server;
    if (connection->is_due)
        return;
    connection->is_due = true;
    connection->next_due = NULL;
    *server->due_tail = connection;
    server->due_tail = &connection->next_due;
    turn_request(&server->turn);
}

static void on_turn(void *ctx)
{
    struct rpc_server *server = ctx;
    struct rpc_connection *due = server->due;
    server->due = NULL;
    server->due_tail = &server->due;
    while (due) {
        struct rpc_connection *connection = due;
        due = connection->next_due;
        connection->is_due = false;
        rpc_connection_turn(connection);
    }
    if (server->closing)
        step_close(server);
}

static uint64_t or_default(unsigned value, unsigned otherwise)
{
    return value > 0 ? value : otherwise;
}

/* libuv writes without MSG_NOSIGNAL: a client that has gone would end the process. Nobody's handler is
 * replaced. */
static void ignore_broken_pipes(void)
{
    struct sigaction action;
    if (sigaction(SIGPIPE, NULL, &action) != 0 || (action.sa_flags & SA_SIGINFO) ||
        action.sa_handler != SIG_DFL)
        return;
    action.sa_handler = SIG_IGN;
    (void)sigaction(SIGPIPE, &action, NULL);
}

struct rpc_server *rpc_server_open(uv_loop_t *loop, const struct rpc_options *options,
                                   const struct rpc_handler *handler, char *why, size_t why_size)
{
    struct rpc_server *server = calloc(1, sizeof *server);
    if (!server)
        abort();
    server->loop = loop;
    server->handler = *handler;
    server->connections.prev = server->connections.next = &server->connections;
    server->due_tail = &server->due;
    server->connections_max = (unsigned)or_default(options->connections_max, RPC_CONNECTIONS_MAX);
    ignore_broken_pipes();
    arena_init(&server->scratch);
    turn_init(&server->turn, loop, on_turn, server);
    deadline_clock_init(&server->clock, loop);
    deadline_queue_init(&server->hellos, &server->clock,
                        or_default(options->hello_deadline_ms, RPC_HELLO_DEADLINE_MS),
                        rpc_connection_on_late);
    deadline_queue_init(&server->frames, &server->clock,
                        or_default(options->frame_deadline_ms, RPC_FRAME_DEADLINE_MS),
                        rpc_connection_on_stall);
    deadline_queue_init(&server->graces, &server->clock, RPC_CLOSE_GRACE_MS, on_grace_over);
    server->parts_open = 2;
    if ((options->host && !rpc_listen_tcp(server, options->host, options->port, why, why_size)) ||
        (options->unix_path && !rpc_listen_unix(server, options->unix_path, why, why_size)))
        rpc_server_close(&server, NULL, NULL);
    return server;
}

uint16_t rpc_server_port(const struct rpc_server *server)
{
    return server->port;
}

void rpc_server_quiesce(struct rpc_server *server)
{
    if (server->quiesced)
        return;
    server->quiesced = true;
    server->parts_open += (unsigned)server->has_tcp + (unsigned)server->has_pipe;
    if (server->has_tcp)
        uv_close((uv_handle_t *)&server->tcp, on_listener_closed);
    /* libuv removes the socket's file. */
    if (server->has_pipe)
        uv_close((uv_handle_t *)&server->pipe, on_listener_closed);
}

void rpc_server_close(struct rpc_server **owner, void (*on_closed)(void *ctx), void *ctx)
{
    struct rpc_server *server = *owner;
    *owner = NULL;
    if (!server)
        return;
    server->closing = true;
    server->on_closed = on_closed;
    server->on_closed_ctx = ctx;
    rpc_server_quiesce(server);
    for (struct rpc_connection *at = server->connections.next; at != &server->connections; at = at->next)
        rpc_connection_drain(at);
    turn_request(&server->turn);
}

size_t rpc_connection_count(const struct rpc_server *server)
{
    return server->open_count;
}
