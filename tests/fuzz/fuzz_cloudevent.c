/* The first byte chooses the way in: structured JSON, MessagePack, or headers (a line each). An event that is
 * read has one key and one digest in both codings. */
#include <assert.h>
#include <string.h>

#include "proto/cloudevent.h"
#include "proto/json.h"
#include "proto/msgpack.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static bool read_headers(struct value *out, struct slice text, struct arena *arena, struct fault *fault)
{
    struct cloudevent_headers headers;
    cloudevent_headers_init(&headers, arena);
    while (text.len) {
        const char *end = memchr(text.ptr, '\n', text.len);
        struct slice line = {text.ptr, end ? (size_t)(end - text.ptr) : text.len};
        const char *colon = line.len ? memchr(line.ptr, ':', line.len) : NULL;
        if (colon) {
            size_t at = (size_t)(colon - line.ptr);
            cloudevent_headers_add(&headers, (struct slice){line.ptr, at},
                                   (struct slice){colon + 1, line.len - at - 1}, arena);
        }
        size_t step = line.len + (end ? 1 : 0);
        text = (struct slice){text.ptr + step, text.len - step};
    }
    value_set(&headers.document, "data", value_null());
    *out = headers.document;
    *fault = headers.fault;
    assert(!headers.bad || fault->detail[0]);
    return !headers.bad;
}

static void check_event(const struct event *event, const struct value *document, struct arena *arena)
{
    struct uuid key, digest, same;
    struct value back;
    struct event again;
    struct fault fault;
    cloudevent_key(&key, event);
    cloudevent_digest(&digest, event);
    bool read = msgpack_read(&back, msgpack_write(document, arena), arena, &fault) &&
                cloudevent_read(&again, &back, arena, &fault);
    assert(read);
    cloudevent_digest(&same, &again);
    assert(uuid_equal(&digest, &same));
    assert(event->subject.len && event->id.len && event->source.len);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
    struct arena arena;
    struct value document;
    struct event event;
    struct fault fault = {{0}, {0}, 0};
    if (!len)
        return 0;
    struct slice text = {(const char *)bytes + 1, len - 1};
    arena_init(&arena);
    bool read = bytes[0] == 'm'   ? msgpack_read(&document, text, &arena, &fault)
                : bytes[0] == 'h' ? read_headers(&document, text, &arena, &fault)
                                  : json_read(&document, text, &arena, &fault);
    if (read && cloudevent_read(&event, &document, &arena, &fault))
        check_event(&event, &document, &arena);
    else
        assert(fault.detail[0]);
    arena_deinit(&arena);
    return 0;
}
