#include <assert.h>
#include <string.h>

#include "proto/cloudevent.h"
#include "proto/hook_generic.h"
#include "proto/hook_recording.h"
#include "proto/hook_url.h"
#include "proto/json.h"
#include "proto/mail.h"

#define NOW_MS INT64_C(1767225600000)

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct hook_condition is_chat = {{"/type", 5}, {"chat", 4}};
static struct hook_attribute shop = {{"shop", 4}, {{"/shop", 5}}};
static struct hook_rule rules[] = {
    {.type = EVENT_CHAT_MESSAGE,
     .conditions = &is_chat,
     .condition_count = 1,
     .attributes = &shop,
     .attribute_count = 1,
     .parts = {[HOOK_ID] = {{"/delivery", 9}},
               [HOOK_SUBJECT] = {{"/chat", 5}},
               [HOOK_TIME] = {{"/at", 3}},
               [HOOK_FROM_ID] = {{"/who~1id", 8}},
               [HOOK_FROM_PHONE] = {{"/phone", 6}},
               [HOOK_TO] = {{"=web", 4}},
               [HOOK_TEXT] = {{"/lines/0", 8}},
               [HOOK_DIRECTION] = {{"/dir", 4}}}},
    {.type = EVENT_CALL_RINGING,
     .parts = {[HOOK_ID] = {{"/id", 3}},
               [HOOK_SUBJECT] = {{"/id", 3}},
               [HOOK_FROM_PHONE] = {{"/from", 5}},
               [HOOK_TO] = {{"/to", 3}}}}};
static const struct hook_mapping whole = {
    .rules = rules, .rule_count = 2, .header = {"x-s", 3}, .hash = HOOK_SHA1, .coding = HOOK_BASE64};
static const struct hook_mapping listed = {
    .rules = rules, .rule_count = 2, .each = {"/messages", 9}, .header = {"x-s", 3}, .hash = HOOK_SHA256};

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc;
    (void)argv;
    mail_init();
    return 0;
}

static size_t preset_count(void)
{
    size_t count = 0;
    while (hook_presets[count].name)
        count++;
    return count;
}

/* What a preset makes is an event in form, the same each time; what the core may still refuse is content. */
static void check_events(const struct hook_result *result, struct arena *arena)
{
    for (uint32_t i = 0; i < result->event_count; i++) {
        struct event event;
        struct fault fault;
        struct value again;
        struct slice text = json_write(&result->events[i], arena);
        assert(cloudevent_envelope_check(&result->events[i], &fault));
        assert(json_read(&again, text, arena, &fault));
        assert(slice_equal(json_write(&again, arena), text));
        (void)!cloudevent_read(&event, &result->events[i], arena, &fault);
    }
}

static void say(const struct hook_preset *preset, const struct hook_request *request,
                const struct hook_result *result, bool blocked, struct arena *arena)
{
    struct hook_answer answer = {0};
    struct hook_decision *decisions = arena_array(arena, struct hook_decision, result->event_count);
    for (uint32_t i = 0; i < result->event_count; i++)
        decisions[i] = (struct hook_decision){
            .outcome = blocked ? SLICE("blocked") : SLICE("queued"), .queue = SLICE("q"), .blocked = blocked};
    preset->answer(&answer, request, result, decisions, arena);
    assert(answer.status >= 200 && answer.status < 600);
}

static void check_url(const struct hook_request *request, struct arena *arena)
{
    struct hook_url_parts parts = {.host = {NULL, 0}};
    for (uint32_t i = 0; i < request->header_count; i++)
        hook_url_note(&parts, request->headers[i].name, request->headers[i].value);
    assert(!parts.forwarded_host.len || !memchr(parts.forwarded_host.ptr, ',', parts.forwarded_host.len));
    assert(hook_url(&parts, "", SLICE("/"), request->query, arena).len > request->query.len);
}

/* The first byte chooses the preset, the second how it is asked; the rest is a request. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena arena;
    struct hook_result result, again;
    if (size < 2)
        return 0;
    const struct hook_preset *preset = &hook_presets[data[0] % preset_count()];
    struct hook_request request = {.now_ms = NOW_MS, .source = SLICE("hooks/fuzz")};
    arena_init(&arena);
    request.mapping = data[1] & 16 ? &listed : &whole;
    request.is_e164 = data[1] & 1;
    if (data[1] & 2)
        request.to = SLICE("+4930901820");
    if (data[1] & 4) {
        request.secrets[0] = SLICE("secret-a");
        request.secrets[1] = SLICE("secret-b");
        request.secret_count = 2;
    }
    if (!hook_recording_read(&request, (struct slice){(const char *)data + 2, size - 2}, &arena) &&
        (preset->methods & request.method)) {
        check_url(&request, &arena);
        enum hook_status status = hook_read(&result, preset, &request, !(data[1] & 4), &arena);
        assert(hook_read(&again, preset, &request, !(data[1] & 4), &arena) == status);
        assert(again.event_count == result.event_count);
        if (status == HOOK_OK) {
            check_events(&result, &arena);
            if (result.event_count && preset->answer)
                say(preset, &request, &result, data[1] & 8, &arena);
        }
        if (status == HOOK_MALFORMED)
            assert(result.fault.detail[0]);
    }
    arena_deinit(&arena);
    return 0;
}
