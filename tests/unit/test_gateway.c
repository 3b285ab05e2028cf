/* The frame of gateways: dialling, listening, deadlines, the end. */
#include "tests/unit/gateway_world.h"

#include "server/ami_orders.h"

static struct gateway *open_connected(int *listener, int *peer)
{
    *listener = peer_listen(&world.line.port);
    struct gateway *gateway = open_line();
    *peer = peer_accept(*listener);
    UNTIL(is_in(gateway, "connected", NULL));
    return gateway;
}

/* --- names --- */

static void a_name_that_nobody_knows_is_said_and_tried_again(void **state)
{
    (void)state;
    world.line.host = SLICE("unknown.invalid");
    world.line.port = 1;
    struct gateway *gateway = open_line();
    UNTIL(is_in(gateway, "waiting", "its name cannot be resolved"));
    assert_int_equal(gateway->reconnects, 1);
    pass(GATEWAY_RETRY_FIRST_MS);
    UNTIL(gateway->reconnects == 2);
    assert_true(is_in(gateway, "waiting", "its name cannot be resolved"));
}

static void a_resolver_that_hangs_is_given_up_in_time(void **state)
{
    (void)state;
    world.line.host = SLICE("hangs.invalid");
    world.line.port = 1;
    struct gateway *gateway = open_line();
    UNTIL(hanging() == 1);
    pass(GATEWAY_DIAL_DEADLINE_MS - 1);
    assert_true(is_in(gateway, "connecting", NULL));
    pass(1);
    assert_true(is_in(gateway, "waiting", "its name is not resolved in time"));
    for (int tries = 0; tries < 8; tries++) { /* and takes no thread of the pool for each try */
        pass(GATEWAY_RETRY_MAX_MS);
        UNTIL(is_in(gateway, "connecting", "its name is not resolved in time") && gateway->dial->resolve);
        pass(GATEWAY_DIAL_DEADLINE_MS);
    }
    assert_true(hanging() <= 2);
    assert_true(is_in(gateway, "waiting", "its name is not resolved in time"));
}

static void a_resolver_that_hangs_holds_up_neither_another_line_nor_the_end(void **state)
{
    (void)state;
    struct config_gateway line = world.line;
    int listener = peer_listen(&line.port);
    world.line.host = SLICE("hangs.invalid");
    world.line.port = 1;
    open_line();
    UNTIL(hanging() == 1);
    world.line = line;
    gateways_sync(world.gateways, &world.project);
    UNTIL(!world.gateways->first);
    struct gateway *gateway = open_line();
    int peer = peer_accept(listener);
    UNTIL(is_in(gateway, "connected", NULL));
    take_line_away();
    world.line.host = SLICE("hangs.invalid");
    UNTIL(!world.gateways->first);
    open_line();
    UNTIL(hanging() == 2);
    gateways_close(&world.gateways, on_closed, NULL);
    UNTIL(world.is_closed);
    assert_int_equal(hanging(), 2);
    close(peer);
    close(listener);
}

/* --- commands --- */

static void a_command_too_many_is_given_up_and_that_is_said(void **state)
{
    (void)state;
    int pipe_ends[2], before = dup(STDERR_FILENO);
    char text[24], said[512] = "";
    world.line.host = SLICE("unknown.invalid");
    world.line.port = 1;
    struct ami_orders *orders = ami_orders_alloc(open_line(), NULL);
    assert_int_equal(pipe(pipe_ends), 0);
    log_configure(LOG_WARN, LOG_FORMAT_TEXT);
    assert_true(dup2(pipe_ends[1], STDERR_FILENO) >= 0);
    for (int i = 0; i <= AMI_ORDERS_MAX; i++) {
        snprintf(text, sizeof text, "%d", i);
        ami_orders_give(orders, AMI_ORDER_HANG_UP, slice_of(text));
    }
    assert_true(dup2(before, STDERR_FILENO) >= 0);
    close(pipe_ends[1]);
    assert_true(read(pipe_ends[0], said, sizeof said - 1) > 0);
    assert_non_null(strstr(said, "too many commands wait for a gateway"));
    assert_int_equal(strchr(said, '\n') - said, strlen(said) - 1);
    close(pipe_ends[0]);
    close(before);
    ami_orders_free(&orders);
}

