/* What the tests of the MessagePack-RPC listener share: a real listener and real sockets on one loop. The
 * client side is non-blocking and every wait turns the loop. */
#ifndef TESTS_UNIT_RPC_WORLD_H
#define TESTS_UNIT_RPC_WORLD_H

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "proto/msgpack.h"
#include "server/rpc.h"

#define WAIT_MS 10000
#define OPEN_MAX ((size_t)2 * RPC_CALLS_MAX)

static struct world {
    uv_loop_t loop;
    struct rpc_server *server;
    uint16_t port;
    struct rpc_call *open[OPEN_MAX]; /* calls of "later", unanswered */
    size_t open_count;
    struct rpc_connection *last;
    unsigned calls, notifications, connections_closed, servers_closed;
    char folder[32], path[64];
} world;

static inline void on_server_closed(void *ctx)
{
    (void)ctx;
    world.servers_closed++;
}

static inline void on_call(void *app, struct rpc_call *call)
{
    struct world *at = app;
    at->calls++;
    at->notifications += !rpc_wants_reply(call);
    at->last = rpc_call_connection(call);
    if (slice_is(rpc_method(call), "later")) {
        assert_true(at->open_count < OPEN_MAX);
        at->open[at->open_count++] = call;
    } else if (slice_is(rpc_method(call), "hello")) {
        rpc_connection_set_trusted(rpc_call_connection(call));
        rpc_reply(call, &(struct value){.kind = VALUE_BOOL, .boolean = true});
    } else if (slice_is(rpc_method(call), "fail")) {
        struct value error = value_map(rpc_arena(call), 1);
        value_set(&error, "code", value_string(SLICE("not_found")));
        rpc_reply_error(call, &error);
    } else if (slice_is(rpc_method(call), "cut")) {
        rpc_connection_cut(rpc_call_connection(call));
        rpc_reply(call, &(struct value){.kind = VALUE_NULL});
    } else if (slice_is(rpc_method(call), "large")) {
        static char bytes[100000];
        struct value result = {.kind = VALUE_BYTES, .string = {bytes, sizeof bytes}};
        rpc_reply(call, &result);
    } else {
        rpc_reply(call, rpc_params(call));
    }
}

static inline void on_closed(void *app, struct rpc_connection *connection)
{
    struct world *at = app;
    at->connections_closed++;
    if (at->last == connection)
        at->last = NULL;
}

static inline void open_with(struct rpc_options options)
{
    char why[256] = "";
    struct rpc_handler handler = {on_call, on_closed, &world};
    memset(&world, 0, sizeof world);
    assert_int_equal(uv_loop_init(&world.loop), 0);
    snprintf(world.folder, sizeof world.folder, "/tmp/test_rpc.XXXXXX");
    assert_non_null(mkdtemp(world.folder));
    snprintf(world.path, sizeof world.path, "%s/socket", world.folder);
    options.host = options.host ? options.host : "127.0.0.1";
    options.unix_path = world.path;
    world.server = rpc_server_open(&world.loop, &options, &handler, why, sizeof why);
    if (!world.server)
        fail_msg("%s", why);
    world.port = rpc_server_port(world.server);
}

static inline int setup(void **state)
{
    (void)state;
    open_with((struct rpc_options){0});
    return 0;
}

static inline int setup_impatient(void **state)
{
    (void)state;
    open_with((struct rpc_options){.frame_deadline_ms = 150, .hello_deadline_ms = 300, .connections_max = 3});
    return 0;
}

static inline void pump(void)
{
    if (uv_run(&world.loop, UV_RUN_NOWAIT) == 0 || uv_backend_timeout(&world.loop) != 0)
        poll(NULL, 0, 1);
}

