/* Who has answered a call: transfers, consultations, conferences, pickup, Asterisk's own queues. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "proto/ami_calls.h"
#include "tests/unit/arena_world.h"

struct world {
    struct ami_calls *calls;
    struct slice lines; /* the news */
    struct slice id;    /* of the event that came last */
};

static struct world world;

static void on_news(void *ctx, const struct ami_news *news)
{
    static const char *const kinds[] = {"rings", "answered", "ended"};
    struct world *of = ctx;
    struct value event = ami_event(news, SLICE("asterisk/x"), &arena);
    struct slice detail = news->type == EVENT_CALL_ENDED ? slice_of(news->cause) : news->agent;
    of->id = value_member(&event, "id")->string;
    of->lines = arena_format(&arena, "%.*s%s%s%.*s%s%.*s\n", (int)of->lines.len,
                             of->lines.ptr ? of->lines.ptr : "", kinds[news->type], detail.len ? " " : "",
                             (int)detail.len, detail.len ? detail.ptr : "", news->queue.len ? " " : "",
                             (int)news->queue.len, news->queue.len ? news->queue.ptr : "");
}

static struct slice agent_at(void *ctx, struct slice extension)
{
    (void)ctx;
    return slice_is(extension, "1001")   ? SLICE("anna")
           : slice_is(extension, "1002") ? SLICE("carl")
                                         : (struct slice){NULL, 0};
}

static void open_world(void)
{
    memset(&world, 0, sizeof world);
    world.calls =
        ami_calls_alloc(&(struct ami_calls_options){.on_news = on_news, .agent_at = agent_at, .ctx = &world});
}

/* "EVENT CHANNEL UNIQUEID LINKEDID NAME=VALUE ..."; a Linkedid "-" is none. */
static struct slice block_of(char *line)
{
    const char *event = strtok(line, " "), *channel = strtok(NULL, " "), *id = strtok(NULL, " "),
               *linked = strtok(NULL, " ");
    struct slice text =
        arena_format(&arena, "Event: %s\nChannel: %s\nUniqueid: %s\nCause: 16\n", event, channel, id);
    if (strcmp(linked, "-") != 0)
        text = arena_format(&arena, "%sLinkedid: %s\n", text.ptr, linked);
    for (char *more = strtok(NULL, " "); more; more = strtok(NULL, " ")) {
        char *equals = strchr(more, '=');
        assert_non_null(equals);
        *equals = 0;
        text = arena_format(&arena, "%s%s: %s\n", text.ptr, more, equals + 1);
    }
    return arena_format(&arena, "%s\n", text.ptr);
}

static void play(const char *stream)
{
    static struct ami_block block;
    while (*stream) {
        char line[256] = "";
        size_t len = strcspn(stream, "\n"), used = 0;
        const char *why = NULL;
        assert_true(len < sizeof line);
        memcpy(line, stream, len);
        assert_int_equal(ami_read(&block, block_of(line), false, &used, &why), AMI_BLOCK);
        ami_calls_read(world.calls, &block, 1000000);
        stream += len + (stream[len] == '\n');
    }
}

#define RINGS                                                                                                \
    "Newchannel PJSIP/trunk-1 1.1 1.1 ChannelState=4 CallerIDNum=+491 Exten=100\n"                           \
    "Newchannel PJSIP/1001-2 1.2 1.1 ChannelState=0\n"
#define BOTH_IN                                                                                              \
    "BridgeEnter PJSIP/1001-2 1.2 1.1 BridgeUniqueid=a\nBridgeEnter PJSIP/trunk-1 1.1 1.1 BridgeUniqueid=a\n"
#define TALKS                                                                                                \
    RINGS                                                                                                    \
    "DialEnd PJSIP/trunk-1 1.1 1.1 DestChannel=PJSIP/1001-2 DestUniqueid=1.2 DialStatus=ANSWER\n"            \
    "Newstate PJSIP/trunk-1 1.1 1.1 ChannelState=6\n" BOTH_IN
