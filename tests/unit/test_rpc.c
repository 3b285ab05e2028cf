#include "tests/unit/rpc_world.h"

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
        in_world(a_slow_reader_gets_all_answers_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
