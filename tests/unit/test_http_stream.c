#include "tests/unit/http_world.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        in_impatient_world(a_client_that_takes_no_reply_is_cut),
        in_impatient_world(a_slow_client_that_keeps_taking_is_served),
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
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
