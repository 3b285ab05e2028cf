/* The envelope: one pass over the members of the document, a row per attribute that the specification names.
 */
#include "proto/cloudevent.h"

#include <string.h>

#include "proto/base64.h"
#include "proto/event_data.h"
#include "proto/fault.h"
#include "proto/json.h"

struct envelope {
    struct slice specversion, id, source, type, subject, time, datacontenttype, dataschema;
    const struct value *data, *data_base64; /* NULL when absent */
    int64_t time_ms;
};

static const struct attribute {
    const char *name;
    size_t offset; /* of its slice in the envelope */
    size_t max;    /* bytes */
    bool required;
} attributes[] = {
    {"specversion", offsetof(struct envelope, specversion), EVENT_ATTRIBUTE_MAX, true},
    {"id", offsetof(struct envelope, id), EVENT_ATTRIBUTE_MAX, true},
    {"source", offsetof(struct envelope, source), EVENT_ATTRIBUTE_MAX, true},
    {"type", offsetof(struct envelope, type), EVENT_ATTRIBUTE_MAX, true},
    {"subject", offsetof(struct envelope, subject), EVENT_ATTRIBUTE_MAX, false},
    {"time", offsetof(struct envelope, time), EVENT_ATTRIBUTE_MAX, false},
    {"datacontenttype", offsetof(struct envelope, datacontenttype), EVENT_ATTRIBUTE_MAX, false},
    {"dataschema", offsetof(struct envelope, dataschema), EVENT_ATTRIBUTE_MAX, false},
};
#define ATTRIBUTE_COUNT (sizeof attributes / sizeof attributes[0])

static bool refuse(struct fault *fault, struct slice name, const char *why)
{
    return fault_set_member(fault, "", name, "%.*s %s", fault_quote(name), name.ptr, why);
}

/* CloudEvents 3.1: control characters (C0, DEL, C1) have no place in an attribute. Text is UTF-8 already. */
static bool has_control(struct slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        if (c < 0x20 || c == 0x7F || (c == 0xC2 && (unsigned char)text.ptr[i + 1] < 0xA0))
            return true;
    }
    return false;
}

static bool is_attribute_name(struct slice name)
{
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];
        if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9'))
            return false;
    }
    return name.len > 0;
}

/* RFC 2046, grammar of RFC 2045 5.1: a token on each side of the slash; what follows ";" is the reader's
 * business. */
static bool is_media_type(struct slice text)
{
    size_t slashes = 0, since = 0;
    for (size_t i = 0; i < text.len && text.ptr[i] != ';'; i++) {
        char c = text.ptr[i];
        if (c == '/') {
            if (slashes++ || !since)
                return false;
            since = 0;
        } else if (c != ' ' && c != '\t') {
            if (c <= ' ' || c > '~' || strchr("()<>@,:\\\"[]?=", c))
                return false;
            since++;
        }
    }
    return slashes == 1 && since;
}

static bool read_attribute(struct envelope *envelope, const struct attribute *attribute,
                           const struct value_member *member, struct fault *fault)
{
    if (member->value.kind == VALUE_NULL && !attribute->required)
        return true;
    struct slice text = member->value.string;
    if (member->value.kind != VALUE_STRING)
        return refuse(fault, member->name, "must be a string");
    if (!text.len)
        return refuse(fault, member->name, "must not be empty");
    if (text.len > attribute->max)
        return fault_set_member(fault, "", member->name, "%s is longer than %zu bytes", attribute->name,
                                attribute->max);
    if (has_control(text))
        return refuse(fault, member->name, "holds control characters");
    memcpy((char *)envelope + attribute->offset, &text, sizeof text);
    return true;
}

/* Values of the CloudEvents type system, as JSON or MessagePack carry them. */
static bool read_extension(const struct value_member *member, struct fault *fault)
{
    switch (member->value.kind) {
    case VALUE_NULL:
    case VALUE_BOOL:
    case VALUE_INT:
    case VALUE_STRING:
    case VALUE_BYTES:
        return true;
    case VALUE_DOUBLE:
    case VALUE_LIST:
    case VALUE_MAP:
        break;
    }
    return refuse(fault, member->name, "must be a string, an integer or a boolean");
}

static const struct attribute *find_attribute(struct slice name)
{
    for (size_t i = 0; i < ATTRIBUTE_COUNT; i++) {
        if (slice_is(name, attributes[i].name))
            return &attributes[i];
    }
    return NULL;
}

