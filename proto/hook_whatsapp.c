/* WhatsApp Business Platform, Cloud API: the field "messages" of its webhooks. Delivery reports, reactions,
 * notices of the system, groups and all other fields are ignored.
 *
 * A session is the pair of the business number and the person. */
#include "proto/hook_presets.h"

#include <stdio.h>

#include "proto/hook_form.h"
#include "proto/hook_sign.h"
#include "proto/hook_whatsapp.h"
#include "rules/ascii.h"

#define SIGNATURE_PREFIX "sha256="
#define CHALLENGE_MAX 256
#define POINTER_SIZE 96

/* --- the peer --- */

/* The last segment of the URL is known to the peer as well: asking for it again gives nothing away. */
static struct slice url_token(const struct hook_request *request)
{
    struct slice url = ascii_part(request->url, 0, ascii_find(request->url, '?'));
    size_t start = url.len;
    while (start && url.ptr[start - 1] != '/')
        start--;
    return ascii_part(url, start, url.len);
}

static bool is_plain(struct slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (!ascii_is_letter(text.ptr[i]) && !ascii_is_digit(text.ptr[i]) &&
            !ascii_is_one_of(text.ptr[i], "-._~"))
            return false;
    }
    return text.len && text.len <= CHALLENGE_MAX;
}

static bool read_subscription(struct hook_form *query, const struct hook_request *request,
                              struct arena *arena)
{
    return hook_form_read_encoded(query, request->query, arena) &&
           slice_is(hook_form_text(query, "hub.mode"), "subscribe");
}

enum hook_status hook_whatsapp_verify(const struct hook_request *request, struct arena *arena)
{
    struct slice signature = hook_header(request, "x-hub-signature-256"), token = url_token(request);
    struct hook_form query;
    if (request->method == HOOK_GET) {
        bool good = read_subscription(&query, request, arena) && token.len &&
                    hook_equal(hook_form_text(&query, "hub.verify_token"), token);
        return good ? HOOK_OK : HOOK_BAD_SIGNATURE;
    }
    if (!ascii_begins(signature, SIGNATURE_PREFIX))
        return HOOK_BAD_SIGNATURE;
    signature = ascii_part(signature, sizeof SIGNATURE_PREFIX - 1, signature.len);
    return hook_is_signed(request, HOOK_SHA256, HOOK_HEX, &request->body, 1, signature) ? HOOK_OK
                                                                                        : HOOK_BAD_SIGNATURE;
}

static enum hook_status confirm(struct hook_result *result, const struct hook_request *request,
                                struct arena *arena)
{
    struct hook_form query;
    struct slice challenge = {NULL, 0};
    if (read_subscription(&query, request, arena))
        challenge = hook_form_text(&query, "hub.challenge");
    if (!is_plain(challenge))
        return hook_missing(result, "/hub.challenge");
    hook_say(&result->answer, 200, "text/plain", challenge);
    return HOOK_OK;
}

/* --- messages --- */

/* Where a message came from: what stands around it. */
struct delivery {
    struct hook_result *result;
    const struct hook_request *request;
    struct arena *arena;
    const struct value *contacts; /* who wrote */
    struct slice inbox;           /* phone_number_id of the business */
    char pointer[POINTER_SIZE];   /* to the list of messages */
};

/* One bad message does not cost the others. */
static enum hook_status note_missing(struct delivery *delivery, uint32_t index, const char *name)
{
    struct hook_result *result = delivery->result;
    const char *pointer = arena_format(delivery->arena, "%s/%u/%s%c", delivery->pointer, index, name, 0).ptr;
    (void)hook_missing(result, pointer);
    hook_skip(result, SLICE(""), delivery->arena);
    return HOOK_OK;
}

static const struct value *first_item(const struct value *list)
{
    return list && list->kind == VALUE_LIST && list->count ? &list->items[0] : NULL;
}

/* The number of the contact may be written in another way than that of the message (Brazil, Mexico). */
static const struct value *contact_of(const struct delivery *delivery, struct slice from)
{
    const struct value *contacts = delivery->contacts;
    for (uint32_t i = 0; contacts && contacts->kind == VALUE_LIST && i < contacts->count; i++) {
        const struct value *contact = &contacts->items[i];
        if (slice_equal(hook_text(contact, "wa_id", delivery->arena), from) ||
            slice_equal(hook_text(contact, "user_id", delivery->arena), from))
            return contact;
    }
    return contacts && contacts->count == 1 ? first_item(contacts) : NULL;
}

static bool is_number(struct slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (!ascii_is_digit(text.ptr[i]))
            return false;
    }
    return text.len > 0;
}

