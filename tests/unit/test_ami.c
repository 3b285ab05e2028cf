#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "proto/ami_calls.h"
#include "proto/json.h"
#include "proto/phone.h"
#include "tests/unit/arena_world.h"

#define SAMPLES TEST_SOURCE_DIR "/tests/gateways/ami/"
#define FILE_SIZE (1u << 20)

static const char *const samples[] = {
    "attended_transfer",       "blind_transfer", "merged", "not_from_outside",
    "presentation_prohibited", "queue",          "resync"};

static bool load(struct slice *out, const char *folder, const char *path)
{
    struct slice name = arena_format(&arena, "%s%s", folder, path);
    FILE *file = fopen(name.ptr, "rb");
    if (!file)
        return false;
    char *text = arena_alloc(&arena, FILE_SIZE);
    *out = (struct slice){text, fread(text, 1, FILE_SIZE, file)};
    fclose(file);
    return true;
}

/* --- blocks --- */

static enum ami_status read_block(struct ami_block *block, const char *text, bool greets, size_t *used)
{
    const char *why = NULL;
    enum ami_status status = ami_read(block, slice_of(text), greets, used, &why);
    assert_true((status == AMI_BAD) == (why != NULL));
    return status;
}

static void blocks_end_with_an_empty_line_and_maybe_more(void **state)
{
    (void)state;
    static struct ami_block block;
    size_t used;
    assert_int_equal(read_block(&block, "Asterisk Call Manager/5.0.4\r\nX", true, &used), AMI_BANNER);
    assert_int_equal(used, 29);
    assert_int_equal(ami_major(block.version), 5);
    assert_int_equal(ami_major(SLICE("13.0.0")), 13);
    assert_int_equal(read_block(&block, "SSH-2.0-x\r\n", true, &used), AMI_BAD);
    assert_int_equal(read_block(&block, "Event: A\r\nX: 1\r\n\r\n\r\nEvent", false, &used), AMI_BLOCK);
    assert_int_equal(used, 18);
    assert_int_equal(block.count, 2);
    assert_int_equal(read_block(&block, "\r\n\r\nEvent: A", false, &used), AMI_NEED_MORE);
    assert_int_equal(used, 4);
    assert_int_equal(read_block(&block, "\r\nvariable: a\nVARIABLE:b : c \n\n", false, &used), AMI_BLOCK);
    assert_true(slice_is(ami_find(&block, "variable"), "a"));
    assert_true(slice_is(block.headers[1].value, "b : c"));
}

static void channel_variables_are_told_from_empty_ones(void **state)
{
    (void)state;
    static struct ami_block block;
    size_t used;
    bool found;
    const char *text = "ChanVariable: A=1\r\nChanVariable: B=\r\nChanVariable: CALLERID(pres)=prohib\r\n\r\n";
    assert_int_equal(read_block(&block, text, false, &used), AMI_BLOCK);
    assert_true(slice_is(ami_channel_variable(&block, "A", &found), "1") && found);
    assert_true(ami_channel_variable(&block, "B", &found).len == 0 && found);
    assert_true(ami_channel_variable(&block, "C", &found).len == 0 && !found);
    assert_true(slice_is(ami_channel_variable(&block, "CALLERID(pres)", &found), "prohib"));
}

static void what_is_too_long_is_bad(void **state)
{
    (void)state;
    static struct ami_block block;
    static char text[AMI_BLOCK_MAX + 100];
    size_t used;
    memset(text, 'a', AMI_LINE_MAX + 1);
    assert_int_equal(read_block(&block, text, false, &used), AMI_BAD);
    memset(text, 0, sizeof text);
    for (size_t i = 0; i < AMI_HEADERS_MAX + 1; i++)
        memcpy(text + 5 * i, "A: b\n", 5);
    assert_int_equal(read_block(&block, text, false, &used), AMI_BAD);
    for (size_t i = 0; i < sizeof text - 1; i++)
        text[i] = i % 4000 ? 'a' : '\n';
    text[0] = 'a';
    assert_int_equal(read_block(&block, text, false, &used), AMI_BAD);
}

static void nothing_ends_a_line_of_an_action(void **state)
{
    (void)state;
    struct ami_action action;
    char key[33];
    ami_action_begin(&action, "Ping", SLICE("1"));
    assert_true(slice_is(ami_action_end(&action), "Action: Ping\r\nActionID: 1\r\n\r\n"));
    static const char *const evil[] = {"x\r\nAction: Originate", "x\nY: z", "x\rY: z"};
    for (size_t i = 0; i < 3; i++) {
        ami_action_begin(&action, "Redirect", SLICE("1"));
        ami_action_add(&action, "Channel", slice_of(evil[i]));
        assert_int_equal(ami_action_end(&action).len, 0);
    }
    ami_login_key(key, SLICE("840415273"), SLICE("hello"));
    assert_string_equal(key, "ecaca9057deb4929708cf5f55f545c42");
}

