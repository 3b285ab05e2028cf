/* What Asterisk lists after a connection, and what is asked of it then. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "proto/ami_calls.h"
#include "tests/unit/arena_world.h"

#define MANY (AMI_CALLS_MAX - 96)

struct world {
    struct ami_calls *calls;
    struct slice lines;       /* the news */
    char asked[MANY * 2][16]; /* calls, in the order in which they were asked about */
    uint32_t asks, answers;   /* of Asterisk */
    uint32_t most;            /* asks without an answer */
    uint32_t ringing, ended;
};

static struct world world;

static void on_news(void *ctx, const struct ami_news *news)
{
    static const char *const kinds[] = {"ringing", "answered", "ended"};
    struct world *of = ctx;
    struct slice detail = news->type == EVENT_CALL_RINGING
                              ? (news->is_withheld ? SLICE("withheld") : SLICE("shown"))
                          : news->type == EVENT_CALL_ENDED ? slice_of(news->cause)
                                                           : news->agent;
    of->ringing += news->type == EVENT_CALL_RINGING;
    of->ended += news->type == EVENT_CALL_ENDED;
    if (of->lines.len < 4096)
        of->lines =
            arena_format(&arena, "%.*s%.*s %s %.*s\n", (int)of->lines.len, of->lines.ptr, (int)news->call.len,
                         news->call.ptr, kinds[news->type], (int)detail.len, detail.ptr ? detail.ptr : "");
}

static struct slice agent_at(void *ctx, struct slice extension)
{
    (void)ctx;
    return slice_is(extension, "1001")   ? SLICE("anna")
           : slice_is(extension, "1002") ? SLICE("carl")
                                         : (struct slice){NULL, 0};
}

static bool ask_presentation(void *ctx, struct slice channel, struct slice call)
{
    struct world *of = ctx;
    (void)channel;
    assert_true(of->asks < MANY * 2 && call.len < sizeof *of->asked);
    memcpy(of->asked[of->asks++], call.ptr, call.len);
    if (of->asks - of->answers > of->most)
        of->most = of->asks - of->answers;
    return true;
}

static void open_world(bool asks)
{
    memset(&world, 0, sizeof world);
    world.calls =
        ami_calls_alloc(&(struct ami_calls_options){.on_news = on_news,
                                                    .agent_at = agent_at,
                                                    .ask_presentation = asks ? ask_presentation : NULL,
                                                    .ctx = &world});
}

static void read_text(struct slice text)
{
    static struct ami_block block;
    const char *why = NULL;
    size_t used = 0;
    assert_int_equal(ami_read(&block, text, false, &used, &why), AMI_BLOCK);
    assert_int_equal(used, text.len);
    ami_calls_read(world.calls, &block, 1000000);
}

static const char *name_of_last(const char *event)
{
    return strcmp(event, "CoreShowChannel") == 0 ? "BridgeId"
           : strcmp(event, "Rename") == 0        ? "Newname"
                                                 : "BridgeUniqueid";
}

/* Lots hold those who are parked in them; the list of channels does not say which bridges do. */
static const char *technology_of(const char *event, const char *bridge)
{
    return strcmp(event, "CoreShowChannel") == 0 ? ""
           : strcmp(bridge, "lot") == 0          ? "BridgeTechnology: holding_bridge\n"
                                                 : "BridgeTechnology: simple_bridge\n";
}

/* "EVENT CHANNEL UNIQUEID LINKEDID STATE BRIDGE", one a line, of Rename with the new name instead of the
 * bridge; "list" begins a list of channels and "end" ends it. */
static void play(const char *stream)
{
    while (*stream) {
        char event[32] = "", channel[32] = "", id[16] = "", linked[16] = "", last[32] = "";
        int state = 0, len = (int)strcspn(stream, "\n");
        struct slice line = arena_format(&arena, "%.*s", len, stream);
        sscanf(line.ptr, "%31s %31s %15s %15s %d %31s", event, channel, id, linked, &state, last);
        if (strcmp(event, "list") == 0)
            ami_calls_resync(world.calls);
        else if (strcmp(event, "end") == 0)
            read_text(SLICE("Event: CoreShowChannelsComplete\n\n"));
        else
            read_text(arena_format(&arena,
                                   "Event: %s\nChannel: %s\nUniqueid: %s\nLinkedid: %s\nChannelState: %d\n"
                                   "CallerIDNum: +491\nExten: 100\nCause: 16\n%s%s: %s\n\n",
                                   event, channel, id, linked, state, technology_of(event, last),
                                   name_of_last(event), last));
        stream += len + (stream[len] == '\n');
    }
}

