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

/* A real listener and real sockets on one loop: the client side is non-blocking and every wait turns the
 * loop. */

#define WAIT_MS 10000
#define OPEN_MAX (2u * RPC_CALLS_MAX)

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

static void on_server_closed(void *ctx)
{
    (void)ctx;
    world.servers_closed++;
}

static void on_call(void *app, struct rpc_call *call)
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

static void on_closed(void *app, struct rpc_connection *connection)
{
    struct world *at = app;
    at->connections_closed++;
    if (at->last == connection)
        at->last = NULL;
}

static void open_with(struct rpc_options options)
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

static int setup(void **state)
{
    (void)state;
    open_with((struct rpc_options){0});
    return 0;
}

static int setup_impatient(void **state)
{
    (void)state;
    open_with((struct rpc_options){.frame_deadline_ms = 150, .hello_deadline_ms = 300, .connections_max = 3});
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
        rpc_server_close(&world.server, on_server_closed, NULL);
    wait_until(world.servers_closed == 1);
    assert_int_equal(uv_run(&world.loop, UV_RUN_NOWAIT), 0);
    assert_int_equal(uv_loop_close(&world.loop), 0);
    assert_int_equal(access(world.path, F_OK), -1);
    assert_int_equal(rmdir(world.folder), 0);
    return 0;
}

static int connect_client(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(world.port)};
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
    return fd;
}

static int connect_unix(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(fcntl(fd, F_SETFL, O_NONBLOCK), 0);
    return fd;
}

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

static struct received *received_alloc(void)
{
    struct received *in = calloc(1, sizeof *in);
    in->size = 16u << 20;
    in->bytes = malloc(in->size);
    msgpack_scan_init(&in->scan);
    arena_init(&in->arena);
    return in;
}

static void received_free(struct received *in)
{
    arena_deinit(&in->arena);
    free(in->bytes);
    free(in);
}

static void receive_more(int fd, struct received *in)
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

static const char *refusal(const struct received *in)
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

static void answer_later(size_t i)
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

static void a_call_gets_its_answer(void **state)
{
    (void)state;
    struct received *in = received_alloc();
    int fd = connect_client();
    send_literal(fd, CALL_ECHO);
    receive(fd, in, 1);
    assert_int_equal(in->last.items[0].integer, 1);
    assert_int_equal(in->last.items[1].integer, 7);
    assert_int_equal(in->last.items[2].kind, VALUE_NULL);
    assert_int_equal(in->last.items[3].count, 2);
    assert_true(slice_is(rpc_connection_peer(world.last), "127.0.0.1"));
    send_literal(fd, "\x94\x00\xce\xff\xff\xff\xff\xa4"
                     "fail"
                     "\x90");
    receive(fd, in, 2);
    assert_int_equal(in->last.items[1].integer, UINT32_MAX);
    assert_true(slice_is(value_member(&in->last.items[2], "code")->string, "not_found"));
    assert_int_equal(in->last.items[3].kind, VALUE_NULL);
    received_free(in);
    close(fd);
    wait_until(world.connections_closed == 1);
    assert_int_equal(rpc_connection_count(world.server), 0);
}

static void a_message_may_come_byte_by_byte(void **state)
{
    (void)state;
    struct received *in = received_alloc();
    int fd = connect_client();
    static const char bytes[] = CALL_ECHO CALL_ECHO;
    for (size_t i = 0; i < sizeof bytes - 1; i++) {
        assert_int_equal(send_bytes(fd, bytes + i, 1), 1);
        pump();
        pump();
    }
    receive(fd, in, 2);
    assert_int_equal(world.calls, 2);
    received_free(in);
    close(fd);
}

static void many_messages_may_come_at_once(void **state)
{
    (void)state;
    enum { COUNT = 20000 };
    struct received *in = received_alloc();
    int fd = connect_client();
    size_t len = sizeof CALL_ECHO - 1;
    char *bytes = malloc(len * COUNT);
    for (size_t i = 0; i < COUNT; i++)
        memcpy(bytes + i * len, CALL_ECHO, len);
    assert_int_equal(send_bytes(fd, bytes, len * COUNT), len * COUNT);
    receive(fd, in, COUNT);
    assert_int_equal(world.calls, COUNT);
    free(bytes);
    received_free(in);
    close(fd);
}

