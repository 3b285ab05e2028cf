/* Design: normalise the whole address once (NFC, no control characters), take it apart, then write each side
 * in its one spelling. Every pass is linear and the input is bounded, so hostile addresses cost what their
 * bytes cost.
 *
 * Only forms that an SMTP envelope can carry make a key. Comments and folded white space of RFC 5322 do not,
 * but the "Name <address>" form and blanks around it do, because that is how people and mail programs write
 * addresses. */
#include "rules/email_key.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <unicase.h>
#include <unictype.h>
#include <uninorm.h>
#include <unistr.h>

#include "rules/ascii.h"
#include "rules/email_domain.h"

#define EMAIL_LOCAL_MAX 64   /* octets (RFC 5321 4.5.3.1.1) */
#define EMAIL_INPUT_MAX 2048 /* octets with display name; longer is EMAIL_TOO_LONG */

const char *email_status_name(enum email_status status)
{
    static const char *const names[] = {"ok", "empty", "bad_syntax", "too_long", "bad_domain"};
    return names[status];
}

/* Blanks of any script and the two invisible characters that copying drags along: ZERO WIDTH SPACE, BYTE
 * ORDER MARK. */
static bool is_blank(ucs4_t point)
{
    return point == 0x200B || point == 0xFEFF || uc_is_property_white_space(point);
}

static ucs4_t next_point(struct slice text, size_t *at)
{
    ucs4_t point;
    int used = u8_mbtoucr(&point, (const uint8_t *)text.ptr + *at, text.len - *at);
    assert(used > 0); /* is_clean_text() has seen it */
    *at += (size_t)used;
    return point;
}

/* UTF-8 without control characters: a line end in an address would be a header injection. */
static bool is_clean_text(struct slice text)
{
    for (size_t at = 0; at < text.len;) {
        ucs4_t point;
        int used = u8_mbtoucr(&point, (const uint8_t *)text.ptr + at, text.len - at);
        if (used <= 0 || (point < ' ' && point != '\t') || (point >= 0x7F && point < 0xA0))
            return false;
        at += (size_t)used;
    }
    return true;
}

static struct slice trim(struct slice text)
{
    size_t start = 0, end = 0;
    for (size_t at = 0; at < text.len;) {
        if (!is_blank(next_point(text, &at)))
            end = at;
        else if (end == 0)
            start = at;
    }
    return end ? ascii_part(text, start, end) : (struct slice){0};
}

static bool has_blank_beyond_ascii(struct slice text)
{
    for (size_t at = 0; at < text.len;) {
        ucs4_t point = next_point(text, &at);
        if (point >= 0x80 && is_blank(point))
            return true;
    }
    return false;
}

/* RFC 5322 atext, with RFC 6531's UTF-8. */
static bool is_atext(char c)
{
    return (unsigned char)c >= 0x80 || ascii_is_digit(c) || ascii_is_letter(c) ||
           ascii_is_one_of(c, "!#$%&'*+-/=?^_`{|}~");
}

static bool is_dot_string(struct slice text)
{
    bool after_dot = true;
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == '.' ? after_dot : !is_atext(text.ptr[i]))
            return false;
        after_dot = text.ptr[i] == '.';
    }
    return !after_dot;
}

/* The library writes into the room it is given when that is enough, and else into memory of its own. */
static struct slice adopt(uint8_t *text, size_t len, const uint8_t *room, struct arena *arena)
{
    if (!text)
        abort(); /* out of memory, as in the arena */
    struct slice result = {(const char *)text, len};
    if (text != room) {
        result = arena_copy(arena, result);
        free(text);
    }
    return result;
}

static struct slice normalise(struct slice text, struct arena *arena)
{
    size_t len = 3 * text.len + 1; /* UTF-8 grows at most threefold (UAX 15, table 11) */
    uint8_t *room = arena_alloc(arena, len);
    uint8_t *result = u8_normalize(UNINORM_NFC, (const uint8_t *)text.ptr, text.len, room, &len);
    return adopt(result, len, room, arena);
}

/* NFC(toCasefold(NFD(X))), canonical caseless matching (Unicode 3.13 D145). Without a language, so without a
 * locale. */
static struct slice fold_case(struct slice text, struct arena *arena)
{
    size_t len = 3 * text.len + 1;
    uint8_t *room = arena_alloc(arena, len);
    uint8_t *result = u8_casefold((const uint8_t *)text.ptr, text.len, NULL, UNINORM_NFC, room, &len);
    return adopt(result, len, room, arena);
}

/* Index behind a quoted string that starts at `start`, or 0 when it is not closed. */
static size_t quoted_end(struct slice text, size_t start)
{
    for (size_t i = start + 1; i < text.len; i++) {
        if (text.ptr[i] == '\\')
            i++;
        else if (text.ptr[i] == '"')
            return i + 1;
    }
    return 0;
}