static void answer_next(void)
{
    const char *call = world.asked[world.answers++];
    read_text(arena_format(&arena, "Response: Success\nActionID: pres:%s\nValue: allowed\n\n", call));
}

/* --- what is asked --- */

static void list_many(uint32_t first, uint32_t count)
{
    ami_calls_resync(world.calls);
    for (uint32_t i = first; i < first + count; i++)
        play(arena_format(&arena, "CoreShowChannel PJSIP/trunk-%u %u.1 %u.1 4", i, i, i).ptr);
    play("end");
}

static void a_window_of_questions_is_open_however_many_calls_are_listed(void **state)
{
    (void)state;
    open_world(true);
    list_many(1, MANY);
    assert_int_equal(world.asks, AMI_ASKS_MAX);
    assert_int_equal(world.ringing, 0);
    while (world.answers < world.asks)
        answer_next();
    assert_int_equal(world.most, AMI_ASKS_MAX);
    assert_int_equal(world.asks, MANY);
    assert_int_equal(world.ringing, MANY);
    assert_string_equal(world.asked[0], "1.1"); /* in the order in which they came */
    assert_string_equal(world.asked[MANY - 1], arena_format(&arena, "%d.1", MANY).ptr);
    ami_calls_free(&world.calls);
}

/* One of them while its answer is due, one while it waits to be asked about: neither takes room from others.
 */
static void calls_that_hang_up_meanwhile_leave_the_window(void **state)
{
    (void)state;
    open_world(true);
    list_many(1, 100);
    play("Hangup PJSIP/trunk-1 1.1 1.1 4\nHangup PJSIP/trunk-99 99.1 99.1 4\n");
    assert_string_equal(world.lines.ptr, "1.1 ringing withheld\n1.1 ended normal\n"
                                         "99.1 ringing withheld\n99.1 ended normal\n");
    assert_int_equal(world.asks, AMI_ASKS_MAX);
    while (world.answers < world.asks)
        answer_next();
    assert_int_equal(world.asks, 99);
    assert_int_equal(world.ringing, 100);
    assert_int_equal(world.most, AMI_ASKS_MAX);
    ami_calls_free(&world.calls);
}

static void after_another_connection_all_that_is_open_is_asked_again(void **state)
{
    (void)state;
    open_world(true);
    list_many(1, 100);
    answer_next();
    assert_int_equal(world.asks, AMI_ASKS_MAX + 1);
    world.answers = world.asks; /* what was on its way is gone */
    list_many(1, 100);
    assert_int_equal(world.asks, 2 * AMI_ASKS_MAX + 1);
    while (world.answers < world.asks)
        answer_next();
    assert_int_equal(world.ringing, 100);
    assert_int_equal(world.ended, 0);
    assert_int_equal(world.most, AMI_ASKS_MAX);
    ami_calls_free(&world.calls);
}

static void tick(unsigned times)
{
    while (times--)
        ami_calls_tick(world.calls);
}

static void a_question_that_is_not_answered_keeps_no_call_from_ringing(void **state)
{
    (void)state;
    open_world(true);
    play("Newchannel PJSIP/trunk-1 1.1 1.1 4\nNewchannel PJSIP/trunk-2 2.1 2.1 4\n");
    tick(AMI_ASK_TICKS - 1);
    play("Newchannel PJSIP/trunk-3 3.1 3.1 4\n");
    world.answers = 1; /* the first is never answered */
    answer_next();
    tick(1);
    assert_string_equal(world.lines.ptr, "2.1 ringing shown\n1.1 ringing withheld\n");
    answer_next();
    world.answers = 0; /* too late */
    answer_next();
    tick(AMI_ASK_TICKS);
    assert_string_equal(world.lines.ptr, "2.1 ringing shown\n1.1 ringing withheld\n3.1 ringing shown\n");
    ami_calls_free(&world.calls);
}

/* Those that were not asked about wait no longer, and those that come later are asked about. */
static void an_asterisk_that_answers_no_question_keeps_no_call_from_ringing(void **state)
{
    (void)state;
    open_world(true);
    list_many(1, 100);
    tick(AMI_ASK_TICKS - 1);
    assert_int_equal(world.ringing, 0);
    answer_next(); /* while it answers they wait, but for those that it has had its time for */
    tick(1);
    assert_int_equal(world.ringing, AMI_ASKS_MAX);
    tick(AMI_ASK_TICKS - 1);
    assert_int_equal(world.ringing, 100);
    world.answers = world.asks;
    play("Newchannel PJSIP/trunk-101 101.1 101.1 4\n");
    assert_int_equal(world.asks, world.answers + 1);
    answer_next();
    assert_int_equal(world.ringing, 101);
    ami_calls_free(&world.calls);
}

