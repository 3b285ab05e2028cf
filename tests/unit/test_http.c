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

/* A real listener and real sockets on one loop: the client side is non-blocking and every wait turns the
 * loop. */

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

static void on_stream_closed(void *ctx)
{
    (void)ctx;
    world.streams_closed++;
    world.stream = NULL;
}

static void on_server_closed(void *ctx)
{
    (void)ctx;
    world.servers_closed++;
}

static void on_request(void *app, struct http_exchange *exchange)
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
        at->stream = http_reply_stream(exchange, "text/event-stream", on_stream_closed, NULL);
    } else if (slice_is(path, "/query")) {
        struct slice body = http_find_query(exchange, "a", &found) ? found : SLICE("(none)");
        http_reply(exchange, 200, "text/plain", body, NULL, 0);
    } else if (slice_is(path, "/header")) {
        struct slice body = http_find_header(exchange, "x-test", &found) ? found : SLICE("(none)");
        http_reply(exchange, 200, "text/plain", body, NULL, 0);
    } else if (slice_is(path, "/size")) {
        struct slice text = arena_format(http_arena(exchange), "size=%zu", http_body(exchange).len);
        http_reply(exchange, 200, "text/plain", text, NULL, 0);
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

static void open_with(struct http_options options)
{
    char why[256] = "";
    world = (struct world){0};
    assert_int_equal(uv_loop_init(&world.loop), 0);
    world.server = http_server_open(&world.loop, &options, on_request, &world, why, sizeof why);
    if (!world.server)
        fail_msg("%s", why);
    world.port = http_server_port(world.server);
}

static int setup(void **state)
{
    (void)state;
    open_with((struct http_options){0});
    return 0;
}

static int setup_impatient(void **state)
{
    (void)state;
    open_with((struct http_options){.request_deadline_ms = 150,
                                    .idle_deadline_ms = 300,
                                    .stall_deadline_ms = 100,
                                    .connections_max = 300});
    return 0;
}

static void pump(void)
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

static int teardown(void **state)
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
static int connect_with(int receive_buffer)
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

static int connect_client(void)
{
    return connect_with(0);
}

/* How much went out before the peer closed. */
static size_t send_bytes(int fd, const char *bytes, size_t len)
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

static void send_text(int fd, const char *text)
{
    assert_int_equal(send_bytes(fd, text, strlen(text)), strlen(text));
}

struct received {
    char text[1 << 16];
    size_t len;
    bool ended;
};

static bool receive_more(int fd, struct received *in)
{
    ssize_t n = recv(fd, in->text + in->len, sizeof in->text - 1 - in->len, 0);
    if (n > 0)
        in->len += (size_t)n;
    in->text[in->len] = '\0';
    if (n == 0 || (n < 0 && errno != EAGAIN))
        in->ended = true;
    return n > 0;
}

static unsigned count_of(const char *text, const char *what)
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

static void answer_later(size_t i, const char *text)
{
    struct http_exchange *exchange = world.open[i];
    world.open[i] = NULL;
    http_reply(exchange, 200, "text/plain", slice_of(text), NULL, 0);
}

static void a_connection_serves_one_request_after_another(void **state)
{
    (void)state;
    struct received in = {0};
    int fd = connect_client();
    send_text(fd, "GET /a HTTP/1.1\r\nHost: x\r\n\r\n");
    receive(fd, &in, "GET /a []");
    assert_non_null(strstr(in.text, "X-Peer: 127.0.0.1"));
    send_text(fd, "POST /b HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc");
    receive(fd, &in, "POST /b [abc]");
    send_text(fd, "BREW /c HTTP/1.1\r\nHost: x\r\n\r\n");
    receive(fd, &in, "BREW /c []");
    assert_int_equal(http_connection_count(world.server), 1);
    assert_false(in.ended);
    close(fd);
    wait_until(http_connection_count(world.server) == 0);
}

static void pipelined_requests_are_answered_in_order(void **state)
{
    (void)state;
    struct received in = {0};
    int fd = connect_client();
    send_text(fd, "GET /1 HTTP/1.1\r\nHost: x\r\n\r\n"
                  "GET /later HTTP/1.1\r\nHost: x\r\n\r\n"
                  "GET /3 HTTP/1.1\r\nHost: x\r\n\r\n");
    wait_until(world.open_count == 1);
    assert_int_equal(world.requests, 2);
    answer_later(0, "two");
    receive(fd, &in, "GET /3");
    assert_true(strstr(in.text, "GET /1") < strstr(in.text, "two"));
    assert_true(strstr(in.text, "two") < strstr(in.text, "GET /3"));
    close(fd);
}

static void http_1_0_gets_an_answer_and_the_end(void **state)
{
    (void)state;
    struct received in = {0};
    int fd = connect_client();
    send_text(fd, "GET /old HTTP/1.0\r\n\r\n");
    receive_end(fd, &in);
    assert_non_null(strstr(in.text, "GET /old []"));
    close(fd);
}

static void chunked_bodies_are_put_together(void **state)
{
    (void)state;
    struct received in = {0};
    int fd = connect_client();
    send_text(fd, "POST /c HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n");
    send_text(fd, "4\r\ndefg\r\n0\r\n\r\n");
    receive(fd, &in, "POST /c [abcdefg]");
    close(fd);
}

static void a_client_that_expects_100_continue_gets_it(void **state)
{
    (void)state;
    struct received in = {0};
    int fd = connect_client();
    send_text(fd, "POST /c HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n");
    receive(fd, &in, "100 Continue");
    send_text(fd, "ok");
    receive(fd, &in, "POST /c [ok]");
    close(fd);
}

static void queries_are_decoded_and_the_first_of_a_name_wins(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
        {"/query?a=1", "\r\n\r\n1"},
        {"/query?b=2&a=x%20y%2Bz&a=3", "\r\n\r\nx y+z"},
        {"/query?a=p+q", "\r\n\r\np q"},
        {"/query?%61=name", "\r\n\r\nname"},
        {"/query?a", "\r\n\r\n"},
        {"/query?aa=1", "(none)"},
        {"/query?&&a=%zz%4", "\r\n\r\n%zz%4"},
        {"/query", "(none)"},
        {"http://elsewhere:1/query?a=abs", "\r\n\r\nabs"},
        {"/query%3Fa=1", "GET /query%3Fa=1 []"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char request[256];
        struct received in = {0};
        int fd = connect_client();
        snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
                 cases[i][0]);
        send_text(fd, request);
        receive_end(fd, &in);
        if (!strstr(in.text, cases[i][1]))
            fail_msg("%s: %s", cases[i][0], in.text);
        close(fd);
    }
}

