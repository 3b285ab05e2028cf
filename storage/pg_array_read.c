#include "storage/pg_array_read.h"

#include <endian.h>
#include <string.h>

static bool take_int(struct slice *bytes, uint32_t *out)
{
    uint32_t value;
    if (bytes->len < sizeof value)
        return false;
    memcpy(&value, bytes->ptr, sizeof value);
    bytes->ptr += sizeof value;
    bytes->len -= sizeof value;
    *out = be32toh(value);
    return true;
}

uint32_t pg_text_array(const struct pg_reply *reply, int row, int column, struct slice **out,
                       struct arena *arena)
{
    struct slice bytes = pg_cell(reply, row, column);
    uint32_t dimensions, has_null, type, length, bound, count = 0;
    *out = NULL;
    if (!take_int(&bytes, &dimensions) || dimensions != 1 || !take_int(&bytes, &has_null) ||
        !take_int(&bytes, &type) || !take_int(&bytes, &length) || !take_int(&bytes, &bound) ||
        length > bytes.len / sizeof(uint32_t))
        return 0;
    *out = arena_array(arena, struct slice, length);
    for (uint32_t i = 0; i < length; i++) {
        uint32_t len;
        if (!take_int(&bytes, &len))
            break;
        if (len == UINT32_MAX)
            continue;
        if (len > bytes.len)
            break;
        (*out)[count++] = (struct slice){bytes.ptr, len};
        bytes.ptr += len;
        bytes.len -= len;
    }
    return count;
}
