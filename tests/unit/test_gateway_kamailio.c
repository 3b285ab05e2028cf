/* Kamailio's gateway, with a peer that the test plays. */
#include "tests/unit/gateway_world.h"

#include "server/gateway_kamailio.h"

static void say_message(int peer, const char *json)
{
    char text[256];
    int len = snprintf(text, sizeof text, "%zu:%s,", strlen(json), json);
    say(peer, (struct slice){text, (size_t)len});
}

static int accept_and_greet(int listener)
{
    int peer = peer_accept(listener);
    say_message(peer, "{\"event\":\"gateway.hello\",\"started\":0}");
    return peer;
}

/* How many calls it was asked for since; of one: how often for it. */
static unsigned questions(int peer, const char *callid)
{
    char heard[HEARD_MAX * 4], wanted[64] = "call.ask";
    unsigned count = 0;
    ssize_t len = recv(peer, heard, sizeof heard - 1, MSG_DONTWAIT | MSG_PEEK);
    if (len <= 0)
        return 0;
    heard[len] = '\0';
    if (callid)
        snprintf(wanted, sizeof wanted, "\"callid\":\"%s\"", callid);
    for (const char *at = heard; (at = strstr(at, wanted)); at++)
        count++;
    return count;
}

static void questions_that_are_not_answered_leave_their_place(void **state)
{
    (void)state;
    enum { CALLS = KAMAILIO_ASKED_MAX + 8 };
    int listener = peer_listen(&world.line.port);
    for (unsigned number = 1; number <= CALLS; number++)
        load_call("kamailio/g", number);
    open_line();
    int peer = accept_and_greet(listener);
    UNTIL(questions(peer, NULL) == KAMAILIO_ASKED_MAX);
    say_message(peer, "{\"event\":\"call.state\",\"callid\":\"c1\",\"known\":true}");
    UNTIL(questions(peer, NULL) == KAMAILIO_ASKED_MAX + 1);
    for (int ms = 0; ms < KAMAILIO_ANSWER_DEADLINE_MS; ms += KAMAILIO_LOOK_MS)
        pass(KAMAILIO_LOOK_MS);
    UNTIL(questions(peer, NULL) == CALLS);
    assert_int_equal(world.request_count, 0);
    say_message(peer, "{\"event\":\"call.state\",\"callid\":\"c2\",\"known\":false}");
    UNTIL(world.request_count == 1); /* late, and nobody has asked since */
    assert_true(slice_is(world.requests[0]->event.subject, "c2"));
    assert_int_equal(world.requests[0]->event.type, EVENT_CALL_ENDED);
    say_message(peer, "{\"event\":\"call.state\",\"callid\":\"c2\",\"known\":false}");
    say_message(peer, "{\"event\":\"call.state\",\"callid\":\"nobody\",\"known\":false}");
    say_message(peer, "{\"event\":\"call.state\",\"callid\":\"c3\",\"known\":false}");
    UNTIL(world.request_count == 2);
    assert_true(slice_is(world.requests[1]->event.subject, "c3"));
    close(peer);
    close(listener);
}

/* What was said on the last connection is decided on this one: the call is asked for once more. */
static void an_answer_counts_only_if_nobody_has_asked_since(void **state)
{
    (void)state;
    int listener = peer_listen(&world.line.port);
    load_call("kamailio/g", 1);
    struct gateway *gateway = open_line();
    int peer = accept_and_greet(listener);
    say_message(peer, "{\"event\":\"sip.ANSWERED\",\"callid\":\"c1\"}");
    UNTIL(world.request_count == 1);
    close(peer);
    UNTIL(strcmp(gateway_phase_name(gateway), "waiting") == 0);
    pass(GATEWAY_RETRY_FIRST_MS);
    peer = accept_and_greet(listener);
    UNTIL(questions(peer, "c1") == 1);
    refuse_first(PROBLEM_INVALID);
    UNTIL(questions(peer, "c1") == 2);
    say_message(peer, "{\"event\":\"call.state\",\"callid\":\"c1\",\"known\":false}");
    say_message(peer, "{\"event\":\"sip.ANSWERED\",\"callid\":\"c1\"}");
    UNTIL(world.request_count == 1);
    assert_int_equal(world.requests[0]->event.type, EVENT_CALL_ANSWERED);
    refuse_first(PROBLEM_INVALID);
    say_message(peer, "{\"event\":\"call.state\",\"callid\":\"c1\",\"known\":false}");
    UNTIL(world.request_count == 1);
    assert_int_equal(world.requests[0]->event.type, EVENT_CALL_ENDED);
    close(peer);
    close(listener);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        GATEWAY_TEST(questions_that_are_not_answered_leave_their_place),
        GATEWAY_TEST(an_answer_counts_only_if_nobody_has_asked_since),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