/* --- calls --- */

struct story {
    struct slice lines;
    unsigned ringing, answered, ended;
    bool names_agent;
    struct ami_news first;
    struct slice queue, cause;
};

static void on_news(void *ctx, const struct ami_news *news)
{
    struct story *story = ctx;
    struct slice line = arena_format(&arena, "%.*s ", (int)news->call.len, news->call.ptr);
    struct slice queue =
        arena_format(&arena, "%s%.*s", news->queue.len ? " " : "", (int)news->queue.len, news->queue.ptr);
    if (news->type == EVENT_CALL_RINGING) {
        line = arena_format(&arena, "%.*sringing %.*s %.*s %.*s %s\n", (int)line.len, line.ptr,
                            (int)news->number.len, news->number.ptr, (int)news->name.len, news->name.ptr,
                            (int)news->to.len, news->to.ptr, news->is_withheld ? "withheld" : "shown");
        story->first = *news;
        story->first.number = arena_copy(&arena, news->number);
        story->first.name = arena_copy(&arena, news->name);
        story->first.to = arena_copy(&arena, news->to);
        story->ringing++;
    } else if (news->type == EVENT_CALL_ANSWERED) {
        line = arena_format(&arena, "%.*sanswered %.*s%.*s\n", (int)line.len, line.ptr, (int)news->agent.len,
                            news->agent.ptr, (int)queue.len, queue.ptr);
        story->answered++;
        story->names_agent |= news->agent.len > 0;
    } else {
        line = arena_format(&arena, "%.*sended %s%.*s\n", (int)line.len, line.ptr, news->cause,
                            (int)queue.len, queue.ptr);
        story->queue = arena_copy(&arena, news->queue);
        story->cause = slice_of(news->cause);
        story->ended++;
    }
    story->lines =
        arena_format(&arena, "%.*s%.*s", (int)story->lines.len, story->lines.ptr, (int)line.len, line.ptr);
}

static struct slice agent_at(void *ctx, struct slice extension)
{
    (void)ctx;
    return slice_is(extension, "1001")   ? SLICE("anna")
           : slice_is(extension, "1002") ? SLICE("carl")
                                         : (struct slice){NULL, 0};
}

static struct story tell(struct slice bytes, bool has_agents)
{
    static struct ami_block block;
    struct story story = {.ringing = 0};
    struct ami_calls_options options = {
        .on_news = on_news, .agent_at = has_agents ? agent_at : NULL, .ctx = &story};
    struct ami_calls *calls = ami_calls_alloc(&options);
    enum ami_status status = AMI_BANNER;
    bool greets = true;
    while (status != AMI_NEED_MORE) {
        const char *why = NULL;
        size_t used = 0;
        status = ami_read(&block, bytes, greets, &used, &why);
        if (status == AMI_BAD)
            fail_msg("%s", why);
        greets = false;
        bytes = (struct slice){bytes.ptr + used, bytes.len - used};
        if (status == AMI_BLOCK && ami_is(&block, "message", "channels will follow"))
            ami_calls_resync(calls);
        if (status == AMI_BLOCK)
            ami_calls_read(calls, &block, TIME_NEVER);
    }
    ami_calls_free(&calls);
    return story;
}

static void samples_tell_their_stories(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof samples / sizeof *samples; i++) {
        struct slice bytes, expected, name = arena_format(&arena, "%s.ami", samples[i]);
        assert_true(load(&bytes, SAMPLES, name.ptr));
        name = arena_format(&arena, "%s.expected", samples[i]);
        assert_true(load(&expected, SAMPLES, name.ptr));
        struct story story = tell(bytes, true);
        if (!slice_equal(story.lines, slice_is(expected, "\n") ? (struct slice){NULL, 0} : expected))
            fail_msg("%s:\n%.*s", samples[i], (int)story.lines.len, story.lines.ptr);
    }
}

static bool is_open(void *ctx, struct slice call)
{
    (void)ctx;
    return slice_is(call, "1.1");
}