static void answers_may_come_in_any_order(void **state)
{
    (void)state;
    struct received *in = received_alloc();
    int fd = connect_client();
    send_literal(fd, "\x94\x00\x01\xa5"
                     "later"
                     "\x90"
                     "\x94\x00\x02\xa5"
                     "later"
                     "\x90");
    wait_until(world.open_count == 2);
    answer_later(1);
    receive(fd, in, 1);
    assert_int_equal(in->last.items[1].integer, 2);
    answer_later(0);
    receive(fd, in, 2);
    assert_int_equal(in->last.items[1].integer, 1);
    received_free(in);
    close(fd);
}

static void a_message_of_nearly_the_largest_size_arrives_and_a_larger_one_is_refused(void **state)
{
    (void)state;
    struct received *in = received_alloc();
    int fd = connect_client();
    size_t body = RPC_FRAME_MAX - 64;
    char *bytes = calloc(1, RPC_FRAME_MAX);
    size_t head = 0;
    memcpy(bytes,
           "\x94\x00\x07\xa4"
           "size"
           "\x91\xc6",
           head = 10);
    for (int shift = 24; shift >= 0; shift -= 8)
        bytes[head++] = (char)(body >> shift);
    assert_int_equal(send_bytes(fd, bytes, head + body), head + body);
    wait_until(world.calls == 1);
    /* The echo is as large and fits into what may be owed. */
    receive(fd, in, 1);
    send_literal(fd, "\x94\x00\x07\xa4"
                     "size"
                     "\x91\xc6\x00\x40\x00\x00");
    receive(fd, in, 2);
    assert_non_null(strstr(refusal(in), "not a MessagePack stream"));
    receive_end(fd, in);
    free(bytes);
    received_free(in);
    close(fd);
}

static void a_bomb_ends_its_connection_only(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t len;
    } cases[] = {
        {"\xdd\xff\xff\xff\xff", 5},
        {"\x94\x00\x01\xa1x\xdf\x7f\xff\xff\xff", 10},
        {"\xc1", 1},
        {"\xc6\xff\xff\xff\xff", 5},
        {"\x94\x00\x01\xa1x"
         "\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91"
         "\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91\x91",
         50},
    };
    struct received *good = received_alloc();
    int other = connect_client();
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct received *in = received_alloc();
        int fd = connect_client();
        assert_int_equal(send_bytes(fd, cases[i].bytes, cases[i].len), cases[i].len);
        receive(fd, in, 1);
        assert_non_null(strstr(refusal(in), "not a MessagePack stream"));
        assert_int_equal(in->last.items[1].kind, VALUE_NULL);
        receive_end(fd, in);
        received_free(in);
        close(fd);
    }
    send_literal(other, CALL_ECHO);
    receive(other, good, 1);
    assert_int_equal(world.calls, 1);
    received_free(good);
    close(other);
}

static void a_wrong_message_is_answered_and_the_connection_goes_on(void **state)
{
    (void)state;
    static const struct {
        const char *bytes;
        size_t len;
        int msgid; /* -1: nil */
        const char *message;
    } cases[] = {
        {"\x93\x00\x05\xa1x", 5, 5, "[0, msgid, method, params]"},
        {"\x95\x00\x05\xa1x\x90\xc0", 7, 5, "[0, msgid, method, params]"},
        {"\x94\x02\x05\xa1x\x90", 6, -1, "[2, method, params]"},
        {"\x94\x00\xcf\x00\x00\x00\x01\x00\x00\x00\x00\xa1x\x90", 14, -1, "msgid"},
        {"\x94\x00\xff\xa1x\x90", 6, -1, "msgid"},
        {"\x94\x00\xa1"
         "1"
         "\xa1x\x90",
         7, -1, "msgid"},
        {"\x94\x00\x06\x07\x90", 5, 6, "method"},
        {"\x94\x00\x06\xa1x\x80", 6, 6, "params"},
        {"\x94\x00\x06\xa1x\xc0", 6, 6, "params"},
        {"\x93\x02\xa1x\x01", 5, -1, "params"},
        {"\x94\x03\x06\xa1x\x90", 6, -1, "type"},
        {"\x90", 1, -1, "type"},
        {"\xc0", 1, -1, "type"},
        {"\x81\xa1x\x01", 4, -1, "type"},
        {"\x94\x00\x7f\xa1x\x91\xa1\xff", 8, 127, "UTF-8"},
        {"\x94\x00\xcd\x01\x02\xa1x\x91\xd6\xff\x00\x00\x00\x00", 14, 258, "ext"},
        {"\x94\x00\xce\x00\x01\x00\x00\xa1x\x91\x82\xa1y\x01\xa1y\x02", 17, 65536, "twice"},
    };
    struct received *in = received_alloc();
    int fd = connect_client();
    for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(send_bytes(fd, cases[i].bytes, cases[i].len), cases[i].len);
        receive(fd, in, i + 1);
        if (!strstr(refusal(in), cases[i].message))
            fail_msg("case %u: %s", i, refusal(in));
        if (cases[i].msgid < 0)
            assert_int_equal(in->last.items[1].kind, VALUE_NULL);
        else
            assert_int_equal(in->last.items[1].integer, cases[i].msgid);
    }
    assert_int_equal(world.calls, 0);
    unsigned before = in->count;
    send_literal(fd, "\x94\x01\x06\xc0\xc0" CALL_ECHO);
    receive(fd, in, before + 1);
    assert_int_equal(in->last.items[1].integer, 7);
    assert_int_equal(in->count, before + 1);
    received_free(in);
    close(fd);
}