#define TOLD "rings\nanswered anna\n"
/* Anna dials carl while the caller hears music, as features.conf's atxfer does. */
#define ASKS_CARL                                                                                            \
    "BridgeLeave PJSIP/1001-2 1.2 1.1 BridgeUniqueid=a\n"                                                    \
    "Newchannel Local/1002@agents-0;1 1.3 1.1 ChannelState=0\n"                                              \
    "Newchannel Local/1002@agents-0;2 1.4 1.1 ChannelState=4\n"                                              \
    "Newchannel PJSIP/1002-5 1.5 1.1 ChannelState=0\n"                                                       \
    "DialEnd Local/1002@agents-0;2 1.4 1.1 DestChannel=PJSIP/1002-5 DestUniqueid=1.5 DialStatus=ANSWER\n"    \
    "BridgeEnter PJSIP/1002-5 1.5 1.1 BridgeUniqueid=c\n"                                                    \
    "BridgeEnter Local/1002@agents-0;2 1.4 1.1 BridgeUniqueid=c\n"                                           \
    "BridgeEnter PJSIP/1001-2 1.2 1.1 BridgeUniqueid=b\n"                                                    \
    "BridgeEnter Local/1002@agents-0;1 1.3 1.1 BridgeUniqueid=b\n"
#define CARL_IN                                                                                              \
    "BridgeLeave Local/1002@agents-0;1 1.3 1.1 BridgeUniqueid=b\n"                                           \
    "BridgeEnter Local/1002@agents-0;1 1.3 1.1 BridgeUniqueid=a\n"
#define ANNA_BACK                                                                                            \
    "BridgeLeave PJSIP/1001-2 1.2 1.1 BridgeUniqueid=b\nBridgeEnter PJSIP/1001-2 1.2 1.1 BridgeUniqueid=a\n"
/* The same by her telephone's own button: on a line of its own. */
#define CALLS_CARL                                                                                           \
    "Newchannel PJSIP/1001-4 9.1 9.1 ChannelState=4 Exten=1002\n"                                            \
    "Newchannel PJSIP/1002-5 9.2 9.1 ChannelState=0\n"                                                       \
    "DialEnd PJSIP/1001-4 9.1 9.1 DestChannel=PJSIP/1002-5 DestUniqueid=9.2 DialStatus=ANSWER\n"             \
    "BridgeEnter PJSIP/1002-5 9.2 9.1 BridgeUniqueid=b\nBridgeEnter PJSIP/1001-4 9.1 9.1 BridgeUniqueid=b\n"
#define CALLER_HANGS_UP "Hangup PJSIP/trunk-1 1.1 1.1\n"
#define ASKS_A_QUEUE                                                                                         \
    TALKS                                                                                                    \
    "BridgeLeave PJSIP/1001-2 1.2 1.1 BridgeUniqueid=a\n"                                                    \
    "Newchannel Local/800@agents-0;1 1.3 1.1 ChannelState=0\n"                                               \
    "Newchannel Local/800@agents-0;2 1.4 1.1 ChannelState=4\n"                                               \
    "QueueCallerJoin Local/800@agents-0;2 1.4 1.1 Queue=experts\n"