static void headers_are_found_whatever_their_case(void **state)
{
    (void)state;
    struct received in = {0};
    int fd = connect_client();
    send_text(fd, "GET /header HTTP/1.1\r\nHost: x\r\nX-TEST: yes\r\n\r\n");
    receive(fd, &in, "\r\n\r\nyes");
    close(fd);
}

static void a_body_of_the_largest_size_arrives(void **state)
{
    (void)state;
    struct received in = {0};
    char *body = calloc(1, HTTP_BODY_MAX), head[128];
    int fd = connect_client();
    snprintf(head, sizeof head, "POST /size HTTP/1.1\r\nHost: x\r\nContent-Length: %u\r\n\r\n",
             HTTP_BODY_MAX);
    send_text(fd, head);
    assert_int_equal(send_bytes(fd, body, HTTP_BODY_MAX), HTTP_BODY_MAX);
    receive(fd, &in, "size=4194304");
    free(body);
    close(fd);
}

static void a_body_that_is_too_large_gets_413_and_the_connection_goes_on(void **state)
{
    (void)state;
    struct received in = {0};
    size_t len = HTTP_BODY_MAX + 1;
    char *body = calloc(1, len), head[128];
    int fd = connect_client();
    snprintf(head, sizeof head, "POST /size HTTP/1.1\r\nHost: x\r\nContent-Length: %zu\r\n\r\n", len);
    send_text(fd, head);
    assert_int_equal(send_bytes(fd, body, len), len);
    receive(fd, &in, "\"code\":\"too_large\"");
    assert_non_null(strstr(in.text, "HTTP/1.1 413"));
    assert_non_null(strstr(in.text, "application/problem+json"));
    assert_int_equal(world.requests, 0);
    send_text(fd, "GET /next HTTP/1.1\r\nHost: x\r\n\r\n");
    receive(fd, &in, "GET /next");
    free(body);
    close(fd);
}