/* --- the end --- */

static void a_line_is_taken_away_and_everything_ends_in_the_same_moment(void **state)
{
    (void)state;
    int listener, peer;
    open_connected(&listener, &peer);
    take_line_away();
    take_line_away();
    gateways_close(&world.gateways, on_closed, NULL);
    assert_false(world.is_closed); /* its handles still close */
    UNTIL(world.is_closed);
    assert_true(is_hung_up(peer));
    close(peer);
    close(listener);
}

static void a_line_is_taken_away_while_it_is_dialled_and_everything_ends(void **state)
{
    (void)state;
    world.line.port = 1;
    open_line();
    take_line_away();
    gateways_quiesce(world.gateways);
    gateways_close(&world.gateways, on_closed, NULL);
    UNTIL(world.is_closed);
}

static void whoever_takes_its_place_comes_when_what_was_under_way_is_decided(void **state)
{
    (void)state;
    int listener, peer;
    struct gateway *gateway = open_connected(&listener, &peer);
    say(peer, SLICE("33:{\"event\":\"sip.BYE\",\"callid\":\"c1\"},"));
    UNTIL(world.request_count == 1);
    world.config.region = SLICE("AT");
    gateways_sync(world.gateways, &world.project);
    UNTIL(gateway->handles == 0);
    gateways_sync(world.gateways, &world.project);
    assert_ptr_equal(world.gateways->first, gateway);
    assert_null(gateway->next);
    assert_true(gateways_are_closing(world.gateways, &world.project));
    refuse_first(PROBLEM_STORAGE_UNAVAILABLE);
    assert_null(world.gateways->first);
    assert_false(gateways_are_closing(world.gateways, &world.project));
    open_line();
    close(peer);
    close(listener);
}

/* --- reading --- */

static void events_of_one_call_are_decided_one_by_one(void **state)
{
    (void)state;
    int listener, peer;
    struct gateway *gateway = open_connected(&listener, &peer);
    for (int i = 0; i < 3; i++)
        say(peer,
            SLICE(
                "33:{\"event\":\"sip.BYE\",\"callid\":\"c1\"},33:{\"event\":\"sip.BYE\",\"callid\":\"c2\"},"));
    UNTIL(gateway->event_count == 6);
    assert_int_equal(world.request_count, 2);
    refuse_first(PROBLEM_STORAGE_UNAVAILABLE); /* and is tried again, before those behind it */
    assert_int_equal(world.request_count, 1);
    refuse_first(PROBLEM_INVALID);
    pass(GATEWAY_RESUBMIT_MS);
    assert_int_equal(world.request_count, 2);
    assert_true(slice_is(world.requests[0]->event.subject, "c1"));
    assert_true(slice_is(world.requests[1]->event.subject, "c2"));
    for (unsigned left = 5; left; left--) {
        assert_int_equal(gateway->event_count, left);
        refuse_first(PROBLEM_INVALID);
    }
    close(peer);
    close(listener);
}

static void say_message(int peer, const char *json)
{
    char text[256];
    int len = snprintf(text, sizeof text, "%zu:%s,", strlen(json), json);
    say(peer, (struct slice){text, (size_t)len});
    UNTIL(world.request_count == 1);
    assert_int_equal(world.requests[0]->event.time_ms, 1000);
}

