/* Events of FreeSWITCH as short words, and what they become. */
#ifndef TESTS_UNIT_ESL_STORY_H
#define TESTS_UNIT_ESL_STORY_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>

#include "proto/esl_calls.h"
#include "tests/unit/arena_world.h"

#define STORY_SIZE 65536
#define STORY_FIELDS_MAX 16

/* What happened, a word each: "a:ringing b:ended". */
struct story {
    char text[STORY_SIZE];
    struct esl_calls *calls;
    struct esl_stream streams[2];
};

static inline void on_word(void *ctx, enum event_type type, struct slice call, const struct value *document)
{
    struct story *story = ctx;
    const struct value *data = value_member(document, "data"), *agent = value_member(data, "agent"),
                       *to = value_member(data, "to");
    size_t len = strlen(story->text);
    snprintf(story->text + len, sizeof story->text - len, "%s%.*s:%s", len ? " " : "", (int)call.len,
             call.ptr, event_type_name(type) + sizeof "call." - 1);
    len = strlen(story->text);
    if (agent)
        snprintf(story->text + len, sizeof story->text - len, "=%.*s", (int)agent->string.len,
                 agent->string.ptr);
    else if (to)
        snprintf(story->text + len, sizeof story->text - len, ">%.*s", (int)to->string.len, to->string.ptr);
}

static inline struct slice agent_at(void *ctx, struct slice number)
{
    (void)ctx;
    return slice_is(number, "1001")   ? SLICE("anna")
           : slice_is(number, "1002") ? SLICE("carl")
           : slice_is(number, "1003") ? SLICE("dora")
                                      : (struct slice){NULL, 0};
}

static inline bool is_outside(void *ctx, struct slice context)
{
    (void)ctx;
    return slice_is(context, "public");
}

static inline bool is_open(void *ctx, struct slice call)
{
    (void)ctx;
    return slice_is(call, "open");
}

/* "key=value ...": "event=CHANNEL_CREATE id=a", say; "on=b ..." on the second stream. */
static inline void happen(struct story *story, const char *text)
{
    struct esl_event event = {.fields = arena_array(&arena, struct esl_field, STORY_FIELDS_MAX)};
    struct slice rest = slice_of(text);
    struct esl_stream *stream = &story->streams[strncmp(text, "on=b ", 5) == 0];
    static const struct {
        const char *key, *name;
    } names[] = {{"event", "Event-Name"},
                 {"id", "Unique-ID"},
                 {"way", "Call-Direction"},
                 {"in", "Caller-Context"},
                 {"to", "Caller-Destination-Number"},
                 {"call", "Channel-Call-UUID"},
                 {"other", "Other-Leg-Unique-ID"},
                 {"othertype", "Other-Type"},
                 {"core", "Core-UUID"},
                 {"seq", "Event-Sequence"},
                 {"cause", "Hangup-Cause"},
                 {"otherto", "Other-Leg-Destination-Number"},
                 {"state", "Answer-State"},
                 {"with", "variable_bridge_uuid"},
                 {"from", "Caller-Caller-ID-Number"},
                 {"phone", "Channel-Presence-ID"},
                 {"member", "variable_cc_member_session_uuid"},
                 {"name", "Channel-Name"}};
    while (rest.len) {
        const char *space = memchr(rest.ptr, ' ', rest.len);
        size_t len = space ? (size_t)(space - rest.ptr) : rest.len;
        const char *equal = memchr(rest.ptr, '=', len);
        assert_non_null(equal);
        struct slice key = {rest.ptr, (size_t)(equal - rest.ptr)};
        for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
            if (slice_is(key, names[i].key))
                event.fields[event.count++] =
                    (struct esl_field){slice_of(names[i].name), {equal + 1, len - key.len - 1}};
        }
        rest = (struct slice){rest.ptr + len + (space ? 1 : 0), rest.len - len - (space ? 1 : 0)};
    }
    esl_calls_event(story->calls, stream, &event, &arena);
}

static inline struct story *story_new(void)
{
    struct story *story = arena_new(&arena, struct story);
    struct esl_calls_options options = {.source = SLICE("fs1"),
                                        .is_outside = is_outside,
                                        .is_open = is_open,
                                        .agent_at = agent_at,
                                        .on_event = on_word,
                                        .ctx = story};
    story->calls = esl_calls_alloc(&options);
    return story;
}

#define IN "way=inbound in=public to=030901820"

#endif
