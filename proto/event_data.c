#include "proto/event_data.h"

#include <stdio.h>

#include "proto/fault.h"
#include "proto/json.h"

#define DATA "/data"

/* Which members the types have: one row each, so that the table of the contract can be checked against this
 * one. */
enum member_bits {
    MEMBER_FROM = 1,
    MEMBER_TO = 2,
    MEMBER_DIRECTION = 4,
    MEMBER_ATTRIBUTES = 8,
    MEMBER_AGENT = 16,
    MEMBER_CAUSE = 32,
    MEMBER_TEXT = 64,
    MEMBER_MAIL = 128, /* subject, in_reply_to, references, headers */
    MEMBER_PRIVACY = 256,
};
static const unsigned members_of[EVENT_TYPE_COUNT] = {
    [EVENT_CALL_RINGING] =
        MEMBER_FROM | MEMBER_TO | MEMBER_DIRECTION | MEMBER_PRIVACY | MEMBER_ATTRIBUTES | MEMBER_AGENT,
    [EVENT_CALL_ANSWERED] = MEMBER_AGENT,
    [EVENT_CALL_ENDED] = MEMBER_CAUSE,
    [EVENT_CHAT_MESSAGE] = MEMBER_FROM | MEMBER_TO | MEMBER_DIRECTION | MEMBER_TEXT | MEMBER_ATTRIBUTES,
    [EVENT_CHAT_ENDED] = MEMBER_CAUSE,
    [EVENT_EMAIL_RECEIVED] =
        MEMBER_FROM | MEMBER_TO | MEMBER_DIRECTION | MEMBER_TEXT | MEMBER_MAIL | MEMBER_ATTRIBUTES,
};

static bool is_absent(const struct value *value)
{
    return !value || value->kind == VALUE_NULL;
}

static bool refuse(struct fault *fault, const char *name, const char *why)
{
    return fault_set_member(fault, DATA, slice_of(name), "%s %s", name, why);
}

static bool too_long(struct fault *fault, const char *name, size_t max)
{
    return fault_set_member(fault, DATA, slice_of(name), "%s is longer than %zu bytes", name, max);
}

static bool read_text(struct slice *out, const struct value *data, const char *name, size_t max,
                      struct fault *fault)
{
    const struct value *value = value_member(data, name);
    if (is_absent(value))
        return true;
    if (value->kind != VALUE_STRING)
        return refuse(fault, name, "must be a string");
    if (value->string.len > max)
        return too_long(fault, name, max);
    *out = value->string;
    return true;
}

/* A caller id that the gateway sent empty is a call of somebody unknown; one that it did not send at all is a
 * mistake, unless it says that the id is withheld. */
static bool may_be_nobody(const struct event *event, const struct value *from)
{
    if (event_type_channel(event->type) != CHANNEL_CALL)
        return false;
    if (event->privacy || (from && from->kind == VALUE_STRING))
        return true;
    const struct value *phone = value_member(from, "phone");
    return phone && phone->kind == VALUE_STRING;
}

static bool read_from(struct event *event, const struct value *data, struct fault *fault)
{
    const struct value *from = value_member(data, "from");
    if (is_absent(from))
        return may_be_nobody(event, NULL) || refuse(fault, "from", "is required");
    if (!event_read_party(&event->from, from, event_type_channel(event->type), fault))
        return false;
    const struct party *party = &event->from;
    if (party->phone.len || party->email.len || party->id.len || may_be_nobody(event, from))
        return true;
    return refuse(fault, "from", "needs at least one of phone, email and id");
}

static bool read_to(struct event *event, const struct value *data, struct fault *fault)
{
    const struct value *to = value_member(data, "to");
    if (event->type == EVENT_EMAIL_RECEIVED && to && to->kind == VALUE_LIST) {
        for (uint32_t i = 0; i < to->count; i++) {
            const struct value *item = &to->items[i];
            if (item->kind != VALUE_STRING || item->string.len > EVENT_ATTRIBUTE_MAX) {
                char pointer[32];
                snprintf(pointer, sizeof pointer, DATA "/to/%u", i);
                return fault_set(fault, pointer, "to[%u] must be a string of at most %d bytes", i,
                                 EVENT_ATTRIBUTE_MAX);
            }
            if (!event->to.len)
                event->to = item->string;
        }
    } else if (!read_text(&event->to, data, "to", EVENT_ATTRIBUTE_MAX, fault)) {
        return false;
    }
    return event->to.len || refuse(fault, "to", "is required");
}

static bool read_privacy(struct event *event, const struct value *data, struct fault *fault)
{
    const struct value *privacy = value_member(data, "privacy");
    if (!is_absent(privacy) && privacy->kind != VALUE_BOOL)
        return refuse(fault, "privacy", "must be true or false");
    event->privacy = !is_absent(privacy) && privacy->boolean;
    return true;
}

