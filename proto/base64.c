#include "proto/base64.h"

size_t base64_size(size_t len)
{
    return (len + 2) / 3 * 4;
}

void base64_fill(char *out, struct slice bytes)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const unsigned char *from = (const unsigned char *)bytes.ptr;
    for (size_t at = 0; at < bytes.len; at += 3) {
        size_t have = bytes.len - at;
        uint32_t bits = (uint32_t)from[at] << 16;
        bits |= have > 1 ? (uint32_t)from[at + 1] << 8 : 0;
        bits |= have > 2 ? from[at + 2] : 0;
        *out++ = digits[bits >> 18];
        *out++ = digits[bits >> 12 & 63];
        *out++ = have > 1 ? digits[bits >> 6 & 63] : '=';
        *out++ = have > 2 ? digits[bits & 63] : '=';
    }
}

struct slice base64_write(struct slice bytes, struct arena *arena)
{
    struct slice text = {NULL, base64_size(bytes.len)};
    char *out = arena_alloc(arena, text.len);
    base64_fill(out, bytes);
    text.ptr = out;
    return text;
}

static int base64_digit(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

bool base64_read(struct slice *out, struct slice text, struct arena *arena)
{
    if (text.len % 4)
        return false;
    size_t padding = 0;
    while (padding < 2 && padding < text.len && text.ptr[text.len - 1 - padding] == '=')
        padding++;
    unsigned char *bytes = arena_alloc(arena, text.len / 4 * 3 + 1);
    size_t len = 0;
    uint32_t bits = 0, held = 0;
    for (size_t i = 0; i < text.len - padding; i++) {
        int digit = base64_digit(text.ptr[i]);
        if (digit < 0)
            return false;
        bits = bits << 6 | (uint32_t)digit;
        held += 6;
        if (held >= 8) {
            held -= 8;
            bytes[len++] = (unsigned char)(bits >> held);
        }
    }
    if (bits & ((1u << held) - 1))
        return false;
    *out = (struct slice){(const char *)bytes, len};
    return true;
}