static void a_notification_is_a_call_without_an_answer(void **state)
{
    (void)state;
    struct received *in = received_alloc();
    int fd = connect_client();
    send_literal(fd, "\x93\x02\xa5"
                     "later"
                     "\x90"
                     "\x93\x02\xa4"
                     "fail"
                     "\x90" CALL_ECHO);
    wait_until(world.calls == 3);
    assert_int_equal(world.notifications, 2);
    assert_false(rpc_wants_reply(world.open[0]));
    answer_later(0);
    receive(fd, in, 1);
    pump();
    receive_more(fd, in);
    assert_int_equal(in->count, 1);
    assert_int_equal(in->last.items[1].integer, 7);
    received_free(in);
    close(fd);
}

static void the_server_notifies(void **state)
{
    (void)state;
    struct received *in = received_alloc();
    struct value item = value_string(SLICE("payload"));
    struct value params = {.kind = VALUE_LIST, .count = 1, .items = &item};
    int fd = connect_client();
    send_literal(fd, CALL_HELLO);
    receive(fd, in, 1);
    assert_int_equal(rpc_output_room(world.last), RPC_OUTPUT_MAX);
    assert_true(rpc_notify(world.last, "decision", &params));
    assert_true(rpc_output_room(world.last) < RPC_OUTPUT_MAX);
    receive(fd, in, 2);
    assert_int_equal(in->last.count, 3);
    assert_int_equal(in->last.items[0].integer, 2);
    assert_true(slice_is(in->last.items[1].string, "decision"));
    assert_true(slice_is(in->last.items[2].items[0].string, "payload"));
    received_free(in);
    close(fd);
}

static void half_a_message_that_stalls_is_cut_at_its_deadline(void **state)
{
    (void)state;
    struct received *in = received_alloc();
    int fd = connect_client();
    send_literal(fd, CALL_HELLO);
    receive(fd, in, 1);
    uint64_t began = uv_hrtime();
    send_literal(fd, CALL_ECHO "\x94\x00\x01\xd9\xff");
    while (!in->ended) {
        (void)send(fd, "a", 1, MSG_NOSIGNAL);
        poll(NULL, 0, 3);
        pump();
        receive_more(fd, in);
        assert_true(uv_hrtime() - began < WAIT_MS * 1000000ull);
        if (uv_hrtime() - began < 50 * 1000000ull)
            assert_false(in->ended);
    }
    assert_true(uv_hrtime() - began >= 140 * 1000000ull);
    assert_int_equal(in->count, 2);
    received_free(in);
    close(fd);
}

static void whole_messages_keep_a_connection_open_and_so_does_silence(void **state)
{
    (void)state;
    struct received *in = received_alloc();
    int fd = connect_client();
    send_literal(fd, CALL_HELLO);
    uint64_t until = uv_hrtime() + 500 * 1000000ull;
    wait_until(uv_hrtime() > until);
    send_literal(fd, CALL_ECHO);
    receive(fd, in, 2);
    assert_false(in->ended);
    received_free(in);
    close(fd);
}

