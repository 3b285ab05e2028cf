/* The values of literals: numbers, and strings with their escapes. */
#include <assert.h>
#include <string.h>

#include "rules/ascii.h"
#include "rules/cel_ast.h"
#include "rules/cel_text.h"
#include "rules/decimal.h"

static uint32_t hex_digit(char c)
{
    return (uint32_t)(ascii_is_digit(c) ? c - '0' : ascii_lower(c) - 'a' + 10);
}

static bool read_natural(uint64_t *out, struct slice text)
{
    bool is_hex = text.len > 2 && text.ptr[1] == 'x';
    uint64_t base = is_hex ? 16 : 10;
    *out = 0;
    for (size_t i = is_hex ? 2 : 0; i < text.len; i++) {
        if (__builtin_mul_overflow(*out, base, out) ||
            __builtin_add_overflow(*out, (uint64_t)hex_digit(text.ptr[i]), out))
            return false;
    }
    return true;
}

static bool read_integer(struct cel_value *out, struct slice text, bool negative)
{
    uint64_t natural;
    if (!read_natural(&natural, text) || natural > (uint64_t)INT64_MAX + negative)
        return false;
    *out = cel_int(negative ? (int64_t)(0 - natural) : (int64_t)natural);
    return true;
}

static bool read_double(struct cel_value *out, struct slice text, bool negative)
{
    double real;
    bool is_read = decimal_read(&real, text);
    assert(is_read); /* the lexer has seen it */
    *out = cel_double(negative ? -real : real);
    return is_read;
}

struct unescaping {
    struct cel_reader *reader;
    struct slice body;
    size_t at;        /* in body */
    uint32_t body_at; /* of body in the source */
    bool is_bytes;
    char *to;
};

static bool bad_escape(struct unescaping *state, size_t at, const char *why)
{
    cel_refuse(state->reader, CEL_SYNTAX, state->body_at + (uint32_t)at, "%s", why);
    return false;
}

static bool read_digits(uint32_t *code, struct unescaping *state, size_t digits, uint32_t base)
{
    *code = 0;
    for (size_t i = 0; i < digits; i++, state->at++) {
        char c = state->at < state->body.len ? state->body.ptr[state->at] : ' ';
        bool is_hex = ascii_is_digit(c) || (ascii_lower(c) >= 'a' && ascii_lower(c) <= 'f');
        if (!is_hex || hex_digit(c) >= base)
            return false;
        *code = *code * base + hex_digit(c);
    }
    return true;
}

static void put_code(struct unescaping *state, uint32_t code, bool is_byte)
{
    if (is_byte)
        *state->to++ = (char)code;
    else
        state->to += cel_utf8_put(state->to, code);
}

/* Stands behind the backslash. */
static bool read_escape(struct unescaping *state)
{
    static const char from[] = "abfnrtv\\?\"'`", to[] = "\a\b\f\n\r\t\v\\?\"'`";
    size_t start = state->at - 1;
    assert(state->at < state->body.len); /* else the quote behind it would not have closed the string */
    char c = state->body.ptr[state->at];
    const char *simple = c ? strchr(from, c) : NULL;
    uint32_t code;
    bool read, is_unicode = c == 'u' || c == 'U';
    if (simple) {
        state->at++;
        *state->to++ = to[simple - from];
        return true;
    }
    if (c >= '0' && c <= '3') {
        read = read_digits(&code, state, 3, 8);
    } else if (c == 'x' || c == 'X' || (is_unicode && !state->is_bytes)) {
        state->at++;
        read = read_digits(&code, state, c == 'u' ? 4 : c == 'U' ? 8 : 2, 16);
    } else {
        return bad_escape(state, start, "no such escape; \\\\ is a backslash");
    }
    if (!read)
        return bad_escape(state, start, "an escape has too few digits: \\ooo, \\xhh, \\uhhhh, \\Uhhhhhhhh");
    if (code > 0x10FFFF || (code >= 0xD800 && code < 0xE000))
        return bad_escape(state, start, "an escape is no Unicode scalar value");
    put_code(state, code, state->is_bytes);
    return true;
}

static bool unescape(struct cel_value *out, struct unescaping *state)
{
    /* No escape is shorter than what it stands for. */
    char *start = arena_alloc(state->reader->program, state->body.len + 1);
    state->to = start;
    while (state->at < state->body.len) {
        char c = state->body.ptr[state->at++];
        if (c != '\\')
            *state->to++ = c;
        else if (!read_escape(state))
            return false;
    }
    struct slice text = {start, (size_t)(state->to - start)};
    *out = state->is_bytes ? cel_bytes(text) : cel_string(text);
    return true;
}

static bool read_string(struct cel_value *out, struct cel_reader *reader, const struct cel_token *token)
{
    struct slice text = token->text;
    size_t prefix = 0;
    bool is_raw = false;
    while (text.ptr[prefix] != '"' && text.ptr[prefix] != '\'')
        is_raw |= ascii_lower(text.ptr[prefix++]) == 'r';
    bool is_triple = text.len >= prefix + 6 && text.ptr[prefix + 1] == text.ptr[prefix];
    size_t quotes = is_triple ? 3 : 1;
    struct unescaping state = {.reader = reader,
                               .body = cel_slice_part(text, prefix + quotes, text.len - quotes),
                               .body_at = token->at + (uint32_t)(prefix + quotes),
                               .is_bytes = token->kind == TOKEN_BYTES};
    if (!is_raw)
        return unescape(out, &state);
    struct slice copy = {arena_string(reader->program, state.body), state.body.len};
    *out = state.is_bytes ? cel_bytes(copy) : cel_string(copy);
    return true;
}

bool cel_literal(struct cel_value *out, struct cel_reader *reader, const struct cel_token *token,
                 bool negative)
{
    struct slice text = token->text;
    switch (token->kind) {
    case TOKEN_INT:
        if (read_integer(out, text, negative))
            return true;
        break;
    case TOKEN_UINT:
        *out = cel_uint(0);
        if (read_natural(&out->natural, cel_slice_part(text, 0, text.len - 1)))
            return true;
        break;
    case TOKEN_DOUBLE:
        return read_double(out, text, negative);
    default:
        return read_string(out, reader, token);
    }
    cel_refuse(reader, CEL_SYNTAX, token->at, "the number is out of range");
    return false;
}
