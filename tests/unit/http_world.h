/* What the tests of the HTTP listener share: a real listener and real sockets on one loop. The client side is
 * non-blocking and every wait turns the loop. */
#ifndef TESTS_UNIT_HTTP_WORLD_H
#define TESTS_UNIT_HTTP_WORLD_H

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
#include <unistd.h>

#include <cmocka.h>

#include "server/http.h"

#define WAIT_MS 10000
#define OPEN_MAX 512

static struct world {
    uv_loop_t loop;
    struct http_server *server;
    uint16_t port;
    struct http_exchange *open[OPEN_MAX]; /* requests to /later, unanswered */
    size_t open_count;
    struct http_stream *stream;
    unsigned requests, streams_closed, servers_closed;
    bool close_on_request;
} world;

static inline void on_stream_closed(void *ctx)
{
    (void)ctx;
    world.streams_closed++;
    world.stream = NULL;
}

static inline void on_server_closed(void *ctx)
{
    (void)ctx;
    world.servers_closed++;
}

static bool find_query(const struct http_exchange *exchange, const char *wanted, struct slice *value)
{
    struct slice name;
    size_t at = 0;
    while (http_next_query(exchange, &at, &name, value)) {
        if (slice_is(name, wanted))
            return true;
    }
    return false;
}

static inline void on_request(void *app, struct http_exchange *exchange)
{
    struct world *at = app;
    at->requests++;
    if (at->close_on_request)
        http_server_close(&at->server, on_server_closed, NULL);
    struct slice path = http_path(exchange), found;
    if (slice_is(path, "/later")) {
        assert_true(at->open_count < OPEN_MAX);
        at->open[at->open_count++] = exchange;
    } else if (slice_is(path, "/stream")) {
        at->stream = http_reply_stream(exchange, "text/event-stream", NULL, on_stream_closed, NULL);
    } else if (slice_is(path, "/query")) {
        struct slice body = find_query(exchange, "a", &found) ? found : SLICE("(none)");
        http_reply(exchange, 200, "text/plain", body, NULL, 0);
    } else if (slice_is(path, "/header")) {
        struct slice body = http_find_header(exchange, "x-test", &found) ? found : SLICE("(none)");
        http_reply(exchange, 200, "text/plain", body, NULL, 0);
    } else if (slice_is(path, "/size")) {
        struct slice text = arena_format(http_arena(exchange), "size=%zu", http_body(exchange).len);
        http_reply(exchange, 200, "text/plain", text, NULL, 0);
    } else if (slice_is(path, "/told")) {
        struct slice body = http_is_too_large(exchange) ? SLICE("too large") : SLICE("fits");
        http_reply(exchange, 200, "text/plain", body, NULL, 0);
    } else if (slice_is(path, "/large")) {
        size_t len = 32u << 20;
        char *bytes = calloc(1, len);
        http_reply(exchange, 200, "application/octet-stream", (struct slice){bytes, len}, NULL, 0);
        free(bytes);
    } else {
        struct http_header header = {"X-Peer", arena_string(http_arena(exchange), http_peer(exchange))};
        struct slice text =
            arena_format(http_arena(exchange), "%.*s %.*s [%.*s]", (int)http_method(exchange).len,
                         http_method(exchange).ptr, (int)path.len, path.ptr, (int)http_body(exchange).len,
                         http_body(exchange).ptr);
        http_reply(exchange, 200, "text/plain", text, &header, 1);
    }
}

static inline void open_with(struct http_options options)
{
    char why[256] = "";
    world = (struct world){0};
    assert_int_equal(uv_loop_init(&world.loop), 0);
    world.server = http_server_open(&world.loop, &options, on_request, &world, why, sizeof why);
    if (!world.server)
        fail_msg("%s", why);
    world.port = http_server_port(world.server);
}

static inline int setup(void **state)
{
    (void)state;
    open_with((struct http_options){0});
    return 0;
}

static inline int setup_impatient(void **state)
{
    (void)state;
    open_with((struct http_options){.request_deadline_ms = 150,
                                    .idle_deadline_ms = 300,
                                    .stall_deadline_ms = 100,
                                    .connections_max = 300});
    return 0;
}

static inline bool hears_of_large(struct slice method, struct slice path)
{
    return slice_is(method, "POST") && (slice_is(path, "/told") || slice_is(path, "/later"));
}

static inline int setup_hearing(void **state)
{
    (void)state;
    open_with((struct http_options){.hears_of_large = hears_of_large});
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
        http_server_close(&world.server, on_server_closed, NULL);
    wait_until(world.servers_closed == 1);
    assert_int_equal(uv_run(&world.loop, UV_RUN_NOWAIT), 0);
    assert_int_equal(uv_loop_close(&world.loop), 0);
    return 0;
}

/* A small receive buffer makes for a small window: what the client does not read stays with the server. */
static inline int connect_with(int receive_buffer)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(world.port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    if (receive_buffer > 0)
        setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
    return fd;
}

static inline int connect_client(void)
{
    return connect_with(0);
}

/* How much went out before the peer closed. */
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

static inline void send_text(int fd, const char *text)
{
    assert_int_equal(send_bytes(fd, text, strlen(text)), strlen(text));
}

struct received {
    char text[1 << 16];
    size_t len;
    bool ended;
};

static inline bool receive_more(int fd, struct received *in)
{
    ssize_t n = recv(fd, in->text + in->len, sizeof in->text - 1 - in->len, 0);
    if (n > 0)
        in->len += (size_t)n;
    in->text[in->len] = '\0';
    if (n == 0 || (n < 0 && errno != EAGAIN))
        in->ended = true;
    return n > 0;
}

static inline unsigned count_of(const char *text, const char *what)
{
    unsigned count = 0;
    for (const char *at = text; (at = strstr(at, what)); at += strlen(what))
        count++;
    return count;
}

#define receive_count(fd, in, what, count)                                                                   \
    wait_until((receive_more((fd), (in)), count_of((in)->text, (what)) >= (count)))
#define receive(fd, in, what) receive_count(fd, in, what, 1)
#define receive_end(fd, in) wait_until((receive_more((fd), (in)), (in)->ended))

static inline void answer_later(size_t i, const char *text)
{
    struct http_exchange *exchange = world.open[i];
    world.open[i] = NULL;
    http_reply(exchange, 200, "text/plain", slice_of(text), NULL, 0);
}

#define in_world(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
#define in_hearing_world(test) cmocka_unit_test_setup_teardown(test, setup_hearing, teardown)
#define in_impatient_world(test) cmocka_unit_test_setup_teardown(test, setup_impatient, teardown)

#endif
