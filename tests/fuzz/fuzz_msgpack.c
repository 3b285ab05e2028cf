/* A scan comes to the same end however its bytes arrive; what is read is written so that it is read as the
 * same again. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "proto/json.h"
#include "proto/msgpack.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void check_object(struct slice bytes)
{
    struct arena arena;
    struct value value, again;
    struct fault fault = {{0}, {0}, 0};
    arena_init(&arena);
    if (msgpack_read(&value, bytes, &arena, &fault)) {
        struct slice packed = msgpack_write(&value, &arena);
        assert(packed.len <= bytes.len);
        bool read = msgpack_read(&again, packed, &arena, &fault);
        assert(read);
        assert(slice_equal(json_write(&again, &arena), json_write(&value, &arena)));
    } else {
        assert(fault.detail[0]);
    }
    arena_deinit(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct msgpack_scan whole, pieces;
    struct slice all = {(const char *)bytes, len};
    size_t used = 0, used_in_pieces = 0;
    msgpack_scan_init(&whole);
    msgpack_scan_init(&pieces);
    enum msgpack_status status = msgpack_scan_step(&whole, all, &used), last = MSGPACK_NEED_MORE;
    for (size_t end = 0; end <= len && last == MSGPACK_NEED_MORE; end++) {
        /* A copy of exactly that size, so that reading past it is seen. */
        char *exact = malloc(end ? end : 1);
        assert(exact);
        if (end)
            memcpy(exact, bytes, end);
        last = msgpack_scan_step(&pieces, (struct slice){exact, end}, &used_in_pieces);
        free(exact);
    }
    assert(last == status && used == used_in_pieces);
    if (status == MSGPACK_READY)
        check_object((struct slice){(const char *)bytes, used});
    else
        check_object(all);
    return 0;
}
