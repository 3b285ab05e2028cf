/* Tokens (langdef.md, "Syntax"). The source is valid UTF-8; outside of strings and comments all of it is
 * ASCII. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "rules/ascii.h"
#include "rules/cel_ast.h"
#include "rules/cel_text.h"

void cel_locate(struct cel_error *error, struct slice source, uint32_t at)
{
    size_t line_start = 0;
    error->line = 1;
    for (size_t i = 0; i < at; i++) {
        if (source.ptr[i] == '\n') {
            error->line++;
            line_start = i + 1;
        }
    }
    error->column = 1 + (uint32_t)cel_utf8_count(cel_slice_part(source, line_start, at));
}

void *cel_refuse(struct cel_reader *reader, enum cel_code code, uint32_t at, const char *format, ...)
{
    va_list args;
    if (reader->error->code)
        return NULL;
    reader->error->code = code;
    cel_locate(reader->error, reader->source, at);
    va_start(args, format);
    vsnprintf(reader->error->text, sizeof reader->error->text, format, args);
    va_end(args);
    reader->error->text[cel_utf8_cut(slice_of(reader->error->text), sizeof reader->error->text - 4).len] = 0;
    return NULL;
}

static char peek(const struct cel_reader *reader, uint32_t ahead)
{
    size_t at = (size_t)reader->at + ahead;
    return at < reader->source.len ? reader->source.ptr[at] : 0;
}

static bool is_word(char c)
{
    return ascii_is_letter(c) || ascii_is_digit(c) || c == '_';
}

static bool is_hex(char c)
{
    return ascii_is_digit(c) || (ascii_lower(c) >= 'a' && ascii_lower(c) <= 'f');
}

static void skip_blanks(struct cel_reader *reader)
{
    while (reader->at < reader->source.len) {
        char c = peek(reader, 0);
        if (c == '/' && peek(reader, 1) == '/') {
            while (reader->at < reader->source.len && peek(reader, 0) != '\n')
                reader->at++;
        } else if (ascii_is_one_of(c, " \t\n\r\f")) {
            reader->at++;
        } else {
            return;
        }
    }
}

static void finish(struct cel_reader *reader, enum cel_token_kind kind)
{
    reader->token.kind = kind;
    reader->token.text = cel_slice_part(reader->source, reader->token.at, reader->at);
}

static void bad(struct cel_reader *reader, uint32_t at, const char *why)
{
    reader->token.kind = TOKEN_BAD;
    cel_refuse(reader, CEL_SYNTAX, at, "%s", why);
}

static void skip_digits(struct cel_reader *reader)
{
    while (ascii_is_digit(peek(reader, 0)))
        reader->at++;
}

static bool skip_exponent(struct cel_reader *reader)
{
    uint32_t sign = peek(reader, 1) == '+' || peek(reader, 1) == '-';
    if (ascii_lower(peek(reader, 0)) != 'e' || !ascii_is_digit(peek(reader, 1 + sign)))
        return false;
    reader->at += 1 + sign;
    skip_digits(reader);
    return true;
}

static void read_number(struct cel_reader *reader)
{
    enum cel_token_kind kind = TOKEN_INT;
    if (peek(reader, 0) == '0' && peek(reader, 1) == 'x' && is_hex(peek(reader, 2))) {
        reader->at += 2;
        while (is_hex(peek(reader, 0)))
            reader->at++;
    } else {
        skip_digits(reader);
        if (peek(reader, 0) == '.' && ascii_is_digit(peek(reader, 1))) {
            reader->at++;
            skip_digits(reader);
            kind = TOKEN_DOUBLE;
        }
        if (skip_exponent(reader))
            kind = TOKEN_DOUBLE;
    }
    if (kind == TOKEN_INT && ascii_lower(peek(reader, 0)) == 'u') {
        reader->at++;
        kind = TOKEN_UINT;
    }
    if (is_word(peek(reader, 0)))
        bad(reader, reader->at, "a number ends with a letter");
    else
        finish(reader, kind);
}

/* Stands on the quote behind the prefix. */
static void read_string(struct cel_reader *reader, bool is_raw, enum cel_token_kind kind)
{
    char quote = peek(reader, 0);
    bool is_triple = peek(reader, 1) == quote && peek(reader, 2) == quote;
    reader->at += is_triple ? 3 : 1;
    for (; reader->at < reader->source.len; reader->at++) {
        char c = peek(reader, 0);
        if (c == '\\' && !is_raw) {
            reader->at++;
        } else if (!is_triple && (c == '\n' || c == '\r')) {
            break;
        } else if (c == quote && !is_triple) {
            reader->at++;
            finish(reader, kind);
            return;
        } else if (c == quote && peek(reader, 1) == quote && peek(reader, 2) == quote) {
            reader->at += 3;
            finish(reader, kind);
            return;
        }
    }
    bad(reader, reader->token.at, "a string is not closed");
}