static void whoever_is_connected_with_the_caller_has_answered_once(void **state)
{
    (void)state;
    static const struct {
        const char *name, *events, *news;
    } cases[] = {
        {"a telephone is answered", RINGS BOTH_IN, TOLD},
        {"its bridge comes up only later", TALKS, TOLD},
        {"a consultation", TALKS ASKS_CARL, TOLD},
        {"a consultation that ends", TALKS ASKS_CARL "Hangup PJSIP/1002-5 1.5 1.1\n" ANNA_BACK, TOLD},
        {"a consultation that becomes a transfer", TALKS ASKS_CARL "Hangup PJSIP/1001-2 1.2 1.1\n" CARL_IN,
         TOLD "answered carl\n"},
        {"and is optimized afterwards",
         TALKS ASKS_CARL "Hangup PJSIP/1001-2 1.2 1.1\n" CARL_IN
                         "BridgeEnter PJSIP/1002-5 1.5 1.1 BridgeUniqueid=a SwapUniqueid=1.3\n"
                         "Hangup Local/1002@agents-0;1 1.3 1.1\nHangup Local/1002@agents-0;2 1.4 1.1\n",
         TOLD "answered carl\n"},
        {"all three talk", TALKS ASKS_CARL CARL_IN ANNA_BACK, TOLD "answered carl\n"},
        {"all three talk, in the other order", TALKS ASKS_CARL ANNA_BACK CARL_IN, TOLD "answered carl\n"},
        {"all three talk, and one after the other is put on hold",
         TALKS ASKS_CARL CARL_IN ANNA_BACK BOTH_IN CARL_IN
         "BridgeLeave PJSIP/1001-2 1.2 1.1 BridgeUniqueid=a\nBridgeEnter PJSIP/1001-2 1.2 1.1 BridgeUniqueid=a\n",
         TOLD "answered carl\n"},
        {"a call of an agent to another", TALKS CALLS_CARL, TOLD},
        {"into which the caller is put",
         TALKS CALLS_CARL "BridgeEnter PJSIP/trunk-1 1.1 1.1 BridgeUniqueid=b SwapUniqueid=9.1\n"
                          "Hangup PJSIP/1001-2 1.2 1.1\nHangup PJSIP/1001-4 9.1 1.1\n",
         TOLD "answered carl\n"},
        {"whose other end is put to the caller",
         TALKS CALLS_CARL "BridgeEnter PJSIP/1002-5 9.2 1.1 BridgeUniqueid=a SwapUniqueid=1.2\n"
                          "Hangup PJSIP/1001-2 1.2 1.1\nHangup PJSIP/1001-4 9.1 9.1\n",
         TOLD "answered carl\n"},
        {"which is joined with the caller's by Local channels",
         TALKS CALLS_CARL "Newchannel Local/x@y-1;1 9.5 1.1 ChannelState=6\n"
                          "Newchannel Local/x@y-1;2 9.6 9.1 ChannelState=6\n"
                          "BridgeEnter Local/x@y-1;1 9.5 1.1 BridgeUniqueid=a SwapUniqueid=1.2\n"
                          "BridgeEnter Local/x@y-1;2 9.6 9.1 BridgeUniqueid=b SwapUniqueid=9.1\n",
         TOLD "answered carl\n"},
        {"to whom the caller is put while it still rings: a Local channel takes anna's place in Dial()",
         TALKS
         "Newchannel PJSIP/1001-4 9.1 9.1 ChannelState=4 Exten=1002\n"
         "Newchannel PJSIP/1002-5 9.2 9.1 ChannelState=0\n"
         "Newchannel Local/x@y-1;1 9.5 1.1 ChannelState=6\n"
         "Newchannel Local/x@y-1;2 9.6 1.1 ChannelState=6\n"
         "Rename Local/x@y-1;2 9.6 - Newname=Local/x@y-1;2<MASQ>\n"
         "Rename PJSIP/1001-4 9.1 - Newname=Local/x@y-1;2\n"
         "Rename Local/x@y-1;2<MASQ> 9.6 - Newname=PJSIP/1001-4<ZOMBIE>\n"
         "BridgeEnter Local/x@y-1;1 9.5 1.1 BridgeUniqueid=a SwapUniqueid=1.2\n"
         "Hangup PJSIP/1001-4<ZOMBIE> 9.6 1.1\nHangup PJSIP/1001-2 1.2 1.1\n"
         "DialEnd Local/x@y-1;2 9.1 9.1 DestChannel=PJSIP/1002-5 DestUniqueid=9.2 DialStatus=ANSWER\n"
         "BridgeEnter PJSIP/1002-5 9.2 9.1 BridgeUniqueid=b\nBridgeEnter Local/x@y-1;2 9.1 9.1 BridgeUniqueid=b\n",
         TOLD "answered carl\n"},
        {"a call that was parked is taken up by somebody else",
         TALKS
         "BridgeEnter PJSIP/trunk-1 1.1 1.1 BridgeUniqueid=p BridgeTechnology=holding_bridge\n"
         "Hangup PJSIP/1001-2 1.2 1.1\nNewchannel PJSIP/1002-5 9.2 9.2 ChannelState=4 Exten=701\n"
         "BridgeLeave PJSIP/trunk-1 1.1 1.1 BridgeUniqueid=p\n"
         "BridgeEnter PJSIP/trunk-1 1.1 1.1 BridgeUniqueid=b\nBridgeEnter PJSIP/1002-5 9.2 1.1 BridgeUniqueid=b\n",
         TOLD "answered carl\n"},
        {"which was there first, and has the older Linkedid",
         "Newchannel PJSIP/1002-5 0.2 0.2 ChannelState=4 Exten=1001\n" TALKS
         "BridgeEnter PJSIP/1002-5 0.2 0.2 BridgeUniqueid=a\nBridgeLeave PJSIP/trunk-1 1.1 0.2 BridgeUniqueid=a\n"
         "Hangup PJSIP/1002-5 0.2 0.2\nHangup PJSIP/1001-2 1.2 0.2\nHangup PJSIP/trunk-1 1.1 0.2\n",
         TOLD "answered carl\nended normal\n"},
        {"both are parked in the same lot",
         RINGS "BridgeEnter PJSIP/trunk-1 1.1 1.1 BridgeUniqueid=p BridgeTechnology=holding_bridge\n"
               "BridgeEnter PJSIP/1001-2 1.2 1.1 BridgeUniqueid=p BridgeTechnology=holding_bridge\n",
         "rings\n"},
        {"a call is picked up by somebody else",
         RINGS "Newchannel PJSIP/1002-9 9.1 9.1 ChannelState=4 Exten=*8\n"
               "Rename PJSIP/1002-9 9.1 - Newname=PJSIP/1002-9<MASQ>\n"
               "Rename PJSIP/1001-2 1.2 - Newname=PJSIP/1002-9\n"
               "Rename PJSIP/1002-9<MASQ> 9.1 - Newname=PJSIP/1001-2<ZOMBIE>\n"
               "DialEnd PJSIP/trunk-1 1.1 1.1 DestChannel=PJSIP/1002-9 DestUniqueid=1.2 DialStatus=ANSWER\n"
               "Hangup PJSIP/1001-2<ZOMBIE> 9.1 9.1\n" BOTH_IN,
         "rings\nanswered carl\n"},
        {"a queue that an agent asks for advice, in vain",
         ASKS_A_QUEUE "QueueCallerAbandon Local/800@agents-0;2 1.4 1.1 Queue=experts\n"
                      "Hangup Local/800@agents-0;1 1.3 1.1\nHangup Local/800@agents-0;2 1.4 1.1\n"
                      "Hangup PJSIP/1001-2 1.2 1.1\n" CALLER_HANGS_UP,
         TOLD "ended normal\n"},
        {"a queue that an agent asks for advice, and to whom the caller is put through",
         ASKS_A_QUEUE
         "Newchannel PJSIP/desk-5 1.5 1.1 ChannelState=0\n"
         "AgentConnect Local/800@agents-0;2 1.4 1.1 Queue=experts Interface=PJSIP/desk DestUniqueid=1.5\n"
         "BridgeEnter PJSIP/desk-5 1.5 1.1 BridgeUniqueid=c\n"
         "BridgeEnter Local/800@agents-0;2 1.4 1.1 BridgeUniqueid=c\n"
         "BridgeEnter PJSIP/1001-2 1.2 1.1 BridgeUniqueid=b\n"
         "BridgeEnter Local/800@agents-0;1 1.3 1.1 BridgeUniqueid=b\n"
         "BridgeEnter Local/800@agents-0;1 1.3 1.1 BridgeUniqueid=a\n",
         TOLD "answered desk\n"},
        {"a caller who is taken out of the queue by a redirect",
         "Newchannel PJSIP/trunk-1 1.1 1.1 ChannelState=4 CallerIDNum=+491 Exten=100\n"
         "QueueCallerJoin PJSIP/trunk-1 1.1 1.1 Queue=support\n"
         "QueueCallerAbandon PJSIP/trunk-1 1.1 1.1 Queue=support\n"
         "Newchannel PJSIP/1001-2 1.2 1.1 ChannelState=0\n" BOTH_IN
         "Hangup PJSIP/1001-2 1.2 1.1\n" CALLER_HANGS_UP,
         "rings\nanswered anna support\nended normal support\n"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        open_world();
        play(cases[i].events);
        if (!slice_is(world.lines, cases[i].news))
            fail_msg("%s:\n%.*s", cases[i].name, (int)world.lines.len,
                     world.lines.ptr ? world.lines.ptr : "");
        ami_calls_free(&world.calls);
    }
}

/* There and back again: the third answer is another event than the first, whose agent is the same. */
static void a_call_that_comes_back_is_answered_anew(void **state)
{
    (void)state;
    open_world();
    play(TALKS);
    assert_true(slice_is(world.id, "1.1:answered:anna:1.2"));
    assert_true(slice_is(ami_calls_agent(world.calls, SLICE("1.1")), "anna"));
    play("Hangup PJSIP/1001-2 1.2 1.1\n");
    assert_int_equal(ami_calls_agent(world.calls, SLICE("1.1")).len, 0);
    play("Newchannel PJSIP/1002-5 1.5 1.1 ChannelState=0\nBridgeEnter PJSIP/1002-5 1.5 1.1 BridgeUniqueid=a\n"
         "Hangup PJSIP/1002-5 1.5 1.1\nNewchannel PJSIP/1001-6 1.6 1.1 ChannelState=0\n"
         "BridgeEnter PJSIP/1001-6 1.6 1.1 BridgeUniqueid=a\n");
    assert_string_equal(world.lines.ptr, TOLD "answered carl\nanswered anna\n");
    assert_true(slice_is(world.id, "1.1:answered:anna:1.6"));
    ami_calls_free(&world.calls);
}

static void a_caller_whose_channel_is_replaced_goes_on(void **state)
{
    (void)state;
    open_world();
    play(RINGS "Newchannel Surrogate/PJSIP/trunk-1 1.7 1.1 ChannelState=6\n"
               "Rename PJSIP/trunk-1 1.1 - Newname=PJSIP/trunk-1<MASQ>\n"
               "Rename Surrogate/PJSIP/trunk-1 1.7 - Newname=PJSIP/trunk-1\n"
               "Rename PJSIP/trunk-1<MASQ> 1.1 - Newname=Surrogate/PJSIP/trunk-1<ZOMBIE>\n"
               "Hangup PJSIP/1001-2 1.2 1.1\nHangup Surrogate/PJSIP/trunk-1<ZOMBIE> 1.1 1.1\n");
    assert_string_equal(world.lines.ptr, "rings\n");
    assert_true(slice_is(ami_calls_channel(world.calls, SLICE("1.1")), "PJSIP/trunk-1"));
    play("Newchannel PJSIP/1001-8 1.8 1.1 ChannelState=0\nBridgeEnter PJSIP/1001-8 1.8 1.1 BridgeUniqueid=a\n"
         "BridgeEnter PJSIP/trunk-1 1.7 1.1 BridgeUniqueid=a\n"
         "Hangup PJSIP/1001-8 1.8 1.1\nHangup PJSIP/trunk-1 1.7 1.1\n");
    assert_string_equal(world.lines.ptr, TOLD "ended normal\n");
    ami_calls_free(&world.calls);
}

/* A member that is a Local channel, of an agent whom only the queue knows by name. */
static void whom_a_queue_has_connected_is_with_the_caller_also_when_the_way_is_shortened(void **state)
{
    (void)state;
    open_world();
    play("Newchannel PJSIP/trunk-1 1.1 1.1 ChannelState=4 CallerIDNum=+491 Exten=100\n"
         "QueueCallerJoin PJSIP/trunk-1 1.1 1.1 Queue=support\n"
         "Newchannel Local/desk@agents-0;1 1.3 1.1 ChannelState=0\n"
         "Newchannel Local/desk@agents-0;2 1.4 1.1 ChannelState=4\n"
         "Newchannel PJSIP/x-5 1.5 1.1 ChannelState=0\n"
         "AgentConnect PJSIP/trunk-1 1.1 1.1 Queue=support Interface=Local/desk@agents DestUniqueid=1.3\n"
         "BridgeEnter PJSIP/x-5 1.5 1.1 BridgeUniqueid=c\n"
         "BridgeEnter Local/desk@agents-0;2 1.4 1.1 BridgeUniqueid=c\n"
         "BridgeEnter Local/desk@agents-0;1 1.3 1.1 BridgeUniqueid=a\n"
         "BridgeEnter PJSIP/trunk-1 1.1 1.1 BridgeUniqueid=a\n"
         "BridgeEnter PJSIP/x-5 1.5 1.1 BridgeUniqueid=a SwapUniqueid=1.3\n"
         "Hangup Local/desk@agents-0;1 1.3 1.1\nHangup Local/desk@agents-0;2 1.4 1.1\n");
    assert_string_equal(world.lines.ptr, "rings\nanswered desk support\n");
    assert_true(slice_is(ami_calls_agent(world.calls, SLICE("1.1")), "desk"));
    ami_calls_free(&world.calls);
}

/* As many as may be connected, and more: nothing grows beyond. */
static void a_conference_has_a_bound(void **state)
{
    (void)state;
    open_world();
    play(RINGS "BridgeEnter PJSIP/trunk-1 1.1 1.1 BridgeUniqueid=a\n");
    for (unsigned i = 10; i < 10 + 3 * AMI_TALK_MAX; i++)
        play(arena_format(&arena,
                          "Newchannel Local/%u@x;1 %u.1 1.1 ChannelState=6\nNewchannel Local/%u@x;2 %u.2 1.1 "
                          "ChannelState=6\nBridgeEnter Local/%u@x;2 %u.2 1.1 BridgeUniqueid=%u\n"
                          "BridgeEnter Local/%u@x;1 %u.1 1.1 BridgeUniqueid=a\n",
                          i, i, i, i, i, i, i, i, i)
                 .ptr);
    assert_string_equal(world.lines.ptr, "rings\n");
    ami_calls_free(&world.calls);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ARENA_TEST(whoever_is_connected_with_the_caller_has_answered_once),
        ARENA_TEST(a_call_that_comes_back_is_answered_anew),
        ARENA_TEST(a_caller_whose_channel_is_replaced_goes_on),
        ARENA_TEST(whom_a_queue_has_connected_is_with_the_caller_also_when_the_way_is_shortened),
        ARENA_TEST(a_conference_has_a_bound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
