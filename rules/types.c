#include "rules/types.h"

#include <string.h>

struct slice slice_of(const char *text)
{
    return (struct slice){text, text ? strlen(text) : 0};
}

bool slice_equal(struct slice a, struct slice b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

bool slice_is(struct slice a, const char *text)
{
    return slice_equal(a, slice_of(text));
}

int slice_compare(struct slice a, struct slice b)
{
    size_t common = a.len < b.len ? a.len : b.len;
    int order = common ? memcmp(a.ptr, b.ptr, common) : 0;
    return order ? order : (a.len > b.len) - (a.len < b.len);
}

bool uuid_is_nil(const struct uuid *id)
{
    static const struct uuid nil;
    return memcmp(id, &nil, sizeof nil) == 0;
}

bool uuid_equal(const struct uuid *a, const struct uuid *b)
{
    return memcmp(a, b, sizeof *a) == 0;
}

int uuid_compare(const struct uuid *a, const struct uuid *b)
{
    return memcmp(a, b, sizeof *a);
}

struct slice uuid_bytes(const struct uuid *id)
{
    return (struct slice){(const char *)id->bytes, sizeof id->bytes};
}

void uuid_format(const struct uuid *id, char out[UUID_TEXT_LEN + 1])
{
    static const char hex[] = "0123456789abcdef";
    char *to = out;
    for (int i = 0; i < 16; i++) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            *to++ = '-';
        *to++ = hex[id->bytes[i] >> 4];
        *to++ = hex[id->bytes[i] & 15];
    }
    *to = 0;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

bool uuid_parse(struct uuid *out, struct slice text)
{
    struct uuid id;
    if (text.len != UUID_TEXT_LEN)
        return false;
    for (size_t i = 0, at = 0; i < 16; i++) {
        if (at == 8 || at == 13 || at == 18 || at == 23) {
            if (text.ptr[at++] != '-')
                return false;
        }
        int high = hex_digit(text.ptr[at++]), low = hex_digit(text.ptr[at++]);
        if (high < 0 || low < 0)
            return false;
        id.bytes[i] = (uint8_t)(high << 4 | low);
    }
    *out = id;
    return true;
}

/* The 74 free bits of a version 7 UUID: rand_a (12) takes n, rand_b (62) takes seq (44) and the tag (18). */
#define DERIVED_N_BITS 12
#define DERIVED_TAG_BITS 18

static uint64_t project_tag(uint32_t project)
{
    return (project * UINT32_C(2654435761)) >> (32 - DERIVED_TAG_BITS);
}

struct uuid uuid_derive(int64_t at_ms, uint32_t project, uint64_t seq, uint32_t n)
{
    uint64_t high = (uint64_t)at_ms << 16 | 0x7000 | (n & ((1u << DERIVED_N_BITS) - 1));
    uint64_t low =
        UINT64_C(1) << 63 | (seq & ((UINT64_C(1) << 44) - 1)) << DERIVED_TAG_BITS | project_tag(project);
    struct uuid id;
    for (int i = 0; i < 8; i++) {
        id.bytes[i] = (uint8_t)(high >> (56 - 8 * i));
        id.bytes[8 + i] = (uint8_t)(low >> (56 - 8 * i));
    }
    return id;
}

bool uuid_derived_seq(const struct uuid *id, uint32_t project, uint64_t *seq)
{
    uint64_t low = 0;
    for (int i = 8; i < 16; i++)
        low = low << 8 | id->bytes[i];
    if (id->bytes[6] >> 4 != 7 || low >> 62 != 2 ||
        (low & ((1u << DERIVED_TAG_BITS) - 1)) != project_tag(project))
        return false;
    *seq = low >> DERIVED_TAG_BITS & ((UINT64_C(1) << 44) - 1);
    return true;
}

const char *channel_name(enum channel channel)
{
    static const char *const names[] = {"call", "chat", "email"};
    return names[channel];
}

bool channel_parse(enum channel *out, struct slice name)
{
    for (int i = 0; i < CHANNEL_COUNT; i++) {
        if (slice_is(name, channel_name((enum channel)i))) {
            *out = (enum channel)i;
            return true;
        }
    }
    return false;
}
