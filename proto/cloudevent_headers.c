/* Binary mode (HTTP binding 3.1.3): attributes are headers, in any case, and all of them are text. */
#include <string.h>
#include <unistr.h>

#include "proto/cloudevent.h"
#include "proto/fault.h"

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

/* A name may come back in a fault, so it becomes ASCII here; "?" is in no attribute's name. */
static struct slice lowered(struct slice text, struct arena *arena)
{
    char *copy = arena_string(arena, text);
    for (size_t i = 0; i < text.len; i++)
        copy[i] = copy[i] > ' ' && copy[i] <= '~' ? lower(copy[i]) : '?';
    return (struct slice){copy, text.len};
}

static int hex_digit(char c)
{
    c = lower(c);
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* A quoted string (RFC 7230 3.2.6) is unquoted first: older senders quote instead of percent-encoding. */
static struct slice unquoted(struct slice text, struct arena *arena)
{
    if (text.len < 2 || text.ptr[0] != '"' || text.ptr[text.len - 1] != '"')
        return text;
    char *copy = arena_alloc(arena, text.len);
    size_t len = 0;
    for (size_t i = 1; i + 1 < text.len; i++) {
        if (text.ptr[i] == '\\' && i + 2 < text.len)
            i++;
        copy[len++] = text.ptr[i];
    }
    return (struct slice){copy, len};
}

/* NULL, or why these bytes are no text. */
static const char *why_no_text(struct slice bytes)
{
    if (bytes.len && memchr(bytes.ptr, 0, bytes.len))
        return "holds NUL";
    return u8_check((const uint8_t *)bytes.ptr, bytes.len) ? "is not UTF-8" : NULL;
}

/* One round of percent-decoding (RFC 3986 2.4). NULL, or what is wrong. */
static const char *decode(struct slice *out, struct slice text, struct arena *arena)
{
    char *copy = arena_alloc(arena, text.len + 1);
    size_t len = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] != '%') {
            copy[len++] = text.ptr[i];
            continue;
        }
        int high = i + 2 < text.len ? hex_digit(text.ptr[i + 1]) : -1;
        int low = i + 2 < text.len ? hex_digit(text.ptr[i + 2]) : -1;
        if (high < 0 || low < 0)
            return "has a % that two hexadecimal digits do not follow";
        copy[len++] = (char)(high << 4 | low);
        i += 2;
    }
    *out = (struct slice){copy, len};
    return NULL;
}

static void refuse(struct cloudevent_headers *headers, struct slice name, const char *why)
{
    if (headers->bad)
        return;
    headers->bad = true;
    fault_set_member(&headers->fault, "", name, "%.*s %s", fault_quote(name), name.ptr, why);
}

static void add(struct cloudevent_headers *headers, struct slice name, struct slice text)
{
    const char *why = why_no_text(text);
    if (why)
        refuse(headers, name, why);
    else if (headers->document.count == CLOUDEVENT_HEADERS_MAX)
        refuse(headers, name, "is one attribute too many");
    else if (value_member(&headers->document, name.ptr))
        refuse(headers, name, "is there twice");
    else
        value_set(&headers->document, name.ptr, value_string(text));
}

void cloudevent_headers_init(struct cloudevent_headers *headers, struct arena *arena)
{
    *headers = (struct cloudevent_headers){.document = value_map(arena, CLOUDEVENT_HEADERS_MAX + 1)};
}

void cloudevent_headers_add(struct cloudevent_headers *headers, struct slice name, struct slice value,
                            struct arena *arena)
{
    struct slice key = lowered(name, arena);
    if (slice_is(key, "content-type")) {
        add(headers, SLICE("datacontenttype"), arena_copy(arena, value));
        return;
    }
    if (key.len < 4 || memcmp(key.ptr, "ce-", 3) != 0)
        return;
    key = (struct slice){key.ptr + 3, key.len - 3};
    struct slice text;
    const char *why = decode(&text, unquoted(value, arena), arena);
    if (slice_is(key, "data") || slice_is(key, "data_base64") || slice_is(key, "datacontenttype"))
        refuse(headers, key, "is no header: the body is the data, Content-Type its type");
    else if (why)
        refuse(headers, key, why);
    else
        add(headers, key, text);
}
