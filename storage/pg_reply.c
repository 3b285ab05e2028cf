/* The accessors of storage/pg_link.h. */
#include <assert.h>
#include <endian.h>
#include <string.h>

#include "storage/libpq.h"
#include "storage/pg_link.h"

struct slice pg_cell(const struct pg_reply *reply, int row, int column)
{
    if (pg_is_null(reply, row, column))
        return (struct slice){NULL, 0};
    return (struct slice){PQgetvalue(reply->result, row, column),
                          (size_t)PQgetlength(reply->result, row, column)};
}

bool pg_is_null(const struct pg_reply *reply, int row, int column)
{
    assert(row >= 0 && row < reply->rows && column >= 0 && column < PQnfields(reply->result));
    return PQgetisnull(reply->result, row, column);
}

/* The bytes of a binary cell; NULL for SQL NULL. */
static const void *binary(const struct pg_reply *reply, int row, int column, size_t *len)
{
    struct slice cell = pg_cell(reply, row, column);
    assert(PQfformat(reply->result, column) == 1);
    *len = cell.len;
    return cell.ptr;
}

int64_t pg_int64(const struct pg_reply *reply, int row, int column)
{
    size_t len;
    const void *bytes = binary(reply, row, column, &len);
    uint64_t wide = 0;
    uint32_t narrow = 0;
    uint16_t small = 0;
    if (!bytes)
        return 0;
    switch (len) {
    case sizeof wide:
        memcpy(&wide, bytes, sizeof wide);
        return (int64_t)be64toh(wide);
    case sizeof narrow:
        memcpy(&narrow, bytes, sizeof narrow);
        return (int32_t)be32toh(narrow);
    default:
        assert(len == sizeof small);
        memcpy(&small, bytes, sizeof small);
        return (int16_t)be16toh(small);
    }
}

bool pg_bool(const struct pg_reply *reply, int row, int column)
{
    size_t len;
    const uint8_t *bytes = binary(reply, row, column, &len);
    assert(!bytes || len == 1);
    return bytes && *bytes;
}

struct uuid pg_uuid(const struct pg_reply *reply, int row, int column)
{
    size_t len;
    const void *bytes = binary(reply, row, column, &len);
    struct uuid id = {{0}};
    assert(!bytes || len == sizeof id.bytes);
    if (bytes)
        memcpy(id.bytes, bytes, sizeof id.bytes);
    return id;
}

double pg_float8(const struct pg_reply *reply, int row, int column)
{
    size_t len;
    const void *bytes = binary(reply, row, column, &len);
    double value = 0;
    assert(!bytes || len == sizeof value);
    if (bytes) {
        uint64_t wire;
        memcpy(&wire, bytes, sizeof wire);
        wire = be64toh(wire);
        memcpy(&value, &wire, sizeof value);
    }
    return value;
}
