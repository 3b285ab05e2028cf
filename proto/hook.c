#include "proto/hook.h"

#include <stdarg.h>
#include <stdio.h>

#include "proto/cloudevent.h"
#include "proto/event_data.h"
#include "proto/fault.h"
#include "proto/hook_sign.h"
#include "proto/json.h"
#include "proto/mail_text.h"
#include "rules/ascii.h"

#define DOCUMENT_MEMBERS 7
#define E164_DIGITS_MIN 7 /* fewer are an extension */
#define E164_DIGITS_MAX 15
#define SECONDS_DIGITS_MAX 12 /* beyond the year 9999 anyway */

const char *hook_status_name(enum hook_status status)
{
    static const char *const names[HOOK_STATUS_COUNT] = {"ok",    "ignored",  "malformed",   "bad_signature",
                                                         "stale", "too_many", "unsupported", "reused"};
    return names[status];
}

const struct hook_preset *hook_find_preset(struct slice name)
{
    for (const struct hook_preset *preset = hook_presets; preset->name; preset++) {
        if (slice_is(name, preset->name))
            return preset;
    }
    return NULL;
}

enum hook_status hook_read(struct hook_result *result, const struct hook_preset *preset,
                           const struct hook_request *request, bool trusted, struct arena *arena)
{
    *result = (struct hook_result){.events = arena_array(arena, struct value, HOOK_EVENTS_MAX)};
    if (!trusted && preset->verify) {
        enum hook_status status = preset->verify(request, arena);
        if (status != HOOK_OK)
            return status;
    }
    return preset->decode(result, request, arena);
}

/* --- events --- */

/* What stands in data is the peer's: any bytes, any length. */
static struct value cleaned(const struct value *value, size_t max, unsigned depth, struct arena *arena);

static size_t room_of(struct slice name, size_t max, unsigned depth)
{
    if (depth > 1)
        return max;
    return slice_is(name, "text") ? EVENT_TEXT_MAX : slice_is(name, "subject") ? EVENT_TITLE_MAX : max;
}

static struct value cleaned_map(const struct value *map, size_t max, unsigned depth, struct arena *arena)
{
    struct value out = value_map(arena, map->count);
    for (uint32_t i = 0; i < map->count; i++) {
        const struct value_member *member = &map->members[i];
        struct slice name = mail_line(member->name, arena);
        size_t room = room_of(name, max, depth);
        out.members[out.count++] =
            (struct value_member){name, cleaned(&member->value, room, depth + 1, arena)};
    }
    return out;
}

static struct value cleaned(const struct value *value, size_t max, unsigned depth, struct arena *arena)
{
    if (depth > HOOK_DEPTH_MAX)
        return value_null();
    if (value->kind == VALUE_STRING)
        return value_string(mail_text_begin(mail_text(value->string, (struct slice){NULL, 0}, arena), max));
    if (value->kind == VALUE_MAP)
        return cleaned_map(value, max, depth, arena);
    if (value->kind != VALUE_LIST)
        return *value;
    struct value out = value_list(arena, value->count);
    for (uint32_t i = 0; i < value->count; i++)
        value_append(&out, cleaned(&value->items[i], max, depth + 1, arena));
    return out;
}

/* Attributes are for rules and desktops: too many of them do not cost the event. */
static void bound_attributes(struct value *data)
{
    for (uint32_t i = 0; i < data->count; i++) {
        struct value_member *member = &data->members[i];
        if (slice_is(member->name, "attributes") && json_size(&member->value) > EVENT_ATTRIBUTES_MAX)
            member->value = value_null();
    }
}

static bool takes_place(const struct hook_event *event)
{
    const struct value *direction = value_member(&event->data, "direction");
    bool is_outbound =
        direction && direction->kind == VALUE_STRING && slice_is(direction->string, "outbound");
    return !is_outbound && event->type != EVENT_CALL_ANSWERED && event->type != EVENT_CALL_ENDED &&
           event->type != EVENT_CHAT_ENDED;
}

