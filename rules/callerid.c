/* Design: split, decode, compare words, then read digits. Whatever is neither a word nor a number is a SIP
 * user when it holds a letter or a digit, and unusable when not. */
#include "rules/callerid.h"

#include <string.h>
#include <unistr.h>

#include "rules/ascii.h"
#include "rules/callerid_uri.h"
#include "rules/callerid_words.h"

/* A country code has at most three digits (ITU-T E.164 6.2.1): a longer phone-context names an area or an
 * exchange. */
#define COUNTRY_CODE_MAX 3
#define DIALLED_EXTENSION_MAX 7 /* digits behind "x" or ";ext=" */

enum symbol {
    SYMBOL_SEPARATOR = 10,
    SYMBOL_PLUS,
    SYMBOL_STOP,
    SYMBOL_OTHER,
    SYMBOL_BROKEN
}; /* below: a digit */

static int digit_of(ucs4_t c)
{
    /* ASCII, Arabic-Indic, Extended Arabic-Indic, Devanagari, full-width */
    static const ucs4_t zeros[] = {'0', 0x0660, 0x06F0, 0x0966, 0xFF10};
    for (size_t i = 0; i < sizeof zeros / sizeof *zeros; i++) {
        if (c >= zeros[i] && c <= zeros[i] + 9)
            return (int)(c - zeros[i]);
    }
    return -1;
}

static bool is_separator(ucs4_t c)
{
    if (c < 0x80)
        return ascii_is_one_of((char)c, " \t-./()[]~");
    return c == 0xA0 || c == 0xAD || (c >= 0x2000 && c <= 0x2015) || (c >= 0x202A && c <= 0x202F) ||
           (c >= 0x205F && c <= 0x206F) || c == 0x2212 || c == 0x3000 || c == 0xFEFF || c == 0xFF08 ||
           c == 0xFF09 || (c >= 0xFF0D && c <= 0xFF0F);
}

static int symbol_of(ucs4_t c)
{
    int digit = digit_of(c);
    if (digit >= 0)
        return digit;
    if (c == '+' || c == 0xFF0B)
        return SYMBOL_PLUS;
    if (c == ',' || c == ';')
        return SYMBOL_STOP;
    if (c < ' ' && c != '\t')
        return SYMBOL_BROKEN;
    return is_separator(c) ? SYMBOL_SEPARATOR : SYMBOL_OTHER;
}

/* Decodes the code point at *at and moves behind it; SYMBOL_BROKEN for what is not UTF-8. */
static int next_symbol(struct slice text, size_t *at, ucs4_t *point)
{
    int used = u8_mbtoucr(point, (const uint8_t *)text.ptr + *at, text.len - *at);
    if (used <= 0) {
        *at = text.len;
        return SYMBOL_BROKEN;
    }
    *at += (size_t)used;
    return *point == 0x7F || (*point >= 0x80 && *point < 0xA0) ? SYMBOL_BROKEN : symbol_of(*point);
}

/* "x12", "ext. 12", "#12" behind a number, up to the end. Anything else there makes the whole no number. */
static bool is_dialled_extension(struct slice text)
{
    static const char *const markers[] = {"extension", "extn", "ext", "x", "#"};
    size_t at = 0, digits = 0;
    for (size_t i = 0; i < sizeof markers / sizeof *markers && at == 0; i++) {
        size_t len = strlen(markers[i]);
        if (ascii_begins(text, markers[i]))
            at = len;
    }
    if (at == 0)
        return false;
    for (; at < text.len; at++) {
        if (ascii_is_digit(text.ptr[at]))
            digits++;
        else if (!ascii_is_one_of(text.ptr[at], " .:="))
            return false;
    }
    return digits > 0 && digits <= DIALLED_EXTENSION_MAX;
}

static bool holds_letter_or_digit(struct slice text)
{
    for (size_t at = 0; at < text.len;) {
        ucs4_t point = 0;
        int symbol = next_symbol(text, &at, &point);
        if (symbol == SYMBOL_BROKEN)
            return false;
        if (symbol < SYMBOL_SEPARATOR || point >= 0x80 || ascii_is_letter((char)point))
            return true;
    }
    return false;
}

