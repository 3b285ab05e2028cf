/* What happened while nobody listened gives the events that the stream would have given. */
#include "tests/unit/esl_story.h"

#define EVENTS_MAX 8
#define CHANNELS_MAX 4

/* One that there is by then: what the list says of it, and what uuid_dump says. */
struct there {
    const char *id, *call, *to;
    bool is_inbound;
    enum { RINGS, TALKS, HUNG_UP } state;
    const char *dump;
};

static const struct {
    const char *name;
    const char *live[EVENTS_MAX];
    unsigned seen; /* so many of them, then the connection was lost */
    struct there channels[CHANNELS_MAX];
    unsigned asked; /* uuid_dump */
    const char *text;
} cases[] = {
    {"rings on",
     {"event=CHANNEL_CREATE id=a " IN},
     1,
     {{"a", "a", "030901820", true, RINGS, NULL}},
     0,
     "a:ringing>030901820"},
    {"was answered by a menu",
     {"event=CHANNEL_CREATE id=a " IN, "event=CHANNEL_ANSWER id=a " IN},
     1,
     {{"a", "a", "030901820", true, TALKS, "event=CHANNEL_DATA id=a state=answered call=a " IN}},
     1,
     "a:ringing>030901820 a:answered"},
    {"had been answered before",
     {"event=CHANNEL_CREATE id=a " IN, "event=CHANNEL_ANSWER id=a " IN},
     2,
     {{"a", "a", "030901820", true, TALKS, NULL}},
     0,
     "a:ringing>030901820 a:answered"},
    {"was taken by the agent for whom it rang",
     {"event=CHANNEL_CREATE id=a " IN, "event=CHANNEL_CREATE id=b way=outbound to=1001 other=a",
      "event=CHANNEL_ANSWER id=b way=outbound to=1001 other=a", "event=CHANNEL_ANSWER id=a " IN,
      "event=CHANNEL_BRIDGE id=a other=b " IN},
     2,
     {{"a", "a", "030901820", true, TALKS,
       "event=CHANNEL_DATA id=a state=answered call=a with=b other=b othertype=originatee otherto=1001 " IN},
      {"b", "a", "1001", false, TALKS,
       "event=CHANNEL_DATA id=b state=answered call=a with=a other=a othertype=originator way=outbound to=1001"}},
     2,
     "a:ringing>030901820 a:answered a:answered=anna"},
    {"was taken by an agent who had not been called yet",
     {"event=CHANNEL_CREATE id=a " IN, "event=CHANNEL_CREATE id=b way=outbound to=1001 other=a",
      "event=CHANNEL_ANSWER id=b way=outbound to=1001 other=a", "event=CHANNEL_ANSWER id=a " IN,
      "event=CHANNEL_BRIDGE id=a other=b " IN},
     1,
     {{"a", "a", "030901820", true, TALKS,
       "event=CHANNEL_DATA id=a state=answered call=a with=b other=b othertype=originatee otherto=1001 " IN},
      {"b", "a", "1001", false, TALKS,
       "event=CHANNEL_DATA id=b state=answered call=a with=a other=a othertype=originator way=outbound to=1001"}},
     2,
     "a:ringing>030901820 a:answered a:answered=anna"},
    {"began and was taken",
     {"event=CHANNEL_CREATE id=a " IN, "event=CHANNEL_CREATE id=b way=outbound to=1001 other=a",
      "event=CHANNEL_ANSWER id=a " IN, "event=CHANNEL_BRIDGE id=a other=b " IN},
     0,
     {{"a", "a", "030901820", true, TALKS,
       "event=CHANNEL_DATA id=a state=answered call=a with=b other=b othertype=originatee otherto=1001 " IN},
      {"b", "a", "1001", false, TALKS,
       "event=CHANNEL_DATA id=b state=answered call=a with=a other=a othertype=originator way=outbound to=1001"}},
     2,
     "a:ringing>030901820 a:answered a:answered=anna"},
    {"rings at an agent after a menu had answered",
     {"event=CHANNEL_CREATE id=a " IN, "event=CHANNEL_ANSWER id=a " IN,
      "event=CHANNEL_CREATE id=b way=outbound to=1001 other=a"},
     1,
     {{"a", "a", "030901820", true, TALKS,
       "event=CHANNEL_DATA id=a state=answered call=a other=b othertype=originatee otherto=1001 " IN},
      {"b", "a", "1001", false, RINGS, NULL}},
     1,
     "a:ringing>030901820 a:answered"},
    {"went from one agent to another",
     {"event=CHANNEL_CREATE id=a " IN, "event=CHANNEL_ANSWER id=a " IN,
      "event=CHANNEL_CREATE id=b way=outbound to=1001 other=a", "event=CHANNEL_BRIDGE id=a other=b " IN,
      "event=CHANNEL_HANGUP_COMPLETE id=b cause=BLIND_TRANSFER",
      "event=CHANNEL_CREATE id=c way=outbound to=1002 other=a", "event=CHANNEL_BRIDGE id=a other=c " IN},
     4,
     {{"a", "a", "030901820", true, TALKS, NULL},
      {"c", "a", "1002", false, TALKS,
       "event=CHANNEL_DATA id=c state=answered call=a with=a other=a othertype=originator way=outbound to=1002"}},
     2, /* and the leg that is gone */
     "a:ringing>030901820 a:answered a:answered=anna a:answered=carl"},
    {"ended",
     {"event=CHANNEL_CREATE id=a " IN, "event=CHANNEL_HANGUP_COMPLETE id=a " IN},
     1,
     {{0}},
     1,
     "a:ringing>030901820 a:ended"},
    {"hung up and is still torn down",
     {"event=CHANNEL_CREATE id=a " IN, "event=CHANNEL_HANGUP_COMPLETE id=a " IN},
     1,
     {{"a", "a", "030901820", true, HUNG_UP,
       "event=CHANNEL_DATA id=a state=hangup cause=USER_BUSY call=a " IN}},
     1,
     "a:ringing>030901820 a:ended"},
    {"is left by one of its agents, who is still torn down",
     {"event=CHANNEL_CREATE id=a " IN, "event=CHANNEL_CREATE id=b way=outbound to=1001 other=a",
      "event=CHANNEL_HANGUP_COMPLETE id=b"},
     2,
     {{"a", "a", "030901820", true, RINGS, NULL},
      {"b", "a", "1001", false, HUNG_UP, "event=CHANNEL_DATA id=b state=hangup call=a way=outbound to=1001"}},
     1,
     "a:ringing>030901820"},
    {"was placed to an agent, then to the customer, and answered",
     {"event=CHANNEL_CREATE id=a way=outbound to=1001", "event=CHANNEL_ANSWER id=a way=outbound to=1001",
      "event=CHANNEL_CREATE id=b way=outbound to=+4915112345678 other=a",
      "event=CHANNEL_ANSWER id=b way=outbound to=+4915112345678 other=a"},
     1,
     {{"a", "a", "1001", false, TALKS, "event=CHANNEL_DATA id=a state=answered way=outbound to=1001"},
      {"b", "a", "+4915112345678", false, TALKS,
       "event=CHANNEL_DATA id=b state=answered way=outbound to=+4915112345678 other=a"}},
     2,
     "a:ringing=anna a:answered"},
    {"is none of ours, as its agent's leg is not",
     {"event=CHANNEL_CREATE id=a way=inbound in=default to=1002",
      "event=CHANNEL_CREATE id=b way=outbound to=1002 other=a call=a"},
     2,
     {{"a", "a", "1002", true, TALKS,
       "event=CHANNEL_DATA id=a state=answered way=inbound in=default with=b other=b othertype=originatee"},
      {"b", "a", "1002", false, TALKS,
       "event=CHANNEL_DATA id=b state=answered call=a with=a other=a othertype=originator way=outbound to=1002"}},
     2,
     ""},
};