static struct value with_place(struct value data, struct slice to, struct arena *arena)
{
    struct value out = value_map(arena, data.count + 1);
    value_set(&out, "to", value_string(to));
    for (uint32_t i = 0; i < data.count; i++) {
        if (!slice_is(data.members[i].name, "to"))
            out.members[out.count++] = data.members[i];
    }
    return out;
}

static struct slice name_of(struct slice text, struct arena *arena)
{
    struct slice line = mail_line(text, arena);
    return line.len > EVENT_ATTRIBUTE_MAX ? hook_digest(line, arena) : line;
}

enum hook_status hook_add_document(struct hook_result *result, struct value document)
{
    if (result->event_count == HOOK_EVENTS_MAX)
        return HOOK_TOO_MANY;
    result->events[result->event_count++] = document;
    return HOOK_OK;
}

enum hook_status hook_add(struct hook_result *result, const struct hook_request *request,
                          const struct hook_event *event, struct arena *arena)
{
    struct value document = value_map(arena, DOCUMENT_MEMBERS);
    struct slice subject = name_of(event->subject, arena);
    value_set(&document, "specversion", value_string(SLICE("1.0")));
    value_set(&document, "type", value_string(slice_of(event_type_name(event->type))));
    value_set(&document, "source", value_string(request->source));
    value_set(&document, "id", value_string(name_of(event->id, arena)));
    value_set(&document, "subject", value_string(subject));
    if (event->time_ms != TIME_NEVER)
        value_set(&document, "time", value_string(time_write(event->time_ms, arena)));
    if (event->data.kind == VALUE_MAP) {
        struct value data = cleaned(&event->data, EVENT_ATTRIBUTE_MAX, 1, arena);
        bound_attributes(&data);
        if (request->to.len && takes_place(event))
            data = with_place(data, request->to, arena);
        value_set(&document, "data", data);
    }
    return hook_add_document(result, document);
}

/* --- what is wrong, and what is said --- */

enum hook_status hook_malformed(struct hook_result *result, const char *pointer, const char *format, ...)
{
    char detail[sizeof result->fault.detail];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(detail, sizeof detail, format, arguments);
    va_end(arguments);
    fault_trim(detail, sizeof detail);
    (void)fault_set(&result->fault, pointer, "%s", detail);
    return HOOK_MALFORMED;
}

enum hook_status hook_missing(struct hook_result *result, const char *pointer)
{
    return hook_malformed(result, pointer, "%s is missing", *pointer == '/' ? pointer + 1 : pointer);
}

void hook_skip(struct hook_result *result, struct slice place, struct arena *arena)
{
    const struct fault *fault = &result->fault;
    if (!result->skips)
        result->skips = arena_array(arena, struct fault, HOOK_SKIPS_MAX);
    if (result->skipped < HOOK_SKIPS_MAX)
        (void)fault_set(
            &result->skips[result->skipped],
            arena_format(arena, "%.*s%s%c", (int)place.len, place.ptr ? place.ptr : "", fault->pointer, 0)
                .ptr,
            "%s", fault->detail);
    result->skipped++;
}

enum hook_status hook_unless_skipped(struct hook_result *result)
{
    if (result->skipped)
        result->fault = result->skips[0];
    if (result->event_count)
        return HOOK_OK;
    return result->skipped ? HOOK_MALFORMED : HOOK_IGNORED;
}

void hook_say(struct hook_answer *answer, unsigned status, const char *content_type, struct slice body)
{
    *answer = (struct hook_answer){status, content_type, body};
}

/* --- reading --- */

struct slice hook_plus(struct slice number, struct arena *arena)
{
    for (size_t i = 0; i < number.len; i++) {
        if (!ascii_is_digit(number.ptr[i]))
            return number;
    }
    if (number.len < E164_DIGITS_MIN || number.len > E164_DIGITS_MAX)
        return number;
    return arena_format(arena, "+%.*s", (int)number.len, number.ptr);
}

struct slice hook_phone(const struct hook_request *request, struct slice number, struct arena *arena)
{
    return request->is_e164 ? hook_plus(number, arena) : number;
}

