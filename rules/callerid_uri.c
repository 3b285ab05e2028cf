/* Design: one pass from the outside in. Angle brackets, then the scheme, then "?" headers, ";" parameters,
 * "@". */
#include "rules/callerid_uri.h"

#include "rules/ascii.h"

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
        if (ascii_equal(value, hiding[i]))
            return true;
    }
    return false;
}

static void read_parameters(struct callerid_uri *out, struct slice text)
{
    while (text.len) {
        size_t end = ascii_find(text, ';');
        struct slice item = ascii_part(text, 0, end);
        size_t equals = ascii_find(item, '=');
        struct slice name = ascii_trim(ascii_part(item, 0, equals));
        struct slice value =
            equals < item.len ? ascii_trim(ascii_part(item, equals + 1, item.len)) : (struct slice){0};
        if (value.len >= 2 && value.ptr[0] == '"' && value.ptr[value.len - 1] == '"')
            value = ascii_part(value, 1, value.len - 1);
        if (ascii_equal(name, "phone-context"))
            out->context = value;
        else if (ascii_equal(name, "privacy") && is_private_value(value))
            out->is_private = true;
        text = end < text.len ? ascii_part(text, end + 1, text.len) : (struct slice){0};
    }
}

/* Returns what stands between the brackets, or everything when there are none. `text` is not empty. */
static struct slice read_brackets(struct callerid_uri *out, struct slice text)
{
    size_t quoted = text.ptr[0] == '"' ? quoted_end(text) : 0;
    struct slice rest = ascii_part(text, quoted, text.len);
    size_t open = ascii_find(rest, '<');
    if (open == rest.len) {
        /* A quoted string alone is what a gateway wrote around the number itself. */
        if (quoted && ascii_trim(rest).len == 0)
            return ascii_part(text, 1, quoted - 1);
        return text;
    }
    out->display = quoted ? ascii_part(text, 1, quoted - 1) : ascii_trim(ascii_part(rest, 0, open));
    struct slice inside = ascii_part(rest, open + 1, rest.len);
    size_t close = ascii_find(inside, '>');
    if (close < inside.len)
        read_parameters(out, ascii_part(inside, close + 1, inside.len));
    return ascii_trim(ascii_part(inside, 0, close));
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
    size_t colon = ascii_find(*text, ':');
    if (colon == text->len)
        return SCHEME_NONE;
    struct slice name = ascii_trim(ascii_part(*text, 0, colon));
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (ascii_equal(name, known[i].name)) {
            *text = ascii_trim(ascii_part(*text, colon + 1, text->len));
            return known[i].scheme;
        }
    }
    return SCHEME_NONE;
}

static bool is_private_host(struct slice host)
{
    /* RFC 3323 4.1.1.3 and 3GPP TS 29.163: the hosts of a withheld and of an unavailable identity. */
    size_t end = ascii_find(host, ':');
    host = ascii_part(host, 0, end);
    return ascii_equal(host, "anonymous.invalid") || ascii_equal(host, "unknown.invalid") ||
           ascii_equal(host, "unavailable.invalid");
}

/* A SIP URI without "@" names a host; some gateways mean a number all the same and leave the host out. */
static bool is_bare_host(struct slice text)
{
    return text.len && text.ptr[0] != '+' &&
           (ascii_find(text, '.') < text.len || ascii_find(text, ':') < text.len || text.ptr[0] == '[');
}

void callerid_uri_split(struct callerid_uri *out, struct slice input)
{
    *out = (struct callerid_uri){0};
    struct slice text = ascii_trim(input);
    if (text.len)
        text = read_brackets(out, text);
    if (text.len == 0)
        return;
    enum scheme scheme = read_scheme(&text);
    out->is_name = scheme == SCHEME_NAME;
    out->is_uri = scheme != SCHEME_NONE;

    size_t at = scheme == SCHEME_TEL ? text.len : ascii_find(text, '@');
    if (at < text.len) {
        struct slice behind = ascii_part(text, at + 1, text.len);
        behind = ascii_part(behind, 0, ascii_find(behind, '?'));
        size_t parameters = ascii_find(behind, ';');
        out->host = ascii_trim(ascii_part(behind, 0, parameters));
        out->is_private |= is_private_host(out->host);
        read_parameters(out, ascii_part(behind, parameters, behind.len));
        out->is_uri = true;
    }
    if (scheme == SCHEME_SIP && at == text.len && is_bare_host(text)) {
        out->host = text;
        return;
    }
    struct slice user = ascii_part(text, 0, at);
    size_t parameters = ascii_find(user, ';');
    read_parameters(out, ascii_part(user, parameters, user.len));
    user = ascii_part(user, 0, parameters);
    if (scheme == SCHEME_SIP) /* a password, which nobody should send */
        user = ascii_part(user, 0, ascii_find(user, ':'));
    out->user = ascii_trim(user);
}

static int hex_digit(char c)
{
    if (ascii_is_digit(c))
        return c - '0';
    c = ascii_lower(c);
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