/* What stands between the brackets of "Name <address>", or the text itself. The name may be anything. */
static struct slice strip_name(struct slice text)
{
    if (text.len == 0 || text.ptr[text.len - 1] != '>')
        return text;
    size_t open = 0;
    while (open < text.len && text.ptr[open] != '<') {
        size_t next = text.ptr[open] == '"' ? quoted_end(text, open) : open + 1;
        if (next == 0) { /* a lone quote, as in 5" <a@b>: the last bracket counts */
            const char *last = memrchr(text.ptr, '<', text.len);
            open = last ? (size_t)(last - text.ptr) : text.len;
            break;
        }
        open = next;
    }
    return open < text.len ? trim(ascii_part(text, open + 1, text.len - 1)) : text;
}

/* Quoted-string of RFC 5321 4.1.2, without quotes and backslashes; its end goes to *end. */
static bool read_quoted(struct slice *out, size_t *end, struct slice text, struct arena *arena)
{
    char *content = arena_alloc(arena, text.len + 1);
    size_t len = 0, i = 1;
    for (; i < text.len && text.ptr[i] != '"'; i++) {
        bool escaped = text.ptr[i] == '\\';
        if (escaped && ++i == text.len)
            return false;
        unsigned char c = (unsigned char)text.ptr[i];
        if (c < ' ' || (escaped && c >= 0x7F))
            return false;
        content[len++] = (char)c;
    }
    *end = i + 1;
    *out = (struct slice){content, len};
    return i < text.len;
}

/* The shortest spelling: quotes and backslashes only where they are needed (RFC 5321 4.1.2 asks for that). */
static struct slice write_local(struct slice content, struct arena *arena)
{
    if (is_dot_string(content))
        return content;
    char *quoted = arena_alloc(arena, 2 * content.len + 3);
    size_t len = 0;
    quoted[len++] = '"';
    for (size_t i = 0; i < content.len; i++) {
        if (content.ptr[i] == '"' || content.ptr[i] == '\\')
            quoted[len++] = '\\';
        quoted[len++] = content.ptr[i];
    }
    quoted[len++] = '"';
    return (struct slice){quoted, len};
}

static bool split_address(struct slice *local, struct slice *domain, struct slice *content, struct slice text,
                          struct arena *arena)
{
    size_t at;
    if (text.ptr[0] == '"') {
        if (!read_quoted(content, &at, text, arena))
            return false;
    } else {
        at = ascii_find(text, '@');
        *content = ascii_part(text, 0, at);
        if (!is_dot_string(*content))
            return false;
    }
    if (at + 1 >= text.len || text.ptr[at] != '@')
        return false;
    *local = ascii_part(text, 0, at);
    *domain = ascii_part(text, at + 1, text.len);
    return true;
}

static struct slice join(struct slice local, struct slice domain, struct arena *arena)
{
    return arena_format(arena, "%.*s@%.*s", (int)local.len, local.ptr, (int)domain.len, domain.ptr);
}

enum email_status email_key(struct email_key *out, struct slice input, struct arena *arena)
{
    *out = (struct email_key){{NULL, 0}};
    if (input.len > EMAIL_INPUT_MAX)
        return EMAIL_TOO_LONG;
    if (!is_clean_text(input))
        return EMAIL_BAD_SYNTAX;
    struct slice text = strip_name(trim(input));
    if (text.len == 0)
        return EMAIL_EMPTY;
    text = normalise(text, arena);
    struct slice local, domain, content;
    if (has_blank_beyond_ascii(text) || !split_address(&local, &domain, &content, text, arena))
        return EMAIL_BAD_SYNTAX;
    if (local.len > EMAIL_LOCAL_MAX)
        return EMAIL_TOO_LONG;
    if (!email_domain_read(&domain, domain, arena))
        return EMAIL_BAD_DOMAIN;
    local = write_local(fold_case(content, arena), arena);
    if (local.len > EMAIL_LOCAL_MAX || local.len + 1 + domain.len > EMAIL_KEY_MAX)
        return EMAIL_TOO_LONG;
    out->key = join(local, domain, arena);
    return EMAIL_OK;
}

struct slice email_domain(const struct email_key *key)
{
    const char *sign = key->key.len ? memrchr(key->key.ptr, '@', key->key.len) : NULL;
    return sign ? ascii_part(key->key, (size_t)(sign - key->key.ptr) + 1, key->key.len) : (struct slice){0};
}

static struct slice drop_dots(struct slice text, struct arena *arena)
{
    char *rest = arena_alloc(arena, text.len + 1);
    size_t len = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] != '.')
            rest[len++] = text.ptr[i];
    }
    return (struct slice){rest, len};
}

struct slice email_fold(const struct email_key *key, struct arena *arena)
{
    struct slice domain = email_domain(key);
    if (domain.len == 0)
        return (struct slice){0};
    struct slice local = ascii_part(key->key, 0, key->key.len - domain.len - 1), content = local;
    size_t end;
    if (local.ptr[0] == '"') {
        bool good = read_quoted(&content, &end, local, arena);
        assert(good); /* a key is well-formed */
    }
    const char *plus = content.len > 1 ? memchr(content.ptr + 1, '+', content.len - 1) : NULL;
    if (plus)
        content.len = (size_t)(plus - content.ptr);
    if (slice_is(domain, "googlemail.com"))
        domain = SLICE("gmail.com");
    if (slice_is(domain, "gmail.com"))
        content = drop_dots(content, arena);
    return join(write_local(content, arena), domain, arena);
}
