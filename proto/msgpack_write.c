/* One walk serves both passes: the first only counts, the second fills exactly that many bytes. */
#include "proto/msgpack.h"

#include <assert.h>
#include <float.h>
#include <math.h>
#include <msgpack.h>
#include <string.h>

struct sink {
    char *to; /* NULL: count only */
    size_t len;
};

static int put(void *ctx, const char *bytes, size_t len)
{
    struct sink *sink = ctx;
    if (sink->to && len)
        memcpy(sink->to + sink->len, bytes, len);
    sink->len += len;
    return 0;
}

static void pack_text(msgpack_packer *packer, struct slice text)
{
    msgpack_pack_str(packer, text.len);
    msgpack_pack_str_body(packer, text.ptr, text.len);
}

/* The sign of zero and NaN keep their 64 bits; only what a float holds exactly is cut to 32. */
static bool fits_float(double real)
{
    return fabs(real) <= FLT_MAX && (double)(float)real == real;
}

static void pack(msgpack_packer *packer, const struct value *value)
{
    switch (value->kind) {
    case VALUE_NULL:
        msgpack_pack_nil(packer);
        break;
    case VALUE_BOOL:
        if (value->boolean)
            msgpack_pack_true(packer);
        else
            msgpack_pack_false(packer);
        break;
    case VALUE_INT:
        if (value->integer < 0)
            msgpack_pack_int64(packer, value->integer);
        else
            msgpack_pack_uint64(packer, (uint64_t)value->integer);
        break;
    case VALUE_DOUBLE:
        if (fits_float(value->real))
            msgpack_pack_float(packer, (float)value->real);
        else
            msgpack_pack_double(packer, value->real);
        break;
    case VALUE_STRING:
        pack_text(packer, value->string);
        break;
    case VALUE_BYTES:
        msgpack_pack_bin(packer, value->string.len);
        msgpack_pack_bin_body(packer, value->string.ptr, value->string.len);
        break;
    case VALUE_LIST:
        msgpack_pack_array(packer, value->count);
        for (uint32_t i = 0; i < value->count; i++)
            pack(packer, &value->items[i]);
        break;
    case VALUE_MAP:
        msgpack_pack_map(packer, value->count);
        for (uint32_t i = 0; i < value->count; i++) {
            pack_text(packer, value->members[i].name);
            pack(packer, &value->members[i].value);
        }
        break;
    }
}

struct slice msgpack_write(const struct value *value, struct arena *arena)
{
    struct sink sink = {NULL, 0};
    msgpack_packer packer;
    msgpack_packer_init(&packer, &sink, put);
    pack(&packer, value);
    size_t size = sink.len;
    sink = (struct sink){arena_alloc(arena, size), 0};
    pack(&packer, value);
    assert(sink.len == size);
    return (struct slice){sink.to, sink.len};
}