/* Who hides the number behind a username has a user id alone. */
static struct value from_of(const struct delivery *delivery, struct slice person)
{
    struct arena *arena = delivery->arena;
    const struct value *contact = contact_of(delivery, person), *profile = value_member(contact, "profile");
    struct value from = value_map(arena, 3);
    if (is_number(person))
        value_set(&from, "phone", value_string(arena_format(arena, "+%.*s", (int)person.len, person.ptr)));
    value_set(&from, "id", value_string(person));
    value_set_text(&from, "name", hook_text(profile, "name", arena));
    return from;
}

static struct slice person_of(const struct delivery *delivery, const struct value *message)
{
    struct slice from = hook_text(message, "from", delivery->arena);
    if (!from.len)
        from = hook_text(message, "from_user_id", delivery->arena);
    return from.len ? from : hook_text(first_item(delivery->contacts), "user_id", delivery->arena);
}

/* What says nothing to the one who answers: it would begin conversations of its own. */
static bool is_silent(const struct value *message, struct slice type)
{
    return slice_is(type, "reaction") || slice_is(type, "system") || slice_is(type, "request_welcome") ||
           value_member(message, "group_id");
}

static enum hook_status read_message(struct delivery *delivery, const struct value *message, uint32_t index)
{
    struct arena *arena = delivery->arena;
    struct slice id = hook_text(message, "id", arena), type = hook_text(message, "type", arena);
    struct slice person = person_of(delivery, message);
    if (is_silent(message, type))
        return HOOK_OK;
    if (!id.len || !type.len || !person.len)
        return note_missing(delivery, index, !id.len ? "id" : !type.len ? "type" : "from");
    struct hook_event event = {.type = EVENT_CHAT_MESSAGE, .id = id, .data = value_map(arena, 4)};
    struct slice inbox = delivery->inbox;
    event.subject = arena_format(arena, "%.*s:%.*s", (int)inbox.len, inbox.ptr ? inbox.ptr : "",
                                 (int)person.len, person.ptr);
    if (!hook_seconds(&event.time_ms, hook_text(message, "timestamp", arena)))
        event.time_ms = TIME_NEVER;
    value_set(&event.data, "from", from_of(delivery, person));
    value_set_text(&event.data, "to", inbox);
    value_set_text(&event.data, "text", hook_whatsapp_text(message, type, arena));
    struct value attributes = hook_whatsapp_attributes(message, type, arena);
    value_set(&attributes, "verified", value_bool(is_number(person)));
    value_set(&event.data, "attributes", attributes);
    return hook_add(delivery->result, delivery->request, &event, arena);
}

static enum hook_status read_change(struct delivery *delivery, const struct value *change)
{
    const struct value *value = value_member(change, "value"), *messages = value_member(value, "messages");
    if (!slice_is(hook_text(change, "field", delivery->arena), "messages") || !messages ||
        messages->kind != VALUE_LIST)
        return HOOK_OK;
    delivery->contacts = value_member(value, "contacts");
    delivery->inbox = hook_text(value_member(value, "metadata"), "phone_number_id", delivery->arena);
    for (uint32_t i = 0; i < messages->count; i++) {
        enum hook_status status = read_message(delivery, &messages->items[i], i);
        if (status != HOOK_OK)
            return status;
    }
    return HOOK_OK;
}

static enum hook_status read_entries(struct delivery *delivery, const struct value *entries)
{
    for (uint32_t i = 0; i < entries->count; i++) {
        const struct value *changes = value_member(&entries->items[i], "changes");
        for (uint32_t n = 0; changes && changes->kind == VALUE_LIST && n < changes->count; n++) {
            snprintf(delivery->pointer, sizeof delivery->pointer, "/entry/%u/changes/%u/value/messages", i,
                     n);
            enum hook_status status = read_change(delivery, &changes->items[n]);
            if (status != HOOK_OK)
                return status;
        }
    }
    return HOOK_OK;
}

enum hook_status hook_whatsapp_decode(struct hook_result *result, const struct hook_request *request,
                                      struct arena *arena)
{
    struct delivery delivery = {.result = result, .request = request, .arena = arena};
    struct value document;
    if (request->method == HOOK_GET)
        return confirm(result, request, arena);
    enum hook_status status = hook_json(&document, result, request, arena);
    if (status != HOOK_OK)
        return status;
    struct slice object = hook_text(&document, "object", arena);
    const struct value *entries = value_member(&document, "entry");
    if (!object.len || !entries || entries->kind != VALUE_LIST)
        return hook_missing(result, object.len ? "/entry" : "/object");
    if (!slice_is(object, "whatsapp_business_account"))
        return HOOK_IGNORED;
    status = read_entries(&delivery, entries);
    return status == HOOK_OK ? hook_unless_skipped(result) : status;
}
