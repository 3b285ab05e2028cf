#include "proto/hook_telegram.h"

#include "proto/hook.h"

#define BUTTONS_MAX 100 /* of a keyboard that are looked at (Telegram allows no more) */

/* What a message can hold besides text: each is a member of its name. */
static const struct content {
    const char *name;
    bool is_file;
    const char *type; /* where Telegram gives none */
} contents[] = {
    {"animation", true, NULL}, /* before document: an animation comes as both */
    {"photo", true, "image/jpeg"}, {"document", true, NULL},   {"audio", true, NULL},
    {"voice", true, "audio/ogg"},  {"video", true, NULL},      {"video_note", true, "video/mp4"},
    {"sticker", true, NULL},       {"venue", false, NULL},     {"location", false, NULL},
    {"contact", false, NULL},      {"poll", false, NULL},      {"dice", false, NULL},
    {"story", false, NULL},        {"game", false, NULL},      {"paid_media", false, NULL},
    {"invoice", false, NULL},      {"checklist", false, NULL}, {"web_app_data", false, NULL},
};

static const struct content *content_of(const struct value *message)
{
    for (size_t i = 0; i < sizeof contents / sizeof *contents; i++) {
        if (value_member(message, contents[i].name))
            return &contents[i];
    }
    return NULL;
}

bool hook_telegram_has_content(const struct value *message)
{
    return value_member(message, "text") || content_of(message);
}

/* --- text --- */

static struct slice joined(struct slice a, const char *between, struct slice b, struct arena *arena)
{
    if (!a.len || !b.len)
        return a.len ? a : b;
    return arena_format(arena, "%.*s%s%.*s", (int)a.len, a.ptr, between, (int)b.len, b.ptr);
}

static struct slice place_text(const struct value *location, struct arena *arena)
{
    return joined(hook_text(location, "latitude", arena), ", ", hook_text(location, "longitude", arena),
                  arena);
}

static struct slice venue_text(const struct value *venue, struct arena *arena)
{
    struct slice text =
        joined(hook_text(venue, "title", arena), "\n", hook_text(venue, "address", arena), arena);
    return joined(text, "\n", place_text(value_member(venue, "location"), arena), arena);
}

static struct slice contact_text(const struct value *contact, struct arena *arena)
{
    struct slice name =
        joined(hook_text(contact, "first_name", arena), " ", hook_text(contact, "last_name", arena), arena);
    return joined(name, ", ", hook_text(contact, "phone_number", arena), arena);
}

struct slice hook_telegram_text(const struct value *message, struct arena *arena)
{
    static const struct {
        const char *content, *member;
    } texts[] = {{"poll", "question"}, {"dice", "emoji"},        {"sticker", "emoji"},
                 {"game", "title"},    {"web_app_data", "data"}, {"checklist", "title"}};
    struct slice text = hook_text(message, "text", arena);
    if (!text.len)
        text = hook_text(message, "caption", arena);
    if (text.len)
        return text;
    if (value_member(message, "venue"))
        return venue_text(value_member(message, "venue"), arena);
    if (value_member(message, "location"))
        return place_text(value_member(message, "location"), arena);
    if (value_member(message, "contact"))
        return contact_text(value_member(message, "contact"), arena);
    for (size_t i = 0; i < sizeof texts / sizeof *texts && !text.len; i++)
        text = hook_text(value_member(message, texts[i].content), texts[i].member, arena);
    return text;
}

/* --- attributes --- */

/* A photo comes in several sizes, the largest last. */
static const struct value *file_of(const struct value *content)
{
    if (content->kind != VALUE_LIST)
        return content;
    return content->count ? &content->items[content->count - 1] : NULL;
}

static struct value attachments_of(const struct content *content, const struct value *file,
                                   struct arena *arena)
{
    struct value list = value_list(arena, 1), item = value_map(arena, 5);
    struct slice type = hook_text(file, "mime_type", arena);
    const struct value *size = value_member(file, "file_size");
    value_set(&item, "kind", value_string(slice_of(content->name)));
    value_set_text(&item, "id", hook_text(file, "file_id", arena));
    value_set_text(&item, "name", hook_text(file, "file_name", arena));
    value_set_text(&item, "type", type.len ? type : slice_of(content->type));
    if (size && size->kind == VALUE_INT)
        value_set(&item, "size", *size);
    value_append(&list, item);
    return list;
}

