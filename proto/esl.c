#include "proto/esl.h"

#include <string.h>

#include "proto/fault.h"
#include "proto/json.h"
#include "rules/ascii.h"

#define LENGTH_DIGITS_MAX 9
#define DIGITS_MAX 18

static bool is_name(struct slice text, const char *name)
{
    size_t i = 0;
    while (i < text.len && name[i] && ascii_lower(text.ptr[i]) == ascii_lower(name[i]))
        i++;
    return i == text.len && !name[i];
}

/* The next line of *rest without its end; false: there is none. */
static bool next_line(struct slice *line, struct slice *rest)
{
    if (!rest->len)
        return false;
    size_t end = ascii_find(*rest, '\n');
    *line = ascii_part(*rest, 0, end);
    *rest = ascii_part(*rest, end < rest->len ? end + 1 : end, rest->len);
    return true;
}

static bool split(struct slice *name, struct slice *value, struct slice line)
{
    size_t colon = ascii_find(line, ':');
    if (!colon || colon == line.len)
        return false;
    *name = ascii_trim(ascii_part(line, 0, colon));
    *value = ascii_trim(ascii_part(line, colon + 1, line.len));
    return true;
}

static struct slice find_line(struct slice head, const char *wanted)
{
    struct slice line, name, value;
    while (next_line(&line, &head)) {
        if (split(&name, &value, line) && is_name(name, wanted))
            return value;
    }
    return (struct slice){NULL, 0};
}

static bool read_length(size_t *out, struct slice text)
{
    *out = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (!ascii_is_digit(text.ptr[i]))
            return false;
        *out = *out * 10 + (size_t)(text.ptr[i] - '0');
    }
    return text.len <= LENGTH_DIGITS_MAX;
}

/* --- frames --- */

static enum esl_type type_of(struct slice name)
{
    static const struct {
        const char *name;
        enum esl_type type;
    } types[] = {
        {"auth/request", ESL_AUTH_REQUEST},     {"command/reply", ESL_COMMAND_REPLY},
        {"api/response", ESL_API_RESPONSE},     {"text/event-plain", ESL_EVENT_PLAIN},
        {"text/event-json", ESL_EVENT_JSON},    {"text/disconnect-notice", ESL_DISCONNECT},
        {"text/rude-rejection", ESL_REJECTION},
    };
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        if (ascii_equal(name, types[i].name))
            return types[i].type;
    }
    return ESL_OTHER;
}

static void refuse(struct esl_frame *out, const char *why)
{
    *out = (struct esl_frame){.status = ESL_BAD, .why = why};
}

void esl_read_head(struct esl_frame *out, struct slice input)
{
    size_t start = 0;
    *out = (struct esl_frame){.status = ESL_NEED_MORE};
    while (start < input.len && input.ptr[start] == '\n')
        start++;
    struct slice rest = ascii_part(input, start, input.len);
    const char *end = rest.len ? memmem(rest.ptr, rest.len, "\n\n", 2) : NULL;
    size_t head = end ? (size_t)(end - rest.ptr) + 2 : rest.len;
    if (start + head > ESL_HEAD_MAX) {
        refuse(out, "a head is longer than the limit");
        return;
    }
    if (!end)
        return;
    out->head = ascii_part(rest, 0, head - 1);
    if (!read_length(&out->length, find_line(out->head, "Content-Length"))) {
        refuse(out, "Content-Length is no number");
        return;
    }
    out->type = type_of(find_line(out->head, "Content-Type"));
    out->used = start + head;
    out->status = ESL_READY;
}

void esl_read(struct esl_frame *out, struct slice input)
{
    esl_read_head(out, input);
    if (out->status != ESL_READY)
        return;
    if (out->length > ESL_SKIP_MAX) {
        refuse(out, "a body is longer than can be read past");
    } else if (out->length > ESL_BODY_MAX) {
        out->status = ESL_TOO_LONG;
    } else if (input.len - out->used < out->length) {
        *out = (struct esl_frame){.status = ESL_NEED_MORE};
    } else {
        out->body = ascii_part(input, out->used, out->used + out->length);
        out->used += out->length;
    }
}

struct slice esl_head(const struct esl_frame *frame, const char *name)
{
    return find_line(frame->head, name);
}

/* --- events --- */

