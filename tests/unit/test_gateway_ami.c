/* Asterisk's gateway, with a peer that the test plays. */
#include "tests/unit/gateway_world.h"

#include "proto/ami_calls.h"
#include "server/gateway_ami.h"

#define LOGGED_IN                                                                                            \
    "Asterisk Call Manager/9.0.0\r\n"                                                                        \
    "Response: Success\r\nActionID: challenge\r\nChallenge: 1\r\n\r\n"                                       \
    "Response: Success\r\nActionID: login\r\n\r\n"                                                           \
    "Response: Success\r\nActionID: list\r\n\r\n"                                                            \
    "Event: CoreShowChannelsComplete\r\nActionID: list\r\n\r\n"

/* A name that no action can hold: how its number is presented cannot be asked. Neither such a call waits for
 * ever nor those behind it. */
static void a_call_that_cannot_be_asked_about_rings_as_withheld(void **state)
{
    (void)state;
    enum { CALLS = AMI_ASKS_MAX + 1 };
    char text[256];
    world.line.protocol = GATEWAY_ASTERISK;
    int listener = peer_listen(&world.line.port);
    struct gateway *gateway = open_line();
    int peer = peer_accept(listener);
    say(peer, SLICE(LOGGED_IN));
    UNTIL(is_in(gateway, "connected", NULL));
    for (int i = 0; i < CALLS; i++) {
        int len =
            snprintf(text, sizeof text,
                     "Event: Newchannel\r\nChannel: PJSIP/x\ry-%d\r\nUniqueid: %d.1\r\nLinkedid: %d.1\r\n"
                     "ChannelState: 4\r\nCallerIDNum: +491\r\nExten: 100\r\n\r\n",
                     i, i, i);
        say(peer, (struct slice){text, (size_t)len});
    }
    UNTIL(world.request_count == CALLS);
    for (int i = 0; i < CALLS; i++) {
        assert_int_equal(world.requests[i]->event.type, EVENT_CALL_RINGING);
        assert_true(world.requests[i]->event.privacy);
    }
    close(peer);
    close(listener);
}

/* Asterisk, all the while, answers pings. */
static void a_call_rings_when_nobody_answers_what_is_asked_about_it(void **state)
{
    (void)state;
    char heard[HEARD_MAX] = "";
    world.line.protocol = GATEWAY_ASTERISK;
    int listener = peer_listen(&world.line.port);
    struct gateway *gateway = open_line();
    int peer = peer_accept(listener);
    say(peer, SLICE(LOGGED_IN));
    UNTIL(is_in(gateway, "connected", NULL));
    const struct gateway_link *link = gateway_link(gateway);
    say(peer, SLICE("Event: Newchannel\r\nChannel: PJSIP/x-1\r\nUniqueid: 1.1\r\nLinkedid: 1.1\r\n"
                    "ChannelState: 4\r\nCallerIDNum: +491\r\nExten: 100\r\n\r\n"));
    UNTIL(recv(peer, heard, sizeof heard - 1, MSG_DONTWAIT | MSG_PEEK) > 0 && strstr(heard, "GetVar"));
    for (int i = 1; i < AMI_ASK_TICKS; i++)
        pass(AMI_TICK_MS);
    assert_int_equal(world.request_count, 0);
    pass(AMI_TICK_MS);
    UNTIL(world.request_count == 1);
    assert_int_equal(world.requests[0]->event.type, EVENT_CALL_RINGING);
    assert_true(world.requests[0]->event.privacy);
    assert_false(link->due_ms[LINK_EXPECTED]);
    for (int i = AMI_ASK_TICKS; i < GATEWAY_AMI_PING_MS / AMI_TICK_MS; i++)
        pass(AMI_TICK_MS);
    assert_true(link->due_ms[LINK_EXPECTED]);
    say(peer, SLICE("Response: Success\r\nActionID: pres:1.1\r\nValue: allowed\r\n\r\n"
                    "Response: Success\r\nActionID: ping\r\nPing: Pong\r\n\r\n"));
    UNTIL(!link->due_ms[LINK_EXPECTED]);
    assert_int_equal(world.request_count, 1);
    close(peer);
    close(listener);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        GATEWAY_TEST(a_call_that_cannot_be_asked_about_rings_as_withheld),
        GATEWAY_TEST(a_call_rings_when_nobody_answers_what_is_asked_about_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