/* Once, under the same id; but no call that began so long ago and is only told now: it may be a repeat. */
static void a_time_that_cannot_be_taken_is_left_out(void **state)
{
    (void)state;
    static const char bye[] = "{\"event\":\"sip.BYE\",\"callid\":\"c\",\"ts\":1}",
                      invite[] =
                          "{\"event\":\"sip.INVITE\",\"callid\":\"c\",\"ts\":1,\"from\":\"1\",\"to\":\"2\"}";
    int listener, peer;
    open_connected(&listener, &peer);
    for (int is_invite = 0; is_invite <= 1; is_invite++) {
        say_message(peer, is_invite ? invite : bye);
        if (is_invite) {
            refuse_first(PROBLEM_STORAGE_UNAVAILABLE);
            pass(GATEWAY_RESUBMIT_MS);
            assert_int_equal(world.requests[0]->event.time_ms, 1000);
        }
        refuse_first(PROBLEM_STALE);
        assert_int_equal(world.request_count, 1);
        assert_int_equal(world.requests[0]->event.time_ms, TIME_NEVER);
        assert_true(slice_is(world.requests[0]->event.id, is_invite ? "c ringing" : "c ended"));
        refuse_first(PROBLEM_STALE);
        assert_int_equal(world.request_count, 0);
    }
    say_message(peer, invite);
    refuse_first(PROBLEM_STALE);
    assert_int_equal(world.request_count, 0);
    say_message(peer, invite); /* its clock is ahead */
    refuse_first_at(PROBLEM_INVALID, "/time");
    assert_int_equal(world.requests[0]->event.time_ms, TIME_NEVER);
    refuse_first_at(PROBLEM_INVALID, "/time");
    assert_int_equal(world.request_count, 0);
    close(peer);
    close(listener);
}

static void nothing_is_read_while_the_project_is_loaded_again(void **state)
{
    (void)state;
    int listener, peer;
    struct gateway *gateway = open_connected(&listener, &peer);
    world.is_loading = true;
    say(peer, SLICE("33:{\"event\":\"sip.BYE\",\"callid\":\"c1\"},"));
    UNTIL(!gateway->links.next->is_reading);
    pass(GATEWAY_FRAME_DEADLINE_MS);
    gateways_sync(world.gateways, &world.project);
    turn();
    assert_int_equal(world.request_count, 0);
    world.is_loading = false;
    gateways_sync(world.gateways, &world.project);
    UNTIL(world.request_count == 1);
    assert_true(is_in(gateway, "connected", NULL));
    close(peer);
    close(listener);
}

static void no_gateway_is_opened_while_the_project_is_loaded_again(void **state)
{
    (void)state;
    world.is_loading = true;
    world.config.gateways = &world.line;
    world.config.gateway_count = 1;
    gateways_sync(world.gateways, &world.project);
    assert_null(world.gateways->first);
    world.is_loading = false;
    open_line();
}

/* --- listening --- */

static void a_port_that_is_taken_is_tried_again_until_it_is_free(void **state)
{
    (void)state;
    uint16_t port;
    int other = peer_listen(&port);
    world.line.protocol = GATEWAY_FREESWITCH;
    world.line.listens = true;
    world.line.port = port;
    struct gateway *gateway = open_line();
    turn();
    assert_true(is_in(gateway, "waiting", "it cannot listen there"));
    size_t used = gateway->arena.used;
    for (unsigned tries = 2; tries < 10; tries++) {
        pass(GATEWAY_RETRY_MAX_MS);
        assert_int_equal(gateway->reconnects, tries);
        assert_true(is_in(gateway, "waiting", "it cannot listen there"));
    }
    assert_int_equal(gateway->arena.used, used);
    close(other);
    pass(GATEWAY_RETRY_MAX_MS);
    assert_true(is_in(gateway, "listening", NULL));
    close(peer_connect(port));
    UNTIL(gateway->link_count == 1);
    UNTIL(gateway->link_count == 0);
}

