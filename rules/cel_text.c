#include "rules/cel_text.h"

#include <assert.h>
#include <string.h>
#include <unistr.h>

bool cel_utf8_is_valid(struct slice text)
{
    return !text.len || u8_check((const uint8_t *)text.ptr, text.len) == NULL;
}

static bool continues(char c)
{
    return ((unsigned char)c & 0xC0) == 0x80;
}

size_t cel_utf8_count(struct slice text)
{
    size_t count = 0;
    for (size_t i = 0; i < text.len; i++)
        count += !continues(text.ptr[i]);
    return count;
}

size_t cel_utf8_offset(struct slice text, uint64_t index)
{
    if (index > text.len)
        return CEL_NOWHERE;
    for (size_t i = 0; i < text.len; i++) {
        if (!continues(text.ptr[i]) && index-- == 0)
            return i;
    }
    return index == 0 ? text.len : CEL_NOWHERE;
}

uint32_t cel_utf8_at(struct slice text, size_t at, size_t *len)
{
    ucs4_t code;
    int used = u8_mbtouc(&code, (const uint8_t *)text.ptr + at, text.len - at);
    assert(used > 0);
    *len = (size_t)used;
    return code;
}

size_t cel_utf8_put(char out[4], uint32_t code)
{
    int used = u8_uctomb((uint8_t *)out, code, 4);
    assert(used > 0);
    return (size_t)used;
}

struct slice cel_utf8_cut(struct slice text, size_t most)
{
    if (text.len <= most)
        return text;
    while (most && continues(text.ptr[most]))
        most--;
    return (struct slice){text.ptr, most};
}

struct slice cel_slice_part(struct slice text, size_t start, size_t end)
{
    return (struct slice){text.ptr ? text.ptr + start : NULL, end - start};
}

struct slice cel_slice_from(struct slice text, size_t start)
{
    return cel_slice_part(text, start, text.len);
}

size_t cel_find(struct slice text, struct slice part, size_t from)
{
    if (from > text.len || part.len > text.len - from)
        return CEL_NOWHERE;
    if (!part.len)
        return from;
    const char *found = memmem(text.ptr + from, text.len - from, part.ptr, part.len);
    return found ? (size_t)(found - text.ptr) : CEL_NOWHERE;
}

size_t cel_find_last(struct slice text, struct slice part, size_t until)
{
    if (part.len > text.len)
        return CEL_NOWHERE;
    size_t at = until < text.len - part.len ? until : text.len - part.len;
    for (;; at--) {
        if (!part.len || memcmp(text.ptr + at, part.ptr, part.len) == 0)
            return at;
        if (!at)
            return CEL_NOWHERE;
    }
}
