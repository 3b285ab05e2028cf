/* Design: an ASCII domain is checked and folded here (letters, digits, hyphens; RFC 5321 4.1.2), so that
 * names which IDNA would not register ("c--n.com") still work. Only other domains go through IDNA, and come
 * back to the same check. */
#include "rules/email_domain.h"

#include <idn2.h>
#include <string.h>

#include "rules/ascii.h"

#define LABEL_MAX 63
#define GROUPS 8

static bool is_ascii(struct slice text)
{
    for (size_t i = 0; i < text.len; i++) {
        if ((unsigned char)text.ptr[i] >= 0x80)
            return false;
    }
    return true;
}

/* Copies an LDH domain in lower case. */
static bool read_ascii(struct slice *out, struct slice input, struct arena *arena)
{
    if (input.len == 0 || input.len > EMAIL_DOMAIN_MAX)
        return false;
    char *copy = arena_string(arena, input);
    size_t label = 0;
    for (size_t i = 0; i <= input.len; i++) {
        char c = i < input.len ? input.ptr[i] : '.';
        bool at_edge = label == 0 || i + 1 >= input.len || input.ptr[i + 1] == '.';
        if (c == '.') {
            if (label == 0 || label > LABEL_MAX)
                return false;
            label = 0;
            continue;
        }
        if (!ascii_is_letter(c) && !ascii_is_digit(c) && !(c == '-' && !at_edge))
            return false;
        copy[i] = ascii_lower(c);
        label++;
    }
    *out = (struct slice){copy, input.len};
    return true;
}

static bool read_international(struct slice *out, struct slice input, struct arena *arena)
{
    uint8_t *ascii = NULL;
    int status = idn2_lookup_u8((const uint8_t *)arena_string(arena, input), &ascii,
                                IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL | IDN2_USE_STD3_ASCII_RULES);
    bool good = status == IDN2_OK && read_ascii(out, slice_of((const char *)ascii), arena);
    idn2_free(ascii);
    return good;
}

/* Snum of RFC 5321 4.1.3, four of them: decimal, at most 255. Leading zeroes are refused, since some read
 * octal. */
static bool read_ipv4(uint8_t out[4], struct slice text)
{
    size_t at = 0;
    for (int i = 0; i < 4; i++) {
        unsigned number = 0;
        size_t start = at;
        while (at < text.len && at - start < 3 && ascii_is_digit(text.ptr[at]))
            number = number * 10 + (unsigned)(text.ptr[at++] - '0');
        if (at == start || number > 255 || (at - start > 1 && text.ptr[start] == '0'))
            return false;
        out[i] = (uint8_t)number;
        if (i < 3 && (at == text.len || text.ptr[at++] != '.'))
            return false;
    }
    return at == text.len;
}

static int hex_digit(char c)
{
    if (ascii_is_digit(c))
        return c - '0';
    c = ascii_lower(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* One hex group at *at; false when there is none or it is too long. */
static bool read_group(uint16_t *out, struct slice text, size_t *at)
{
    unsigned number = 0;
    size_t start = *at;
    while (*at < text.len && *at - start < 4 && hex_digit(text.ptr[*at]) >= 0)
        number = number << 4 | (unsigned)hex_digit(text.ptr[(*at)++]);
    *out = (uint16_t)number;
    return *at > start;
}

/* IPv6-addr of RFC 5321 4.1.3: "::" stands for at least two groups, so at most six are written beside it. */
static bool read_ipv6(uint16_t out[GROUPS], struct slice text)
{
    uint16_t groups[GROUPS];
    int count = 0, gap = -1;
    size_t at = 0;
    while (at < text.len) {
        if (text.len - at >= 2 && text.ptr[at] == ':' && text.ptr[at + 1] == ':') {
            if (gap >= 0)
                return false;
            gap = count;
            at += 2;
            continue;
        }
        if (at && text.ptr[at - 1] != ':' && text.ptr[at++] != ':')
            return false;
        uint8_t quad[4];
        if (count <= GROUPS - 2 && read_ipv4(quad, (struct slice){text.ptr + at, text.len - at})) {
            groups[count++] = (uint16_t)(quad[0] << 8 | quad[1]);
            groups[count++] = (uint16_t)(quad[2] << 8 | quad[3]);
            break;
        }
        if (count == GROUPS || !read_group(&groups[count++], text, &at))
            return false;
    }
    if (gap < 0 ? count != GROUPS : count > GROUPS - 2)
        return false;
    memset(out, 0, GROUPS * sizeof *out);
    int head = gap < 0 ? count : gap;
    memcpy(out, groups, (size_t)head * sizeof *out);
    memcpy(out + GROUPS - (count - head), groups + head, (size_t)(count - head) * sizeof *out);
    return true;
}

/* RFC 5952 4: lower case, no leading zeroes, the first longest run of at least two zero groups as "::". */
static struct slice write_ipv6(const uint16_t groups[GROUPS], struct arena *arena)
{
    int best = -1, best_len = 1;
    for (int i = 0, len; i < GROUPS; i += len ? len : 1) {
        for (len = 0; i + len < GROUPS && groups[i + len] == 0;)
            len++;
        if (len > best_len) {
            best = i;
            best_len = len;
        }
    }
    struct slice text = SLICE("[IPv6:");
    for (int i = 0; i < GROUPS; i++) {
        if (i == best) {
            text = arena_format(arena, "%.*s::", (int)text.len, text.ptr);
            i += best_len - 1;
            continue;
        }
        bool first = i == 0 || (best >= 0 && i == best + best_len);
        text =
            arena_format(arena, "%.*s%s%x", (int)text.len, text.ptr, first ? "" : ":", (unsigned)groups[i]);
    }
    return arena_format(arena, "%.*s]", (int)text.len, text.ptr);
}

/* `text` is between the brackets. Other tags are not registered with IANA, so nobody can be written to there.
 */
static bool read_literal(struct slice *out, struct slice text, struct arena *arena)
{
    uint8_t quad[4];
    if (read_ipv4(quad, text)) {
        *out = arena_format(arena, "[%u.%u.%u.%u]", quad[0], quad[1], quad[2], quad[3]);
        return true;
    }
    uint16_t groups[GROUPS];
    if (!ascii_begins(text, "ipv6:") || !read_ipv6(groups, (struct slice){text.ptr + 5, text.len - 5}))
        return false;
    *out = write_ipv6(groups, arena);
    return true;
}

bool email_domain_read(struct slice *out, struct slice input, struct arena *arena)
{
    if (input.len == 0 || input.len > EMAIL_DOMAIN_INPUT_MAX)
        return false;
    if (input.ptr[0] == '[')
        return input.ptr[input.len - 1] == ']' &&
               read_literal(out, (struct slice){input.ptr + 1, input.len - 2}, arena);
    return is_ascii(input) ? read_ascii(out, input, arena) : read_international(out, input, arena);
}