static int hex(char c)
{
    c = ascii_lower(c);
    return ascii_is_digit(c) ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

struct slice esl_decode(struct slice text, struct arena *arena)
{
    if (ascii_find(text, '%') == text.len)
        return text;
    char *out = arena_alloc(arena, text.len);
    size_t len = 0;
    for (size_t i = 0; i < text.len; i++) {
        int high = text.ptr[i] == '%' && i + 2 < text.len ? hex(text.ptr[i + 1]) : -1;
        int low = high >= 0 ? hex(text.ptr[i + 2]) : -1;
        char c = low >= 0 ? (char)(high * 16 + low) : text.ptr[i];
        if (low >= 0)
            i += 2;
        if (c)
            out[len++] = c;
    }
    return (struct slice){out, len};
}

static size_t lines_of(struct slice text)
{
    size_t count = 0;
    for (size_t i = 0; i < text.len; i++)
        count += text.ptr[i] == '\n';
    return count + 1;
}

static struct slice undefined(struct slice value)
{
    return slice_is(value, "_undef_") ? (struct slice){NULL, 0} : value;
}

static bool add_field(struct esl_event *event, struct slice name, struct slice value, struct fault *fault)
{
    if (event->count == ESL_FIELDS_MAX)
        return fault_set(fault, "", "an event has more than %d fields", ESL_FIELDS_MAX);
    event->fields[event->count++] = (struct esl_field){name, undefined(value)};
    return true;
}

/* Up to an empty line, behind which the inner body lies. */
static bool read_plain(struct esl_event *out, struct slice text, struct arena *arena, struct fault *fault)
{
    struct slice line, name, value;
    size_t count = lines_of(text), length;
    out->fields = arena_array(arena, struct esl_field, count < ESL_FIELDS_MAX ? count : ESL_FIELDS_MAX);
    while (next_line(&line, &text) && ascii_trim(line).len) {
        if (!split(&name, &value, line))
            return fault_set(fault, "", "a line of an event has no name");
        if (!add_field(out, name, esl_decode(value, arena), fault))
            return false;
    }
    if (!read_length(&length, esl_field(out, "Content-Length")) || length > text.len)
        return fault_set(fault, "", "an event's inner body is cut off");
    out->body = ascii_part(text, 0, length);
    return true;
}

static bool read_json(struct esl_event *out, struct slice text, struct arena *arena, struct fault *fault)
{
    struct value map;
    if (!json_read(&map, text, arena, fault))
        return false;
    if (map.kind != VALUE_MAP)
        return fault_set(fault, "", "an event must be a map");
    out->fields =
        arena_array(arena, struct esl_field, map.count < ESL_FIELDS_MAX ? map.count : ESL_FIELDS_MAX);
    for (uint32_t i = 0; i < map.count; i++) {
        const struct value_member *member = &map.members[i];
        if (member->value.kind != VALUE_STRING)
            continue; /* lists of variables: nothing that is read here */
        if (slice_is(member->name, "_body"))
            out->body = member->value.string;
        else if (!add_field(out, member->name, member->value.string, fault))
            return false;
    }
    return true;
}

bool esl_has_event(const struct esl_frame *frame)
{
    if (frame->type == ESL_API_RESPONSE)
        return find_line(frame->body, "Event-Name").len > 0;
    if (frame->type == ESL_COMMAND_REPLY)
        return find_line(frame->head, "Event-Name").len > 0;
    return frame->type == ESL_EVENT_PLAIN || frame->type == ESL_EVENT_JSON;
}

bool esl_event_read(struct esl_event *out, const struct esl_frame *frame, struct arena *arena,
                    struct fault *fault)
{
    *out = (struct esl_event){.count = 0};
    bool good;
    if (frame->type == ESL_EVENT_JSON)
        good = read_json(out, frame->body, arena, fault);
    else
        good = read_plain(out, frame->type == ESL_COMMAND_REPLY ? frame->head : frame->body, arena, fault);
    return good && (esl_field(out, "Event-Name").len || fault_set(fault, "", "an event has no name"));
}

struct slice esl_field(const struct esl_event *event, const char *name)
{
    for (uint32_t i = 0; i < event->count; i++) {
        if (is_name(event->fields[i].name, name))
            return event->fields[i].value;
    }
    return (struct slice){NULL, 0};
}

struct slice esl_user_of(struct slice address)
{
    return ascii_part(address, 0, ascii_find(address, '@'));
}

uint64_t esl_field_number(const struct esl_event *event, const char *name)
{
    struct slice text = esl_field(event, name);
    uint64_t number = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (!ascii_is_digit(text.ptr[i]) || text.len > DIGITS_MAX)
            return 0;
        number = number * 10 + (uint64_t)(text.ptr[i] - '0');
    }
    return number;
}