struct questions {
    const char *ids[CHANNELS_MAX * 2];
    unsigned count;
};

static void on_missing(void *ctx, struct slice id)
{
    struct questions *questions = ctx;
    questions->ids[questions->count++] = arena_string(&arena, id);
}

static const char *dump_of(const struct there *channels, const char *id)
{
    for (size_t i = 0; i < CHANNELS_MAX && channels[i].id; i++) {
        if (strcmp(channels[i].id, id) == 0)
            return channels[i].dump;
    }
    return NULL;
}

/* Returns how many were asked for. */
static unsigned resync(struct story *story, const struct there *channels, bool is_backwards)
{
    struct questions questions = {.count = 0};
    unsigned count = 0;
    while (count < CHANNELS_MAX && channels[count].id)
        count++;
    esl_calls_list_begin(story->calls);
    for (unsigned i = 0; i < count; i++) {
        const struct there *at = &channels[is_backwards ? count - 1 - i : i];
        struct esl_channel channel = {.id = slice_of(at->id),
                                      .call = slice_of(at->call),
                                      .to = slice_of(at->to),
                                      .is_inbound = at->is_inbound,
                                      .is_answered = at->state == TALKS,
                                      .is_hung_up = at->state == HUNG_UP};
        if (!esl_calls_listed(story->calls, &channel))
            questions.ids[questions.count++] = at->id;
    }
    esl_calls_list_end(story->calls, on_missing, &questions);
    for (unsigned i = 0; i < questions.count; i++) {
        const char *dump = dump_of(channels, questions.ids[i]);
        if (dump)
            happen(story, dump);
        else
            esl_calls_lost(story->calls, slice_of(questions.ids[i]), &arena);
    }
    return questions.count;
}

