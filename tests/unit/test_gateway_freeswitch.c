/* FreeSWITCH's gateway, with a peer that the test plays. */
#include "tests/unit/gateway_world.h"

#include "server/freeswitch.h"
#include "server/gateway_freeswitch.h"

#define CALLS 300
#define LOGGED_IN                                                                                            \
    "Content-Type: auth/request\n\n"                                                                         \
    "Content-Type: command/reply\nReply-Text: +OK accepted\n\n"                                              \
    "Content-Type: command/reply\nReply-Text: +OK event listener enabled plain\n\n"

static int listener, peer;

static struct gateway *open_connected(void)
{
    world.line.protocol = GATEWAY_FREESWITCH;
    listener = peer_listen(&world.line.port);
    struct gateway *gateway = open_line();
    peer = peer_accept(listener);
    say(peer, SLICE(LOGGED_IN "Content-Type: api/response\nContent-Length: 15\n\n{\"row_count\":0}"));
    UNTIL(is_in(gateway, "connected", NULL));
    return gateway;
}

static void hang_up(void)
{
    close(peer);
    close(listener);
}

static void tell(const char *body)
{
    char text[512];
    int len = snprintf(text, sizeof text, "Content-Type: text/event-plain\nContent-Length: %zu\n\n%s",
                       strlen(body), body);
    say(peer, (struct slice){text, (size_t)len});
}

static void begin_call(int number)
{
    char text[256];
    snprintf(text, sizeof text,
             "Event-Name: CHANNEL_CREATE\nCore-UUID: one\nUnique-ID: c%d\nCall-Direction: inbound\n"
             "Caller-Caller-ID-Number: 100\nCaller-Destination-Number: 200\n\n",
             number);
    tell(text);
}

static void begin_calls(void)
{
    for (int i = 0; i < CALLS; i++) {
        begin_call(i);
        UNTIL(world.request_count == 1);
        assert_int_equal(world.requests[0]->event.type, EVENT_CALL_RINGING);
        refuse_first(PROBLEM_INVALID); /* decided, whatever became of it */
    }
}

/* Each once, a few at a time, and none is given up because there is much to do. */
static void a_freeswitch_that_was_started_anew_ends_its_calls_a_few_at_a_time(void **state)
{
    (void)state;
    bool ended[CALLS] = {false};
    open_connected();
    begin_calls();
    tell("Event-Name: HEARTBEAT\nCore-UUID: two\n\n");
    UNTIL(world.request_count > 0);
    for (int left = CALLS; left; left--) {
        assert_int_equal(world.request_count, left < FREESWITCH_ENDING_MAX ? left : FREESWITCH_ENDING_MAX);
        const struct event *event = &world.requests[0]->event;
        unsigned long number = strtoul(event->subject.ptr + 1, NULL, 10);
        assert_true(event->type == EVENT_CALL_ENDED && slice_is(event->cause, "restarted"));
        assert_true(number < CALLS && !ended[number]);
        ended[number] = true;
        refuse_first(PROBLEM_INVALID);
    }
    assert_int_equal(world.request_count, 0);
    hang_up();
}

/* Whoever is dropped with its gateway is found by what takes the calls of such gateways. */
static void calls_that_wait_for_their_end_go_with_the_gateway(void **state)
{
    (void)state;
    open_connected();
    begin_calls();
    tell("Event-Name: HEARTBEAT\nCore-UUID: two\n\n");
    UNTIL(world.request_count == FREESWITCH_ENDING_MAX);
    take_line_away();
    while (world.request_count)
        refuse_first(PROBLEM_STORAGE_UNAVAILABLE);
    UNTIL(!world.gateways->first);
    hang_up();
}

/* As none can be whose source holds a control character: it is not waited for. */
static void an_end_that_is_no_event_keeps_no_other_waiting(void **state)
{
    (void)state;
    world.line.name = SLICE("g\x01");
    const struct freeswitch *freeswitch = gateway_state(open_connected());
    for (int i = 0; i < CALLS; i++)
        begin_call(i);
    tell("Event-Name: HEARTBEAT\nCore-UUID: two\n\n");
    UNTIL(strcmp(freeswitch->stream.core, "two") == 0);
    assert_int_equal(world.request_count, 0);
    assert_int_equal(freeswitch->lost_count, 0);
    assert_int_equal(freeswitch->ending, 0);
    hang_up();
}

/* Since it was there. */
static unsigned times_heard(const char *text)
{
    char heard[HEARD_MAX];
    unsigned count = 0;
    ssize_t len = recv(peer, heard, sizeof heard - 1, MSG_DONTWAIT | MSG_PEEK);
    heard[len > 0 ? len : 0] = '\0';
    for (const char *at = heard; (at = strstr(at, text)); at++)
        count++;
    return count;
}

