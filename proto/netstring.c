#include "proto/netstring.h"

#include <string.h>

#include "rules/ascii.h"

#define LENGTH_DIGITS_MAX 9

static void refuse(struct netstring_step *out, const char *why)
{
    out->status = NETSTRING_BAD;
    out->why = why;
}

void netstring_read(struct netstring_step *out, struct slice input, size_t max)
{
    size_t digits = 0, length = 0;
    *out = (struct netstring_step){.status = NETSTRING_NEED_MORE};
    while (digits < input.len && ascii_is_digit(input.ptr[digits])) {
        if (digits == LENGTH_DIGITS_MAX || (digits == 1 && input.ptr[0] == '0')) {
            refuse(out, "a netstring's length is no number as it should be");
            return;
        }
        length = length * 10 + (size_t)(input.ptr[digits++] - '0');
    }
    if (length > max) {
        refuse(out, "a netstring is longer than the limit");
        return;
    }
    if (digits == input.len)
        return;
    if (!digits || input.ptr[digits] != ':') {
        refuse(out, "a netstring does not begin with its length");
        return;
    }
    size_t end = digits + 1 + length;
    if (end >= input.len)
        return;
    if (input.ptr[end] != ',') {
        refuse(out, "a netstring does not end with a comma");
        return;
    }
    out->status = NETSTRING_READY;
    out->used = end + 1;
    out->content = (struct slice){input.ptr + digits + 1, length};
}

struct slice netstring_write(struct slice content, struct arena *arena)
{
    struct slice head = arena_format(arena, "%zu:", content.len);
    char *text = arena_alloc(arena, head.len + content.len + 1);
    memcpy(text, head.ptr, head.len);
    if (content.len)
        memcpy(text + head.len, content.ptr, content.len);
    text[head.len + content.len] = ',';
    return (struct slice){text, head.len + content.len + 1};
}