static struct value location_of(const struct value *message, struct arena *arena)
{
    static const char *const names[] = {"latitude", "longitude"};
    const struct value *place = value_member(message, "location");
    struct value map = value_map(arena, 2);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const struct value *number = value_member(place, names[i]);
        if (number && (number->kind == VALUE_DOUBLE || number->kind == VALUE_INT))
            value_set(&map, names[i], *number);
    }
    return map;
}

static struct value contact_of(const struct value *contact, struct arena *arena)
{
    struct value map = value_map(arena, 3);
    value_set_text(
        &map, "name",
        joined(hook_text(contact, "first_name", arena), " ", hook_text(contact, "last_name", arena), arena));
    value_set_text(&map, "phone", hook_text(contact, "phone_number", arena));
    value_set_text(&map, "id", hook_text(contact, "user_id", arena));
    return map;
}

static void add_person(struct value *attributes, const struct value *message, const struct value *user,
                       struct arena *arena)
{
    value_set_text(attributes, "message", hook_text(message, "message_id", arena));
    value_set_text(attributes, "chat", hook_text(value_member(message, "chat"), "id", arena));
    value_set_text(attributes, "user", hook_text(user, "username", arena));
    value_set_text(attributes, "language", hook_text(user, "language_code", arena));
}

struct value hook_telegram_attributes(const struct value *message, const struct value *user,
                                      struct arena *arena)
{
    const struct content *content = content_of(message);
    const struct value *inside = content ? value_member(message, content->name) : NULL;
    const struct value *file = inside && content->is_file ? file_of(inside) : NULL;
    struct value attributes = value_map(arena, 13);
    add_person(&attributes, message, user, arena);
    value_set(&attributes, "type", value_string(content ? slice_of(content->name) : SLICE("text")));
    value_set_text(&attributes, "reply_to",
                   hook_text(value_member(message, "reply_to_message"), "message_id", arena));
    if (value_member(message, "forward_origin") || value_member(message, "forward_date"))
        value_set(&attributes, "forwarded", value_bool(true));
    value_set_text(&attributes, "album", hook_text(message, "media_group_id", arena));
    if (file)
        value_set(&attributes, "attachments", attachments_of(content, file, arena));
    if (value_member(message, "location"))
        value_set(&attributes, "location", location_of(message, arena));
    if (value_member(message, "contact"))
        value_set(&attributes, "contact", contact_of(value_member(message, "contact"), arena));
    return attributes;
}

/* --- buttons --- */

static const struct value *items_of(const struct value *list, uint32_t *count)
{
    *count = list && list->kind == VALUE_LIST ? list->count : 0;
    if (*count > BUTTONS_MAX)
        *count = BUTTONS_MAX;
    return *count ? list->items : NULL;
}

struct slice hook_telegram_label(const struct value *message, struct slice data, struct arena *arena)
{
    uint32_t row_count, count;
    const struct value *rows =
        items_of(value_member(value_member(message, "reply_markup"), "inline_keyboard"), &row_count);
    for (uint32_t i = 0; i < row_count; i++) {
        const struct value *buttons = items_of(&rows[i], &count);
        for (uint32_t n = 0; n < count; n++) {
            struct slice label = hook_text(&buttons[n], "text", arena);
            if (label.len && slice_equal(hook_text(&buttons[n], "callback_data", arena), data))
                return label;
        }
    }
    return data;
}

struct value hook_telegram_button(const struct value *query, const struct value *message,
                                  const struct value *user, struct arena *arena)
{
    struct value attributes = value_map(arena, 7), reply = value_map(arena, 2);
    add_person(&attributes, message, user, arena);
    value_set(&attributes, "type", value_string(SLICE("button")));
    value_set_text(&reply, "id", hook_text(query, "data", arena));
    value_set_text(&reply, "query", hook_text(query, "id", arena));
    value_set(&attributes, "reply", reply);
    return attributes;
}