static void a_connection_that_never_says_hello_is_cut(void **state)
{
    (void)state;
    struct received *in = received_alloc();
    int fd = connect_client();
    uint64_t began = uv_hrtime();
    while (!in->ended) {
        (void)send(fd, CALL_ECHO, sizeof CALL_ECHO - 1, MSG_NOSIGNAL);
        poll(NULL, 0, 3);
        pump();
        receive_more(fd, in);
        assert_true(uv_hrtime() - began < WAIT_MS * 1000000ull);
    }
    assert_true(uv_hrtime() - began >= 290 * 1000000ull);
    received_free(in);
    close(fd);
}

static void connections_beyond_the_limit_are_closed_at_once(void **state)
{
    (void)state;
    struct received *in = received_alloc();
    int fds[4];
    for (int i = 0; i < 4; i++) {
        fds[i] = connect_client();
        pump();
    }
    receive_end(fds[3], in);
    wait_until(rpc_connection_count(world.server) == 3);
    for (int i = 0; i < 4; i++)
        close(fds[i]);
    received_free(in);
}

static void reading_pauses_at_the_bound_of_calls_and_goes_on_at_half(void **state)
{
    (void)state;
    struct received *in = received_alloc();
    int fd = connect_client();
    size_t len = sizeof CALL_LATER - 1, count = RPC_CALLS_MAX + 500, answered = 0;
    char *bytes = malloc(len * count);
    for (size_t i = 0; i < count; i++)
        memcpy(bytes + i * len, CALL_LATER, len);
    assert_int_equal(send_bytes(fd, bytes, len * count), len * count);
    wait_until(world.open_count == RPC_CALLS_MAX);
    for (int i = 0; i < 50; i++)
        pump();
    assert_int_equal(world.open_count, RPC_CALLS_MAX);
    while (answered < RPC_CALLS_MAX / 2 - 1)
        answer_later(answered++);
    for (int i = 0; i < 50; i++)
        pump();
    assert_int_equal(world.open_count, RPC_CALLS_MAX);
    answer_later(answered++);
    assert_int_equal(world.open_count, RPC_CALLS_MAX);
    wait_until(world.open_count == count);
    while (answered < count)
        answer_later(answered++);
    receive(fd, in, (unsigned)count);
    free(bytes);
    received_free(in);
    close(fd);
}

static void a_reader_that_sleeps_is_cut_at_the_bound_of_output(void **state)
{
    (void)state;
    static char bytes[50000];
    struct value item = {.kind = VALUE_BYTES, .string = {bytes, sizeof bytes}};
    struct value params = {.kind = VALUE_LIST, .count = 1, .items = &item};
    int fd = connect_client();
    unsigned long sent = 0;
    send_literal(fd, CALL_HELLO);
    wait_until(world.last);
    while (rpc_notify(world.last, "decision", &params)) {
        sent += sizeof bytes;
        if (sent % 8 == 0)
            pump();
        assert_true(sent < 64u << 20);
        assert_true(rpc_output_room(world.last) <= RPC_OUTPUT_MAX);
    }
    assert_true(sent > RPC_OUTPUT_MAX - sizeof bytes);
    assert_int_equal(world.connections_closed, 0);
    assert_false(rpc_notify(world.last, "decision", &params));
    wait_until(world.connections_closed == 1);
    close(fd);
}

static void a_slow_reader_gets_all_answers_in_order(void **state)
{
    (void)state;
    struct received *in = received_alloc();
    int fd = connect_client();
    for (int i = 0; i < 35; i++)
        send_literal(fd, "\x94\x00\x07\xa5"
                         "large"
                         "\x90");
    send_literal(fd, "\x94\x00\x08\xa4"
                     "echo"
                     "\x90");
    wait_until(world.calls == 36);
    for (int i = 0; i < 20; i++)
        pump();
    receive(fd, in, 36);
    assert_int_equal(in->last.items[1].integer, 8);
    received_free(in);
    close(fd);
}

static void an_answer_after_the_client_has_gone_is_dropped(void **state)
{
    (void)state;
    int fd = connect_client();
    send_literal(fd, CALL_LATER CALL_LATER "\x93\x02\xa3"
                                           "cut"
                                           "\x90");
    wait_until(world.connections_closed == 1);
    assert_int_equal(rpc_connection_count(world.server), 0);
    assert_true(slice_is(rpc_method(world.open[0]), "later"));
    answer_later(0);
    answer_later(1);
    close(fd);
}

