#include <assert.h>

#include "proto/cloudevent.h"
#include "proto/evapi.h"
#include "proto/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What is read of a message is a document of JSON again, and can be answered; the answer is a netstring. */
static void read_message(struct slice payload, struct arena *arena)
{
    struct evapi_message message;
    struct event event;
    struct fault fault;
    struct netstring_step step;
    struct value again;
    evapi_read(&message, payload, SLICE("kam1"), arena, &fault);
    if (message.kind == EVAPI_EVENT) {
        struct slice text = json_write(&message.document, arena);
        assert(json_read(&again, text, arena, &fault));
        if (cloudevent_read(&event, &message.document, arena, &fault))
            assert(slice_equal(event.subject, message.callid) && slice_is(event.source, "kam1"));
    }
    struct slice answer = evapi_answer(&message, NULL, "overloaded", arena);
    netstring_read(&step, answer, EVAPI_MESSAGE_MAX);
    assert(step.status == NETSTRING_READY && step.used == answer.len);
    assert(json_read(&again, step.content, arena, &fault));
}

/* The same netstrings however the bytes are cut: what a beginning gives, the whole gives too. */
static void read_pieces(struct slice input)
{
    struct netstring_step whole, piece = {.status = NETSTRING_NEED_MORE};
    netstring_read(&whole, input, EVAPI_MESSAGE_MAX);
    size_t end = input.len < 64 ? input.len : 64;
    for (size_t i = 0; i <= end && piece.status == NETSTRING_NEED_MORE; i++)
        netstring_read(&piece, (struct slice){input.ptr, i}, EVAPI_MESSAGE_MAX);
    if (piece.status != NETSTRING_NEED_MORE)
        assert(piece.status == whole.status && piece.used == whole.used);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice rest = {(const char *)data, size};
    struct arena arena;
    arena_init(&arena);
    read_message(rest, &arena);
    read_pieces(rest);
    for (;;) {
        struct netstring_step step;
        netstring_read(&step, rest, EVAPI_MESSAGE_MAX);
        if (step.status != NETSTRING_READY)
            break;
        assert(step.used <= rest.len && step.content.len <= EVAPI_MESSAGE_MAX);
        read_message(step.content, &arena);
        rest = (struct slice){rest.ptr + step.used, rest.len - step.used};
    }
    arena_deinit(&arena);
    return 0;
}
