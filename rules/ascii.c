#include "rules/ascii.h"

#include <assert.h>
#include <string.h>

char ascii_lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

bool ascii_is_digit(char c)
{
    return c >= '0' && c <= '9';
}

bool ascii_is_letter(char c)
{
    return ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z';
}

bool ascii_is_one_of(char c, const char *set)
{
    return c && strchr(set, c);
}

bool ascii_begins(struct slice text, const char *word)
{
    size_t i = 0;
    while (i < text.len && word[i] && ascii_lower(text.ptr[i]) == word[i])
        i++;
    return !word[i];
}

bool ascii_equal(struct slice text, const char *word)
{
    return text.len == strlen(word) && ascii_begins(text, word);
}

struct slice ascii_part(struct slice text, size_t start, size_t end)
{
    assert(start <= end && end <= text.len);
    return text.ptr ? (struct slice){text.ptr + start, end - start} : text;
}

struct slice ascii_trim(struct slice text)
{
    size_t start = 0, end = text.len;
    while (start < end && ascii_is_one_of(text.ptr[start], " \t\r\n"))
        start++;
    while (end > start && ascii_is_one_of(text.ptr[end - 1], " \t\r\n"))
        end--;
    return ascii_part(text, start, end);
}

size_t ascii_find(struct slice text, char c)
{
    const char *at = text.len ? memchr(text.ptr, c, text.len) : NULL;
    return at ? (size_t)(at - text.ptr) : text.len;
}