/* A router that was started anew finds one call and a foreign one, both led out of from-trunk. */
static void a_call_that_is_open_is_found_in_any_context(void **state)
{
    (void)state;
    static struct ami_block block;
    static const char *const blocks[] = {
        "Event: CoreShowChannel\nChannel: PJSIP/trunk-1\nUniqueid: 1.1\nLinkedid: 1.1\n"
        "ChannelState: 6\nCallerIDNum: +491\nContext: agents\nExten: 1001\n\n",
        "Event: CoreShowChannel\nChannel: PJSIP/trunk-2\nUniqueid: 2.1\nLinkedid: 2.1\n"
        "ChannelState: 6\nCallerIDNum: +492\nContext: agents\nExten: 1001\n\n",
        "Event: CoreShowChannelsComplete\n\n"};
    struct story story = {.ringing = 0};
    struct slice context = SLICE("from-trunk");
    struct ami_calls *calls = ami_calls_alloc(&(struct ami_calls_options){
        .on_news = on_news, .is_open = is_open, .contexts = &context, .context_count = 1, .ctx = &story});
    ami_calls_resync(calls);
    for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++) {
        size_t used;
        assert_int_equal(read_block(&block, blocks[i], false, &used), AMI_BLOCK);
        ami_calls_read(calls, &block, 0);
    }
    assert_true(ami_calls_has(calls, SLICE("1.1")) && !ami_calls_has(calls, SLICE("2.1")));
    assert_int_equal(story.ringing, 1);
    assert_int_equal(story.ended, 0);
    ami_calls_free(&calls);
}

static bool flag(const struct value *expected, const char *name)
{
    return value_member(expected, name)->boolean;
}

static struct slice text_of(const struct value *expected, const char *name)
{
    const struct value *value = value_member(expected, name);
    return value->kind == VALUE_STRING ? value->string : (struct slice){NULL, 0};
}

/* The privacy flag of anonymous_privacy_id is not in the recording: a router asks for it. */
static void check_capture(const char *name, const struct value *expected, const struct story *story)
{
    struct slice shown = text_of(expected, "from_name"),
                 e164 = text_of(expected, "from_e164_default_region_DE");
    bool is_asked = strcmp(name, "anonymous_privacy_id") == 0;
    print_message("%s\n%.*s", name, (int)story->lines.len, story->lines.ptr);
    assert_int_equal(story->ringing, value_member(expected, "interactions")->integer);
    assert_int_equal(story->ended, story->ringing);
    assert_int_equal(story->answered > 0, flag(expected, "pbx_answered"));
    assert_int_equal(story->names_agent, flag(expected, "agent_connected"));
    assert_true(slice_equal(story->first.number, text_of(expected, "from_raw")));
    assert_true(
        slice_equal(story->first.name, slice_is(shown, "<unknown>") ? (struct slice){NULL, 0} : shown));
    assert_true(slice_equal(story->first.to, text_of(expected, "to_raw")));
    assert_int_equal(story->first.is_withheld || is_asked, flag(expected, "withheld"));
    assert_true(slice_equal(story->queue, text_of(expected, "queue")));
    assert_int_equal(slice_is(story->cause, "abandoned"), flag(expected, "abandoned"));
    int64_t cause = value_member(expected, "hangup_cause")->integer;
    if (!flag(expected, "abandoned"))
        assert_true(slice_is(story->cause, cause == 16 ? "normal" : cause == 17 ? "busy" : "interworking"));
    struct phone_key key =
        phone_key(SLICE("DE"), story->first.number, story->first.is_withheld || is_asked, &arena);
    if (e164.len)
        assert_true(slice_equal(key.key, e164));
    else
        assert_true(key.class != CALLER_NUMBER);
}

static void captures_of_a_real_asterisk_give_what_they_say(void **state)
{
    (void)state;
    const char *shared = getenv("PATCHBAY_SHARED");
    struct slice folder =
        arena_format(&arena, "%s/captures/asterisk16/", shared ? shared : TEST_SOURCE_DIR "/../shared");
    struct slice text;
    struct value all;
    struct fault fault;
    if (!load(&text, folder.ptr, "expected.json"))
        skip();
    assert_true(json_read(&all, text, &arena, &fault));
    assert_int_equal(all.count, 20);
    for (uint32_t i = 0; i < all.count; i++) {
        struct slice bytes, name = all.members[i].name;
        struct slice path = arena_format(&arena, "ami/%.*s.ami", (int)name.len, name.ptr);
        assert_true(load(&bytes, folder.ptr, path.ptr));
        struct story story = tell(bytes, false);
        check_capture(arena_string(&arena, name), &all.members[i].value, &story);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ARENA_TEST(blocks_end_with_an_empty_line_and_maybe_more),
        ARENA_TEST(channel_variables_are_told_from_empty_ones),
        ARENA_TEST(what_is_too_long_is_bad),
        ARENA_TEST(nothing_ends_a_line_of_an_action),
        ARENA_TEST(samples_tell_their_stories),
        ARENA_TEST(a_call_that_is_open_is_found_in_any_context),
        ARENA_TEST(captures_of_a_real_asterisk_give_what_they_say),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
