/* Twilio Programmable Voice: requests for TwiML and status callbacks, as forms, JSON or queries.
 *
 * One CallSid is one call. Legs that <Dial> makes (ParentCallSid) belong to their parent: only that somebody
 * has answered is news there. */
#include "proto/hook_presets.h"

#include <stdlib.h>
#include <string.h>

#include "proto/hook_form.h"
#include "proto/hook_sign.h"
#include "proto/hook_twiml.h"
#include "proto/hook_xml.h"
#include "rules/ascii.h"

#define HEADERS_MAX 20 /* SIP headers that are kept */
#define HEADER_PREFIX "SipHeader_"

/* --- signature --- */

static int compare_fields(const void *left, const void *right)
{
    const struct hook_field *a = left, *b = right;
    int order = slice_compare(a->name, b->name);
    return order ? order : slice_compare(a->value, b->value);
}

/* Name and value of each field, sorted; of fields that are alike one. */
static struct slice sorted_fields(const struct hook_form *form, struct arena *arena)
{
    size_t size = 0, len = 0;
    for (uint32_t i = 0; i < form->count; i++)
        size += form->fields[i].name.len + form->fields[i].value.len;
    char *text = arena_alloc(arena, size + 1);
    if (form->count)
        qsort(form->fields, form->count, sizeof *form->fields, compare_fields);
    for (uint32_t i = 0; i < form->count; i++) {
        const struct hook_field *field = &form->fields[i];
        if (i && compare_fields(field - 1, field) == 0)
            continue;
        if (field->name.len)
            memcpy(text + len, field->name.ptr, field->name.len);
        len += field->name.len;
        if (field->value.len)
            memcpy(text + len, field->value.ptr, field->value.len);
        len += field->value.len;
    }
    return (struct slice){text, len};
}

/* A body that is no form stands in the URL, which is signed, as bodySHA256. */
static bool is_body_hashed(const struct hook_request *request, struct arena *arena)
{
    struct hook_form query;
    if (!hook_form_read_encoded(&query, request->query, arena))
        return false;
    return hook_equal(hook_form_text(&query, "bodySHA256"), hook_digest(request->body, arena));
}

static bool is_signed(const struct hook_request *request, struct slice origin, const char *port,
                      struct slice path, struct slice fields, struct slice signature)
{
    const struct slice parts[] = {origin, slice_of(port), path, fields};
    return hook_is_signed(request, HOOK_SHA1, HOOK_BASE64, parts, sizeof parts / sizeof *parts, signature);
}

/* Twilio signs some URLs with the port of their scheme and some without. */
static bool is_url_signed(const struct hook_request *request, struct slice fields, struct slice signature)
{
    struct slice url = request->url;
    bool is_secure = ascii_begins(url, "https://");
    const char *port = is_secure ? ":443" : ":80";
    size_t host = is_secure ? sizeof "https://" - 1 : sizeof "http://" - 1;
    if (host > url.len)
        return false;
    size_t end = host + ascii_find(ascii_part(url, host, url.len), '/');
    struct slice origin = ascii_part(url, 0, end), path = ascii_part(url, end, url.len);
    bool good = is_signed(request, origin, "", path, fields, signature);
    size_t port_len = strlen(port);
    if (origin.len > port_len && memcmp(origin.ptr + origin.len - port_len, port, port_len) == 0)
        good |= is_signed(request, ascii_part(origin, 0, origin.len - port_len), "", path, fields, signature);
    else
        good |= is_signed(request, origin, port, path, fields, signature);
    return good;
}

enum hook_status hook_twilio_verify(const struct hook_request *request, struct arena *arena)
{
    struct slice signature = hook_header(request, "x-twilio-signature"), fields = {NULL, 0};
    struct hook_form form;
    if (request->method == HOOK_POST && hook_is_type(request, "application/x-www-form-urlencoded")) {
        if (!hook_form_read_encoded(&form, request->body, arena))
            return HOOK_BAD_SIGNATURE;
        fields = sorted_fields(&form, arena);
    } else if (request->method == HOOK_POST && !is_body_hashed(request, arena)) {
        return HOOK_BAD_SIGNATURE;
    }
    return is_url_signed(request, fields, signature) ? HOOK_OK : HOOK_BAD_SIGNATURE;
}

/* --- events --- */

static const struct call_status {
    const char *name;
    enum event_type type;
} call_statuses[] = {
    {"queued", EVENT_CALL_RINGING},       {"initiated", EVENT_CALL_RINGING}, {"ringing", EVENT_CALL_RINGING},
    {"in-progress", EVENT_CALL_ANSWERED}, {"completed", EVENT_CALL_ENDED},   {"busy", EVENT_CALL_ENDED},
    {"no-answer", EVENT_CALL_ENDED},      {"canceled", EVENT_CALL_ENDED},    {"failed", EVENT_CALL_ENDED},
};

static const struct call_status *find_status(struct slice name)
{
    for (size_t i = 0; i < sizeof call_statuses / sizeof *call_statuses; i++) {
        if (slice_is(name, call_statuses[i].name))
            return &call_statuses[i];
    }
    return NULL;
}

static enum hook_status read_params(struct value *params, struct hook_result *result,
                                    const struct hook_request *request, struct arena *arena)
{
    struct hook_form form;
    if (request->method == HOOK_POST && hook_is_type(request, "application/json")) {
        enum hook_status status = hook_json(params, result, request, arena);
        if (status == HOOK_OK && params->kind != VALUE_MAP)
            return hook_malformed(result, "", "the body must be a map");
        return status;
    }
    enum hook_status status = hook_form_read(&form, result, request, arena);
    if (status == HOOK_OK)
        *params = hook_form_value(&form, arena);
    return status;
}

