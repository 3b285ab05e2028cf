/* The first byte chooses region and privacy; the rest is a caller id. */
#include <assert.h>
#include <string.h>

#include "proto/phone.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const regions[] = {"DE", "US", "IT", "AR", "MX", "ZZ", "XX", ""};
    if (size == 0)
        return 0;
    struct slice region = slice_of(regions[data[0] % 8]);
    struct slice input = {(const char *)data + 1, size - 1};
    struct arena arena;
    arena_init(&arena);
    struct phone_key key = phone_key(region, input, data[0] & 0x80, &arena);
    bool has_key = key.class == CALLER_EXTENSION || key.class == CALLER_NUMBER || key.class == CALLER_UNKNOWN;
    assert(has_key == (key.key.len > 0) && has_key == (key.digits.len > 0));
    assert(key.key.len <= PHONE_KEY_MAX && key.digits.len <= PHONE_KEY_MAX);
    for (size_t i = 0; i < key.key.len; i++)
        assert((key.key.ptr[i] >= '0' && key.key.ptr[i] <= '9') || (i == 0 && key.key.ptr[i] == '+'));
    assert((key.class == CALLER_NUMBER) == (key.key.len && key.key.ptr[0] == '+'));

    /* Asked again, from the cache, and for the key itself, the answer is the same. */
    struct phone_key again = phone_key(region, input, data[0] & 0x80, &arena);
    assert(again.class == key.class && slice_equal(again.key, key.key));
    if (key.class == CALLER_NUMBER) {
        again = phone_key(SLICE("ZZ"), key.key, false, &arena);
        assert(again.class == CALLER_NUMBER && slice_equal(again.key, key.key));
    }
    arena_deinit(&arena);
    return 0;
}
