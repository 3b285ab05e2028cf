/* Whatever json_read() accepts, json_write() writes so that it is read as the same again. */
#include <assert.h>

#include "proto/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct arena arena;
    struct value value, again;
    struct fault fault = {{0}, {0}, 0};
    arena_init(&arena);
    if (json_read(&value, (struct slice){(const char *)bytes, len}, &arena, &fault)) {
        struct slice text = json_write(&value, &arena);
        assert(text.len == json_size(&value));
        bool read = json_read(&again, text, &arena, &fault);
        assert(read);
        assert(slice_equal(json_write(&again, &arena), text));
    } else {
        assert(fault.detail[0]);
    }
    arena_deinit(&arena);
    return 0;
}
