#include "proto/hook_whatsapp.h"

#include "proto/hook.h"
#include "proto/json.h"

static const struct value *named(const struct value *message, struct slice type)
{
    for (uint32_t i = 0; message->kind == VALUE_MAP && i < message->count; i++) {
        if (slice_equal(message->members[i].name, type))
            return &message->members[i].value;
    }
    return NULL;
}

static bool is_media(struct slice type)
{
    static const char *const types[] = {"image", "video", "audio", "document", "sticker", "voice"};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        if (slice_is(type, types[i]))
            return true;
    }
    return false;
}

/* The list itself, or NULL; of a longer one only the beginning is told. */
static const struct value *list_of(uint32_t *count, const struct value *list)
{
    if (!list || list->kind != VALUE_LIST)
        return NULL;
    *count = list->count < HOOK_WHATSAPP_ITEMS_MAX ? list->count : HOOK_WHATSAPP_ITEMS_MAX;
    return list;
}

static struct slice line_added(struct slice text, struct slice line, struct arena *arena)
{
    if (!line.len || !text.len)
        return line.len ? line : text;
    return arena_format(arena, "%.*s\n%.*s", (int)text.len, text.ptr, (int)line.len, line.ptr);
}

/* --- text --- */

static struct slice location_text(const struct value *location, struct arena *arena)
{
    struct slice latitude = hook_text(location, "latitude", arena);
    struct slice longitude = hook_text(location, "longitude", arena);
    struct slice text =
        line_added(hook_text(location, "name", arena), hook_text(location, "address", arena), arena);
    if (!latitude.len || !longitude.len)
        return text;
    return line_added(
        text,
        arena_format(arena, "%.*s, %.*s", (int)latitude.len, latitude.ptr, (int)longitude.len, longitude.ptr),
        arena);
}

static struct slice first_text(const struct value *list, const char *name, struct arena *arena)
{
    return list && list->kind == VALUE_LIST && list->count ? hook_text(&list->items[0], name, arena)
                                                           : (struct slice){NULL, 0};
}

static struct slice contacts_text(const struct value *contacts, struct arena *arena)
{
    struct slice text = {NULL, 0};
    uint32_t count = 0;
    const struct value *list = list_of(&count, contacts);
    for (uint32_t i = 0; list && i < count; i++) {
        struct slice name = hook_text(value_member(&list->items[i], "name"), "formatted_name", arena);
        struct slice phone = first_text(value_member(&list->items[i], "phones"), "phone", arena);
        struct slice line =
            arena_format(arena, "%.*s%s%.*s", (int)name.len, name.ptr ? name.ptr : "",
                         name.len && phone.len ? ", " : "", (int)phone.len, phone.ptr ? phone.ptr : "");
        text = line_added(text, line, arena);
    }
    return text;
}

static struct slice order_text(const struct value *order, struct arena *arena)
{
    struct slice text = hook_text(order, "text", arena);
    uint32_t count = 0;
    const struct value *list = list_of(&count, value_member(order, "product_items"));
    for (uint32_t i = 0; list && i < count; i++) {
        struct slice id = hook_text(&list->items[i], "product_retailer_id", arena);
        struct slice quantity = hook_text(&list->items[i], "quantity", arena);
        struct slice line = arena_format(arena, "%.*s x %.*s", (int)quantity.len,
                                         quantity.ptr ? quantity.ptr : "", (int)id.len, id.ptr ? id.ptr : "");
        text = line_added(text, line, arena);
    }
    return text;
}

/* What was chosen from buttons or a list, or the words that a form was sent with. */
static const struct value *interactive_reply(const struct value *interactive)
{
    const struct value *reply = value_member(interactive, "button_reply");
    return reply ? reply : value_member(interactive, "list_reply");
}

static struct slice interactive_text(const struct value *interactive, struct arena *arena)
{
    const struct value *reply = interactive_reply(interactive);
    return reply ? hook_text(reply, "title", arena)
                 : hook_text(value_member(interactive, "nfm_reply"), "body", arena);
}

struct slice hook_whatsapp_text(const struct value *message, struct slice type, struct arena *arena)
{
    const struct value *content = named(message, type);
    if (slice_is(type, "text"))
        return hook_text(content, "body", arena);
    if (slice_is(type, "button"))
        return hook_text(content, "text", arena);
    if (slice_is(type, "location"))
        return location_text(content, arena);
    if (slice_is(type, "contacts"))
        return contacts_text(content, arena);
    if (slice_is(type, "order"))
        return order_text(content, arena);
    if (slice_is(type, "interactive"))
        return interactive_text(content, arena);
    return hook_text(content, "caption", arena);
}