/* r"", b"", br"": the letters in either case. Gives the length of the prefix of a string that starts here. */
static bool starts_string(const struct cel_reader *reader, uint32_t *prefix)
{
    *prefix = 0;
    if (ascii_lower(peek(reader, 0)) == 'b')
        ++*prefix;
    if (ascii_lower(peek(reader, *prefix)) == 'r')
        ++*prefix;
    char c = peek(reader, *prefix);
    return c == '"' || c == '\'';
}

static void read_quoted_name(struct cel_reader *reader)
{
    for (reader->at++; is_word(peek(reader, 0)) || (peek(reader, 0) && strchr("./- ", peek(reader, 0)));)
        reader->at++;
    if (peek(reader, 0) != '`' || reader->at == reader->token.at + 1) {
        bad(reader, reader->token.at, "a quoted field name is letters, digits and _ . / - between ` and `");
        return;
    }
    reader->at++;
    finish(reader, TOKEN_QUOTED);
}

static void read_mark(struct cel_reader *reader)
{
    static const char *const marks[] = {"&&", "||", "==", "!=", "<=", ">=", "<", ">", "+", "-", "*", "/",
                                        "%",  "!",  "?",  ":",  ".",  ",",  "(", ")", "[", "]", "{", "}"};
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++) {
        size_t len = strlen(marks[i]);
        if (marks[i][0] != peek(reader, 0) || (len == 2 && marks[i][1] != peek(reader, 1)))
            continue;
        memcpy(reader->token.mark, marks[i], len + 1);
        reader->at += (uint32_t)len;
        finish(reader, TOKEN_MARK);
        return;
    }
    size_t len;
    uint32_t code = cel_utf8_at(reader->source, reader->at, &len);
    reader->token.kind = TOKEN_BAD;
    if (code > 0x20 && code != 0x7F)
        cel_refuse(reader, CEL_SYNTAX, reader->at, "unexpected character '%.*s'", (int)len,
                   reader->source.ptr + reader->at);
    else
        cel_refuse(reader, CEL_SYNTAX, reader->at, "unexpected character U+%04X", (unsigned)code);
}

void cel_next(struct cel_reader *reader)
{
    uint32_t prefix;
    skip_blanks(reader);
    reader->token = (struct cel_token){.at = reader->at};
    char c = peek(reader, 0);
    if (reader->at >= reader->source.len) {
        finish(reader, TOKEN_END);
    } else if (starts_string(reader, &prefix)) {
        bool is_bytes = ascii_lower(c) == 'b', is_raw = prefix > (uint32_t)is_bytes;
        reader->at += prefix;
        read_string(reader, is_raw, is_bytes ? TOKEN_BYTES : TOKEN_STRING);
    } else if (ascii_is_digit(c) || (c == '.' && ascii_is_digit(peek(reader, 1)))) {
        read_number(reader);
    } else if (is_word(c)) {
        while (is_word(peek(reader, 0)))
            reader->at++;
        finish(reader, TOKEN_NAME);
    } else if (c == '`') {
        read_quoted_name(reader);
    } else {
        read_mark(reader);
    }
}

bool cel_is_mark(const struct cel_reader *reader, const char *mark)
{
    return reader->token.kind == TOKEN_MARK && strcmp(reader->token.mark, mark) == 0;
}

bool cel_is_reserved(struct slice name)
{
    static const char *const words[] = {"as",        "break",  "const",  "continue", "else",  "for",
                                        "function",  "if",     "import", "let",      "loop",  "package",
                                        "namespace", "return", "var",    "void",     "while", "in",
                                        "true",      "false",  "null"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (slice_is(name, words[i]))
            return true;
    }
    return false;
}