static void a_streamed_body_that_grows_too_large_gets_413(void **state)
{
    (void)state;
    struct received in = {0};
    char *chunk = malloc(65536);
    memset(chunk, 'x', 65536);
    int fd = connect_client();
    send_text(fd, "POST /size HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
    for (unsigned i = 0; i < HTTP_BODY_MAX / 65536 + 2; i++) {
        send_text(fd, "10000\r\n");
        assert_int_equal(send_bytes(fd, chunk, 65536), 65536);
        send_text(fd, "\r\n");
    }
    send_text(fd, "0\r\n\r\n");
    receive(fd, &in, "\"code\":\"too_large\"");
    assert_int_equal(world.requests, 0);
    free(chunk);
    close(fd);
}

static void a_client_that_asks_first_is_told_413_before_it_sends(void **state)
{
    (void)state;
    struct received in = {0};
    int fd = connect_client();
    send_text(fd,
              "POST /size HTTP/1.1\r\nHost: x\r\nContent-Length: 5000000\r\nExpect: 100-continue\r\n\r\n");
    receive_end(fd, &in);
    assert_non_null(strstr(in.text, "HTTP/1.1 413"));
    assert_null(strstr(in.text, "100 Continue"));
    close(fd);
}

static void headers_beyond_the_memory_of_a_connection_are_refused(void **state)
{
    (void)state;
    struct received in = {0};
    char *head = malloc(40000);
    int fd = connect_client();
    int len = snprintf(head, 40000, "GET / HTTP/1.1\r\nHost: x\r\nX-Long: %030000d\r\n\r\n", 1);
    send_bytes(fd, head, (size_t)len);
    receive_end(fd, &in);
    if (in.len > 0)
        assert_non_null(strstr(in.text, "HTTP/1.1 4"));
    free(head);
    close(fd);
    wait_until(http_connection_count(world.server) == 0);
}

static void garbage_ends_only_its_own_connection(void **state)
{
    (void)state;
    struct received in = {0}, good = {0};
    int bad = connect_client(), fd = connect_client();
    send_text(bad, "\x16\x03\x01 not http at all\r\n\r\n\r\n");
    receive_end(bad, &in);
    send_text(fd, "GET /fine HTTP/1.1\r\nHost: x\r\n\r\n");
    receive(fd, &good, "GET /fine");
    close(bad);
    close(fd);
}

static void a_header_that_drips_is_cut_at_its_deadline(void **state)
{
    (void)state;
    struct received in = {0};
    int fd = connect_client();
    uint64_t began = uv_hrtime();
    send_text(fd, "GET /drip HTTP/1.1\r\nHost: x\r\nX-Slow: ");
    while (!in.ended) {
        (void)send(fd, "a", 1, MSG_NOSIGNAL);
        poll(NULL, 0, 5);
        pump();
        receive_more(fd, &in);
        assert_true(uv_hrtime() - began < WAIT_MS * 1000000ull);
    }
    assert_true(uv_hrtime() - began >= 140 * 1000000ull);
    assert_int_equal(world.requests, 0);
    close(fd);
}

static void a_connection_that_says_nothing_is_cut(void **state)
{
    (void)state;
    struct received in = {0};
    int fd = connect_client();
    receive_end(fd, &in);
    assert_int_equal(in.len, 0);
    wait_until(http_connection_count(world.server) == 0);
    close(fd);
}

static void a_body_that_stalls_is_cut_also_on_a_kept_connection(void **state)
{
    (void)state;
    struct received in = {0};
    int fd = connect_client();
    send_text(fd, "GET /a HTTP/1.1\r\nHost: x\r\n\r\n");
    receive(fd, &in, "GET /a");
    send_text(fd, "POST /b HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc");
    receive_end(fd, &in);
    assert_int_equal(world.requests, 1);
    wait_until(http_connection_count(world.server) == 0);
    close(fd);
}

static void an_idle_connection_is_closed_after_its_own_deadline(void **state)
{
    (void)state;
    struct received in = {0};
    int fd = connect_client();
    send_text(fd, "GET /a HTTP/1.1\r\nHost: x\r\n\r\n");
    receive(fd, &in, "GET /a");
    uint64_t began = uv_hrtime();
    receive_end(fd, &in);
    assert_true(uv_hrtime() - began > 200 * 1000000ull);
    close(fd);
}

static void no_deadline_runs_while_the_application_thinks(void **state)
{
    (void)state;
    struct received in = {0};
    int fd = connect_client();
    send_text(fd, "GET /later HTTP/1.1\r\nHost: x\r\n\r\n");
    wait_until(world.open_count == 1);
    uint64_t until = uv_hrtime() + 500 * 1000000ull;
    wait_until(uv_hrtime() > until);
    answer_later(0, "at last");
    receive(fd, &in, "at last");
    close(fd);
}

static void a_client_that_takes_no_reply_is_cut(void **state)
{
    (void)state;
    int fd = connect_client();
    send_text(fd, "GET /large HTTP/1.1\r\nHost: x\r\n\r\n");
    wait_until(world.requests == 1);
    wait_until(http_connection_count(world.server) == 0);
    close(fd);
}

static void a_slow_client_that_keeps_taking_is_served(void **state)
{
    (void)state;
    int fd = connect_client();
    char *buffer = malloc(1 << 20);
    size_t total = 0;
    uint64_t began = uv_hrtime();
    send_text(fd, "GET /large HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    for (;;) {
        ssize_t n = recv(fd, buffer, 1 << 20, 0);
        if (n == 0)
            break;
        if (n > 0)
            total += (size_t)n;
        uint64_t pause = uv_hrtime() + 20 * 1000000ull;
        while (uv_hrtime() < pause)
            pump();
        assert_true(uv_hrtime() - began < WAIT_MS * 1000000ull);
    }
    assert_true(total > 32u << 20);
    free(buffer);
    close(fd);
}

static void an_exchange_outlives_its_client(void **state)
{
    (void)state;
    struct received in = {0};
    struct slice found;
    int fd = connect_client(), other = connect_client();
    send_text(fd, "POST /later HTTP/1.1\r\nHost: x\r\nX-Test: kept\r\nContent-Length: 4\r\n\r\nbody");
    wait_until(world.open_count == 1);
    struct linger reset = {1, 0};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    close(fd);
    send_text(other, "GET /other HTTP/1.1\r\nHost: x\r\n\r\n");
    receive(other, &in, "GET /other");
    assert_true(slice_is(http_body(world.open[0]), "body"));
    assert_true(http_find_header(world.open[0], "X-Test", &found) && slice_is(found, "kept"));
    answer_later(0, "too late");
    wait_until(http_connection_count(world.server) == 1);
    close(other);
}

static void many_connections_are_answered_in_parallel(void **state)
{
    (void)state;
    enum { COUNT = 200 };
    static struct received in[COUNT];
    int fds[COUNT];
    memset(in, 0, sizeof in);
    for (int i = 0; i < COUNT; i++) {
        fds[i] = connect_client();
        send_text(fds[i], "GET /later HTTP/1.1\r\nHost: x\r\n\r\n");
        pump();
    }
    wait_until(world.open_count == COUNT);
    assert_int_equal(http_connection_count(world.server), COUNT);
    for (size_t i = 0; i < COUNT; i++)
        answer_later(i, "done");
    for (int i = 0; i < COUNT; i++) {
        receive(fds[i], &in[i], "done");
        close(fds[i]);
    }
    wait_until(http_connection_count(world.server) == 0);
}

static void a_stream_delivers_each_write_and_ends(void **state)
{
    (void)state;
    struct received in = {0};
    int fd = connect_client();
    send_text(fd, "GET /stream HTTP/1.1\r\nHost: x\r\n\r\n");
    receive(fd, &in, "text/event-stream");
    for (int i = 0; i < 5; i++) {
        char event[32];
        snprintf(event, sizeof event, "data: %d\n\n", i);
        uint64_t began = uv_hrtime();
        assert_true(http_stream_write(world.stream, slice_of(event)));
        receive(fd, &in, event);
        assert_true(uv_hrtime() - began < 150 * 1000000ull);
    }
    http_stream_end(world.stream);
    assert_int_equal(world.streams_closed, 0);
    wait_until(world.streams_closed == 1);
    receive(fd, &in, "\r\n0\r\n\r\n");
    send_text(fd, "GET /after HTTP/1.1\r\nHost: x\r\n\r\n");
    receive(fd, &in, "GET /after");
    close(fd);
}

static void a_stream_to_http_1_0_goes_on_until_the_end_of_the_connection(void **state)
{
    (void)state;
    struct received in = {0};
    int fd = connect_client();
    send_text(fd, "GET /stream HTTP/1.0\r\n\r\n");
    wait_until(world.stream);
    assert_true(http_stream_write(world.stream, SLICE("one")));
    receive(fd, &in, "one");
    assert_true(http_stream_write(world.stream, SLICE("two")));
    http_stream_end(world.stream);
    receive_end(fd, &in);
    assert_non_null(strstr(in.text, "onetwo"));
    close(fd);
}

static void a_stream_whose_client_went_is_closed_once_at_the_next_writes(void **state)
{
    (void)state;
    int fd = connect_client();
    struct received in = {0};
    send_text(fd, "GET /stream HTTP/1.1\r\nHost: x\r\n\r\n");
    receive(fd, &in, "text/event-stream");
    close(fd);
    wait_until(!world.stream || (http_stream_write(world.stream, SLICE(":\n\n")), world.streams_closed == 1));
    wait_until(http_connection_count(world.server) == 0);
    assert_int_equal(world.streams_closed, 1);
}

static void a_stream_whose_reader_sleeps_is_cut_at_its_bound(void **state)
{
    (void)state;
    static char block[65536];
    int fd = connect_client();
    unsigned long written = 0;
    memset(block, 'x', sizeof block);
    send_text(fd, "GET /stream HTTP/1.1\r\nHost: x\r\n\r\n");
    wait_until(world.stream);
    while (http_stream_write(world.stream, (struct slice){block, sizeof block})) {
        written += sizeof block;
        pump();
        assert_true(written < 64u << 20);
    }
    assert_int_equal(world.streams_closed, 0);
    assert_false(http_stream_write(world.stream, SLICE("more")));
    wait_until(world.streams_closed == 1);
    wait_until(http_connection_count(world.server) == 0);
    assert_true(written >= HTTP_STREAM_BUFFER_MAX / sizeof block * sizeof block);
    close(fd);
}

static void a_stream_whose_reader_sleeps_below_the_bound_is_cut_by_time(void **state)
{
    (void)state;
    /* The kernel takes what it likes at first; then little enough is written to stay below the bound. */
    static char block[16384];
    int fd = connect_with(4096);
    send_text(fd, "GET /stream HTTP/1.1\r\nHost: x\r\n\r\n");
    wait_until(world.stream);
    while (world.stream) {
        assert_true(http_stream_write(world.stream, (struct slice){block, sizeof block}));
        uint64_t until = uv_hrtime() + 5 * 1000000ull;
        wait_until(uv_hrtime() > until);
    }
    wait_until(world.streams_closed == 1);
    close(fd);
}

static void an_idle_stream_has_no_deadline(void **state)
{
    (void)state;
    struct received in = {0};
    int fd = connect_client();
    send_text(fd, "GET /stream HTTP/1.1\r\nHost: x\r\n\r\n");
    receive(fd, &in, "text/event-stream");
    uint64_t until = uv_hrtime() + 500 * 1000000ull;
    wait_until(uv_hrtime() > until);
    assert_int_equal(world.streams_closed, 0);
    assert_true(http_stream_write(world.stream, SLICE("alive")));
    receive(fd, &in, "alive");
    close(fd);
}

static void closing_waits_for_open_exchanges_and_delivers_their_replies(void **state)
{
    (void)state;
    struct received in = {0}, streamed = {0}, idle_in = {0};
    int fd = connect_client(), stream = connect_client(), idle = connect_client();
    send_text(fd, "GET /later HTTP/1.1\r\nHost: x\r\n\r\n");
    send_text(stream, "GET /stream HTTP/1.1\r\nHost: x\r\n\r\n");
    wait_until(world.open_count == 1 && world.stream && http_connection_count(world.server) == 3);
    http_server_close(&world.server, on_server_closed, NULL);
    assert_null(world.server);
    receive_end(idle, &idle_in);
    receive(stream, &streamed, "0\r\n\r\n");
    assert_int_equal(world.streams_closed, 1);
    for (int i = 0; i < 50; i++)
        pump();
    assert_int_equal(world.servers_closed, 0);
    answer_later(0, "goodbye");
    receive_end(fd, &in);
    assert_non_null(strstr(in.text, "goodbye"));
    assert_non_null(strstr(in.text, "Connection: close"));
    close(fd);
    close(stream);
    close(idle);
}

static void closing_gives_up_on_a_client_that_takes_nothing(void **state)
{
    (void)state;
    int fd = connect_client();
    send_text(fd, "GET /large HTTP/1.1\r\nHost: x\r\n\r\n");
    wait_until(world.requests == 1);
    http_server_close(&world.server, on_server_closed, NULL);
    wait_until(world.servers_closed == 1);
    close(fd);
}

static void closing_from_inside_a_request_is_allowed(void **state)
{
    (void)state;
    struct received in = {0};
    int fd = connect_client();
    world.close_on_request = true;
    send_text(fd, "GET /last HTTP/1.1\r\nHost: x\r\n\r\n");
    receive_end(fd, &in);
    assert_non_null(strstr(in.text, "GET /last"));
    close(fd);
}

static void a_quiescing_server_takes_no_connection_but_serves_the_old(void **state)
{
    (void)state;
    struct received in = {0};
    int fd = connect_client();
    send_text(fd, "GET /a HTTP/1.1\r\nHost: x\r\n\r\n");
    receive(fd, &in, "GET /a");
    http_server_quiesce(world.server);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(world.port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int late = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(connect(late, (struct sockaddr *)&address, sizeof address), -1);
    close(late);
    send_text(fd, "GET /b HTTP/1.1\r\nHost: x\r\n\r\n");
    receive(fd, &in, "GET /b");
    close(fd);
}

static void a_port_in_use_is_refused_with_a_reason(void **state)
{
    (void)state;
    char why[256] = "";
    struct http_options options = {.port = world.port}, bad = {.host = "localhost"};
    assert_null(http_server_open(&world.loop, &options, on_request, &world, why, sizeof why));
    assert_non_null(strstr(why, "cannot listen"));
    assert_null(http_server_open(&world.loop, &bad, on_request, &world, why, sizeof why));
    assert_non_null(strstr(why, "numeric"));
}

static void ipv6_addresses_work(void **state)
{
    (void)state;
    char why[256] = "";
    struct http_options options = {.host = "::1"};
    struct http_server *second = http_server_open(&world.loop, &options, on_request, &world, why, sizeof why);
    if (!second) {
        /* This machine has no IPv6. */
        assert_non_null(strstr(why, "::1"));
        return;
    }
    struct sockaddr_in6 address = {.sin6_family = AF_INET6,
                                   .sin6_port = htons(http_server_port(second)),
                                   .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    struct received in = {0};
    int fd = socket(AF_INET6, SOCK_STREAM, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    fcntl(fd, F_SETFL, O_NONBLOCK);
    send_text(fd, "GET /six HTTP/1.1\r\nHost: x\r\n\r\n");
    receive(fd, &in, "GET /six");
    assert_non_null(strstr(in.text, "X-Peer: ::1"));
    close(fd);
    http_server_close(&second, on_server_closed, NULL);
    wait_until(world.servers_closed == 1);
    world.servers_closed = 0;
}

#define in_world(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
#define in_impatient_world(test) cmocka_unit_test_setup_teardown(test, setup_impatient, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        in_world(a_connection_serves_one_request_after_another),
        in_world(pipelined_requests_are_answered_in_order),
        in_world(http_1_0_gets_an_answer_and_the_end),
        in_world(chunked_bodies_are_put_together),
        in_world(a_client_that_expects_100_continue_gets_it),
        in_world(queries_are_decoded_and_the_first_of_a_name_wins),
        in_world(headers_are_found_whatever_their_case),
        in_world(a_body_of_the_largest_size_arrives),
        in_world(a_body_that_is_too_large_gets_413_and_the_connection_goes_on),
        in_world(a_streamed_body_that_grows_too_large_gets_413),
        in_world(a_client_that_asks_first_is_told_413_before_it_sends),
        in_world(headers_beyond_the_memory_of_a_connection_are_refused),
        in_world(garbage_ends_only_its_own_connection),
        in_impatient_world(a_header_that_drips_is_cut_at_its_deadline),
        in_impatient_world(a_connection_that_says_nothing_is_cut),
        in_impatient_world(a_body_that_stalls_is_cut_also_on_a_kept_connection),
        in_impatient_world(an_idle_connection_is_closed_after_its_own_deadline),
        in_impatient_world(no_deadline_runs_while_the_application_thinks),
        in_impatient_world(a_client_that_takes_no_reply_is_cut),
        in_impatient_world(a_slow_client_that_keeps_taking_is_served),
        in_world(an_exchange_outlives_its_client),
        in_world(many_connections_are_answered_in_parallel),
        in_world(a_stream_delivers_each_write_and_ends),
        in_world(a_stream_to_http_1_0_goes_on_until_the_end_of_the_connection),
        in_world(a_stream_whose_client_went_is_closed_once_at_the_next_writes),
        in_world(a_stream_whose_reader_sleeps_is_cut_at_its_bound),
        in_impatient_world(a_stream_whose_reader_sleeps_below_the_bound_is_cut_by_time),
        in_impatient_world(an_idle_stream_has_no_deadline),
        in_world(closing_waits_for_open_exchanges_and_delivers_their_replies),
        in_world(closing_gives_up_on_a_client_that_takes_nothing),
        in_world(closing_from_inside_a_request_is_allowed),
        in_world(a_quiescing_server_takes_no_connection_but_serves_the_old),
        in_world(ipv6_addresses_work),
        in_world(a_port_in_use_is_refused_with_a_reason),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
