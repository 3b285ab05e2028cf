#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "proto/lmtp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct trace {
    uint64_t hash;
    size_t content;
};

static void note(struct trace *trace, const void *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++)
        trace->hash = (trace->hash ^ ((const unsigned char *)bytes)[i]) * UINT64_C(0x100000001b3);
}

/* `piece` bytes at a time, as a socket might give them. */
static struct trace read_all(const char *bytes, size_t size, size_t piece)
{
    struct trace trace = {.hash = 1};
    struct lmtp_reader reader;
    size_t start = 0, end = 0;
    lmtp_reader_init(&reader);
    for (bool more = true; more;) {
        more = end < size;
        end = size - end < piece ? size : end + piece;
        struct lmtp_step step = {.status = LMTP_COMMAND};
        while (step.status != LMTP_NEED_MORE) {
            struct slice rest = {bytes + start, end - start};
            lmtp_read(&reader, rest, &step);
            assert(step.used <= rest.len);
            start += step.used;
            if (step.status == LMTP_NEED_MORE) /* what it waits with is bounded */
                assert(end - start < LMTP_LINE_MAX);
            if (step.status == LMTP_CONTENT) {
                assert(step.content.len > 0 || step.used > 0);
                note(&trace, step.content.ptr, step.content.len);
                trace.content += step.content.len;
            } else if (step.status != LMTP_NEED_MORE) {
                note(&trace, &step.status, sizeof step.status);
            }
            if (step.status != LMTP_COMMAND)
                continue;
            note(&trace, &step.command.verb, sizeof step.command.verb);
            note(&trace, &step.command.fault, sizeof step.command.fault);
            note(&trace, step.command.path.ptr, step.command.path.len);
            if (step.command.fault == LMTP_GOOD && step.command.verb == LMTP_DATA)
                lmtp_begin_data(&reader);
            if (step.command.fault == LMTP_GOOD && step.command.verb == LMTP_BDAT)
                lmtp_begin_chunk(&reader, step.command.size);
        }
    }
    return trace;
}

/* The same is read however the bytes are cut (but for lines near the limit, where the cut decides). */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *bytes = (const char *)data;
    struct trace whole = read_all(bytes, size, size + 1);
    if (size < LMTP_LINE_MAX) {
        struct trace single = read_all(bytes, size, 1), three = read_all(bytes, size, 3);
        assert(single.hash == whole.hash && single.content == whole.content);
        assert(three.hash == whole.hash);
    }
    return 0;
}