/* --- attributes --- */

static struct value attachment_of(const struct value *media, struct slice kind, struct arena *arena)
{
    struct value list = value_list(arena, 1), item = value_map(arena, 6);
    value_set(&item, "kind", value_string(kind));
    value_set_text(&item, "id", hook_text(media, "id", arena));
    value_set_text(&item, "name", hook_text(media, "filename", arena));
    value_set_text(&item, "type", hook_text(media, "mime_type", arena));
    value_set_text(&item, "url", hook_text(media, "url", arena));
    value_set_text(&item, "sha256", hook_text(media, "sha256", arena));
    value_append(&list, item);
    return list;
}

static struct value contacts_of(const struct value *contacts, struct arena *arena)
{
    uint32_t count = 0;
    const struct value *list = list_of(&count, contacts);
    struct value out = value_list(arena, count);
    for (uint32_t i = 0; list && i < count; i++) {
        const struct value *contact = &list->items[i];
        struct value item = value_map(arena, 3);
        value_set_text(&item, "name", hook_text(value_member(contact, "name"), "formatted_name", arena));
        value_set_text(&item, "phone", first_text(value_member(contact, "phones"), "phone", arena));
        value_set_text(&item, "email", first_text(value_member(contact, "emails"), "email", arena));
        value_append(&out, item);
    }
    return out;
}

/* Members of `from` that are texts or numbers, as they are. */
static struct value picked(const struct value *from, const char *const *names, uint32_t count,
                           struct arena *arena)
{
    struct value map = value_map(arena, count);
    for (uint32_t i = 0; i < count; i++) {
        const struct value *member = value_member(from, names[i]);
        if (member &&
            (member->kind == VALUE_STRING || member->kind == VALUE_INT || member->kind == VALUE_DOUBLE))
            value_set(&map, names[i], *member);
    }
    return map;
}
#define PICKED(from, names, arena) picked((from), (names), sizeof(names) / sizeof *(names), (arena))

/* The answers to a form come as JSON in a string. */
static void add_interactive(struct value *attributes, const struct value *interactive, struct arena *arena)
{
    static const char *const names[] = {"id", "title", "description"};
    const struct value *reply = interactive_reply(interactive);
    struct slice form = hook_text(value_member(interactive, "nfm_reply"), "response_json", arena);
    struct value answers;
    struct fault fault;
    if (reply)
        value_set(attributes, "reply", PICKED(reply, names, arena));
    if (form.len)
        value_set(attributes, "form",
                  json_read(&answers, form, arena, &fault) ? answers : value_string(form));
}

static void add_content(struct value *attributes, const struct value *content, struct slice type,
                        struct arena *arena)
{
    static const char *const location[] = {"latitude", "longitude", "name", "address", "url"};
    static const char *const button[] = {"payload", "text"};
    if (is_media(type))
        value_set(attributes, "attachments", attachment_of(content, type, arena));
    else if (slice_is(type, "location"))
        value_set(attributes, "location", PICKED(content, location, arena));
    else if (slice_is(type, "contacts"))
        value_set(attributes, "contacts", contacts_of(content, arena));
    else if (slice_is(type, "interactive"))
        add_interactive(attributes, content, arena);
    else if (slice_is(type, "button"))
        value_set(attributes, "reply", PICKED(content, button, arena));
    else if (slice_is(type, "order") && content && content->kind == VALUE_MAP)
        value_set(attributes, "order", *content);
}

struct value hook_whatsapp_attributes(const struct value *message, struct slice type, struct arena *arena)
{
    static const char *const referral[] = {"source_type", "source_id", "source_url", "headline", "body"};
    const struct value *context = value_member(message, "context"), *ad = value_member(message, "referral");
    const struct value *forwarded = value_member(context, "forwarded");
    struct value attributes = value_map(arena, 10);
    value_set(&attributes, "type", value_string(type));
    value_set_text(&attributes, "message", hook_text(message, "id", arena));
    value_set_text(&attributes, "reply_to", hook_text(context, "id", arena));
    if (forwarded && forwarded->kind == VALUE_BOOL)
        value_set(&attributes, "forwarded", *forwarded);
    add_content(&attributes, named(message, type), type, arena);
    if (ad)
        value_set(&attributes, "referral", PICKED(ad, referral, arena));
    value_set_text(&attributes, "error", first_text(value_member(message, "errors"), "title", arena));
    return attributes;
}