/* --- what is made up for --- */

#define RINGS "Newchannel PJSIP/trunk-1 1.1 1.1 4\nNewchannel PJSIP/1001-2 1.2 1.1 5\n"
#define TALKS                                                                                                \
    RINGS                                                                                                    \
    "Newstate PJSIP/1001-2 1.2 1.1 6\nNewstate PJSIP/trunk-1 1.1 1.1 6\n"                                    \
    "BridgeEnter PJSIP/trunk-1 1.1 1.1 6 a\nBridgeEnter PJSIP/1001-2 1.2 1.1 6 a\n"
#define TRUNK_UP "CoreShowChannel PJSIP/trunk-1 1.1 1.1 6 a\n"
/* Asterisk moves the caller to a channel of its own making, whose id the caller has from then on. */
#define SURROGATE "Newchannel Surrogate/PJSIP/trunk-1 1.7 1.1 6\n"
#define MASQUERADE                                                                                           \
    "Rename PJSIP/trunk-1 1.1 1.1 6 PJSIP/trunk-1<MASQ>\n"                                                   \
    "Rename Surrogate/PJSIP/trunk-1 1.7 1.1 6 PJSIP/trunk-1\n"                                               \
    "Rename PJSIP/trunk-1<MASQ> 1.1 1.1 6 Surrogate/PJSIP/trunk-1<ZOMBIE>\n"                                 \
    "Hangup Surrogate/PJSIP/trunk-1<ZOMBIE> 1.1 1.1 6\n"
#define CARL_ANSWERS                                                                                         \
    "Hangup PJSIP/1001-2 1.2 1.1 6\nNewchannel PJSIP/1002-3 1.3 1.1 5\n"                                     \
    "BridgeEnter PJSIP/trunk-1 1.7 1.1 6 b\nBridgeEnter PJSIP/1002-3 1.3 1.1 6 b\n"
#define CARL_LISTED "CoreShowChannel PJSIP/1002-3 1.3 1.1 6 b\nCoreShowChannel PJSIP/trunk-1 1.7 1.1 6 b\n"
#define PARKED                                                                                               \
    RINGS                                                                                                    \
    "Newstate PJSIP/1001-2 1.2 1.1 6\nNewstate PJSIP/trunk-1 1.1 1.1 6\n"                                    \
    "BridgeEnter PJSIP/trunk-1 1.1 1.1 6 lot\nBridgeEnter PJSIP/1001-2 1.2 1.1 6 lot\n"
#define LOT_LISTED                                                                                           \
    "BridgeListItem - - - 0 other\nBridgeListItem - - - 0 lot\nBridgeListItem - - - 0 lot\n"                 \
    "CoreShowChannel PJSIP/trunk-1 1.1 1.1 6 lot\nCoreShowChannel PJSIP/1001-2 1.2 1.1 6 lot\n"
#define TOLD_CARL "1.1 ringing shown\n1.1 answered \n1.1 answered anna\n1.1 answered carl\n"

