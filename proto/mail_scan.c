/* The limits of the parts are held by counting, not by parsing: whatever GMime might take for a header, a
 * part or a nesting is counted as one, so that no disagreement about MIME lets more through. A plain text
 * that looks like thousands of parts is the price. */
#include "proto/mail_scan.h"

#include <string.h>

#include "rules/ascii.h"

static struct slice take_line(struct slice *rest)
{
    if (!rest->len)
        return *rest; /* of nothing there is not even a place */
    const char *end = memchr(rest->ptr, '\n', rest->len);
    size_t used = end ? (size_t)(end - rest->ptr) + 1 : rest->len, len = end ? used - 1 : used;
    struct slice line = {rest->ptr, len};
    if (len && line.ptr[len - 1] == '\r')
        line.len--;
    *rest = (struct slice){rest->ptr + used, rest->len - used};
    return line;
}

static bool is_folded(struct slice rest)
{
    return rest.len && (rest.ptr[0] == ' ' || rest.ptr[0] == '\t');
}

/* Field name of RFC 5322 2.2; blanks before the colon are the obsolete syntax. */
static bool read_name(struct slice *name, size_t *colon, struct slice line)
{
    *colon = ascii_find(line, ':');
    *name = ascii_trim(ascii_part(line, 0, *colon));
    if (*colon == line.len || !name->len || line.ptr[0] == ' ' || line.ptr[0] == '\t')
        return false;
    for (size_t i = 0; i < name->len; i++) {
        if (name->ptr[i] <= ' ' || name->ptr[i] > '~')
            return false;
    }
    return true;
}

/* One field with its folded lines. False for a line that is none: it is passed over. */
static bool take_field(struct mail_raw_field *out, struct slice *rest)
{
    const char *start = rest->ptr;
    struct slice line = take_line(rest);
    size_t colon, end = (size_t)(line.ptr + line.len - start);
    bool good = read_name(&out->name, &colon, line);
    while (is_folded(*rest)) {
        line = take_line(rest);
        end = (size_t)(line.ptr + line.len - start);
    }
    if (good)
        out->value = ascii_trim((struct slice){start + colon + 1, end - colon - 1});
    return good;
}

bool mail_is_named(const struct mail_raw_field *field, const char *name)
{
    return ascii_equal(field->name, name);
}

const struct mail_raw_field *mail_raw_find(const struct mail_raw_field *fields, uint32_t count,
                                           const char *name)
{
    for (uint32_t i = 0; i < count; i++) {
        if (mail_is_named(&fields[i], name))
            return &fields[i];
    }
    return NULL;
}

/* An empty line, or nothing left. */
static bool is_at_end(struct slice *rest)
{
    struct slice after = *rest;
    if (take_line(&after).len)
        return false;
    *rest = after;
    return true;
}

uint32_t mail_scan_fields(struct mail_raw_field *fields, uint32_t max, struct slice text, struct slice *rest)
{
    uint32_t count = 0;
    while (!is_at_end(&text) && count < max)
        count += take_field(&fields[count], &text);
    *rest = text;
    return count;
}

static bool holds(struct slice text, const char *word)
{
    for (size_t i = 0; i < text.len; i++) {
        if (ascii_lower(text.ptr[i]) == word[0] && ascii_begins(ascii_part(text, i, text.len), word))
            return true;
    }
    return false;
}

struct counts {
    size_t parts, depth, fields, bytes;
    bool has_digest, next_is_header; /* the part that this header begins is a message */
};

static bool is_of_addresses(const struct mail_raw_field *field)
{
    static const char *const names[] = {
        "from", "sender", "reply-to", "to", "cc", "bcc", "disposition-notification-to"};
    if (ascii_begins(field->name, "resent-"))
        return true;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (mail_is_named(field, names[i]))
            return true;
    }
    return false;
}

static bool has_too_many(struct slice text, char c, size_t max)
{
    size_t count = 0;
    for (size_t i = 0; i < text.len; i++)
        count += text.ptr[i] == c;
    return count > max;
}

