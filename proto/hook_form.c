#include "proto/hook_form.h"

#include <string.h>

#include "proto/mail_text.h"
#include "rules/ascii.h"

static bool add(struct hook_form *form, struct slice name, struct slice value, struct arena *arena)
{
    if (!form->fields)
        form->fields = arena_array(arena, struct hook_field, HOOK_FIELDS_MAX);
    if (form->count == HOOK_FIELDS_MAX)
        return false;
    form->fields[form->count++] = (struct hook_field){name, value};
    return true;
}

/* --- application/x-www-form-urlencoded --- */

static int hex_digit(char c)
{
    if (ascii_is_digit(c))
        return c - '0';
    c = ascii_lower(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* A % that is no code stays as it is. */
static struct slice decoded(struct slice text, struct arena *arena)
{
    char *bytes = arena_alloc(arena, text.len + 1);
    size_t len = 0;
    for (size_t i = 0; i < text.len; i++) {
        int high = text.ptr[i] == '%' && i + 2 < text.len ? hex_digit(text.ptr[i + 1]) : -1;
        int low = high >= 0 ? hex_digit(text.ptr[i + 2]) : -1;
        if (low >= 0) {
            bytes[len++] = (char)(high << 4 | low);
            i += 2;
        } else {
            bytes[len++] = text.ptr[i] == '+' ? ' ' : text.ptr[i];
        }
    }
    return (struct slice){bytes, len};
}

bool hook_form_read_encoded(struct hook_form *form, struct slice text, struct arena *arena)
{
    *form = (struct hook_form){0};
    for (size_t at = 0; at < text.len;) {
        struct slice rest = ascii_part(text, at, text.len);
        struct slice pair = ascii_part(rest, 0, ascii_find(rest, '&'));
        size_t equals = ascii_find(pair, '=');
        at += pair.len + 1;
        if (!pair.len)
            continue;
        struct slice value = equals < pair.len ? ascii_part(pair, equals + 1, pair.len) : (struct slice){0};
        if (!add(form, decoded(ascii_part(pair, 0, equals), arena), decoded(value, arena), arena))
            return false;
    }
    return true;
}

/* --- multipart/form-data --- */

/* The value of `name=...` or `name="..."` among the parameters of a header; empty when it is not there. */
static struct slice parameter(struct slice header, const char *name, struct arena *arena)
{
    size_t at = header.len > HOOK_PARAMETERS_MAX ? header.len : ascii_find(header, ';');
    while (at < header.len) {
        struct slice rest = ascii_trim(ascii_part(header, at + 1, header.len));
        size_t equals = ascii_find(rest, '='), end = equals + 1;
        if (equals >= rest.len)
            break;
        struct slice key = ascii_trim(ascii_part(rest, 0, equals));
        char *bytes = arena_alloc(arena, rest.len + 1);
        size_t len = 0;
        bool is_quoted = end < rest.len && rest.ptr[end] == '"';
        for (end += is_quoted; end < rest.len; end++) {
            if (is_quoted ? rest.ptr[end] == '"' : rest.ptr[end] == ';')
                break;
            if (is_quoted && rest.ptr[end] == '\\' && end + 1 < rest.len)
                end++;
            bytes[len++] = rest.ptr[end];
        }
        if (ascii_equal(key, name))
            return is_quoted ? (struct slice){bytes, len} : ascii_trim((struct slice){bytes, len});
        at = (size_t)(rest.ptr - header.ptr) + end;
        at += ascii_find(ascii_part(header, at, header.len), ';');
    }
    return (struct slice){NULL, 0};
}

static size_t find(struct slice text, size_t from, struct slice what)
{
    if (from > text.len || !what.len)
        return text.len;
    const char *at = memmem(text.ptr + from, text.len - from, what.ptr, what.len);
    return at ? (size_t)(at - text.ptr) : text.len;
}

/* The name that the header of a part gives; empty when it gives none. */
static struct slice part_name(struct slice head, struct arena *arena)
{
    while (head.len) {
        size_t end = find(head, 0, SLICE("\r\n"));
        struct slice line = ascii_part(head, 0, end);
        head = ascii_part(head, end + 2 > head.len ? head.len : end + 2, head.len);
        if (ascii_begins(line, "content-disposition:"))
            return parameter(line, "name", arena);
    }
    return (struct slice){NULL, 0};
}

/* A part ends at CR LF and the delimiter; the first one stands at the start or behind CR LF, too. */
static bool read_multipart(struct hook_form *form, struct slice body, struct slice boundary,
                           struct arena *arena)
{
    if (!boundary.len || boundary.len > HOOK_BOUNDARY_MAX)
        return false;
    struct slice delimiter = arena_format(arena, "\r\n--%.*s", (int)boundary.len, boundary.ptr);
    struct slice opening = ascii_part(delimiter, 2, delimiter.len);
    size_t at = 0;
    if (body.len < opening.len || memcmp(body.ptr, opening.ptr, opening.len) != 0)
        at = find(body, 0, delimiter) + 2;
    while (at + opening.len + 2 <= body.len) {
        at += opening.len;
        if (memcmp(body.ptr + at, "--", 2) == 0)
            return true;
        size_t start = find(body, at, SLICE("\r\n")) + 2;
        size_t end = find(body, start - 2, delimiter);
        if (start > body.len || end >= body.len)
            return false;
        /* A part without header begins with the empty line. */
        size_t blank = find(body, start - 2, SLICE("\r\n\r\n"));
        if (blank > end || blank + 4 > end + 2)
            return false;
        struct slice head = ascii_part(body, start, blank > start ? blank : start);
        struct slice name = part_name(head, arena);
        size_t content = blank + 4 > end ? end : blank + 4;
        if (name.len && !add(form, name, ascii_part(body, content, end), arena))
            return false;
        at = end + 2;
    }
    return false;
}

enum hook_status hook_form_read(struct hook_form *form, struct hook_result *result,
                                const struct hook_request *request, struct arena *arena)
{
    bool is_read = false;
    *form = (struct hook_form){0};
    if (request->method == HOOK_GET)
        is_read = hook_form_read_encoded(form, request->query, arena);
    else if (hook_is_type(request, "application/x-www-form-urlencoded"))
        is_read = hook_form_read_encoded(form, request->body, arena);
    else if (hook_is_type(request, "multipart/form-data"))
        is_read =
            read_multipart(form, request->body, parameter(request->content_type, "boundary", arena), arena);
    else
        return HOOK_UNSUPPORTED;
    if (is_read)
        return HOOK_OK;
    return result
               ? hook_malformed(result, "", "the form is broken, or has more than %d fields", HOOK_FIELDS_MAX)
               : HOOK_MALFORMED;
}

/* --- fields --- */

const struct hook_field *hook_form_find(const struct hook_form *form, const char *name)
{
    for (uint32_t i = 0; i < form->count; i++) {
        if (slice_is(form->fields[i].name, name))
            return &form->fields[i];
    }
    return NULL;
}

struct slice hook_form_text(const struct hook_form *form, const char *name)
{
    const struct hook_field *field = hook_form_find(form, name);
    return field ? field->value : (struct slice){NULL, 0};
}

static bool has_name(const struct value *map, struct slice name)
{
    for (uint32_t i = 0; i < map->count; i++) {
        if (slice_equal(map->members[i].name, name))
            return true;
    }
    return false;
}

struct value hook_form_value(const struct hook_form *form, struct arena *arena)
{
    struct value map = value_map(arena, form->count);
    for (uint32_t i = 0; i < form->count; i++) {
        struct slice name = mail_line(form->fields[i].name, arena);
        if (has_name(&map, name))
            continue;
        struct slice text = mail_text(form->fields[i].value, (struct slice){NULL, 0}, arena);
        map.members[map.count++] = (struct value_member){name, value_string(text)};
    }
    return map;
}