static bool read_member(struct envelope *envelope, const struct value_member *member, struct fault *fault)
{
    bool absent = member->value.kind == VALUE_NULL;
    const struct attribute *attribute = find_attribute(member->name);
    if (attribute)
        return read_attribute(envelope, attribute, member, fault);
    if (slice_is(member->name, "data")) {
        envelope->data = absent ? NULL : &member->value;
        return true;
    }
    if (slice_is(member->name, "data_base64")) {
        envelope->data_base64 = absent ? NULL : &member->value;
        return absent || member->value.kind == VALUE_STRING ||
               refuse(fault, member->name, "must be a string");
    }
    if (!is_attribute_name(member->name))
        return refuse(fault, member->name, "is no attribute name: only a-z and 0-9 are allowed");
    return read_extension(member, fault);
}

static bool read_envelope(struct envelope *envelope, const struct value *document, struct fault *fault)
{
    *envelope = (struct envelope){.time_ms = TIME_NEVER};
    if (document->kind != VALUE_MAP)
        return fault_set(fault, "", "an event must be a map");
    for (uint32_t i = 0; i < document->count; i++) {
        if (!read_member(envelope, &document->members[i], fault))
            return false;
    }
    for (size_t i = 0; i < ATTRIBUTE_COUNT; i++) {
        struct slice text;
        memcpy(&text, (char *)envelope + attributes[i].offset, sizeof text);
        if (attributes[i].required && !text.len)
            return refuse(fault, slice_of(attributes[i].name), "is required");
    }
    if (!slice_is(envelope->specversion, "1.0"))
        return refuse(fault, SLICE("specversion"), "must be \"1.0\"");
    if (envelope->time.len && !time_read(&envelope->time_ms, envelope->time))
        return refuse(fault, SLICE("time"),
                      "must be a time with offset, as in 2026-11-21T23:10:35Z (RFC 3339)");
    if (envelope->datacontenttype.len && !is_media_type(envelope->datacontenttype))
        return refuse(fault, SLICE("datacontenttype"), "must be a media type, as in application/json");
    if (envelope->data && envelope->data_base64)
        return refuse(fault, SLICE("data_base64"), "and data must not both be there");
    return true;
}

bool cloudevent_envelope_check(const struct value *document, struct fault *fault)
{
    struct envelope envelope;
    return read_envelope(&envelope, document, fault);
}

/* `data` as bytes is JSON that somebody wrapped. */
static bool unwrap_data(struct value *out, struct slice bytes, const char *pointer, struct arena *arena,
                        struct fault *fault)
{
    if (json_read(out, bytes, arena, fault))
        return true;
    struct fault inside = *fault;
    return fault_set(fault, pointer, "%s", inside.detail);
}

static bool read_data(struct event *out, const struct envelope *envelope, struct arena *arena,
                      struct fault *fault)
{
    const struct value *data = envelope->data;
    struct value unwrapped;
    if (envelope->data_base64) {
        struct slice bytes;
        if (!base64_read(&bytes, envelope->data_base64->string, arena))
            return refuse(fault, SLICE("data_base64"), "is not base64 (RFC 4648 section 4)");
        if (!unwrap_data(&unwrapped, bytes, "/data_base64", arena, fault))
            return false;
        data = &unwrapped;
    } else if (data && data->kind == VALUE_BYTES) {
        if (!unwrap_data(&unwrapped, data->string, "/data", arena, fault))
            return false;
        data = &unwrapped;
    }
    return event_read_data(out, data, arena, fault);
}

bool cloudevent_read(struct event *out, const struct value *document, struct arena *arena,
                     struct fault *fault)
{
    struct envelope envelope;
    if (!read_envelope(&envelope, document, fault))
        return false;
    *out = (struct event){.id = envelope.id,
                          .source = envelope.source,
                          .subject = envelope.subject,
                          .time_ms = envelope.time_ms};
    if (!event_type_parse(&out->type, envelope.type))
        return fault_set(
            fault, "/type",
            "%.*s is no type of event that is known here: call.ringing, call.answered, call.ended, "
            "chat.message, chat.ended, email.received",
            fault_quote(envelope.type), envelope.type.ptr);
    if (!out->subject.len)
        return refuse(fault, SLICE("subject"), "is required: the call, the session or the Message-ID");
    return read_data(out, &envelope, arena, fault);
}