static const char *look_at_field(struct counts *counts, const struct mail_raw_field *field)
{
    if (ascii_begins(field->name, "content-") && field->value.len > MAIL_PARAMETERS_MAX)
        return "parameters";
    if (mail_is_named(field, "content-type")) {
        bool is_message = holds(field->value, "message");
        counts->has_digest = counts->has_digest || holds(field->value, "digest");
        counts->next_is_header = is_message;
        if (is_message || holds(field->value, "multipart"))
            counts->depth++;
    }
    if (is_of_addresses(field) &&
        (field->value.len > MAIL_ADDRESS_BYTES_MAX || has_too_many(field->value, ':', MAIL_GROUPS_MAX) ||
         has_too_many(field->value, ',', MAIL_ADDRESSES_MAX)))
        return "addresses";
    return counts->depth > MAIL_DEPTH_MAX ? "depth" : NULL;
}

static bool begins_part(struct slice line)
{
    return line.len >= 2 && line.ptr[0] == '-' && line.ptr[1] == '-';
}

/* A block of fields as it may stand behind a delimiter. It ends before a line that begins another part. */
static const char *look_at_header(struct counts *counts, struct slice *rest)
{
    size_t before = rest->len;
    bool had_type = false;
    counts->next_is_header = false;
    while (!is_at_end(rest)) {
        struct mail_raw_field field;
        if (begins_part(*rest)) {
            counts->next_is_header = false;
            return NULL;
        }
        if (!take_field(&field, rest))
            continue;
        had_type = had_type || mail_is_named(&field, "content-type");
        const char *cut = look_at_field(counts, &field);
        if (cut)
            return cut;
        if (++counts->fields > MAIL_PART_HEADERS_MAX)
            return "headers";
    }
    counts->bytes += before - rest->len;
    if (counts->has_digest && !had_type)
        counts->next_is_header = true; /* the default of multipart/digest (RFC 2046 5.1.5) */
    return counts->bytes > MAIL_PART_HEADER_BYTES_MAX ? "headers" : NULL;
}

static const char *look_at_parts(struct counts *counts, struct slice rest)
{
    bool in_header = counts->next_is_header;
    while (rest.len) {
        if (in_header) {
            const char *cut = look_at_header(counts, &rest);
            if (cut)
                return cut;
            in_header = counts->next_is_header;
            continue;
        }
        struct slice line = take_line(&rest);
        in_header = begins_part(line);
        if (in_header && ++counts->parts > MAIL_PARTS_MAX)
            return "parts";
    }
    return NULL;
}

/* mbox writes one before the header; some delivery agents pass it on. "From :" is a field all the same. */
static void skip_from_line(struct slice *rest)
{
    struct slice after = *rest, line = take_line(&after);
    if (line.len < 5 || memcmp(line.ptr, "From ", 5) != 0)
        return;
    line = ascii_trim(ascii_part(line, 5, line.len));
    if (!line.len || line.ptr[0] != ':')
        *rest = after;
}

enum mail_status mail_scan(struct mail_scan *out, struct slice message, struct arena *arena)
{
    struct slice rest = message;
    struct counts counts = {.parts = 0};
    *out = (struct mail_scan){.fields = arena_array(arena, struct mail_raw_field, MAIL_HEADERS_MAX)};
    skip_from_line(&rest);
    while (!is_at_end(&rest)) {
        struct mail_raw_field field;
        bool good = take_field(&field, &rest);
        if (message.len - rest.len > MAIL_HEADER_BYTES_MAX)
            return MAIL_HEADER_TOO_LONG;
        if (!good)
            continue;
        if (out->field_count == MAIL_HEADERS_MAX)
            return MAIL_TOO_MANY_HEADERS;
        out->fields[out->field_count++] = field;
        if (!out->cut && ascii_begins(field.name, "content-"))
            out->cut = look_at_field(&counts, &field);
    }
    out->body = out->field_count ? rest : message;
    if (!out->cut && counts.depth)
        out->cut = look_at_parts(&counts, out->body);
    return MAIL_OK;
}