struct slice hook_header(const struct hook_request *request, const char *name)
{
    const struct hook_header *found = NULL;
    for (uint32_t i = 0; i < request->header_count; i++) {
        if (!ascii_equal(request->headers[i].name, name))
            continue;
        if (found)
            return (struct slice){NULL, 0};
        found = &request->headers[i];
    }
    return found ? ascii_trim(found->value) : (struct slice){NULL, 0};
}

bool hook_is_type(const struct hook_request *request, const char *type)
{
    struct slice value = request->content_type;
    return ascii_equal(ascii_trim(ascii_part(value, 0, ascii_find(value, ';'))), type);
}

enum hook_status hook_json(struct value *out, struct hook_result *result, const struct hook_request *request,
                           struct arena *arena)
{
    return json_read(out, request->body, arena, &result->fault) ? HOOK_OK : HOOK_MALFORMED;
}

struct slice hook_value_text(const struct value *value, struct arena *arena)
{
    if (!value)
        return (struct slice){NULL, 0};
    if (value->kind == VALUE_STRING)
        return value->string;
    if (value->kind == VALUE_INT || value->kind == VALUE_DOUBLE || value->kind == VALUE_BOOL)
        return json_write(value, arena);
    return (struct slice){NULL, 0};
}

struct slice hook_text(const struct value *map, const char *name, struct arena *arena)
{
    const struct value *value = value_member(map, name);
    return value && value->kind == VALUE_BOOL ? (struct slice){NULL, 0} : hook_value_text(value, arena);
}

/* Compares a member's name with one segment of a pointer, in which ~1 is "/" and ~0 is "~". */
static bool segment_is(struct slice segment, struct slice name)
{
    size_t at = 0;
    for (size_t i = 0; i < segment.len; i++, at++) {
        char c = segment.ptr[i];
        if (c == '~' && i + 1 < segment.len)
            c = segment.ptr[++i] == '1' ? '/' : '~';
        if (at >= name.len || name.ptr[at] != c)
            return false;
    }
    return at == name.len;
}

static const struct value *item_at(const struct value *list, struct slice segment)
{
    uint64_t index = 0;
    if (!segment.len || segment.len > 9 || (segment.len > 1 && segment.ptr[0] == '0'))
        return NULL;
    for (size_t i = 0; i < segment.len; i++) {
        if (!ascii_is_digit(segment.ptr[i]))
            return NULL;
        index = index * 10 + (uint64_t)(segment.ptr[i] - '0');
    }
    return index < list->count ? &list->items[index] : NULL;
}

static const struct value *step_into(const struct value *value, struct slice segment)
{
    if (value->kind == VALUE_LIST)
        return item_at(value, segment);
    for (uint32_t i = 0; value->kind == VALUE_MAP && i < value->count; i++) {
        if (segment_is(segment, value->members[i].name))
            return &value->members[i].value;
    }
    return NULL;
}

const struct value *hook_at(const struct value *document, struct slice pointer)
{
    while (document && pointer.len && pointer.ptr[0] == '/') {
        struct slice rest = ascii_part(pointer, 1, pointer.len);
        size_t end = ascii_find(rest, '/');
        document = step_into(document, ascii_part(rest, 0, end));
        pointer = ascii_part(rest, end, rest.len);
    }
    return pointer.len ? NULL : document;
}

bool hook_seconds(int64_t *out_ms, struct slice text)
{
    size_t point = ascii_find(text, '.');
    int64_t ms = 0;
    if (!point || point > SECONDS_DIGITS_MAX || (point < text.len && point + 1 == text.len))
        return false;
    for (size_t i = 0; i < text.len; i++) {
        if (i != point && !ascii_is_digit(text.ptr[i]))
            return false;
    }
    for (size_t i = 0; i < point; i++)
        ms = ms * 10 + (text.ptr[i] - '0');
    for (size_t i = point + 1; i < point + 4; i++)
        ms = ms * 10 + (i < text.len ? text.ptr[i] - '0' : 0);
    if (ms >= HOOK_TIME_END_MS)
        return false;
    *out_ms = ms;
    return true;
}
