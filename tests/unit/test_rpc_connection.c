#include "tests/unit/rpc_world.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        in_impatient_world(half_a_message_that_stalls_is_cut_at_its_deadline),
        in_impatient_world(whole_messages_keep_a_connection_open_and_so_does_silence),
        in_impatient_world(a_connection_that_never_says_hello_is_cut),
        in_impatient_world(connections_beyond_the_limit_are_closed_at_once),
        in_world(reading_pauses_at_the_bound_of_calls_and_goes_on_at_half),
        in_world(a_reader_that_sleeps_is_cut_at_the_bound_of_output),
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