static uint16_t port_of(const struct gateway *gateway)
{
    struct sockaddr_in address;
    int len = sizeof address;
    assert_int_equal(uv_tcp_getsockname(&gateway->listener, (struct sockaddr *)&address, &len), 0);
    return ntohs(address.sin_port);
}

/* Of its addresses the first that this machine has. */
static void a_name_is_listened_on(void **state)
{
    (void)state;
    world.line.protocol = GATEWAY_FREESWITCH;
    world.line.listens = true;
    world.line.host = SLICE("here.invalid");
    struct gateway *gateway = open_line();
    UNTIL(is_in(gateway, "listening", NULL));
    close(peer_connect(port_of(gateway)));
    UNTIL(gateway->link_count == 1);
    UNTIL(gateway->link_count == 0);
}

static void a_name_that_nobody_knows_is_not_listened_on_and_that_is_said(void **state)
{
    (void)state;
    world.line.protocol = GATEWAY_FREESWITCH;
    world.line.listens = true;
    world.line.host = SLICE("unknown.invalid");
    struct gateway *gateway = open_line();
    UNTIL(is_in(gateway, "waiting", "its name cannot be resolved"));
    world.line.host = SLICE("hangs.invalid");
    gateways_sync(world.gateways, &world.project);
    UNTIL(!world.gateways->first);
    open_line();
    UNTIL(hanging() == 1);
    take_line_away();
    UNTIL(!world.gateways->first);
}

/* --- deadlines --- */

/* What each kind of peer says first, and the beginning of a frame. */
static const struct {
    enum gateway_protocol protocol;
    bool listens;
    const char *hello, *half;
} peers[] = {
    {GATEWAY_ASTERISK, false,
     "Asterisk Call Manager/9.0.0\r\n"
     "Response: Success\r\nActionID: challenge\r\nChallenge: 1\r\n\r\n"
     "Response: Success\r\nActionID: login\r\n\r\n"
     "Response: Success\r\nActionID: list\r\n\r\n"
     "Event: CoreShowChannelsComplete\r\nActionID: list\r\n\r\n",
     "Event: Newchannel\r\nChan"},
    {GATEWAY_FREESWITCH, false,
     "Content-Type: auth/request\n\n"
     "Content-Type: command/reply\nReply-Text: +OK accepted\n\n"
     "Content-Type: command/reply\nReply-Text: +OK event listener enabled plain\n\n"
     "Content-Type: api/response\nContent-Length: 15\n\n{\"row_count\":0}",
     "Content-Type: text/event-plain\nContent-Length: 500\n\nEvent-"},
    {GATEWAY_FREESWITCH, true,
     "Content-Type: command/reply\nEvent-Name: CHANNEL_DATA\nUnique-ID: c1\nCall-Direction: inbound\n\n",
     "Content-Type: command/reply\nRep"},
    {GATEWAY_KAMAILIO, false, "", "100:{\"event"},
};

/* A byte a second after the first half, and silence after the last of them. */
static void trickle(const char *half, int peer, const struct gateway *gateway)
{
    const struct gateway_link *link = gateway->links.next;
    size_t len = strlen(half);
    say(peer, slice_of(half));
    UNTIL(link->in_len == len);
    for (int second = 1; second < GATEWAY_FRAME_DEADLINE_MS / 1000; second++) {
        pass(1000);
        say(peer, SLICE("x"));
        len++;
        UNTIL(link->in_len == len);
        assert_false(link->is_cut);
    }
    pass(999);
    assert_false(link->is_cut);
    pass(1);
    UNTIL(is_hung_up(peer));
}

