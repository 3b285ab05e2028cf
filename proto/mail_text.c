#include "proto/mail_text.h"

#include <errno.h>
#include <iconv.h>
#include <string.h>
#include <strings.h>

#define CHARSET_MAX 64
#define REPLACEMENT "\xEF\xBF\xBD" /* U+FFFD */
#define GROWTH 4 /* bytes of UTF-8 that a byte of any charset becomes at most, and of U+FFFD */

/* Length of the UTF-8 sequence (RFC 3629) at the start of `text`, 0 when there is none. */
static size_t sequence(struct slice text)
{
    const unsigned char *byte = (const unsigned char *)text.ptr;
    size_t len = byte[0] < 0x80 ? 1 : byte[0] < 0xC2 ? 0 : byte[0] < 0xE0 ? 2 : byte[0] < 0xF0 ? 3 : 4;
    if (!len || len > text.len || byte[0] > 0xF4)
        return 0;
    for (size_t i = 1; i < len; i++) {
        if ((byte[i] & 0xC0) != 0x80)
            return 0;
    }
    bool is_bad = (byte[0] == 0xE0 && byte[1] < 0xA0) || (byte[0] == 0xED && byte[1] > 0x9F) ||
                  (byte[0] == 0xF0 && byte[1] < 0x90) || (byte[0] == 0xF4 && byte[1] > 0x8F);
    return is_bad ? 0 : len;
}

static bool is_utf8(struct slice text)
{
    for (size_t at = 0; at < text.len;) {
        size_t len = sequence((struct slice){text.ptr + at, text.len - at});
        if (!len)
            return false;
        at += len;
    }
    return true;
}

struct writer {
    char *bytes;
    size_t len;
};

static void put(struct writer *out, const char *bytes, size_t len)
{
    memcpy(out->bytes + out->len, bytes, len);
    out->len += len;
}

static bool is_control(struct slice at, size_t len)
{
    unsigned char c = (unsigned char)at.ptr[0];
    return c < 0x20 || c == 0x7F || (len == 2 && c == 0xC2 && (unsigned char)at.ptr[1] < 0xA0);
}

/* Drops controls; with `lines` TAB and LF stay, else a TAB becomes a space. */
static struct slice clean(struct slice text, bool lines, struct arena *arena)
{
    struct writer out = {arena_alloc(arena, text.len * 3 + 1), 0};
    for (size_t at = 0; at < text.len;) {
        struct slice rest = {text.ptr + at, text.len - at};
        size_t len = sequence(rest);
        if (!len)
            put(&out, REPLACEMENT, 3);
        else if (!is_control(rest, len) || (lines && (*rest.ptr == '\n' || *rest.ptr == '\t')))
            put(&out, rest.ptr, len);
        else if (*rest.ptr == '\t')
            put(&out, " ", 1);
        else if (lines && *rest.ptr == '\r' && (rest.len == 1 || rest.ptr[1] != '\n'))
            put(&out, "\n", 1);
        at += len ? len : 1;
    }
    while (out.len && strchr(" \t\n", out.bytes[out.len - 1]))
        out.len--;
    return (struct slice){out.bytes, out.len};
}

/* False when there is no such charset. */
static bool convert(struct slice *out, struct slice bytes, const char *charset, struct arena *arena)
{
    iconv_t converter = iconv_open("UTF-8", charset);
    if (converter == (iconv_t)-1)
        return false;
    size_t room = bytes.len * GROWTH + 16, left = bytes.len;
    char *start = arena_alloc(arena, room), *to = start, *from = (char *)bytes.ptr;
    while (left) {
        if (iconv(converter, &from, &left, &to, &room) != (size_t)-1 || errno == E2BIG || room < 3)
            break;
        memcpy(to, REPLACEMENT, 3);
        to += 3;
        room -= 3;
        from++;
        left--;
    }
    (void)iconv(converter, NULL, NULL, &to, &room);
    iconv_close(converter);
    *out = (struct slice){start, (size_t)(to - start)};
    return true;
}

struct slice mail_text(struct slice bytes, struct slice charset, struct arena *arena)
{
    struct slice text = bytes;
    char name[CHARSET_MAX];
    bool is_known = charset.len && charset.len < sizeof name;
    if (is_known) {
        memcpy(name, charset.ptr, charset.len);
        name[charset.len] = '\0';
        is_known = !strchr(name, '/') && strlen(name) == charset.len; /* "//TRANSLIT" is not for the sender */
    }
    bool is_ascii = !is_known || strcasecmp(name, "us-ascii") == 0 || strcasecmp(name, "utf-8") == 0;
    if (is_ascii ? !is_utf8(bytes) && (!is_known || strcasecmp(name, "utf-8") != 0)
                 : !convert(&text, bytes, name, arena) && !is_utf8(bytes))
        (void)!convert(&text, bytes, "windows-1252", arena);
    return clean(text, true, arena);
}

struct slice mail_line(struct slice text, struct arena *arena)
{
    struct slice line = clean(text, false, arena);
    while (line.len && line.ptr[0] == ' ')
        line = (struct slice){line.ptr + 1, line.len - 1};
    return line;
}

struct slice mail_text_begin(struct slice text, size_t max)
{
    if (text.len <= max)
        return text;
    while (max && ((unsigned char)text.ptr[max] & 0xC0) == 0x80)
        max--;
    return (struct slice){text.ptr, max};
}