/* What happens while the connection is away, as events would have told it and as the list after it does. */
static void the_list_says_what_the_events_would_have_said(void **state)
{
    (void)state;
    static const struct {
        const char *name, *before, *events, *list, *news;
    } cases[] = {
        {"the dialplan answers", RINGS, "Newstate PJSIP/trunk-1 1.1 1.1 6",
         TRUNK_UP "CoreShowChannel PJSIP/1001-2 1.2 1.1 5", "1.1 ringing shown\n1.1 answered \n"},
        {"the agent at whom it rings answers", RINGS,
         "Newstate PJSIP/1001-2 1.2 1.1 6\nNewstate PJSIP/trunk-1 1.1 1.1 6\n"
         "BridgeEnter PJSIP/1001-2 1.2 1.1 6 a\nBridgeEnter PJSIP/trunk-1 1.1 1.1 6 a\n",
         "CoreShowChannel PJSIP/1001-2 1.2 1.1 6 a\n" TRUNK_UP,
         "1.1 ringing shown\n1.1 answered \n1.1 answered anna\n"},
        {"another agent is dialled and answers", RINGS,
         "Hangup PJSIP/1001-2 1.2 1.1 5\nNewchannel PJSIP/1002-3 1.3 1.1 5\nNewstate PJSIP/1002-3 1.3 1.1 6\n"
         "Newstate PJSIP/trunk-1 1.1 1.1 6\n"
         "BridgeEnter PJSIP/trunk-1 1.1 1.1 6 a\nBridgeEnter PJSIP/1002-3 1.3 1.1 6 a",
         TRUNK_UP "CoreShowChannel PJSIP/1002-3 1.3 1.1 6 a",
         "1.1 ringing shown\n1.1 answered \n1.1 answered carl\n"},
        {"a blind transfer", TALKS,
         "Hangup PJSIP/1001-2 1.2 1.1 6\nNewchannel PJSIP/1002-3 1.3 1.1 5\nNewstate PJSIP/1002-3 1.3 1.1 6\n"
         "BridgeEnter PJSIP/1002-3 1.3 1.1 6 a",
         TRUNK_UP "CoreShowChannel PJSIP/1002-3 1.3 1.1 6 a",
         "1.1 ringing shown\n1.1 answered \n1.1 answered anna\n1.1 answered carl\n"},
        {"a consultation that was under way becomes a transfer",
         TALKS
         "Newchannel PJSIP/1001-4 9.1 9.1 4\nNewchannel PJSIP/1002-5 9.2 9.1 5\nNewstate PJSIP/1002-5 9.2 9.1 6\n",
         "BridgeEnter PJSIP/1002-5 9.2 1.1 6 a\nHangup PJSIP/1001-2 1.2 1.1 6\nHangup PJSIP/1001-4 9.1 9.1 6",
         TRUNK_UP "CoreShowChannel PJSIP/1002-5 9.2 1.1 6 a",
         "1.1 ringing shown\n1.1 answered \n1.1 answered anna\n1.1 answered carl\n"},
        {"the caller's channel is replaced, then another agent answers", TALKS,
         SURROGATE MASQUERADE CARL_ANSWERS, CARL_LISTED, TOLD_CARL},
        {"the same, and the one that replaces it was seen before", TALKS SURROGATE, MASQUERADE CARL_ANSWERS,
         CARL_LISTED, TOLD_CARL},
        {"the same, and its replacement had begun",
         TALKS SURROGATE "Rename PJSIP/trunk-1 1.1 1.1 6 PJSIP/trunk-1<MASQ>\n",
         "Rename Surrogate/PJSIP/trunk-1 1.7 1.1 6 PJSIP/trunk-1\n"
         "Rename PJSIP/trunk-1<MASQ> 1.1 1.1 6 Surrogate/PJSIP/trunk-1<ZOMBIE>\n"
         "Hangup Surrogate/PJSIP/trunk-1<ZOMBIE> 1.1 1.1 6\n" CARL_ANSWERS,
         CARL_LISTED, TOLD_CARL},
        {"the agent's channel is replaced", TALKS,
         "Newchannel Surrogate/PJSIP/1001-2 1.8 1.1 6\nRename PJSIP/1001-2 1.2 1.1 6 PJSIP/1001-2<MASQ>\n"
         "Rename Surrogate/PJSIP/1001-2 1.8 1.1 6 PJSIP/1001-2\n"
         "Rename PJSIP/1001-2<MASQ> 1.2 1.1 6 Surrogate/PJSIP/1001-2<ZOMBIE>\n"
         "Hangup Surrogate/PJSIP/1001-2<ZOMBIE> 1.2 1.1 6\nBridgeEnter PJSIP/1001-2 1.8 1.1 6 a\n",
         "CoreShowChannel PJSIP/1001-2 1.8 1.1 6 a\n" TRUNK_UP,
         "1.1 ringing shown\n1.1 answered \n1.1 answered anna\n"},
        {"another agent picks the call up", RINGS,
         "Newchannel PJSIP/1002-9 9.1 9.1 4\nRename PJSIP/1002-9 9.1 9.1 6 PJSIP/1002-9<MASQ>\n"
         "Rename PJSIP/1001-2 1.2 1.1 6 PJSIP/1002-9\nRename PJSIP/1002-9<MASQ> 9.1 9.1 6 PJSIP/1001-2<ZOMBIE>\n"
         "Hangup PJSIP/1001-2<ZOMBIE> 9.1 9.1 6\nNewstate PJSIP/trunk-1 1.1 1.1 6\n"
         "BridgeEnter PJSIP/1002-9 1.2 1.1 6 a\nBridgeEnter PJSIP/trunk-1 1.1 1.1 6 a\n",
         "CoreShowChannel PJSIP/1002-9 1.2 1.1 6 a\n" TRUNK_UP,
         "1.1 ringing shown\n1.1 answered \n1.1 answered carl\n"},
        {"the caller is parked where an agent's telephone is parked, too, before anybody listens", "", PARKED,
         LOT_LISTED, "1.1 ringing shown\n1.1 answered \n"},
        {"the same, and then the agent takes the call up", "",
         PARKED "BridgeEnter PJSIP/1001-2 1.2 1.1 6 a\nBridgeEnter PJSIP/trunk-1 1.1 1.1 6 a\n",
         "BridgeListItem - - - 0 lot\nCoreShowChannel PJSIP/1001-2 1.2 1.1 6 a\n" TRUNK_UP,
         "1.1 ringing shown\n1.1 answered \n1.1 answered anna\n"},
        {"the caller is parked while nobody listens", RINGS,
         "Newstate PJSIP/trunk-1 1.1 1.1 6\nNewstate PJSIP/1001-2 1.2 1.1 6\n"
         "BridgeEnter PJSIP/trunk-1 1.1 1.1 6 lot\nBridgeEnter PJSIP/1001-2 1.2 1.1 6 lot\n",
         LOT_LISTED, "1.1 ringing shown\n1.1 answered \n"},
        {"nothing: it still rings", RINGS, "",
         "CoreShowChannel PJSIP/trunk-1 1.1 1.1 4\nCoreShowChannel PJSIP/1001-2 1.2 1.1 5",
         "1.1 ringing shown\n"},
        {"nothing: two agents go on talking",
         TALKS "Newchannel PJSIP/1002-3 1.3 1.1 6\nBridgeEnter PJSIP/1002-3 1.3 1.1 6 a\n", "",
         "CoreShowChannel PJSIP/1002-3 1.3 1.1 6 a\nCoreShowChannel PJSIP/1001-2 1.2 1.1 6 a\n" TRUNK_UP,
         "1.1 ringing shown\n1.1 answered \n1.1 answered anna\n1.1 answered carl\n"},
        {"an agent calls somebody", "Newchannel PJSIP/1001-4 9.1 9.1 4\n",
         "Newchannel PJSIP/1002-5 9.2 9.1 5\nNewstate PJSIP/1002-5 9.2 9.1 6\nNewstate PJSIP/1001-4 9.1 9.1 6",
         "CoreShowChannel PJSIP/1001-4 9.1 9.1 6\nCoreShowChannel PJSIP/1002-5 9.2 9.1 6", ""},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        for (int listed = 0; listed < 2; listed++) {
            open_world(false);
            play(cases[i].before);
            if (listed)
                play("list");
            play(listed ? cases[i].list : cases[i].events);
            if (listed)
                play("end");
            if (!slice_is(world.lines, cases[i].news))
                fail_msg("%s, %s:\n%.*s", cases[i].name, listed ? "listed" : "told", (int)world.lines.len,
                         world.lines.ptr ? world.lines.ptr : "");
            ami_calls_free(&world.calls);
        }
    }
}