/* Of a process that hangs everything looks well: the machine takes what is sent. */
static void one_that_does_not_answer_a_ping_is_cut_off(void **state)
{
    (void)state;
    struct gateway *gateway = open_connected();
    const struct gateway_link *link = gateway_link(gateway);
    const struct freeswitch_session *session = gateway_link_state(link);
    UNTIL(session->is_synced);
    pass(FREESWITCH_LIST_EVERY_MS);
    UNTIL(times_heard("api uptime\n\n") == 1);
    say(peer, SLICE("Content-Type: api/response\nContent-Length: 2\n\n17"));
    UNTIL(!link->due_ms[LINK_EXPECTED]);
    pass(FREESWITCH_LIST_EVERY_MS);
    UNTIL(times_heard("api uptime\n\n") == 2);
    pass(FREESWITCH_PING_DEADLINE_MS - 1);
    assert_false(link->is_cut);
    pass(1);
    UNTIL(is_hung_up(peer));
    UNTIL(is_in(gateway, "waiting", "it does not answer a ping"));
    hang_up();
}

/* Not even with what answers a ping later. */
static void nobody_talks_the_deadline_of_the_login_away(void **state)
{
    (void)state;
    world.line.protocol = GATEWAY_FREESWITCH;
    listener = peer_listen(&world.line.port);
    struct gateway *gateway = open_line();
    peer = peer_accept(listener);
    say(peer, SLICE("Content-Type: api/response\nContent-Length: 2\n\n17Content-Type: auth/request\n\n"));
    UNTIL(times_heard("auth ") == 1);
    pass(FREESWITCH_LOGIN_DEADLINE_MS);
    UNTIL(is_hung_up(peer));
    UNTIL(is_in(gateway, "waiting", "it does not speak as FreeSWITCH does"));
    hang_up();
}

#define PIECE 65536

/* Says so many bytes of a body, which are read as they come. */
static void say_body(size_t bytes)
{
    static char piece[PIECE];
    while (bytes) {
        ssize_t len = send(peer, piece, bytes < PIECE ? bytes : PIECE, MSG_NOSIGNAL);
        bytes -= len > 0 ? (size_t)len : 0;
        turn();
    }
}

static void begin_too_long(const char *type)
{
    char text[128];
    int len = snprintf(text, sizeof text, "Content-Type: %s\nContent-Length: %u\n\n", type, ESL_BODY_MAX + 1);
    say(peer, (struct slice){text, (size_t)len});
}

/* One call with huge variables takes nobody else's away. */
static void what_is_too_long_is_passed_over(void **state)
{
    (void)state;
    struct gateway *gateway = open_connected();
    const struct gateway_link *link = gateway_link(gateway);
    const struct freeswitch_session *session = gateway_link_state(link);
    UNTIL(session->is_synced);
    begin_too_long("text/event-plain");
    say_body(ESL_BODY_MAX + 1);
    begin_call(1);
    UNTIL(world.request_count == 1);
    assert_int_equal(gateway->overlong, 1);
    assert_true(link->in_size < ESL_BODY_MAX);
    assert_int_equal(session->sync.phase, SYNC_IDLE);
    pass(FREESWITCH_LIST_EVERY_MS); /* what it told is asked for */
    UNTIL(times_heard("api show channels as json\n\n") == 2);
    say(peer, SLICE("Content-Type: api/response\nContent-Length: 96\n\n"
                    "{\"row_count\":2,\"rows\":[{\"uuid\":\"c1\",\"direction\":\"inbound\"},"
                    "{\"uuid\":\"c2\",\"direction\":\"inbound\"}]}"));
    UNTIL(times_heard("api uuid_dump c2\n\n") == 1);
    begin_too_long("api/response");
    say_body(ESL_BODY_MAX + 1);
    UNTIL(gateway->overlong == 2 && !link->skip);
    pass(FREESWITCH_LIST_EVERY_MS); /* and not again */
    UNTIL(times_heard("api uptime\n\n") == 1);
    assert_int_equal(times_heard("api show channels as json\n\n"), 2);
    assert_int_equal(gateway->unlisted, 0);
    refuse_first(PROBLEM_INVALID);
    assert_true(is_in(gateway, "connected", NULL));
    hang_up();
}

/* Whatever trickles in. */
static void what_is_passed_over_has_the_time_of_a_frame(void **state)
{
    (void)state;
    struct gateway *gateway = open_connected();
    const struct gateway_link *link = gateway_link(gateway);
    begin_too_long("text/event-plain");
    UNTIL(link->skip == ESL_BODY_MAX + 1);
    pass(GATEWAY_FRAME_DEADLINE_MS - 1);
    say_body(1);
    UNTIL(link->skip == ESL_BODY_MAX);
    assert_false(link->is_cut);
    pass(1);
    UNTIL(is_hung_up(peer));
    UNTIL(is_in(gateway, "waiting", "half a frame, and no more of it in time"));
    hang_up();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        GATEWAY_TEST(a_freeswitch_that_was_started_anew_ends_its_calls_a_few_at_a_time),
        GATEWAY_TEST(calls_that_wait_for_their_end_go_with_the_gateway),
        GATEWAY_TEST(an_end_that_is_no_event_keeps_no_other_waiting),
        GATEWAY_TEST(one_that_does_not_answer_a_ping_is_cut_off),
        GATEWAY_TEST(nobody_talks_the_deadline_of_the_login_away),
        GATEWAY_TEST(what_is_too_long_is_passed_over),
        GATEWAY_TEST(what_is_passed_over_has_the_time_of_a_frame),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
