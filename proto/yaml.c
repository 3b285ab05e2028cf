/* libyaml's events to a value tree. Events, not its documents: a document hides aliases, and an alias of an
 * alias of an alias is how nine lines of YAML become a gigabyte. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "proto/fault.h"
#include "proto/json.h"
#include "proto/names.h"
#include "proto/project_file.h"

#define FIRST_CAPACITY 8

struct reader {
    yaml_parser_t parser;
    yaml_event_t event; /* valid while has_event */
    bool has_event;
    uint32_t nodes;
    struct arena *arena;
    struct fault *fault;
};

static bool refuse(struct reader *reader, size_t line, const char *why)
{
    fault_set(reader->fault, "", "%s", why);
    reader->fault->line = (uint32_t)line + 1;
    return false;
}

static void drop_event(struct reader *reader)
{
    if (reader->has_event)
        yaml_event_delete(&reader->event);
    reader->has_event = false;
}

static bool next_event(struct reader *reader)
{
    drop_event(reader);
    if (yaml_parser_parse(&reader->parser, &reader->event)) {
        reader->has_event = true;
        return true;
    }
    const yaml_parser_t *parser = &reader->parser;
    bool has_mark = parser->problem_mark.line || parser->problem_mark.column;
    fault_set(reader->fault, "", "not YAML: %s", parser->problem ? parser->problem : "it cannot be read");
    reader->fault->line = has_mark ? (uint32_t)parser->problem_mark.line + 1 : 1;
    return false;
}

static bool all_digits(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (text[i] < '0' || text[i] > '9')
            return false;
    }
    return len > 0;
}

/* JSON's grammar of numbers, so that "+49 30 901820", "0800" and "1_000" stay the text that somebody wrote.
 */
static bool read_number(struct value *out, struct slice text)
{
    const char *at = text.ptr, *end = text.ptr + text.len;
    at += *at == '-';
    const char *whole = at;
    while (at < end && *at >= '0' && *at <= '9')
        at++;
    if (at == whole || (*whole == '0' && at - whole > 1))
        return false;
    bool integral = at == end;
    if (!integral && *at == '.') {
        const char *fraction = ++at;
        while (at < end && *at >= '0' && *at <= '9')
            at++;
        if (at == fraction)
            return false;
    }
    if (at < end && (*at == 'e' || *at == 'E')) {
        at++;
        at += at < end && (*at == '+' || *at == '-');
        if (!all_digits(at, (size_t)(end - at)))
            return false;
        at = end;
    }
    if (at != end)
        return false;
    errno = 0;
    long long integer = integral ? strtoll(text.ptr, NULL, 10) : 0;
    if (integral && !errno) {
        *out = value_int(integer);
        return true;
    }
    double real = strtod(text.ptr, NULL);
    *out = (struct value){.kind = VALUE_DOUBLE, .real = real};
    return isfinite(real);
}

/* `text` ends with NUL, as libyaml's scalars do. */
static struct value plain_scalar(struct slice text)
{
    struct value value;
    if (!text.len || slice_is(text, "~") || slice_is(text, "null"))
        return value_null();
    if (slice_is(text, "true") || slice_is(text, "false"))
        return value_bool(slice_is(text, "true"));
    return read_number(&value, text) ? value : value_string(text);
}

static bool scalar_text(struct reader *reader, struct slice *out)
{
    const yaml_event_t *event = &reader->event;
    size_t line = event->start_mark.line;
    if (event->type != YAML_SCALAR_EVENT)
        return refuse(reader, line, "a key must be text");
    if (event->data.scalar.tag)
        return refuse(reader, line, "tags are not supported");
    if (event->data.scalar.anchor)
        return refuse(reader, line, "anchors and aliases are not supported");
    struct slice text = {(const char *)event->data.scalar.value, event->data.scalar.length};
    if (memchr(text.ptr, 0, text.len))
        return refuse(reader, line, "text holds NUL");
    *out = arena_copy(reader->arena, text);
    return true;
}

static bool read_value(struct reader *reader, struct value *out, unsigned depth);

/* Doubles the room of an array in the arena; what it leaves behind is less than what it is worth. */
static void *grown(struct reader *reader, void *items, uint32_t count, uint32_t *capacity, size_t size)
{
    if (count < *capacity)
        return items;
    uint32_t more = *capacity ? *capacity * 2 : FIRST_CAPACITY;
    void *copy = arena_alloc(reader->arena, more * size);
    if (count)
        memcpy(copy, items, count * size);
    *capacity = more;
    return copy;
}

