/* The preset cti-generic: a call as event=newCall, answer, hangup, in a form, JSON or a query, as sipgate.io
 * and telephone systems that follow it push it. Who asks with a form is answered with XML, else with JSON. */
#include "proto/hook_presets.h"

#include "proto/hook_form.h"
#include "proto/hook_sign.h"
#include "proto/hook_xml.h"
#include "proto/json.h"
#include "rules/ascii.h"

#define PREFIX "sha256="
#define ATTRIBUTES_MAX 4

enum hook_status hook_cti_verify(const struct hook_request *request, struct arena *arena)
{
    struct slice signature = hook_header(request, "x-patchbay-signature");
    struct slice bytes = request->method == HOOK_GET ? request->query : request->body;
    (void)arena;
    if (!request->secret_count)
        return HOOK_OK;
    if (!ascii_begins(signature, PREFIX))
        return HOOK_BAD_SIGNATURE;
    signature = ascii_part(signature, sizeof PREFIX - 1, signature.len);
    return hook_is_signed(request, HOOK_SHA256, HOOK_HEX, &bytes, 1, signature) ? HOOK_OK
                                                                                : HOOK_BAD_SIGNATURE;
}

static bool is_json(const struct hook_request *request)
{
    return hook_is_type(request, "application/json");
}

static enum hook_status read_members(struct value *out, struct hook_result *result,
                                     const struct hook_request *request, struct arena *arena)
{
    struct hook_form form;
    if (request->method == HOOK_POST && is_json(request)) {
        enum hook_status json = hook_json(out, result, request, arena);
        return json != HOOK_OK || out->kind == VALUE_MAP
                   ? json
                   : hook_malformed(result, "", "the body must be an object");
    }
    enum hook_status status = hook_form_read(&form, result, request, arena);
    if (status != HOOK_OK)
        return status;
    *out = hook_form_value(&form, arena);
    return HOOK_OK;
}

/* Text, or the first of a list; a form writes lists as `name[]`. */
static struct slice first_text(const struct value *members, const char *name, const char *list_name,
                               struct arena *arena)
{
    const struct value *list = value_member(members, name);
    struct slice text = hook_text(members, name, arena);
    if (list && list->kind == VALUE_LIST && list->count)
        return hook_value_text(&list->items[0], arena);
    return text.len ? text : hook_text(members, list_name, arena);
}

static struct slice agent_of(const struct value *members, struct arena *arena)
{
    struct slice agent = hook_text(members, "agent", arena);
    return agent.len ? agent : first_text(members, "user", "user[]", arena);
}

static bool is_set(const struct value *members, const char *name)
{
    const struct value *value = value_member(members, name);
    if (!value || value->kind != VALUE_STRING)
        return value && value->kind == VALUE_BOOL && value->boolean;
    return ascii_equal(value->string, "true") || slice_is(value->string, "1");
}

static struct value new_call(const struct hook_request *request, const struct value *members,
                             struct arena *arena)
{
    struct slice direction = hook_text(members, "direction", arena);
    bool is_outbound = ascii_equal(direction, "out") || ascii_equal(direction, "outbound");
    struct slice from = hook_phone(request, hook_text(members, "from", arena), arena);
    struct value data = value_map(arena, 5), attributes = value_map(arena, ATTRIBUTES_MAX);
    value_set(&data, "from", value_string(from));
    value_set_text(&data, "to", hook_phone(request, hook_text(members, "to", arena), arena));
    if (is_outbound) {
        value_set(&data, "direction", value_string(SLICE("outbound")));
        value_set_text(&attributes, "agent", agent_of(members, arena));
    }
    if (is_set(members, "privacy"))
        value_set(&data, "privacy", value_bool(true));
    value_set_text(&attributes, "user", first_text(members, "user", "user[]", arena));
    value_set_text(&attributes, "diversion", hook_text(members, "diversion", arena));
    value_set_text(&attributes, "original_call", hook_text(members, "origCallId", arena));
    if (attributes.count)
        value_set(&data, "attributes", attributes);
    return data;
}

static const struct kind {
    const char *name;
    enum event_type type;
} kinds[] = {{"newcall", EVENT_CALL_RINGING}, {"answer", EVENT_CALL_ANSWERED}, {"hangup", EVENT_CALL_ENDED}};

static const struct kind *find_kind(struct slice name)
{
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        if (ascii_equal(name, kinds[i].name))
            return &kinds[i];
    }
    return NULL;
}

enum hook_status hook_cti_decode(struct hook_result *result, const struct hook_request *request,
                                 struct arena *arena)
{
    struct value members;
    enum hook_status status = read_members(&members, result, request, arena);
    if (status != HOOK_OK)
        return status;
    struct slice name = hook_text(&members, "event", arena), call = hook_text(&members, "callId", arena);
    if (!name.len)
        return hook_missing(result, "/event");
    const struct kind *kind = find_kind(name);
    if (!kind)
        return HOOK_IGNORED;
    if (!call.len)
        return hook_missing(result, "/callId");
    struct hook_event event = {.type = kind->type, .subject = call, .time_ms = TIME_NEVER};
    event.id = arena_format(arena, "%s %.*s", kind->name, (int)call.len, call.ptr);
    if (kind->type == EVENT_CALL_RINGING) {
        if (!value_member(&members, "from") && !is_set(&members, "privacy"))
            return hook_missing(result, "/from");
        event.data = new_call(request, &members, arena);
    } else {
        bool is_answer = kind->type == EVENT_CALL_ANSWERED;
        event.data = value_map(arena, 1);
        value_set_text(&event.data, is_answer ? "agent" : "cause",
                       is_answer ? agent_of(&members, arena) : hook_text(&members, "cause", arena));
    }
    return hook_add(result, request, &event, arena);
}

/* The URLs make sipgate.io tell of the call's answer and end, too. */
static struct slice xml_answer(const struct hook_request *request, bool is_new, bool is_blocked,
                               struct arena *arena)
{
    struct slice url = hook_xml_text(ascii_part(request->url, 0, ascii_find(request->url, '?')), arena);
    if (!is_new)
        return SLICE(HOOK_XML_HEAD "<Response/>");
    return arena_format(arena, HOOK_XML_HEAD "<Response onAnswer=\"%.*s\" onHangup=\"%.*s\"%s", (int)url.len,
                        url.ptr, (int)url.len, url.ptr,
                        is_blocked ? "><Reject reason=\"rejected\"/></Response>" : "/>");
}

static struct slice json_answer(const struct hook_decision *decision, struct arena *arena)
{
    struct value body = value_map(arena, 5);
    value_set(&body, "action", value_string(decision->blocked ? SLICE("reject") : SLICE("accept")));
    value_set_text(&body, "outcome", decision->outcome);
    value_set_text(&body, "interaction", decision->interaction);
    value_set_text(&body, "queue", decision->queue);
    value_set_text(&body, "agent", decision->agent);
    return json_write(&body, arena);
}

void hook_cti_answer(struct hook_answer *answer, const struct hook_request *request,
                     const struct hook_result *result, const struct hook_decision *decisions,
                     struct arena *arena)
{
    bool is_new = slice_is(value_member(&result->events[0], "type")->string, "call.ringing");
    if (is_json(request))
        hook_say(answer, 200, "application/json", json_answer(&decisions[0], arena));
    else
        hook_say(answer, 200, HOOK_XML_TYPE, xml_answer(request, is_new, decisions[0].blocked, arena));
}