static void a_client_that_only_ends_its_sending_still_gets_its_answers(void **state)
{
    (void)state;
    struct received *in = received_alloc();
    int fd = connect_client();
    send_literal(fd, CALL_LATER CALL_ECHO);
    shutdown(fd, SHUT_WR);
    wait_until(world.open_count == 1);
    receive(fd, in, 1);
    assert_false(in->ended);
    answer_later(0);
    receive_end(fd, in);
    assert_int_equal(in->count, 2);
    received_free(in);
    close(fd);
}

static void a_reset_connection_closes_and_its_calls_stay_valid(void **state)
{
    (void)state;
    int fd = connect_client();
    send_literal(fd, CALL_LATER);
    wait_until(world.open_count == 1);
    struct linger reset = {1, 0};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    close(fd);
    wait_until(world.connections_closed == 1);
    answer_later(0);
}

static void answers_to_a_client_that_reads_nothing_and_goes_end_nothing_else(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 20; i++) {
        int fd = connect_client();
        for (int k = 0; k < 3; k++)
            send_literal(fd, CALL_LATER);
        wait_until(world.open_count == 3);
        close(fd);
        for (size_t k = 0; k < 3; k++) {
            answer_later(k);
            pump();
        }
        world.open_count = 0;
        wait_until(world.connections_closed == i + 1);
    }
}

static void a_unix_socket_serves_and_has_its_mode(void **state)
{
    (void)state;
    struct received *in = received_alloc();
    struct stat status;
    assert_int_equal(stat(world.path, &status), 0);
    assert_int_equal(status.st_mode & 0777, 0660);
    int fd = connect_unix(world.path);
    send_literal(fd, CALL_ECHO);
    receive(fd, in, 1);
    assert_true(slice_is(rpc_connection_peer(world.last), "unix"));
    received_free(in);
    close(fd);
}

static void a_stale_socket_file_is_replaced_and_a_living_one_is_not(void **state)
{
    (void)state;
    char why[256] = "", stale[64];
    struct rpc_handler handler = {on_call, on_closed, &world};
    struct rpc_options options = {.unix_path = world.path};
    assert_null(rpc_server_open(&world.loop, &options, &handler, why, sizeof why));
    assert_non_null(strstr(why, "in use"));
    close(connect_unix(world.path));

    snprintf(stale, sizeof stale, "%s/stale", world.folder);
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%s", stale);
    int dead = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(dead, (struct sockaddr *)&address, sizeof address), 0);
    close(dead);
    options.unix_path = stale;
    struct rpc_server *second = rpc_server_open(&world.loop, &options, &handler, why, sizeof why);
    assert_non_null(second);
    close(connect_unix(stale));
    unsigned before = world.servers_closed;
    rpc_server_close(&second, on_server_closed, NULL);
    wait_until(world.servers_closed == before + 1);
    world.servers_closed = before;
    assert_int_equal(access(stale, F_OK), -1);

    int plain = open(stale, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    close(plain);
    assert_null(rpc_server_open(&world.loop, &options, &handler, why, sizeof why));
    assert_int_equal(unlink(stale), 0);
    for (int i = 0; i < 5; i++)
        pump();
}

static void bad_addresses_are_refused_with_a_reason(void **state)
{
    (void)state;
    char why[256] = "", path[200];
    struct rpc_handler handler = {on_call, on_closed, &world};
    struct rpc_options options = {.host = "localhost"};
    assert_null(rpc_server_open(&world.loop, &options, &handler, why, sizeof why));
    assert_non_null(strstr(why, "numeric"));
    options = (struct rpc_options){.host = "127.0.0.1", .port = world.port};
    assert_null(rpc_server_open(&world.loop, &options, &handler, why, sizeof why));
    assert_non_null(strstr(why, "in use"));
    memset(path, 'p', sizeof path);
    path[sizeof path - 1] = '\0';
    options = (struct rpc_options){.unix_path = path};
    assert_null(rpc_server_open(&world.loop, &options, &handler, why, sizeof why));
    assert_non_null(strstr(why, "too long"));
    for (int i = 0; i < 5; i++)
        pump();
}

