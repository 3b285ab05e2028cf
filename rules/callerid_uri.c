/* Design: one pass from the outside in. Angle brackets, then the scheme, then "?" headers, ";" parameters,
 * "@". */
#include "rules/callerid_uri.h"

#include <string.h>

static struct slice slice_from(struct slice text, size_t start, size_t end)
{
    return (struct slice){text.ptr + start, end - start};
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

static bool equals_folded(struct slice text, const char *word)
{
    if (text.len != strlen(word))
        return false;
    for (size_t i = 0; i < text.len; i++) {
        if (lower(text.ptr[i]) != word[i])
            return false;
    }
    return true;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static struct slice trim(struct slice text)
{
    while (text.len && is_blank(text.ptr[0]))
        text = slice_from(text, 1, text.len);
    while (text.len && is_blank(text.ptr[text.len - 1]))
        text.len--;
    return text;
}

static size_t find(struct slice text, char c)
{
    const char *at = text.len ? memchr(text.ptr, c, text.len) : NULL;
    return at ? (size_t)(at - text.ptr) : text.len;
}

/* Index behind a quoted string that starts at 0, or 0 when it is not closed (RFC 3261 25.1, quoted-string).
 */
static size_t quoted_end(struct slice text)
{
    for (size_t i = 1; i < text.len; i++) {
        if (text.ptr[i] == '\\')
            i++;
        else if (text.ptr[i] == '"')
            return i + 1;
    }
    return 0;
}

/* Remote-Party-ID puts ;privacy= behind the brackets (full, uri, name, off); some SBCs put it into the URI.
 * Only the name being private does not hide the number. */
static bool is_private_value(struct slice value)
{
    static const char *const hiding[] = {"full", "uri", "id", "user", "header", "critical", "yes", "on"};
    for (size_t i = 0; i < sizeof hiding / sizeof *hiding; i++) {
        if (equals_folded(value, hiding[i]))
            return true;
    }
    return false;
}

static void read_parameters(struct callerid_uri *out, struct slice text)
{
    while (text.len) {
        size_t end = find(text, ';');
        struct slice item = slice_from(text, 0, end);
        size_t equals = find(item, '=');
        struct slice name = trim(slice_from(item, 0, equals));
        struct slice value =
            equals < item.len ? trim(slice_from(item, equals + 1, item.len)) : (struct slice){0};
        if (value.len >= 2 && value.ptr[0] == '"' && value.ptr[value.len - 1] == '"')
            value = slice_from(value, 1, value.len - 1);
        if (equals_folded(name, "phone-context"))
            out->context = value;
        else if (equals_folded(name, "privacy") && is_private_value(value))
            out->is_private = true;
        text = end < text.len ? slice_from(text, end + 1, text.len) : (struct slice){0};
    }
}

/* Returns what stands between the brackets, or everything when there are none. */
static struct slice read_brackets(struct callerid_uri *out, struct slice text)
{
    size_t quoted = text.len && text.ptr[0] == '"' ? quoted_end(text) : 0;
    struct slice rest = slice_from(text, quoted, text.len);
    size_t open = find(rest, '<');
    if (open == rest.len) {
        /* A quoted string alone is what a gateway wrote around the number itself. */
        if (quoted && trim(rest).len == 0)
            return slice_from(text, 1, quoted - 1);
        return text;
    }
    out->display = quoted ? slice_from(text, 1, quoted - 1) : trim(slice_from(rest, 0, open));
    struct slice inside = slice_from(rest, open + 1, rest.len);
    size_t close = find(inside, '>');
    if (close < inside.len)
        read_parameters(out, slice_from(inside, close + 1, inside.len));
    return trim(slice_from(inside, 0, close));
}

enum scheme { SCHEME_NONE, SCHEME_SIP, SCHEME_TEL, SCHEME_NAME };

static enum scheme read_scheme(struct slice *text)
{
    static const struct {
        const char *name;
        enum scheme scheme;
    } known[] = {{"sip", SCHEME_SIP},    {"sips", SCHEME_SIP},    {"tel", SCHEME_TEL},
                 {"callto", SCHEME_TEL}, {"sms", SCHEME_TEL},     {"whatsapp", SCHEME_TEL},
                 {"rcs", SCHEME_TEL},    {"client", SCHEME_NAME}, {"mailto", SCHEME_NAME}};
    size_t colon = find(*text, ':');
    if (colon == text->len)
        return SCHEME_NONE;
    struct slice name = trim(slice_from(*text, 0, colon));
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (equals_folded(name, known[i].name)) {
            *text = trim(slice_from(*text, colon + 1, text->len));
            return known[i].scheme;
        }
    }
    return SCHEME_NONE;
}

static bool is_private_host(struct slice host)
{
    /* RFC 3323 4.1.1.3 and 3GPP TS 29.163: the hosts of a withheld and of an unavailable identity. */
    size_t end = find(host, ':');
    host = slice_from(host, 0, end);
    return equals_folded(host, "anonymous.invalid") || equals_folded(host, "unknown.invalid") ||
           equals_folded(host, "unavailable.invalid");
}

void callerid_uri_split(struct callerid_uri *out, struct slice input)
{
    *out = (struct callerid_uri){0};
    struct slice text = trim(input);
    if (text.len)
        text = read_brackets(out, text);
    if (text.len == 0)
        return;
    enum scheme scheme = read_scheme(&text);
    out->is_name = scheme == SCHEME_NAME;
    out->is_uri = scheme != SCHEME_NONE;

    size_t at = scheme == SCHEME_TEL ? text.len : find(text, '@');
    if (at < text.len) {
        struct slice behind = slice_from(text, at + 1, text.len);
        behind = slice_from(behind, 0, find(behind, '?'));
        size_t parameters = find(behind, ';');
        out->host = trim(slice_from(behind, 0, parameters));
        out->is_private |= is_private_host(out->host);
        read_parameters(out, slice_from(behind, parameters, behind.len));
        out->is_uri = true;
    }
    struct slice user = slice_from(text, 0, at);
    size_t parameters = find(user, ';');
    read_parameters(out, slice_from(user, parameters, user.len));
    user = slice_from(user, 0, parameters);
    if (scheme == SCHEME_SIP) /* a password, which nobody should send, or the port of a URI without user */
        user = slice_from(user, 0, find(user, ':'));
    out->user = trim(user);
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = lower(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

size_t callerid_uri_decode(char *out, struct slice text)
{
    size_t len = 0;
    for (size_t i = 0; i < text.len; i++) {
        int high = text.ptr[i] == '%' && text.len - i > 2 ? hex_digit(text.ptr[i + 1]) : -1;
        int low = high >= 0 ? hex_digit(text.ptr[i + 2]) : -1;
        if (low >= 0) {
            out[len++] = (char)(high << 4 | low);
            i += 2;
        } else {
            out[len++] = text.ptr[i];
        }
    }
    return len;
}