/* And by that of the channel that has taken its place: it can still be sent to its agent, and ends with it.
 */
static void a_caller_is_found_on_the_channel_that_has_its_name(void **state)
{
    (void)state;
    open_world(false);
    play(TALKS "list\nCoreShowChannel PJSIP/trunk-1 1.7 1.1 6\nend");
    assert_true(slice_is(ami_calls_channel(world.calls, SLICE("1.1")), "PJSIP/trunk-1"));
    assert_int_equal(world.ended, 0);
    play("Hangup PJSIP/trunk-1 1.7 1.1 6");
    assert_int_equal(world.ended, 1);
    assert_false(ami_calls_has(world.calls, SLICE("1.1")));
    ami_calls_free(&world.calls);
}

static void a_channel_is_commanded_by_the_name_that_is_listed(void **state)
{
    (void)state;
    open_world(false);
    play(RINGS "list\nCoreShowChannel PJSIP/trunk-9 1.1 1.1 4\nend");
    assert_true(slice_is(ami_calls_channel(world.calls, SLICE("1.1")), "PJSIP/trunk-9"));
    ami_calls_free(&world.calls);
}

/* It rings when it is known how its number is presented, and only then is it answered. */
static void what_is_answered_before_the_question_is_said_behind_it(void **state)
{
    (void)state;
    open_world(true);
    play(RINGS "list\nCoreShowChannel PJSIP/1001-2 1.2 1.1 6 a\n" TRUNK_UP "end");
    assert_int_equal(world.lines.len, 0);
    world.answers = 1; /* the first question went with the connection */
    answer_next();
    assert_string_equal(world.lines.ptr, "1.1 ringing shown\n1.1 answered anna\n");
    play("Newstate PJSIP/trunk-1 1.1 1.1 6");
    assert_string_equal(world.lines.ptr, "1.1 ringing shown\n1.1 answered anna\n");
    ami_calls_free(&world.calls);
}