static void ipv6_addresses_work(void **state)
{
    (void)state;
    char why[256] = "";
    struct rpc_handler handler = {on_call, on_closed, &world};
    struct rpc_options options = {.host = "::1"};
    struct rpc_server *second = rpc_server_open(&world.loop, &options, &handler, why, sizeof why);
    if (!second) {
        assert_non_null(strstr(why, "::1"));
        for (int i = 0; i < 5; i++)
            pump();
        return;
    }
    struct sockaddr_in6 address = {.sin6_family = AF_INET6,
                                   .sin6_port = htons(rpc_server_port(second)),
                                   .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    struct received *in = received_alloc();
    int fd = socket(AF_INET6, SOCK_STREAM, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    fcntl(fd, F_SETFL, O_NONBLOCK);
    send_literal(fd, CALL_ECHO);
    receive(fd, in, 1);
    assert_true(slice_is(rpc_connection_peer(world.last), "::1"));
    close(fd);
    received_free(in);
    rpc_server_close(&second, on_server_closed, NULL);
    wait_until(world.servers_closed == 1);
    world.servers_closed = 0;
}

static void closing_waits_for_open_calls_and_delivers_their_answers(void **state)
{
    (void)state;
    struct received *in = received_alloc(), *idle_in = received_alloc();
    int fd = connect_client(), idle = connect_client();
    send_literal(fd, CALL_LATER);
    wait_until(world.open_count == 1 && rpc_connection_count(world.server) == 2);
    rpc_server_close(&world.server, on_server_closed, NULL);
    assert_null(world.server);
    receive_end(idle, idle_in);
    for (int i = 0; i < 50; i++)
        pump();
    assert_int_equal(world.servers_closed, 0);
    answer_later(0);
    receive_end(fd, in);
    assert_int_equal(in->count, 1);
    received_free(in);
    received_free(idle_in);
    close(fd);
    close(idle);
}

static void closing_gives_up_on_a_reader_that_sleeps(void **state)
{
    (void)state;
    int fd = connect_client(), small = 4096;
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    for (int i = 0; i < 38; i++)
        send_literal(fd, "\x94\x00\x07\xa5"
                         "large"
                         "\x90");
    wait_until(world.calls == 38);
    rpc_server_close(&world.server, on_server_closed, NULL);
    wait_until(world.servers_closed == 1);
    assert_int_equal(world.connections_closed, 1);
    close(fd);
}

#define in_world(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
#define in_impatient_world(test) cmocka_unit_test_setup_teardown(test, setup_impatient, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        in_world(a_call_gets_its_answer),
        in_world(a_message_may_come_byte_by_byte),
        in_world(many_messages_may_come_at_once),
        in_world(answers_may_come_in_any_order),
        in_world(a_message_of_nearly_the_largest_size_arrives_and_a_larger_one_is_refused),
        in_world(a_bomb_ends_its_connection_only),
        in_world(a_wrong_message_is_answered_and_the_connection_goes_on),
        in_world(a_notification_is_a_call_without_an_answer),
        in_world(the_server_notifies),
        in_impatient_world(half_a_message_that_stalls_is_cut_at_its_deadline),
        in_impatient_world(whole_messages_keep_a_connection_open_and_so_does_silence),
        in_impatient_world(a_connection_that_never_says_hello_is_cut),
        in_impatient_world(connections_beyond_the_limit_are_closed_at_once),
        in_world(reading_pauses_at_the_bound_of_calls_and_goes_on_at_half),
        in_world(a_reader_that_sleeps_is_cut_at_the_bound_of_output),
        in_world(a_slow_reader_gets_all_answers_in_order),
        in_world(an_answer_after_the_client_has_gone_is_dropped),
        in_world(a_client_that_only_ends_its_sending_still_gets_its_answers),
        in_world(a_reset_connection_closes_and_its_calls_stay_valid),
        in_world(answers_to_a_client_that_reads_nothing_and_goes_end_nothing_else),
        in_world(a_unix_socket_serves_and_has_its_mode),
        in_world(a_stale_socket_file_is_replaced_and_a_living_one_is_not),
        in_world(bad_addresses_are_refused_with_a_reason),
        in_world(ipv6_addresses_work),
        in_world(closing_waits_for_open_calls_and_delivers_their_answers),
        in_world(closing_gives_up_on_a_reader_that_sleeps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