static void what_was_missed_is_told_as_it_would_have_been(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct story *live = story_new();
        for (size_t j = 0; j < EVENTS_MAX && cases[i].live[j]; j++)
            happen(live, cases[i].live[j]);
        if (strcmp(live->text, cases[i].text) != 0)
            fail_msg("a call that %s: the stream tells %s", cases[i].name, live->text);
        esl_calls_free(&live->calls);
        for (int is_backwards = 0; is_backwards <= 1; is_backwards++) {
            struct story *story = story_new();
            for (size_t j = 0; j < cases[i].seen; j++)
                happen(story, cases[i].live[j]);
            unsigned asked = resync(story, cases[i].channels, is_backwards);
            if (strcmp(story->text, cases[i].text) != 0)
                fail_msg("a call that %s: %s", cases[i].name, story->text);
            if (asked != cases[i].asked)
                fail_msg("a call that %s: %u are asked for", cases[i].name, asked);
            assert_true(resync(story, cases[i].channels, is_backwards) <= asked);
            assert_string_equal(story->text, cases[i].text);
            esl_calls_free(&story->calls);
        }
    }
}

/* It rang and hung up while nobody listened; or it was heard to the end, and the list is behind the times. */
static void what_has_hung_up_and_is_still_listed_does_not_ring(void **state)
{
    (void)state;
    struct story *story = story_new();
    const struct there unseen = {"a", "a", "030901820", true, HUNG_UP, NULL};
    const struct there open = {
        "open", "open",  "030901820",
        true,   HUNG_UP, "event=CHANNEL_DATA id=open state=hangup cause=NORMAL_CLEARING call=open " IN};
    assert_int_equal(resync(story, (struct there[CHANNELS_MAX]){unseen, open}, false), 1);
    happen(story, "event=CHANNEL_DATA id=a state=hangup call=a " IN);
    happen(story, "event=CHANNEL_UNBRIDGE id=b state=hangup call=b " IN);
    assert_string_equal(story->text, "open:ended");
    assert_false(esl_calls_has(story->calls, SLICE("a")) || esl_calls_has(story->calls, SLICE("b")));
    esl_calls_free(&story->calls);
}

static void who_talks_is_known(void **state)
{
    (void)state;
    struct story *story = story_new();
    happen(story, "event=CHANNEL_CREATE id=a " IN);
    happen(story, "event=CHANNEL_ANSWER id=a " IN);
    happen(story, "event=CHANNEL_CREATE id=b way=outbound to=1001 other=a");
    assert_false(esl_calls_is_bridged(story->calls, SLICE("a")));
    happen(story, "event=CHANNEL_BRIDGE id=a other=b " IN);
    assert_true(esl_calls_is_bridged(story->calls, SLICE("a")));
    happen(story, "event=CHANNEL_UNBRIDGE id=a other=b " IN);
    assert_false(esl_calls_is_bridged(story->calls, SLICE("a")));
    happen(story, "event=CHANNEL_BRIDGE id=a other=b " IN);
    happen(story, "event=CHANNEL_HANGUP_COMPLETE id=b");
    assert_false(esl_calls_is_bridged(story->calls, SLICE("a")));
    assert_false(esl_calls_is_bridged(story->calls, SLICE("x")));
    esl_calls_free(&story->calls);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ARENA_TEST(what_was_missed_is_told_as_it_would_have_been),
        ARENA_TEST(what_has_hung_up_and_is_still_listed_does_not_ring),
        ARENA_TEST(who_talks_is_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