/* Of a chat or mail: outbound is what the agent wrote. */
static bool read_direction(struct event *event, const struct value *data, struct fault *fault)
{
    struct slice direction = {NULL, 0};
    if (!read_text(&direction, data, "direction", EVENT_ATTRIBUTE_MAX, fault))
        return false;
    event->outbound = slice_is(direction, "outbound");
    if (!direction.len || event->outbound || slice_is(direction, "inbound"))
        return true;
    return refuse(fault, "direction", "must be inbound or outbound");
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* A ring: the newest references push the oldest out. */
struct references {
    struct slice *items;
    uint32_t count; /* of all that came */
};

/* One string may hold several ids, as the header does. */
static bool add_references(struct references *references, struct slice text)
{
    for (size_t at = 0; at < text.len;) {
        size_t start = at;
        while (at < text.len && !is_blank(text.ptr[at]))
            at++;
        if (at - start > EVENT_ATTRIBUTE_MAX)
            return false;
        if (at > start)
            references->items[references->count++ % EVENT_REFERENCES_MAX] =
                (struct slice){text.ptr + start, at - start};
        at++;
    }
    return true;
}

static bool read_references(struct slice **out, uint32_t *out_count, const struct value *data,
                            const char *name, struct arena *arena, struct fault *fault)
{
    const struct value *value = value_member(data, name);
    if (is_absent(value))
        return true;
    struct slice ring[EVENT_REFERENCES_MAX];
    struct references references = {ring, 0};
    const struct value *items = value->kind == VALUE_LIST ? value->items : value;
    uint32_t count = value->kind == VALUE_LIST ? value->count : 1;
    for (uint32_t i = 0; i < count; i++) {
        if (items[i].kind != VALUE_STRING)
            return refuse(fault, name, "must be a list of strings");
        if (!add_references(&references, items[i].string))
            return too_long(fault, name, EVENT_ATTRIBUTE_MAX);
    }
    uint32_t kept = references.count < EVENT_REFERENCES_MAX ? references.count : EVENT_REFERENCES_MAX;
    *out = arena_array(arena, struct slice, kept);
    for (uint32_t i = 0; i < kept; i++)
        (*out)[i] = references.items[(references.count - kept + i) % EVENT_REFERENCES_MAX];
    *out_count = kept;
    return true;
}

static bool is_text_or_texts(const struct value *value)
{
    if (value->kind != VALUE_LIST)
        return value->kind == VALUE_STRING;
    for (uint32_t i = 0; i < value->count; i++) {
        if (value->items[i].kind != VALUE_STRING)
            return false;
    }
    return true;
}

static bool read_map(struct value *out, const struct value *data, const char *name, size_t max,
                     struct fault *fault)
{
    const struct value *map = value_member(data, name);
    if (is_absent(map))
        return true;
    if (map->kind != VALUE_MAP)
        return refuse(fault, name, "must be a map");
    if (json_size(map) > max)
        return too_long(fault, name, max);
    *out = *map;
    return true;
}

static bool read_mail(struct event *event, const struct value *data, struct arena *arena, struct fault *fault)
{
    if (!read_text(&event->title, data, "subject", EVENT_TITLE_MAX, fault) ||
        !read_references(&event->in_reply_to, &event->in_reply_to_count, data, "in_reply_to", arena, fault) ||
        !read_references(&event->references, &event->references_count, data, "references", arena, fault) ||
        !read_map(&event->headers, data, "headers", EVENT_HEADERS_MAX, fault))
        return false;
    for (uint32_t i = 0; event->headers.kind == VALUE_MAP && i < event->headers.count; i++) {
        const struct value_member *header = &event->headers.members[i];
        if (!is_text_or_texts(&header->value))
            return fault_set_member(fault, DATA "/headers", header->name,
                                    "headers.%.*s must be a string or a list of strings",
                                    fault_quote(header->name), header->name.ptr);
    }
    return true;
}

bool event_read_data(struct event *event, const struct value *data, struct arena *arena, struct fault *fault)
{
    unsigned has = members_of[event->type];
    if (!is_absent(data) && data->kind != VALUE_MAP)
        return fault_set(fault, DATA, "data must be a map");
    if (has & MEMBER_PRIVACY && !read_privacy(event, data, fault))
        return false;
    if (has & MEMBER_DIRECTION && !read_direction(event, data, fault))
        return false;
    if (has & MEMBER_FROM && !read_from(event, data, fault))
        return false;
    if (has & MEMBER_TO && !read_to(event, data, fault))
        return false;
    if (has & MEMBER_AGENT && !read_text(&event->agent, data, "agent", EVENT_ATTRIBUTE_MAX, fault))
        return false;
    if (has & MEMBER_CAUSE && !read_text(&event->cause, data, "cause", EVENT_ATTRIBUTE_MAX, fault))
        return false;
    if (has & MEMBER_TEXT && !read_text(&event->text, data, "text", EVENT_TEXT_MAX, fault))
        return false;
    if (has & MEMBER_MAIL && !read_mail(event, data, arena, fault))
        return false;
    return !(has & MEMBER_ATTRIBUTES) ||
           read_map(&event->attributes, data, "attributes", EVENT_ATTRIBUTES_MAX, fault);
}