/* "client:anna?x=1" and "sip:anna@acme.sip.twilio.com" are anna. */
static struct slice agent_of(struct slice to)
{
    bool is_client = ascii_begins(to, "client:");
    if (!is_client && !ascii_begins(to, "sip:"))
        return (struct slice){NULL, 0};
    struct slice user = ascii_part(to, ascii_find(to, ':') + 1, to.len);
    return ascii_part(user, 0, ascii_find(user, is_client ? '?' : '@'));
}

static struct value sip_headers_of(const struct value *params, struct arena *arena)
{
    struct value headers = value_map(arena, HEADERS_MAX);
    for (uint32_t i = 0; i < params->count && headers.count < HEADERS_MAX; i++) {
        const struct value_member *param = &params->members[i];
        size_t skip = sizeof HEADER_PREFIX - 1;
        if (param->value.kind == VALUE_STRING && param->name.len > skip &&
            memcmp(param->name.ptr, HEADER_PREFIX, skip) == 0)
            headers.members[headers.count++] =
                (struct value_member){ascii_part(param->name, skip, param->name.len), param->value};
    }
    return headers;
}

static struct value attributes_of(const struct value *params, struct arena *arena)
{
    static const char *const kept[][2] = {
        {"forwarded_from", "ForwardedFrom"}, {"stir", "StirVerstat"},    {"from_country", "FromCountry"},
        {"from_city", "FromCity"},           {"from_zip", "FromZip"},    {"account", "AccountSid"},
        {"direction", "Direction"},          {"to_country", "ToCountry"}};
    size_t count = sizeof kept / sizeof *kept;
    struct value attributes = value_map(arena, (uint32_t)count + 3);
    for (size_t i = 0; i < count; i++)
        value_set_text(&attributes, kept[i][0], hook_text(params, kept[i][1], arena));
    if (slice_is(hook_text(params, "StirVerstat", arena), "TN-Validation-Passed-A"))
        value_set(&attributes, "verified", value_bool(true));
    struct value headers = sip_headers_of(params, arena);
    if (headers.count)
        value_set(&attributes, "sip_headers", headers);
    return attributes;
}

static enum hook_status read_ringing(struct value *data, struct hook_result *result,
                                     const struct value *params, struct arena *arena)
{
    struct slice name = hook_text(params, "CallerName", arena);
    bool is_outbound = ascii_begins(hook_text(params, "Direction", arena), "outbound");
    if (!value_member(params, "From"))
        return hook_missing(result, "/From");
    struct value from = value_map(arena, 2);
    value_set(&from, "phone", value_string(hook_text(params, "From", arena)));
    value_set_text(&from, "name", name);
    value_set(data, "from", from);
    value_set_text(data, "to", hook_text(params, "To", arena));
    struct value attributes = attributes_of(params, arena);
    if (is_outbound) {
        value_set(data, "direction", value_string(SLICE("outbound")));
        value_set_text(&attributes, "agent", agent_of(hook_text(params, "From", arena)));
    }
    if (ascii_equal(name, "anonymous"))
        value_set(data, "privacy", value_bool(true));
    value_set(data, "attributes", attributes);
    return HOOK_OK;
}

enum hook_status hook_twilio_decode(struct hook_result *result, const struct hook_request *request,
                                    struct arena *arena)
{
    struct value params, data = value_map(arena, 6);
    enum hook_status read = read_params(&params, result, request, arena);
    if (read != HOOK_OK)
        return read;
    struct slice call = hook_text(&params, "CallSid", arena), name = hook_text(&params, "CallStatus", arena);
    struct slice parent = hook_text(&params, "ParentCallSid", arena);
    struct slice number = hook_text(&params, "SequenceNumber", arena);
    if (!call.len || !name.len)
        return hook_missing(result, call.len ? "/CallStatus" : "/CallSid");
    const struct call_status *status = find_status(name);
    if (!status || (parent.len && status->type != EVENT_CALL_ANSWERED))
        return HOOK_IGNORED;
    if (status->type == EVENT_CALL_RINGING) {
        read = read_ringing(&data, result, &params, arena);
        if (read != HOOK_OK)
            return read;
    } else if (status->type == EVENT_CALL_ENDED) {
        value_set(&data, "cause", value_string(name));
    } else if (parent.len) {
        value_set_text(&data, "agent", agent_of(hook_text(&params, "To", arena)));
    }
    struct hook_event event = {
        .type = status->type,
        .id = arena_format(arena, "%.*s %.*s%s%.*s", (int)call.len, call.ptr, (int)name.len, name.ptr,
                           number.len ? " " : "", (int)number.len, number.ptr),
        .subject = parent.len ? parent : call,
        .time_ms = TIME_NEVER,
        .data = data,
    };
    return hook_add(result, request, &event, arena);
}

/* --- what Twilio is told --- */

void hook_twilio_answer(struct hook_answer *answer, const struct hook_request *request,
                        const struct hook_result *result, const struct hook_decision *decisions,
                        struct arena *arena)
{
    bool is_ringing = slice_is(value_member(&result->events[0], "type")->string, "call.ringing");
    hook_say(answer, 200, HOOK_XML_TYPE, hook_twiml(request, &decisions[0], is_ringing, arena));
}
