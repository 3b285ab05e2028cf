#include <assert.h>

#include "proto/cloudevent.h"
#include "proto/esl_calls.h"
#include "proto/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Every event is one that JSON can carry and the API takes, but for what it does not say (a number to call,
 * an id that is too long). */
static void on_event(void *ctx, enum event_type type, struct slice call, const struct value *document)
{
    struct arena *arena = ctx;
    struct event event;
    struct fault fault;
    struct value again;
    struct slice text = json_write(document, arena);
    assert(esl_id_is_plain(call));
    assert(json_read(&again, text, arena, &fault));
    assert(slice_equal(json_write(&again, arena), text));
    if (cloudevent_read(&event, document, arena, &fault))
        assert(event.type == type && slice_equal(event.subject, call));
    else
        assert(type == EVENT_CALL_RINGING && slice_is(slice_of(fault.pointer), "/data/to"));
}

/* What a beginning of the frame gives, the whole gives too. */
static void read_pieces(struct slice input, const struct esl_frame *whole)
{
    size_t step = input.len / 16 + 1;
    for (size_t i = 0; i < input.len; i += step) {
        struct esl_frame piece;
        esl_read(&piece, (struct slice){input.ptr, i});
        if (piece.status != ESL_NEED_MORE)
            assert(whole->status == piece.status && piece.used == whole->used && piece.type == whole->type);
    }
}

/* Behind the frame, its body read past where it is too long. */
static struct slice rest_of(struct slice input, const struct esl_frame *frame)
{
    size_t used = frame->used;
    if (frame->status == ESL_TOO_LONG) {
        assert(frame->length > ESL_BODY_MAX && frame->length <= ESL_SKIP_MAX && !frame->body.len);
        used += frame->length < input.len - used ? frame->length : input.len - used;
    }
    return (struct slice){input.ptr + used, input.len - used};
}

/* How many channels, and whether it is a list, when it comes in pieces of `step` bytes. */
static bool read_list(struct slice input, size_t step, struct esl_calls *calls, uint32_t *rows)
{
    struct esl_list list;
    struct esl_list_step at = {.status = ESL_LIST_MORE};
    size_t used = 0;
    esl_list_begin(&list, input.len);
    for (size_t end = 0; at.status == ESL_LIST_MORE && end < input.len;) {
        end = end + step < input.len ? end + step : input.len;
        do {
            struct esl_channel channel;
            struct arena arena;
            esl_list_read(&at, &list, (struct slice){input.ptr + used, end - used});
            used += at.used;
            assert(used <= end);
            arena_init(&arena);
            if (at.status == ESL_LIST_ROW && esl_channel_read(&channel, at.row, &arena))
                esl_calls_listed(calls, &channel);
            arena_deinit(&arena);
        } while (at.status == ESL_LIST_ROW);
    }
    *rows = list.rows;
    assert(!input.len || (at.status == ESL_LIST_END && used == input.len));
    return at.is_list;
}

/* The same list however it is cut. */
static void read_lists(struct slice input, struct esl_calls *calls)
{
    uint32_t rows, rows_in_pieces;
    bool is_list = read_list(input, input.len, calls, &rows);
    bool in_pieces = read_list(input, input.len / 16 + 1, calls, &rows_in_pieces);
    assert(is_list == in_pieces && rows == rows_in_pieces);
}

static void on_missing(void *ctx, struct slice id)
{
    (void)ctx;
    assert(esl_id_is_plain(id));
}

static struct slice agent_at(void *ctx, struct slice number)
{
    (void)ctx;
    return number.len == 4 ? SLICE("anna") : (struct slice){NULL, 0};
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice rest = {(const char *)data, size};
    struct arena arena;
    arena_init(&arena);
    struct esl_calls_options options = {
        .source = SLICE("fs1"), .on_event = on_event, .ctx = &arena, .agent_at = agent_at};
    struct esl_calls *calls = esl_calls_alloc(&options);
    struct esl_stream streams[2] = {{.sequence = 0}};
    unsigned turn = 0;
    for (;;) {
        struct esl_frame frame;
        struct esl_event event;
        struct fault fault;
        esl_read(&frame, rest);
        read_pieces(rest, &frame);
        if (frame.status != ESL_READY && frame.status != ESL_TOO_LONG)
            break;
        assert(frame.used > 0 && frame.used <= rest.len);
        if (esl_has_event(&frame) && esl_event_read(&event, &frame, &arena, &fault)) {
            assert(event.count <= ESL_FIELDS_MAX);
            esl_calls_event(calls, &streams[turn++ % 2], &event, &arena);
        }
        rest = rest_of(rest, &frame);
    }
    esl_calls_list_begin(calls);
    read_lists((struct slice){(const char *)data, size}, calls);
    esl_calls_list_end(calls, on_missing, NULL);
    esl_calls_end_stream(calls, &streams[0], &arena);
    esl_calls_free(&calls);
    arena_deinit(&arena);
    return 0;
}
