/* A walk counts the bytes that it writes, and those that it has no room for. Most texts fit into the room of
 * the first walk; a longer one is walked once more, into as many bytes as were counted. */
#include "proto/json.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/base64.h"

#define FIRST_ROOM 2048 /* bytes */
#define NUMBER_MAX 40   /* bytes of any number: 17 digits, signs, mark, exponent; 20 for an integer */

struct sink {
    char *to;
    size_t len, room;
};

static void put(struct sink *sink, const char *text, size_t len)
{
    if (len && sink->len + len <= sink->room)
        memcpy(sink->to + sink->len, text, len);
    sink->len += len;
}

static void put_char(struct sink *sink, char c)
{
    if (sink->len < sink->room)
        sink->to[sink->len] = c;
    sink->len++;
}

static void put_escaped(struct sink *sink, unsigned char c)
{
    static const char *const short_form[0x20] = {
        ['\b'] = "\\b", ['\t'] = "\\t", ['\n'] = "\\n", ['\f'] = "\\f", ['\r'] = "\\r"};
    static const char hex[] = "0123456789abcdef";
    if (c >= 0x20) {
        put_char(sink, '\\');
        put_char(sink, (char)c);
    } else if (short_form[c]) {
        put(sink, short_form[c], 2);
    } else {
        char text[6] = {'\\', 'u', '0', '0', hex[c >> 4], hex[c & 15]};
        put(sink, text, sizeof text);
    }
}

static void put_string(struct sink *sink, struct slice text)
{
    put_char(sink, '"');
    size_t from = 0;
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        if (c >= 0x20 && c != '"' && c != '\\')
            continue;
        put(sink, text.ptr + from, i - from);
        put_escaped(sink, c);
        from = i + 1;
    }
    if (text.len)
        put(sink, text.ptr + from, text.len - from);
    put_char(sink, '"');
}

static void put_integer(struct sink *sink, int64_t integer)
{
    char text[NUMBER_MAX];
    char *at = text + sizeof text;
    uint64_t rest = integer < 0 ? 0 - (uint64_t)integer : (uint64_t)integer;
    do {
        *--at = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest);
    if (integer < 0)
        *--at = '-';
    put(sink, at, (size_t)(text + sizeof text - at));
}

static void put_double(struct sink *sink, double real)
{
    if (!isfinite(real)) {
        put(sink, "null", 4);
        return;
    }
    char text[NUMBER_MAX];
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, real);
        if (strtod(text, NULL) == real)
            break;
    }
    /* Whatever the locale takes for a decimal mark, however many bytes, is "." in JSON. */
    bool marked = false, in_mark = false;
    for (const char *at = text; *at; at++) {
        bool is_mark = !strchr("0123456789+-e", *at);
        if (!is_mark)
            put_char(sink, *at);
        else if (!in_mark)
            put_char(sink, '.');
        marked = marked || is_mark || *at == 'e';
        in_mark = is_mark;
    }
    if (!marked)
        put(sink, ".0", 2);
}

static void put_bytes(struct sink *sink, struct slice bytes)
{
    put_char(sink, '"');
    if (sink->len + base64_size(bytes.len) <= sink->room)
        base64_fill(sink->to + sink->len, bytes);
    sink->len += base64_size(bytes.len);
    put_char(sink, '"');
}

static void put_value(struct sink *sink, const struct value *value)
{
    switch (value->kind) {
    case VALUE_NULL:
        put(sink, "null", 4);
        break;
    case VALUE_BOOL:
        put(sink, value->boolean ? "true" : "false", value->boolean ? 4 : 5);
        break;
    case VALUE_INT:
        put_integer(sink, value->integer);
        break;
    case VALUE_DOUBLE:
        put_double(sink, value->real);
        break;
    case VALUE_STRING:
        put_string(sink, value->string);
        break;
    case VALUE_BYTES:
        put_bytes(sink, value->string);
        break;
    case VALUE_LIST:
        put_char(sink, '[');
        for (uint32_t i = 0; i < value->count; i++) {
            if (i)
                put_char(sink, ',');
            put_value(sink, &value->items[i]);
        }
        put_char(sink, ']');
        break;
    case VALUE_MAP:
        put_char(sink, '{');
        for (uint32_t i = 0; i < value->count; i++) {
            if (i)
                put_char(sink, ',');
            put_string(sink, value->members[i].name);
            put_char(sink, ':');
            put_value(sink, &value->members[i].value);
        }
        put_char(sink, '}');
        break;
    }
}

size_t json_size(const struct value *value)
{
    struct sink sink = {NULL, 0, 0};
    put_value(&sink, value);
    return sink.len;
}

struct slice json_write(const struct value *value, struct arena *arena)
{
    char room[FIRST_ROOM];
    struct sink sink = {room, 0, sizeof room};
    put_value(&sink, value);
    size_t size = sink.len;
    if (size <= sizeof room)
        return arena_copy(arena, (struct slice){room, size});
    sink = (struct sink){arena_alloc(arena, size), 0, size};
    put_value(&sink, value);
    assert(sink.len == size);
    return (struct slice){sink.to, sink.len};
}
