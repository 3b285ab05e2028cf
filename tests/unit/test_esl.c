#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#include "proto/cloudevent.h"
#include "proto/esl_calls.h"
#include "tests/unit/esl_story.h"
#include "tests/unit/gateway_samples.h"

#define SAMPLES_MIN 30

static void frames_are_read_strictly(void **state)
{
    (void)state;
    static const struct {
        const char *input;
        enum esl_status status;
        enum esl_type type;
        size_t used;
    } cases[] = {
        {"Content-Type: auth/request\n\n", ESL_READY, ESL_AUTH_REQUEST, 28},
        {"\n\nContent-Type: auth/request\n\nmore", ESL_READY, ESL_AUTH_REQUEST, 30},
        {"Content-Type: command/reply\nReply-Text: +OK accepted\n\n", ESL_READY, ESL_COMMAND_REPLY, 54},
        {"content-type: API/response\ncontent-length: 3\n\nyesno", ESL_READY, ESL_API_RESPONSE, 49},
        {"Content-Type: text/rude-rejection\nContent-Length: 24\n\nAccess Denied, go away.\n", ESL_READY,
         ESL_REJECTION, 78},
        {"Content-Type: log/data\nContent-Length: 0\n\n", ESL_READY, ESL_OTHER, 42},
        {"Content-Type: text/event-plain\nContent-Length: 3\n\nab", ESL_NEED_MORE, 0, 0},
        {"Content-Type: auth/request\n", ESL_NEED_MORE, 0, 0},
        {"", ESL_NEED_MORE, 0, 0},
        {"\n", ESL_NEED_MORE, 0, 0},
        {"Content-Length: -1\n\n", ESL_BAD, 0, 0},
        {"Content-Length: 1x\n\n", ESL_BAD, 0, 0},
        {"Content-Length: 1048576\n\n", ESL_NEED_MORE, 0, 0},
        {"Content-Length: 1048577\n\n", ESL_TOO_LONG, ESL_OTHER, 25},
        {"Content-Type: text/event-plain\nContent-Length: 67108864\n\nEvent", ESL_TOO_LONG, ESL_EVENT_PLAIN,
         57},
        {"Content-Length: 67108865\n\n", ESL_BAD, 0, 0},
        {"Content-Length: 99999999999999999999\n\n", ESL_BAD, 0, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct esl_frame frame;
        esl_read(&frame, slice_of(cases[i].input));
        if (frame.status != cases[i].status || frame.used != cases[i].used || frame.type != cases[i].type)
            fail_msg("%s: status %d, type %d, used %zu", cases[i].input, frame.status, frame.type,
                     frame.used);
    }
}

static void a_head_without_end_is_refused_at_its_limit(void **state)
{
    (void)state;
    struct esl_frame frame;
    char *text = arena_alloc(&arena, ESL_HEAD_MAX + 1);
    memset(text, 'x', ESL_HEAD_MAX + 1);
    esl_read(&frame, (struct slice){text, ESL_HEAD_MAX});
    assert_int_equal(frame.status, ESL_NEED_MORE);
    esl_read(&frame, (struct slice){text, ESL_HEAD_MAX + 1});
    assert_int_equal(frame.status, ESL_BAD);
    memset(text, '\n', ESL_HEAD_MAX + 1);
    esl_read(&frame, (struct slice){text, ESL_HEAD_MAX + 1});
    assert_int_equal(frame.status, ESL_BAD);
}

static void values_are_decoded_in_one_pass(void **state)
{
    (void)state;
    static const struct {
        const char *text, *decoded;
    } cases[] = {
        {"plain", "plain"},
        {"a%20b", "a b"},
        {"%2541", "%41"},
        {"100%", "100%"},
        {"%zz%4", "%zz%4"},
        {"%C3%bc", "ü"},
        {"a+b", "a+b"},
        {"a%00b", "ab"},
        {"%25%32%35", "%25"},
        {"", ""},
        {"%2525252541", "%25252541"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct slice decoded = esl_decode(slice_of(cases[i].text), &arena);
        if (!slice_is(decoded, cases[i].decoded))
            fail_msg("%s: %.*s", cases[i].text, (int)decoded.len, decoded.ptr);
    }
}

/* --- calls --- */

static void on_event(void *ctx, enum event_type type, struct slice call, const struct value *document)
{
    struct event event;
    struct fault fault;
    if (!cloudevent_read(&event, document, &arena, &fault))
        fail_msg("%s: %s", fault.pointer, fault.detail);
    assert_int_equal(event.type, type);
    assert_true(slice_equal(event.subject, call));
    sample_add_value(ctx, document);
}

static void play(struct esl_calls *calls, struct slice rest, struct sample_lines *lines)
{
    struct esl_stream stream = {.sequence = 0};
    while (rest.len) {
        struct esl_frame frame;
        struct esl_event event;
        struct fault fault;
        esl_read(&frame, rest);
        assert_int_equal(frame.status, ESL_READY);
        if (esl_has_event(&frame)) {
            if (esl_event_read(&event, &frame, &arena, &fault))
                esl_calls_event(calls, &stream, &event, &arena);
            else
                sample_add(lines, arena_format(&arena, "bad: %s", fault.detail));
        }
        rest = (struct slice){rest.ptr + frame.used, rest.len - frame.used};
    }
}

static void decode(struct slice input, struct sample_lines *lines)
{
    struct esl_calls_options options = {.source = SLICE("esl"), .on_event = on_event, .ctx = lines};
    struct esl_calls *calls = esl_calls_alloc(&options);
    play(calls, input, lines);
    esl_calls_free(&calls);
}

static void every_sample_becomes_the_expected_events(void **state)
{
    (void)state;
    assert_true(samples_check(TEST_SOURCE_DIR "/tests/gateways/esl", decode) >= SAMPLES_MIN);
}

static void agents_are_named_when_a_call_is_bridged_to_them(void **state)
{
    (void)state;
    struct story *story = story_new();
    happen(story, "event=CHANNEL_CREATE id=a " IN);
    happen(story, "event=CHANNEL_ANSWER id=a " IN);
    happen(story, "event=CHANNEL_CREATE id=b way=outbound to=1001 other=a");
    happen(story, "event=CHANNEL_BRIDGE id=a other=b " IN);
    happen(story, "event=CHANNEL_BRIDGE id=a other=b " IN);
    happen(story, "event=CHANNEL_HANGUP_COMPLETE id=b cause=BLIND_TRANSFER");
    happen(story, "event=CHANNEL_BRIDGE id=a other=c otherto=1002 " IN);
    happen(story, "event=CHANNEL_HANGUP_COMPLETE id=a " IN);
    happen(story, "event=CHANNEL_HANGUP_COMPLETE id=c");
    assert_string_equal(story->text, "a:ringing>030901820 a:answered a:answered=anna a:answered=anna "
                                     "a:answered=carl a:ended");
    esl_calls_free(&story->calls);
}

static void a_consultation_leaves_the_call_with_its_agent(void **state)
{
    (void)state;
    struct story *story = story_new();
    happen(story, "event=CHANNEL_CREATE id=a " IN);
    happen(story, "event=CHANNEL_CREATE id=b way=outbound to=1001 other=a");
    happen(story, "event=CHANNEL_BRIDGE id=a other=b " IN);
    happen(story, "event=CHANNEL_CREATE id=c way=outbound to=1002 other=b");
    happen(story, "event=CHANNEL_BRIDGE id=b other=c way=outbound to=1001");
    assert_string_equal(story->text, "a:ringing>030901820 a:answered=anna");
    happen(story, "event=CHANNEL_HANGUP_COMPLETE id=b");
    happen(story, "event=CHANNEL_BRIDGE id=a other=c " IN);
    assert_string_equal(story->text, "a:ringing>030901820 a:answered=anna a:answered=carl");
    esl_calls_free(&story->calls);
}

/* Legs that ring, or pick up, and who is told to talk when the caller is bridged with them. */
static void agents_are_known_by_their_phones(void **state)
{
    (void)state;
    static const struct {
        const char *leg, *agent;
    } cases[] = {
        {"event=CHANNEL_CREATE id=b way=outbound to=x8f2kq other=a phone=1001@pbx.example", "=anna"},
        {"event=CHANNEL_CREATE id=b way=outbound to=1002 other=a phone=1001@pbx.example", "=carl"},
        {"event=CHANNEL_CREATE id=b way=outbound to=+49301001 other=a phone=1009@pbx.example", ""},
        {"event=CHANNEL_CREATE id=b way=outbound to=x8f2kq member=a phone=1001@pbx.example", "=anna"},
        {"event=CHANNEL_BRIDGE id=b way=inbound in=default to=*8 other=a from=1002", "=carl"},
        {"event=CHANNEL_BRIDGE id=b way=inbound in=public to=*8 other=a from=1002", ""},
        {"event=CHANNEL_BRIDGE id=b way=inbound in=default to=x other=a from=1002 name=loopback/x-b", ""},
        {"event=CHANNEL_BRIDGE id=b way=inbound in=default to=x other=a from=99 phone=1001@pbx.example", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct story *story = story_new();
        char expected[64];
        happen(story, "event=CHANNEL_CREATE id=a " IN);
        happen(story, cases[i].leg);
        happen(story, "event=CHANNEL_BRIDGE id=a other=b " IN);
        snprintf(expected, sizeof expected, "a:ringing>030901820 a:answered%s", cases[i].agent);
        if (strncmp(story->text, expected, strlen(expected)) != 0 ||
            (!cases[i].agent[0] && strcmp(story->text, expected) != 0))
            fail_msg("%s: %s", cases[i].leg, story->text);
        esl_calls_free(&story->calls);
    }
}

static void calls_of_other_contexts_are_none(void **state)
{
    (void)state;
    struct story *story = story_new();
    happen(story, "event=CHANNEL_CREATE id=a way=inbound in=default to=1002");
    happen(story, "event=CHANNEL_CREATE id=b way=outbound to=1002 other=a call=a");
    happen(story, "event=CHANNEL_BRIDGE id=a other=b way=inbound in=default");
    happen(story, "event=CHANNEL_HANGUP_COMPLETE id=b way=outbound call=a");
    happen(story, "event=CHANNEL_HANGUP_COMPLETE id=a way=inbound in=default");
    assert_string_equal(story->text, "");
    esl_calls_free(&story->calls);
}

/* As on an analogue line. An event needs something: the gateway's endpoint is called then. */
static void a_call_to_no_number_is_one(void **state)
{
    (void)state;
    struct story *story = story_new();
    happen(story, "event=CHANNEL_CREATE id=a way=inbound in=public");
    assert_string_equal(story->text, "a:ringing>s");
    esl_calls_free(&story->calls);
}

/* As after a restart: of both uuid_dump says what they are now. */
static void a_call_that_is_open_is_found_wherever_it_is(void **state)
{
    (void)state;
    struct story *story = story_new();
    happen(story, "event=CHANNEL_DATA id=x way=inbound in=agents to=1001 other=y othertype=originatee");
    happen(story, "event=CHANNEL_DATA id=open way=inbound in=agents to=1001 other=b call=c");
    assert_true(esl_calls_has(story->calls, SLICE("open")) && !esl_calls_has(story->calls, SLICE("x")));
    happen(story, "event=CHANNEL_HANGUP_COMPLETE id=open way=inbound in=agents");
    happen(story, "event=CHANNEL_HANGUP_COMPLETE id=open way=inbound in=agents other=b");
    happen(story, "event=CHANNEL_HANGUP_COMPLETE id=x way=inbound in=agents");
    assert_string_equal(story->text, "open:ended open:ended");
    esl_calls_free(&story->calls);
}

static void a_caller_who_is_bridged_was_made_by_nobody(void **state)
{
    (void)state;
    struct story *story = story_new();
    happen(story, "event=CHANNEL_DATA id=a other=b othertype=originatee " IN);
    happen(story, "event=CHANNEL_DATA id=b way=inbound in=public other=c othertype=originator");
    happen(story, "event=CHANNEL_HANGUP_COMPLETE id=a other=b othertype=originatee " IN);
    happen(story, "event=CHANNEL_HANGUP_COMPLETE id=d other=e othertype=originatee " IN);
    happen(story, "event=CHANNEL_HANGUP_COMPLETE id=f other=g " IN);
    assert_string_equal(story->text, "a:ringing>030901820 a:ended d:ended");
    esl_calls_free(&story->calls);
}

/* The exchange rings the agent first and calls the customer when the agent has answered. */
static void a_call_that_an_agent_orders_is_the_customers(void **state)
{
    (void)state;
    struct story *story = story_new();
    happen(story, "event=CHANNEL_CREATE id=a way=outbound to=1001");
    happen(story, "event=CHANNEL_ANSWER id=a way=outbound to=1001");
    happen(story, "event=CHANNEL_CREATE id=b way=outbound to=+4915112345678 other=a");
    happen(story, "event=CHANNEL_ANSWER id=b way=outbound to=+4915112345678 other=a");
    happen(story, "event=CHANNEL_HANGUP_COMPLETE id=a");
    happen(story, "event=CHANNEL_HANGUP_COMPLETE id=b");
    assert_string_equal(story->text, "a:ringing=anna a:answered a:ended");
    esl_calls_free(&story->calls);
}

static void a_leg_that_is_bridged_elsewhere_goes_over(void **state)
{
    (void)state;
    struct story *story = story_new();
    happen(story, "event=CHANNEL_CREATE id=a " IN);
    happen(story, "event=CHANNEL_CREATE id=e way=inbound in=public to=1003");
    happen(story, "event=CHANNEL_CREATE id=c way=outbound to=1002 other=e");
    happen(story, "event=CHANNEL_BRIDGE id=a other=c " IN);
    happen(story, "event=CHANNEL_HANGUP_COMPLETE id=e");
    happen(story, "event=CHANNEL_HANGUP_COMPLETE id=c");
    happen(story, "event=CHANNEL_HANGUP_COMPLETE id=a");
    assert_string_equal(story->text, "a:ringing>030901820 e:ringing>1003 a:answered=carl e:ended a:ended");
    esl_calls_free(&story->calls);
}

static bool listed(struct story *story, const char *id, const char *call, bool is_inbound)
{
    return esl_calls_listed(
        story->calls,
        &(struct esl_channel){.id = slice_of(id), .call = slice_of(call), .is_inbound = is_inbound});
}

static void on_missing(void *ctx, struct slice id)
{
    sample_add(ctx, id);
}

static void what_is_not_listed_is_asked_for_and_may_be_gone(void **state)
{
    (void)state;
    struct story *story = story_new();
    struct sample_lines missing = {arena_alloc(&arena, STORY_SIZE), 0, STORY_SIZE};
    happen(story, "event=CHANNEL_CREATE id=a " IN);
    happen(story, "event=CHANNEL_CREATE id=b " IN);
    happen(story, "event=CHANNEL_CREATE id=c way=outbound to=1001 other=b");
    story->text[0] = 0;
    esl_calls_list_begin(story->calls);
    assert_true(listed(story, "b", "b", true));
    assert_true(listed(story, "d", "b", false)); /* joins its call */
    assert_false(listed(story, "e", "e", true)); /* ask for it */
    assert_true(listed(story, "f", "x", false)); /* of nobody known */
    assert_false(listed(story, "open", "open", false));
    happen(story, "event=CHANNEL_CREATE id=g " IN); /* meanwhile */
    esl_calls_list_end(story->calls, on_missing, &missing);
    assert_true(slice_is((struct slice){missing.text, missing.len}, "a\nc\n"));
    assert_string_equal(story->text, "g:ringing>030901820");
    esl_calls_lost(story->calls, SLICE("a"), &arena);
    esl_calls_lost(story->calls, SLICE("c"), &arena);
    esl_calls_lost(story->calls, SLICE("x"), &arena);
    assert_string_equal(story->text, "g:ringing>030901820 a:ended");
    esl_calls_free(&story->calls);
}

static void another_core_ends_all_calls_and_gaps_are_counted(void **state)
{
    (void)state;
    struct story *story = story_new();
    happen(story, "event=CHANNEL_CREATE id=a core=1 seq=5 " IN);
    happen(story, "event=HEARTBEAT core=1 seq=6");
    assert_true(story->streams[0].gaps == 0);
    happen(story, "event=HEARTBEAT core=1 seq=9");
    happen(story, "event=HEARTBEAT core=1 seq=8");
    assert_true(story->streams[0].gaps == 2);
    happen(story, "event=HEARTBEAT core=2 seq=1");
    assert_true(story->streams[0].gaps == 2);
    assert_string_equal(story->text, "a:ringing>030901820 a:ended");
    esl_calls_free(&story->calls);
}

/* Two FreeSWITCHes, or two connections of calls. */
static void streams_end_their_own_calls_alone(void **state)
{
    (void)state;
    struct story *story = story_new();
    happen(story, "event=CHANNEL_CREATE id=a core=1 seq=5 " IN);
    happen(story, "on=b event=CHANNEL_CREATE id=b core=2 seq=80 " IN);
    happen(story, "event=CHANNEL_ANSWER id=a core=1 seq=6 " IN);
    happen(story, "on=b event=CHANNEL_BRIDGE id=b other=c otherto=1001 core=2 seq=81 " IN);
    assert_true(story->streams[0].gaps == 0 && story->streams[1].gaps == 0);
    assert_string_equal(story->text, "a:ringing>030901820 b:ringing>030901820 a:answered b:answered=anna");
    story->text[0] = 0;
    esl_calls_end_stream(story->calls, &story->streams[1], &arena);
    assert_string_equal(story->text, "b:ended");
    assert_false(esl_calls_has(story->calls, SLICE("c")));
    happen(story, "event=HEARTBEAT core=3 seq=1");
    assert_string_equal(story->text, "b:ended a:ended");
    esl_calls_free(&story->calls);
}

static void ids_that_could_be_more_than_ids_are_left_alone(void **state)
{
    (void)state;
    static const char *const bad[] = {"",
                                      "a b",
                                      "a\n",
                                      "a;b",
                                      "${x}",
                                      "x%20",
                                      "0123456789012345678901234567890123456789012345678901234567890123x"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_false(esl_id_is_plain(slice_of(bad[i])));
    assert_true(esl_id_is_plain(SLICE("6cd7d004-e3c9-11e7-b0f3-73bec77e82ec")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames_are_read_strictly),
        ARENA_TEST(a_head_without_end_is_refused_at_its_limit),
        ARENA_TEST(values_are_decoded_in_one_pass),
        ARENA_TEST(every_sample_becomes_the_expected_events),
        ARENA_TEST(agents_are_named_when_a_call_is_bridged_to_them),
        ARENA_TEST(a_consultation_leaves_the_call_with_its_agent),
        ARENA_TEST(agents_are_known_by_their_phones),
        ARENA_TEST(calls_of_other_contexts_are_none),
        ARENA_TEST(a_call_to_no_number_is_one),
        ARENA_TEST(a_call_that_is_open_is_found_wherever_it_is),
        ARENA_TEST(a_caller_who_is_bridged_was_made_by_nobody),
        ARENA_TEST(a_call_that_an_agent_orders_is_the_customers),
        ARENA_TEST(a_leg_that_is_bridged_elsewhere_goes_over),
        ARENA_TEST(what_is_not_listed_is_asked_for_and_may_be_gone),
        ARENA_TEST(another_core_ends_all_calls_and_gaps_are_counted),
        ARENA_TEST(streams_end_their_own_calls_alone),
        cmocka_unit_test(ids_that_could_be_more_than_ids_are_left_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