static void half_a_frame_is_cut_off_by_a_deadline_whatever_trickles_in(void **state)
{
    for (size_t i = 0; i < sizeof peers / sizeof *peers; i++) {
        int listener = -1, peer;
        world.line.protocol = peers[i].protocol;
        world.line.listens = peers[i].listens;
        world.line.port = 0;
        if (!peers[i].listens)
            listener = peer_listen(&world.line.port);
        struct gateway *gateway = open_line();
        peer = peers[i].listens ? peer_connect(port_of(gateway)) : peer_accept(listener);
        UNTIL(gateway->link_count == 1 && gateway->links.next->is_connected);
        say(peer, slice_of(peers[i].hello));
        if (!peers[i].listens)
            UNTIL(is_in(gateway, "connected", NULL));
        turn();
        UNTIL(gateway->links.next->in_len == 0);
        trickle(peers[i].half, peer, gateway);
        if (!peers[i].listens)
            assert_true(is_in(gateway, "waiting", "half a frame, and no more of it in time"));
        close(peer);
        if (listener >= 0)
            close(listener);
        tear_down(state);
        set_up(state);
    }
}

/* --- calls that ended while nobody listened --- */

static bool is_even(struct gateway *gateway, struct slice call)
{
    (void)gateway;
    return (call.ptr[call.len - 1] - '0') % 2 == 0;
}

/* Each once, a few at a time, whatever becomes of the events. */
static void lost_calls_are_ended_a_few_at_a_time(void **state)
{
    (void)state;
    enum { CALLS = 600 };
    bool ended[CALLS] = {false};
    unsigned rounds = 0, count = 0;
    world.line.port = 1;
    struct gateway *gateway = open_line();
    for (unsigned number = 1; number < CALLS; number += 2) {
        load_call("kamailio/g", number);
        load_call(number % 3 ? "kamailio/g" : "kamailio/h", number + 1);
    }
    load_call("kamailio/h", CALLS + 1);
    gateway_end_lost(gateway, is_even);
    for (; gateway->is_live; rounds++) {
        gateways_sync(world.gateways, &world.project);
        assert_true(world.request_count <= GATEWAY_SWEEP_EVENTS_MAX);
        while (world.request_count) {
            struct slice call = world.requests[0]->event.subject;
            unsigned long number = strtoul(call.ptr + 1, NULL, 10);
            assert_true(number % 2 == 1 && number < CALLS && !ended[number]);
            assert_int_equal(world.requests[0]->event.type, EVENT_CALL_ENDED);
            ended[number] = true;
            count++;
            refuse_first(PROBLEM_INVALID);
        }
    }
    assert_int_equal(count, CALLS / 2);
    assert_int_equal(rounds, 3);
    gateways_sync(world.gateways, &world.project);
    assert_int_equal(world.request_count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        GATEWAY_TEST(a_name_that_nobody_knows_is_said_and_tried_again),
        GATEWAY_TEST(a_resolver_that_hangs_is_given_up_in_time),
        GATEWAY_TEST(a_resolver_that_hangs_holds_up_neither_another_line_nor_the_end),
        GATEWAY_TEST(a_command_too_many_is_given_up_and_that_is_said),
        GATEWAY_TEST(a_line_is_taken_away_and_everything_ends_in_the_same_moment),
        GATEWAY_TEST(a_line_is_taken_away_while_it_is_dialled_and_everything_ends),
        GATEWAY_TEST(whoever_takes_its_place_comes_when_what_was_under_way_is_decided),
        GATEWAY_TEST(events_of_one_call_are_decided_one_by_one),
        GATEWAY_TEST(a_time_that_cannot_be_taken_is_left_out),
        GATEWAY_TEST(nothing_is_read_while_the_project_is_loaded_again),
        GATEWAY_TEST(no_gateway_is_opened_while_the_project_is_loaded_again),
        GATEWAY_TEST(a_port_that_is_taken_is_tried_again_until_it_is_free),
        GATEWAY_TEST(a_name_is_listened_on),
        GATEWAY_TEST(a_name_that_nobody_knows_is_not_listened_on_and_that_is_said),
        GATEWAY_TEST(lost_calls_are_ended_a_few_at_a_time),
        GATEWAY_TEST(half_a_frame_is_cut_off_by_a_deadline_whatever_trickles_in),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
