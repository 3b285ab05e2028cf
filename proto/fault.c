#include "proto/fault.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static size_t whole_characters(const char *text, size_t len)
{
    size_t start = len;
    while (start && len - start < 3 && ((unsigned char)text[start - 1] & 0xC0) == 0x80)
        start--;
    if (!start)
        return len;
    unsigned char lead = (unsigned char)text[start - 1];
    size_t want = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : lead >= 0xC0 ? 2 : 1;
    return len - start + 1 < want ? start - 1 : len;
}

void fault_trim(char *text, size_t size)
{
    size_t len = strlen(text);
    if (len + 1 >= size)
        text[whole_characters(text, len)] = 0;
}

int fault_quote(struct slice text)
{
    if (text.len <= FAULT_QUOTE_MAX)
        return (int)text.len;
    return (int)whole_characters(text.ptr, FAULT_QUOTE_MAX);
}

void fault_append_name(char *pointer, size_t size, struct slice name)
{
    size_t at = strlen(pointer), need = at + 2;
    for (size_t i = 0; i < name.len; i++)
        need += name.ptr[i] == '~' || name.ptr[i] == '/' ? 2 : 1;
    if (need > size)
        return;
    pointer[at++] = '/';
    for (size_t i = 0; i < name.len; i++) {
        char c = name.ptr[i];
        pointer[at++] = c == '/' ? '~' : c;
        if (c == '~' || c == '/')
            pointer[at++] = c == '~' ? '0' : '1';
    }
    pointer[at] = 0;
}

__attribute__((format(printf, 3, 0))) static void set(struct fault *fault, const char *pointer,
                                                      const char *format, va_list args)
{
    fault->line = fault->column = 0;
    snprintf(fault->pointer, sizeof fault->pointer, "%s", pointer);
    fault_trim(fault->pointer, sizeof fault->pointer);
    vsnprintf(fault->detail, sizeof fault->detail, format, args);
    fault_trim(fault->detail, sizeof fault->detail);
}

bool fault_set(struct fault *fault, const char *pointer, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    set(fault, pointer, format, args);
    va_end(args);
    return false;
}

bool fault_set_member(struct fault *fault, const char *pointer, struct slice name, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    set(fault, pointer, format, args);
    va_end(args);
    fault_append_name(fault->pointer, sizeof fault->pointer, name);
    return false;
}
