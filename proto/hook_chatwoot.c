/* The preset chatwoot: webhooks of an account or an inbox. What visitors write are messages, what agents
 * write in Chatwoot is outbound, a conversation that is resolved has ended. */
#include "proto/cloudevent.h"
#include "proto/hook_presets.h"
#include "proto/hook_sign.h"
#include "rules/ascii.h"

#define PREFIX "sha256="
#define ATTACHMENTS_MAX 32
#define TYPE_INCOMING "0" /* message types as numbers, as conversations list them */
#define TYPE_OUTGOING "1"

enum hook_status hook_chatwoot_verify(const struct hook_request *request, struct arena *arena)
{
    struct slice signature = hook_header(request, "x-chatwoot-signature");
    struct slice parts[] = {hook_header(request, "x-chatwoot-timestamp"), SLICE("."), request->body};
    int64_t time_ms;
    (void)arena;
    if (!request->secret_count)
        return HOOK_OK;
    if (!ascii_begins(signature, PREFIX) || !hook_seconds(&time_ms, parts[0]))
        return HOOK_BAD_SIGNATURE;
    signature = ascii_part(signature, sizeof PREFIX - 1, signature.len);
    if (!hook_is_signed(request, HOOK_SHA256, HOOK_HEX, parts, 3, signature))
        return HOOK_BAD_SIGNATURE;
    return hook_is_recent(request, time_ms) ? HOOK_OK : HOOK_STALE;
}

static struct value attachments_of(const struct value *body, struct arena *arena)
{
    const struct value *list = value_member(body, "attachments");
    uint32_t count = list && list->kind == VALUE_LIST ? list->count : 0;
    struct value out = value_list(arena, ATTACHMENTS_MAX);
    for (uint32_t i = 0; i < count && i < ATTACHMENTS_MAX; i++) {
        struct value item = value_map(arena, 2);
        value_set_text(&item, "type", hook_text(&list->items[i], "file_type", arena));
        value_set_text(&item, "url", hook_text(&list->items[i], "data_url", arena));
        value_append(&out, item);
    }
    return out;
}

/* A contact's identifier is what the site that embeds the widget knows the person by. */
static struct value party_of(const struct value *sender, struct arena *arena)
{
    struct value from = value_map(arena, 4);
    struct slice id = hook_text(sender, "identifier", arena);
    value_set_text(&from, "id", id.len ? id : hook_text(sender, "id", arena));
    value_set_text(&from, "name", hook_text(sender, "name", arena));
    value_set_text(&from, "email", hook_text(sender, "email", arena));
    value_set_text(&from, "phone", hook_text(sender, "phone_number", arena));
    return from;
}

static struct value message_data(const struct value *body, const struct value *from, bool is_outbound,
                                 struct arena *arena)
{
    const struct value *inbox = value_member(body, "inbox");
    struct value data = value_map(arena, 5), attributes = value_map(arena, 3);
    struct value attachments = attachments_of(body, arena);
    struct slice name = hook_text(inbox, "name", arena);
    value_set(&data, "from", *from);
    value_set_text(&data, "to", name.len ? name : hook_text(inbox, "id", arena));
    value_set_text(&data, "text", hook_text(body, "content", arena));
    if (is_outbound)
        value_set(&data, "direction", value_string(SLICE("outbound")));
    value_set_text(&attributes, "inbox", hook_text(inbox, "id", arena));
    value_set_text(&attributes, "channel", hook_text(value_member(body, "conversation"), "channel", arena));
    if (attachments.count)
        value_set(&attributes, "attachments", attachments);
    if (attributes.count)
        value_set(&data, "attributes", attributes);
    return data;
}

/* "2020-03-03 13:05:57 UTC", RFC 3339 or seconds; anything else is the arrival. */
static int64_t time_of(const struct value *body, struct arena *arena)
{
    struct slice text = hook_text(body, "created_at", arena);
    int64_t ms;
    if (text.len == 23 && slice_is(ascii_part(text, 19, 23), " UTC"))
        text = arena_format(arena, "%.10sT%.8sZ", text.ptr, text.ptr + 11);
    return time_read(&ms, text) || hook_seconds(&ms, text) ? ms : TIME_NEVER;
}

static enum hook_status read_message(struct hook_result *result, const struct hook_request *request,
                                     const struct value *body, struct arena *arena)
{
    const struct value *private = value_member(body, "private"), *sender = value_member(body, "sender");
    struct slice type = hook_text(body, "message_type", arena), id = hook_text(body, "id", arena);
    struct slice conversation = hook_text(value_member(body, "conversation"), "id", arena);
    bool is_outbound = slice_is(type, "outgoing") || slice_is(type, TYPE_OUTGOING);
    if (private && private->kind == VALUE_BOOL && private->boolean)
        return HOOK_IGNORED;
    if (!is_outbound && !slice_is(type, "incoming") && !slice_is(type, TYPE_INCOMING))
        return type.len ? HOOK_IGNORED : hook_missing(result, "/message_type");
    if (!id.len)
        return hook_missing(result, "/id");
    if (!conversation.len)
        return hook_missing(result, "/conversation/id");
    struct value from = party_of(sender, arena);
    if (!from.count && !is_outbound)
        return hook_missing(result, "/sender");
    if (!value_member(&from, "id") && !value_member(&from, "email") && !value_member(&from, "phone")) {
        from = value_map(arena, 1);
        value_set(&from, "id", value_string(is_outbound ? SLICE("chatwoot") : conversation));
    }
    struct hook_event event = {.type = EVENT_CHAT_MESSAGE, .subject = conversation};
    event.id = arena_format(arena, "message %.*s", (int)id.len, id.ptr);
    event.time_ms = time_of(body, arena);
    event.data = message_data(body, &from, is_outbound, arena);
    return hook_add(result, request, &event, arena);
}

/* It may be resolved again later: what tells the times apart is when it was changed. */
static enum hook_status read_status(struct hook_result *result, const struct hook_request *request,
                                    const struct value *body, struct arena *arena)
{
    struct slice id = hook_text(body, "id", arena), status = hook_text(body, "status", arena);
    struct slice changed = hook_text(body, "updated_at", arena);
    if (!changed.len)
        changed = hook_text(body, "timestamp", arena);
    if (!status.len)
        return hook_missing(result, "/status");
    if (!slice_is(status, "resolved"))
        return HOOK_IGNORED;
    if (!id.len)
        return hook_missing(result, "/id");
    struct hook_event event = {.type = EVENT_CHAT_ENDED, .subject = id, .time_ms = TIME_NEVER};
    event.id = arena_format(arena, "resolved %.*s %.*s", (int)id.len, id.ptr, (int)changed.len, changed.ptr);
    event.data = value_map(arena, 1);
    value_set(&event.data, "cause", value_string(status));
    return hook_add(result, request, &event, arena);
}

enum hook_status hook_chatwoot_decode(struct hook_result *result, const struct hook_request *request,
                                      struct arena *arena)
{
    struct value body;
    enum hook_status status = hook_json(&body, result, request, arena);
    if (status != HOOK_OK)
        return status;
    struct slice name = hook_text(&body, "event", arena);
    if (!name.len)
        return hook_missing(result, "/event");
    if (slice_is(name, "message_created"))
        return read_message(result, request, &body, arena);
    if (slice_is(name, "conversation_status_changed") || slice_is(name, "conversation_resolved"))
        return read_status(result, request, &body, arena);
    return HOOK_IGNORED;
}