#define wait_until(condition)                                                                                \
    do {                                                                                                     \
        uint64_t limit = uv_hrtime() / 1000000 + WAIT_MS;                                                    \
        while (!(condition)) {                                                                               \
            if (uv_hrtime() / 1000000 > limit)                                                               \
                fail_msg("timed out: %s", #condition);                                                       \
            pump();                                                                                          \
        }                                                                                                    \
    } while (0)

static inline int teardown(void **state)
{
    (void)state;
    if (world.server)
        rpc_server_close(&world.server, on_server_closed, NULL);
    wait_until(world.servers_closed == 1);
    assert_int_equal(uv_run(&world.loop, UV_RUN_NOWAIT), 0);
    assert_int_equal(uv_loop_close(&world.loop), 0);
    assert_int_equal(access(world.path, F_OK), -1);
    assert_int_equal(rmdir(world.folder), 0);
    return 0;
}

static inline int connect_client(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(world.port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
    return fd;
}

static inline int connect_unix(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
    return fd;
}

static inline size_t send_bytes(int fd, const char *bytes, size_t len)
{
    size_t sent = 0;
    uint64_t limit = uv_hrtime() / 1000000 + WAIT_MS;
    while (sent < len && uv_hrtime() / 1000000 < limit) {
        ssize_t n = send(fd, bytes + sent, len - sent, MSG_NOSIGNAL);
        if (n < 0 && errno != EAGAIN)
            break;
        if (n > 0)
            sent += (size_t)n;
        else
            pump();
    }
    return sent;
}

#define send_literal(fd, bytes)                                                                              \
    assert_int_equal(send_bytes((fd), (bytes), sizeof(bytes) - 1), sizeof(bytes) - 1)

/* What a client has read: whole messages are counted, the last one is kept decoded. */
struct received {
    char *bytes;
    size_t len, at, size;
    struct msgpack_scan scan;
    struct arena arena;
    struct value last;
    unsigned count;
    bool ended;
};

static inline struct received *received_alloc(void)
{
    struct received *in = calloc(1, sizeof *in);
    in->size = 16u << 20;
    in->bytes = malloc(in->size);
    msgpack_scan_init(&in->scan);
    arena_init(&in->arena);
    return in;
}

static inline void received_free(struct received *in)
{
    arena_deinit(&in->arena);
    free(in->bytes);
    free(in);
}

static inline void receive_more(int fd, struct received *in)
{
    ssize_t n = recv(fd, in->bytes + in->len, in->size - in->len, 0);
    if (n > 0)
        in->len += (size_t)n;
    if (n == 0 || (n < 0 && errno != EAGAIN))
        in->ended = true;
    size_t used;
    struct fault fault;
    while (in->at < in->len &&
           msgpack_scan_step(&in->scan, (struct slice){in->bytes + in->at, in->len - in->at}, &used) ==
               MSGPACK_READY) {
        arena_reset(&in->arena);
        assert_true(msgpack_read(&in->last, (struct slice){in->bytes + in->at, used}, &in->arena, &fault));
        msgpack_scan_init(&in->scan);
        in->at += used;
        in->count++;
    }
}

#define receive(fd, in, wanted) wait_until((receive_more((fd), (in)), (in)->count >= (wanted)))
#define receive_end(fd, in) wait_until((receive_more((fd), (in)), (in)->ended))

static inline const char *refusal(const struct received *in)
{
    static char text[300];
    assert_int_equal(in->last.kind, VALUE_LIST);
    assert_int_equal(in->last.count, 4);
    assert_int_equal(in->last.items[0].integer, 1);
    assert_int_equal(in->last.items[3].kind, VALUE_NULL);
    const struct value *error = &in->last.items[2], *message = value_member(error, "message");
    assert_true(slice_is(value_member(error, "code")->string, "invalid"));
    assert_non_null(value_member(error, "data"));
    snprintf(text, sizeof text, "%.*s", (int)message->string.len, message->string.ptr);
    return text;
}

static inline void answer_later(size_t i)
{
    struct rpc_call *call = world.open[i];
    struct value result = value_int((int64_t)i);
    world.open[i] = NULL;
    rpc_reply(call, &result);
}

#define CALL_ECHO                                                                                            \
    "\x94\x00\x07\xa4"                                                                                       \
    "echo"                                                                                                   \
    "\x92\x01\xa1x"
#define CALL_LATER                                                                                           \
    "\x94\x00\x08\xa5"                                                                                       \
    "later"                                                                                                  \
    "\x90"
#define CALL_HELLO                                                                                           \
    "\x94\x00\x01\xa5"                                                                                       \
    "hello"                                                                                                  \
    "\x90"

#define in_world(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
#define in_impatient_world(test) cmocka_unit_test_setup_teardown(test, setup_impatient, teardown)

#endif