static bool read_list(struct reader *reader, struct value *out, unsigned depth)
{
    uint32_t capacity = 0;
    *out = (struct value){.kind = VALUE_LIST};
    for (;;) {
        if (!next_event(reader))
            return false;
        if (reader->event.type == YAML_SEQUENCE_END_EVENT)
            return true;
        out->items = grown(reader, out->items, out->count, &capacity, sizeof *out->items);
        if (!read_value(reader, &out->items[out->count], depth + 1))
            return false;
        out->count++;
    }
}

static bool read_map(struct reader *reader, struct value *out, unsigned depth)
{
    uint32_t capacity = 0;
    *out = (struct value){.kind = VALUE_MAP};
    for (;;) {
        if (!next_event(reader))
            return false;
        if (reader->event.type == YAML_MAPPING_END_EVENT)
            break;
        out->members = grown(reader, out->members, out->count, &capacity, sizeof *out->members);
        struct value_member *member = &out->members[out->count];
        size_t line = reader->event.start_mark.line;
        if (!scalar_text(reader, &member->name))
            return false;
        if (!member->name.len)
            return refuse(reader, line, "a key is empty");
        if (!next_event(reader) || !read_value(reader, &member->value, depth + 1))
            return false;
        /* A member is looked for where its key stands, not where its block begins. */
        member->value.line = (uint32_t)line + 1;
        out->count++;
    }
    const struct value_member *twice = names_find_duplicate(out, reader->arena);
    if (!twice)
        return true;
    fault_set(reader->fault, "", "the key \"%.*s\" is there twice", fault_quote(twice->name),
              twice->name.ptr);
    reader->fault->line = twice->value.line;
    return false;
}

/* From the current event, which starts the value, to the one that ends it. */
static bool read_value(struct reader *reader, struct value *out, unsigned depth)
{
    const yaml_event_t *event = &reader->event;
    size_t line = event->start_mark.line, at = event->start_mark.index;
    bool nests = event->type == YAML_SEQUENCE_START_EVENT || event->type == YAML_MAPPING_START_EVENT;
    if (++reader->nodes > JSON_NODES_MAX)
        return refuse(reader, line, "more than 200,000 values");
    if (nests && depth == JSON_DEPTH_MAX)
        return refuse(reader, line, "nested more than 32 levels deep");
    bool ok = false;
    switch (event->type) {
    case YAML_SCALAR_EVENT: {
        bool plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
        struct slice text;
        ok = scalar_text(reader, &text);
        if (ok)
            *out = plain ? plain_scalar(text) : value_string(text);
        break;
    }
    case YAML_SEQUENCE_START_EVENT:
        if (event->data.sequence_start.tag || event->data.sequence_start.anchor)
            return refuse(reader, line, "tags, anchors and aliases are not supported");
        ok = read_list(reader, out, depth);
        break;
    case YAML_MAPPING_START_EVENT:
        if (event->data.mapping_start.tag || event->data.mapping_start.anchor)
            return refuse(reader, line, "tags, anchors and aliases are not supported");
        ok = read_map(reader, out, depth);
        break;
    default:
        return refuse(reader, line, "anchors and aliases are not supported");
    }
    out->line = (uint32_t)line + 1;
    out->at = (uint32_t)at;
    return ok;
}

static bool read_document(struct reader *reader, struct value *out)
{
    if (!next_event(reader) || !next_event(reader)) /* the stream's start, then the document's */
        return false;
    if (reader->event.type == YAML_STREAM_END_EVENT)
        return refuse(reader, 0, "the file is empty");
    if (!next_event(reader) || !read_value(reader, out, 0) || !next_event(reader) || !next_event(reader))
        return false;
    if (reader->event.type != YAML_STREAM_END_EVENT)
        return refuse(reader, reader->event.start_mark.line, "a second document begins here");
    return true;
}

bool yaml_read(struct value *out, struct slice text, struct arena *arena, struct fault *fault)
{
    if (text.len > PROJECT_FILE_MAX)
        return fault_set(fault, "", "more than 4 MiB");
    struct reader reader = {.arena = arena, .fault = fault};
    if (!yaml_parser_initialize(&reader.parser))
        abort();
    yaml_parser_set_encoding(&reader.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&reader.parser, (const unsigned char *)(text.len ? text.ptr : ""), text.len);
    bool ok = read_document(&reader, out);
    drop_event(&reader);
    yaml_parser_delete(&reader.parser);
    return ok;
}
