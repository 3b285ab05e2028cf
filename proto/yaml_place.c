/* Blanks come and go between the source and the scalar, everything else stays in its order. So the n-th
 * character that is no blank is the same on both sides, whatever the style. */
#include "proto/yaml_place.h"

enum style { STYLE_PLAIN, STYLE_SINGLE, STYLE_DOUBLE, STYLE_BLOCK };

struct cursor {
    struct slice source;
    size_t at;
    struct yaml_place place; /* of the character at `at` */
    enum style style;
};

static bool is_blank(uint32_t c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static char here(const struct cursor *cursor)
{
    return cursor->at < cursor->source.len ? cursor->source.ptr[cursor->at] : 0;
}

static void step(struct cursor *cursor)
{
    bool ends_line = here(cursor) == '\n';
    do
        cursor->at++;
    while (((unsigned char)here(cursor) & 0xC0) == 0x80);
    cursor->place.column = ends_line ? 1 : cursor->place.column + 1;
    cursor->place.line += ends_line;
}

static void step_over(struct cursor *cursor, uint32_t count)
{
    while (count-- && cursor->at < cursor->source.len)
        step(cursor);
}

static void enter(struct cursor *cursor)
{
    char c = here(cursor);
    cursor->style = c == '\''              ? STYLE_SINGLE
                    : c == '"'             ? STYLE_DOUBLE
                    : c == '|' || c == '>' ? STYLE_BLOCK
                                           : STYLE_PLAIN;
    if (cursor->style == STYLE_SINGLE || cursor->style == STYLE_DOUBLE)
        step_over(cursor, 1);
    while (cursor->style == STYLE_BLOCK && here(cursor) && here(cursor) != '\n')
        step(cursor);
}

static uint32_t digit_of(char c)
{
    return c >= '0' && c <= '9' ? (uint32_t)(c - '0') : (uint32_t)((c | 0x20) - 'a' + 10);
}

/* Behind the backslash; whether the escape stands for a blank. */
static bool step_escape(struct cursor *cursor)
{
    char c = here(cursor);
    uint32_t digits = c == 'x' ? 2 : c == 'u' ? 4 : c == 'U' ? 8 : 0, code = 0;
    step_over(cursor, 1);
    for (uint32_t i = 0; i < digits; i++) {
        code = code * 16 + digit_of(here(cursor));
        step_over(cursor, 1);
    }
    return digits ? is_blank(code) : is_blank((uint32_t)c) || c == 'n' || c == 't' || c == 'r';
}

/* Over one character of the scalar; whether it is a blank. */
static bool step_character(struct cursor *cursor)
{
    char c = here(cursor);
    step(cursor);
    if (cursor->style == STYLE_DOUBLE && c == '\\')
        return step_escape(cursor);
    if (cursor->style == STYLE_SINGLE && c == '\'')
        step_over(cursor, 1); /* written twice */
    return is_blank((uint32_t)c);
}

static uint32_t count_characters(struct slice text, size_t until)
{
    uint32_t count = 0;
    for (size_t i = 0; i < until; i++)
        count += !is_blank((uint32_t)text.ptr[i]) && ((unsigned char)text.ptr[i] & 0xC0) != 0x80;
    return count;
}

struct yaml_place yaml_place(struct slice source, const struct value *scalar, size_t offset)
{
    struct cursor cursor = {.source = source, .place = {1, 1}};
    uint32_t wanted = count_characters(scalar->string, offset), seen = 0;
    bool is_end = wanted == count_characters(scalar->string, scalar->string.len);
    step_over(&cursor, scalar->at);
    enter(&cursor);
    struct yaml_place place = cursor.place;
    while (cursor.at < source.len && seen < wanted + !is_end) {
        place = cursor.place;
        seen += !step_character(&cursor);
    }
    return is_end ? cursor.place : place;
}