bool callerid_read_number(struct callerid *out, struct slice text, enum caller_class *why)
{
    struct callerid id = {.class = CALLER_NUMBER};
    char digits[CALLERID_DIGITS_MAX];
    size_t count = 0;
    int symbol = SYMBOL_SEPARATOR;
    *why = CALLER_UNUSABLE;
    for (size_t at = 0; at < text.len && symbol != SYMBOL_STOP;) {
        size_t from = at;
        ucs4_t point = 0;
        symbol = next_symbol(text, &at, &point);
        if (symbol < SYMBOL_SEPARATOR) {
            if (count == CALLERID_DIGITS_MAX)
                return false;
            digits[count++] = (char)('0' + symbol);
        } else if (symbol == SYMBOL_PLUS && count == 0) {
            id.international = true;
        } else if (symbol == SYMBOL_OTHER && count > CALLERID_EXTENSION_MAX &&
                   is_dialled_extension((struct slice){text.ptr + from, text.len - from})) {
            break;
        } else if (symbol != SYMBOL_SEPARATOR && symbol != SYMBOL_STOP) {
            if (symbol != SYMBOL_BROKEN && holds_letter_or_digit(text))
                *why = CALLER_SIP_USER;
            return false;
        }
    }
    if (count == 0)
        return false;
    /* "+0049...": a gateway that puts + before whatever it has. No country code begins with 0. */
    size_t skip = id.international && count > 2 && digits[0] == '0' && digits[1] == '0' ? 2 : 0;
    id.digit_count = (uint8_t)(count - skip);
    if (id.international)
        id.text[0] = '+';
    memcpy(id.text + id.international, digits + skip, count - skip);
    *out = id;
    return true;
}

/* RFC 3966 5.1.5: a local number with its context before it is a global one. A short number below a bare
 * country code
 * ("110;phone-context=+49") stays what it is: prefixed, it would name somebody else. */
static void apply_context(struct callerid *id, struct slice context)
{
    struct callerid prefix;
    enum caller_class why;
    bool has_exit_code = id->digit_count > 2 && memcmp(id->text, "00", 2) == 0;
    if (id->international || has_exit_code || !callerid_read_number(&prefix, context, &why) ||
        !prefix.international)
        return;
    if (id->digit_count <= CALLERID_EXTENSION_MAX && prefix.digit_count <= COUNTRY_CODE_MAX)
        return;
    if (prefix.digit_count + id->digit_count > CALLERID_DIGITS_MAX)
        return;
    memcpy(prefix.text + 1 + prefix.digit_count, id->text, id->digit_count);
    prefix.digit_count = (uint8_t)(prefix.digit_count + id->digit_count);
    *id = prefix;
}

/* Exchanges send zeros, ten of them as a rule, for a number that they may not show; a lone 0 may be the
 * operator. */
static bool is_all_zeros(const struct callerid *id)
{
    struct slice digits = callerid_digits(id);
    for (size_t i = 0; i < digits.len; i++) {
        if (digits.ptr[i] != '0')
            return false;
    }
    return id->international || digits.len > CALLERID_EXTENSION_MAX;
}

static enum caller_class classify(struct callerid *out, struct slice input)
{
    struct callerid_uri uri;
    callerid_uri_split(&uri, input);
    if (uri.is_private || callerid_words_is_anonymous_name(uri.display))
        return CALLER_ANONYMOUS;

    char decoded[CALLERID_INPUT_MAX];
    struct slice user = uri.user;
    if (uri.is_uri)
        user = (struct slice){decoded, callerid_uri_decode(decoded, user)};
    enum callerid_word word = callerid_words_find(user);
    if (word != CALLERID_WORD_NOT)
        return word == CALLERID_WORD_MISSING ? CALLER_NONE : CALLER_ANONYMOUS;
    if (user.len == 0) {
        if (callerid_words_find(uri.display) == CALLERID_WORD_WITHHELD)
            return CALLER_ANONYMOUS;
        return uri.is_uri ? CALLER_UNUSABLE : CALLER_NONE;
    }
    if (uri.is_name)
        return CALLER_SIP_USER;

    enum caller_class why;
    if (!callerid_read_number(out, user, &why))
        return why;
    apply_context(out, uri.context);
    if (is_all_zeros(out) || callerid_words_is_keypad(callerid_digits(out), out->international))
        return CALLER_ANONYMOUS;
    return !out->international && out->digit_count <= CALLERID_EXTENSION_MAX ? CALLER_EXTENSION
                                                                             : CALLER_NUMBER;
}

void callerid_classify(struct callerid *out, struct slice input, bool privacy)
{
    struct callerid id = {0};
    enum caller_class class = CALLER_ANONYMOUS;
    if (!privacy)
        class = input.len > CALLERID_INPUT_MAX ? CALLER_UNUSABLE : classify(&id, input);
    *out = class == CALLER_EXTENSION || class == CALLER_NUMBER ? id : (struct callerid){0};
    out->class = class;
}

struct slice callerid_number(const struct callerid *id)
{
    return (struct slice){id->text, (size_t)id->digit_count + id->international};
}

struct slice callerid_digits(const struct callerid *id)
{
    return (struct slice){id->text + id->international, id->digit_count};
}
