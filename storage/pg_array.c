/* Twenty bytes at the front of each buffer are kept for the header, which is written last, when the count is
 * known. */
#include "storage/pg_array.h"

#include <assert.h>
#include <endian.h>
#include <stdlib.h>
#include <string.h>

#define HEADER_LEN 20 /* dimensions, has-null, element type, length, lower bound */
#define FIRST_CAPACITY 1024
#define NULL_LEN UINT32_MAX /* -1 */

static void put32(uint8_t *at, uint32_t value)
{
    value = htobe32(value);
    memcpy(at, &value, sizeof value);
}

static void grow(struct pg_array *array, size_t need)
{
    size_t capacity = array->capacity ? array->capacity : FIRST_CAPACITY;
    while (capacity < need)
        capacity *= 2;
    assert(capacity <= INT32_MAX); /* what a protocol message can say; batches are bounded far below */
    uint8_t *bytes = realloc(array->bytes, capacity);
    if (!bytes)
        abort();
    array->bytes = bytes;
    array->capacity = capacity;
}

/* Room for one element of `len` bytes, its length written; returns where the bytes go. */
static inline uint8_t *append(struct pg_array *array, uint32_t len)
{
    size_t need = array->len + sizeof len + len;
    if (need > array->capacity)
        grow(array, need);
    uint8_t *at = array->bytes + array->len;
    put32(at, len);
    array->len = need;
    array->count++;
    return at + sizeof len;
}

void pg_array_init(struct pg_array *array, enum pg_type type)
{
    *array = (struct pg_array){.type = type, .len = HEADER_LEN};
}

void pg_array_deinit(struct pg_array *array)
{
    free(array->bytes);
    pg_array_init(array, array->type);
}

void pg_array_reset(struct pg_array *array)
{
    array->count = 0;
    array->has_null = false;
    array->len = HEADER_LEN;
}

void pg_array_int(struct pg_array *array, int64_t value)
{
    if (array->type == PG_INT8) {
        uint64_t wire = htobe64((uint64_t)value);
        memcpy(append(array, sizeof wire), &wire, sizeof wire);
    } else if (array->type == PG_INT4) {
        assert(value >= INT32_MIN && value <= INT32_MAX);
        put32(append(array, sizeof(int32_t)), (uint32_t)value);
    } else {
        assert(array->type == PG_INT2 && value >= INT16_MIN && value <= INT16_MAX);
        uint16_t wire = htobe16((uint16_t)value);
        memcpy(append(array, sizeof wire), &wire, sizeof wire);
    }
}

void pg_array_bool(struct pg_array *array, bool value)
{
    assert(array->type == PG_BOOL);
    *append(array, 1) = value;
}

void pg_array_uuid(struct pg_array *array, const struct uuid *value)
{
    assert(array->type == PG_UUID);
    if (uuid_is_nil(value))
        pg_array_null(array);
    else
        memcpy(append(array, sizeof value->bytes), value->bytes, sizeof value->bytes);
}

void pg_array_bytes(struct pg_array *array, struct slice value)
{
    assert(array->type == PG_TEXT || array->type == PG_BYTEA);
    if (!value.ptr) {
        pg_array_null(array);
        return;
    }
    assert(value.len <= INT32_MAX);
    uint8_t *at = append(array, (uint32_t)value.len);
    memcpy(at, value.ptr, value.len);
}

void pg_array_null(struct pg_array *array)
{
    size_t need = array->len + sizeof(uint32_t);
    if (need > array->capacity)
        grow(array, need);
    put32(array->bytes + array->len, NULL_LEN);
    array->len = need;
    array->count++;
    array->has_null = true;
}

struct pg_param pg_array_param(struct pg_array *array)
{
    if (!array->count)
        return (struct pg_param){.binary = true};
    put32(array->bytes, 1);
    put32(array->bytes + 4, array->has_null);
    put32(array->bytes + 8, (uint32_t)array->type);
    put32(array->bytes + 12, array->count);
    put32(array->bytes + 16, 1);
    return (struct pg_param){.data = array->bytes, .len = array->len, .binary = true};
}
