#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "proto/ami_calls.h"
#include "proto/cloudevent.h"
#include "proto/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define TICK_BLOCKS 8

struct trace {
    uint64_t hash;
    unsigned ringing, ended;
};

static void note(struct trace *trace, struct slice text)
{
    for (size_t i = 0; i < text.len; i++)
        trace->hash = (trace->hash ^ (unsigned char)text.ptr[i]) * UINT64_C(0x100000001b3);
}

static struct slice agent_at(void *ctx, struct slice extension)
{
    (void)ctx;
    return slice_is(extension, "1001") ? SLICE("anna") : (struct slice){NULL, 0};
}

/* Every piece of news becomes an event that can be decoded, and a call ends once at most. */
static void on_news(void *ctx, const struct ami_news *news)
{
    struct trace *trace = ctx;
    struct arena arena;
    struct event event;
    struct fault fault;
    arena_init(&arena);
    struct value document = ami_event(news, SLICE("asterisk/x"), &arena), again;
    struct slice text = json_write(&document, &arena);
    assert(json_read(&again, text, &arena, &fault));
    (void)!cloudevent_read(&event, &document, &arena, &fault);
    trace->ringing += news->type == EVENT_CALL_RINGING;
    trace->ended += news->type == EVENT_CALL_ENDED;
    assert(trace->ended <= trace->ringing);
    note(trace, text);
    arena_deinit(&arena);
}

static bool ask_presentation(void *ctx, struct slice channel, struct slice call)
{
    note(ctx, channel);
    note(ctx, call);
    return channel.len % 8; /* some cannot be asked about */
}

/* `piece` bytes at a time, as a socket might give them. */
static struct trace read_all(const char *bytes, size_t size, size_t piece, bool asks)
{
    static struct ami_block block;
    struct trace trace = {.hash = 1};
    struct ami_calls_options options = {.on_news = on_news,
                                        .agent_at = agent_at,
                                        .ask_presentation = asks ? ask_presentation : NULL,
                                        .ctx = &trace};
    struct ami_calls *calls = ami_calls_alloc(&options);
    size_t start = 0, end = 0, blocks = 0;
    enum ami_status status = AMI_BLOCK;
    ami_calls_resync(calls);
    while (end < size && status != AMI_BAD) {
        end = size - end < piece ? size : end + piece;
        do {
            const char *why = NULL;
            size_t used = 0;
            status = ami_read(&block, (struct slice){bytes + start, end - start}, false, &used, &why);
            assert(used <= end - start && (status != AMI_BLOCK || used > 0));
            assert(status != AMI_BAD || why);
            start += used;
            if (status == AMI_BLOCK && ami_is(&block, "message", "channels will follow"))
                ami_calls_resync(calls);
            if (status == AMI_BLOCK)
                ami_calls_read(calls, &block, TIME_NEVER);
            if (status == AMI_BLOCK && ++blocks % TICK_BLOCKS == 0)
                ami_calls_tick(calls);
        } while (status == AMI_BLOCK);
    }
    ami_calls_free(&calls);
    return trace;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *bytes = (const char *)data;
    struct trace whole = read_all(bytes, size, size + 1, true);
    if (size < AMI_LINE_MAX) {
        struct trace pieces = read_all(bytes, size, 7, true);
        assert(pieces.hash == whole.hash);
    }
    (void)read_all(bytes, size, size + 1, false);
    return 0;
}
