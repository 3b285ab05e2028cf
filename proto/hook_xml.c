#include "proto/hook_xml.h"

#include <string.h>

#include "proto/mail_text.h"

#define GROWTH 6 /* bytes that one becomes at most: "&quot;" */

static const char *reference(char c)
{
    switch (c) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    case '\'':
        return "&apos;";
    default:
        return NULL;
    }
}

struct slice hook_xml_text(struct slice text, struct arena *arena)
{
    struct slice line = mail_line(text, arena);
    char *bytes = arena_alloc(arena, line.len * GROWTH + 1);
    size_t len = 0;
    for (size_t i = 0; i < line.len; i++) {
        const char *name = reference(line.ptr[i]);
        size_t size = name ? strlen(name) : 1;
        memcpy(bytes + len, name ? name : &line.ptr[i], size);
        len += size;
    }
    return (struct slice){bytes, len};
}
