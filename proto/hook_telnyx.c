/* Telnyx Voice API (v2): call.initiated, call.answered and call.hangup; all others are ignored.
 *
 * A session is one call. Its legs cannot be told apart by what Telnyx sends, so a leg towards an agent says
 * so itself: its client_state is "agent" or "agent:NAME" in base64. Only that it was answered is news. */
#include "proto/hook_presets.h"

#include "proto/base64.h"
#include "proto/cloudevent.h"
#include "proto/hook_sign.h"
#include "rules/ascii.h"

#define AGENT_LEG "agent"
#define TAGS_MAX 20

enum hook_status hook_telnyx_verify(const struct hook_request *request, struct arena *arena)
{
    struct slice time = hook_header(request, "telnyx-timestamp");
    const struct slice parts[] = {time, SLICE("|"), request->body};
    int64_t time_ms;
    if (!hook_seconds(&time_ms, time) ||
        !hook_is_signed_ed25519(request, parts, sizeof parts / sizeof *parts,
                                hook_header(request, "telnyx-signature-ed25519"), arena))
        return HOOK_BAD_SIGNATURE;
    return hook_is_recent(request, time_ms) ? HOOK_OK : HOOK_STALE;
}

/* --- legs --- */

struct leg {
    bool is_agent;
    struct slice agent; /* empty: somebody */
};

static struct leg leg_of(const struct value *payload, struct arena *arena)
{
    struct slice state;
    if (!base64_read(&state, hook_text(payload, "client_state", arena), arena))
        return (struct leg){false, {NULL, 0}};
    size_t colon = ascii_find(state, ':');
    if (!slice_is(ascii_part(state, 0, colon), AGENT_LEG))
        return (struct leg){false, {NULL, 0}};
    size_t name = colon < state.len ? colon + 1 : state.len;
    return (struct leg){true, ascii_part(state, name, state.len)};
}

/* --- events --- */

/* RFC 3323: what the caller asks for stands in the header Privacy; "none" asks for nothing. */
static bool asks_for_privacy(const struct value *headers, struct arena *arena)
{
    for (uint32_t i = 0; headers && headers->kind == VALUE_LIST && i < headers->count; i++) {
        struct slice name = hook_text(&headers->items[i], "name", arena);
        struct slice value = ascii_trim(hook_text(&headers->items[i], "value", arena));
        if (ascii_equal(name, "privacy") && value.len && !ascii_equal(value, "none"))
            return true;
    }
    return false;
}

static bool is_withheld(const struct value *payload, struct arena *arena)
{
    return ascii_equal(hook_text(payload, "caller_id_name", arena), "anonymous") ||
           asks_for_privacy(value_member(payload, "sip_headers"), arena) ||
           asks_for_privacy(value_member(payload, "custom_headers"), arena);
}

static struct value attributes_of(const struct value *payload, struct arena *arena)
{
    static const char *const kept[] = {"call_control_id", "call_leg_id", "connection_id",
                                       "shaken_stir_attestation", "state"};
    size_t count = sizeof kept / sizeof *kept;
    const struct value *tags = value_member(payload, "tags");
    struct value attributes = value_map(arena, (uint32_t)count + 3);
    for (size_t i = 0; i < count; i++)
        value_set_text(&attributes, kept[i], hook_text(payload, kept[i], arena));
    if (slice_is(hook_text(payload, "shaken_stir_attestation", arena), "A"))
        value_set(&attributes, "verified", value_bool(true));
    if (tags && tags->kind == VALUE_LIST && tags->count && tags->count <= TAGS_MAX)
        value_set(&attributes, "tags", *tags);
    return attributes;
}

static enum hook_status read_ringing(struct value *data, struct hook_result *result,
                                     const struct value *payload, struct arena *arena)
{
    if (!value_member(payload, "from"))
        return hook_missing(result, "/data/payload/from");
    struct value from = value_map(arena, 2);
    value_set(&from, "phone", value_string(hook_text(payload, "from", arena)));
    value_set_text(&from, "name", hook_text(payload, "caller_id_name", arena));
    value_set(data, "from", from);
    value_set_text(data, "to", hook_text(payload, "to", arena));
    if (slice_is(hook_text(payload, "direction", arena), "outgoing"))
        value_set(data, "direction", value_string(SLICE("outbound")));
    if (is_withheld(payload, arena))
        value_set(data, "privacy", value_bool(true));
    value_set(data, "attributes", attributes_of(payload, arena));
    return HOOK_OK;
}

static struct slice call_of(const struct value *payload, struct arena *arena)
{
    static const char *const names[] = {"call_session_id", "call_leg_id", "call_control_id"};
    struct slice call = {NULL, 0};
    for (size_t i = 0; i < sizeof names / sizeof *names && !call.len; i++)
        call = hook_text(payload, names[i], arena);
    return call;
}

static bool find_type(enum event_type *out, struct slice name)
{
    if (slice_is(name, "call.initiated"))
        *out = EVENT_CALL_RINGING;
    else if (slice_is(name, "call.answered"))
        *out = EVENT_CALL_ANSWERED;
    else if (slice_is(name, "call.hangup"))
        *out = EVENT_CALL_ENDED;
    else
        return false;
    return true;
}

static enum hook_status read_call(struct hook_event *event, struct hook_result *result,
                                  const struct value *payload, struct arena *arena)
{
    struct leg leg = leg_of(payload, arena);
    event->subject = call_of(payload, arena);
    event->data = value_map(arena, 5);
    if (!event->subject.len)
        return hook_missing(result, "/data/payload/call_session_id");
    if (leg.is_agent && event->type != EVENT_CALL_ANSWERED)
        return HOOK_IGNORED;
    if (event->type == EVENT_CALL_RINGING)
        return read_ringing(&event->data, result, payload, arena);
    if (event->type == EVENT_CALL_ANSWERED)
        value_set_text(&event->data, "agent", leg.agent);
    else
        value_set_text(&event->data, "cause", hook_text(payload, "hangup_cause", arena));
    return HOOK_OK;
}

enum hook_status hook_telnyx_decode(struct hook_result *result, const struct hook_request *request,
                                    struct arena *arena)
{
    struct value document;
    struct hook_event event = {.time_ms = TIME_NEVER};
    enum hook_status status = hook_json(&document, result, request, arena);
    if (status != HOOK_OK)
        return status;
    const struct value *data = value_member(&document, "data"), *payload = value_member(data, "payload");
    struct slice name = hook_text(data, "event_type", arena);
    if (!name.len)
        return hook_missing(result, "/data/event_type");
    if (!find_type(&event.type, name))
        return HOOK_IGNORED;
    event.id = hook_text(data, "id", arena);
    if (!event.id.len || !payload)
        return hook_missing(result, payload ? "/data/id" : "/data/payload");
    status = read_call(&event, result, payload, arena);
    if (status != HOOK_OK)
        return status;
    if (!time_read(&event.time_ms, hook_text(data, "occurred_at", arena)))
        event.time_ms = TIME_NEVER;
    return hook_add(result, request, &event, arena);
}
