#include "tests/unit/http_world.h"

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

static void a_head_that_breaks_the_rules_is_told_which(void **state)
{
    (void)state;
    static const struct {
        const char *request, *detail;
    } cases[] = {
        {"GET /?name=Jane Doe HTTP/1.1\r\nHost: x\r\n\r\n", "holds a space"},
        {"GET http://a b/ HTTP/1.1\r\nHost: x\r\n\r\n", "holds a space"},
        {"GET / HTTP/1.1\r\n\r\n", "names its Host, once"},
        {"GET / HTTP/1.1\r\nHost: x\r\nhost: y\r\n\r\n", "names its Host, once"},
        {"GET / HTTP/1.0\r\nHost: x\r\nHost: x\r\n\r\n", "names its Host, once"},
        {"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
         "where the body ends must be said once"},
        {"GET / HTTP/1.1\r\nHost : x\r\n\r\n", "holds a blank"},
        {"GET / HTTP/1.1\r\nHost: x\r\nContent-Length\t: 3\r\n\r\nabc", "holds a blank"},
        {"GET / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding : chunked\r\nContent-Length: 3\r\n\r\nabc",
         "holds a blank"},
        {"GET / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n", "said once"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct received in = {0};
        int fd = connect_client();
        send_text(fd, cases[i].request);
        receive_end(fd, &in);
        if (strncmp(in.text, "HTTP/1.1 400 ", 13) != 0 || !strstr(in.text, "application/problem+json") ||
            !strstr(in.text, cases[i].detail))
            fail_msg("%s was answered %s", cases[i].request, in.text);
        close(fd);
    }
    assert_int_equal(world.requests, 0);
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
        in_world(a_head_that_breaks_the_rules_is_told_which),
        in_impatient_world(a_header_that_drips_is_cut_at_its_deadline),
        in_impatient_world(a_connection_that_says_nothing_is_cut),
        in_impatient_world(a_body_that_stalls_is_cut_also_on_a_kept_connection),
        in_impatient_world(an_idle_connection_is_closed_after_its_own_deadline),
        in_impatient_world(no_deadline_runs_while_the_application_thinks),
        in_world(an_exchange_outlives_its_client),
        in_world(many_connections_are_answered_in_parallel),
        in_world(ipv6_addresses_work),
        in_world(a_port_in_use_is_refused_with_a_reason),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
