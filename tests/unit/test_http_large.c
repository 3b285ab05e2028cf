/* Requests that are too large in one way or another. */
#include "tests/unit/http_world.h"

/* `rest` bytes come behind the head; nobody reads them before /later is answered. */
static void ask_largely(const char *path, const char *headers, size_t rest, const char *expected)
{
    struct received in = {0};
    char head[256], *body = calloc(1, rest + 1);
    int fd = connect_client();
    snprintf(head, sizeof head, "POST %s HTTP/1.1\r\nHost: x\r\n%s\r\n\r\n", path, headers);
    send_text(fd, head);
    if (strcmp(path, "/later") == 0) {
        wait_until(world.open_count == 1);
        assert_true(http_is_too_large(world.open[0]) && http_body(world.open[0]).len == 0);
        answer_later(--world.open_count, expected);
    }
    send_bytes(fd, body, rest);
    receive(fd, &in, expected);
    assert_null(strstr(in.text, "100 Continue"));
    free(body);
    close(fd);
}

static void an_application_that_wishes_so_hears_of_what_is_too_large(void **state)
{
    (void)state;
    static const struct {
        const char *headers;
        size_t rest;
    } cases[] = {{"Content-Length: 5000000", 5000000},
                 {"Content-Length: 5000000\r\nExpect: 100-continue", 0},
                 {"Content-Length: 5000000000", 0}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ask_largely("/told", cases[i].headers, cases[i].rest, "\r\n\r\ntoo large");
        ask_largely("/later", cases[i].headers, cases[i].rest, "told later");
    }
    assert_int_equal(world.requests, 6);
}

static void an_application_hears_of_what_turns_out_to_be_too_large(void **state)
{
    (void)state;
    struct received in = {0};
    char *chunk = calloc(1, 65536);
    int fd = connect_client();
    send_text(fd, "POST /told HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
    for (unsigned i = 0; i < HTTP_BODY_MAX / 65536 + 1; i++) {
        send_text(fd, "10000\r\n");
        assert_int_equal(send_bytes(fd, chunk, 65536), 65536);
        send_text(fd, "\r\n");
    }
    send_text(fd, "0\r\n\r\n");
    receive(fd, &in, "\r\n\r\ntoo large");
    send_text(fd, "POST /told HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\nx");
    receive(fd, &in, "fits");
    free(chunk);
    close(fd);
}

static void ask_with_params(struct received *in, unsigned others)
{
    char request[8192], *end = request + snprintf(request, sizeof request, "GET /query?");
    int fd = connect_client();
    for (unsigned i = 0; i < others; i++, end += 2)
        memcpy(end, "b&", 2);
    snprintf(end, (size_t)(request + sizeof request - end),
             "a=1 HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    *in = (struct received){.len = 0};
    send_text(fd, request);
    receive_end(fd, in);
    close(fd);
}

static void a_query_of_more_parameters_than_there_is_room_for_is_told_so(void **state)
{
    (void)state;
    struct received in;
    ask_with_params(&in, HTTP_PARAMS_MAX - 1);
    assert_non_null(strstr(in.text, "\r\n\r\n1"));
    for (unsigned others = HTTP_PARAMS_MAX; others <= 3200; others *= 2) {
        ask_with_params(&in, others);
        if (strncmp(in.text, "HTTP/1.1 413 ", 13) != 0 || !strstr(in.text, "application/problem+json") ||
            !strstr(in.text, "\"status\":413"))
            fail_msg("%u: %s", others, in.text);
        assert_int_equal(count_of(in.text, "HTTP/1.1"), 1);
    }
    assert_int_equal(world.requests, 1);
    wait_until(http_connection_count(world.server) == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        in_hearing_world(an_application_that_wishes_so_hears_of_what_is_too_large),
        in_hearing_world(an_application_hears_of_what_turns_out_to_be_too_large),
        in_world(a_query_of_more_parameters_than_there_is_room_for_is_told_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