/* --- too many --- */

static void hang_up_many(uint32_t first, uint32_t count)
{
    for (uint32_t i = first; i < first + count; i++)
        play(arena_format(&arena, "Hangup PJSIP/trunk-%u %u.1 %u.1 4", i, i, i).ptr);
}

static void what_a_list_has_too_much_of_is_asked_for_when_there_is_room(void **state)
{
    (void)state;
    open_world(false);
    list_many(1, AMI_CALLS_MAX);
    assert_true(!ami_calls_is_cut(world.calls) && !ami_calls_wants_list(world.calls));
    list_many(1, AMI_CALLS_MAX + 10);
    assert_true(ami_calls_is_cut(world.calls) && !ami_calls_wants_list(world.calls));
    assert_int_equal(world.ringing, AMI_CALLS_MAX);
    hang_up_many(1, AMI_CALLS_MAX / 8 - 1);
    assert_false(ami_calls_wants_list(world.calls));
    hang_up_many(AMI_CALLS_MAX / 8, 1);
    assert_true(ami_calls_wants_list(world.calls));
    list_many(AMI_CALLS_MAX / 8 + 1, AMI_CALLS_MAX / 8 * 7 + 10);
    assert_true(!ami_calls_is_cut(world.calls) && !ami_calls_wants_list(world.calls));
    assert_int_equal(world.ringing, AMI_CALLS_MAX + 10);
    assert_int_equal(world.ended, AMI_CALLS_MAX / 8);
    ami_calls_free(&world.calls);
}

/* And the memory of lots that nobody is in goes with the list (the sanitizers look). */
static void so_many_lots_are_remembered(void **state)
{
    (void)state;
    open_world(false);
    play("list");
    for (uint32_t i = 0; i <= AMI_HOLDING_MAX; i++)
        read_text(arena_format(&arena,
                               "Event: BridgeListItem\nBridgeUniqueid: %u\n"
                               "BridgeTechnology: holding_bridge\n\n",
                               i));
    play(arena_format(
             &arena,
             RINGS "CoreShowChannel PJSIP/trunk-1 1.1 1.1 6 %d\nCoreShowChannel PJSIP/1001-2 1.2 1.1 6 %d\n"
                   "CoreShowChannel PJSIP/trunk-3 3.1 3.1 6 0\nCoreShowChannel PJSIP/1001-4 3.2 3.1 6 0\nend",
             AMI_HOLDING_MAX, AMI_HOLDING_MAX)
             .ptr);
    assert_true(slice_is(ami_calls_agent(world.calls, SLICE("1.1")), "anna"));
    assert_int_equal(ami_calls_agent(world.calls, SLICE("3.1")).len, 0);
    play("list");
    read_text(SLICE("Event: BridgeListItem\nBridgeUniqueid: x\nBridgeTechnology: holding_bridge\n\n"));
    ami_calls_free(&world.calls);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ARENA_TEST(a_window_of_questions_is_open_however_many_calls_are_listed),
        ARENA_TEST(calls_that_hang_up_meanwhile_leave_the_window),
        ARENA_TEST(after_another_connection_all_that_is_open_is_asked_again),
        ARENA_TEST(a_question_that_is_not_answered_keeps_no_call_from_ringing),
        ARENA_TEST(an_asterisk_that_answers_no_question_keeps_no_call_from_ringing),
        ARENA_TEST(the_list_says_what_the_events_would_have_said),
        ARENA_TEST(a_caller_is_found_on_the_channel_that_has_its_name),
        ARENA_TEST(a_channel_is_commanded_by_the_name_that_is_listed),
        ARENA_TEST(what_is_answered_before_the_question_is_said_behind_it),
        ARENA_TEST(so_many_lots_are_remembered),
        ARENA_TEST(what_a_list_has_too_much_of_is_asked_for_when_there_is_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
