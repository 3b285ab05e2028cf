#include "rules/record_bytes.h"

#include <string.h>

#define UINT_BYTES_MAX 10

/* --- Writing --- */

void record_put_bytes(struct record_writer *writer, const void *bytes, size_t len)
{
    if (writer->room - writer->len < len) {
        size_t room = (writer->room + len) * 2;
        uint8_t *grown = arena_alloc(writer->arena, room);
        if (writer->len)
            memcpy(grown, writer->bytes, writer->len);
        writer->bytes = grown;
        writer->room = room;
    }
    if (len)
        memcpy(writer->bytes + writer->len, bytes, len);
    writer->len += len;
}

void record_put_uint(struct record_writer *writer, uint64_t value)
{
    uint8_t bytes[UINT_BYTES_MAX];
    size_t len = 0;
    do {
        bytes[len++] = (uint8_t)((value & 127) | (value > 127 ? 128 : 0));
        value >>= 7;
    } while (value);
    record_put_bytes(writer, bytes, len);
}

void record_put_int(struct record_writer *writer, int64_t value)
{
    record_put_uint(writer, (uint64_t)value << 1 ^ (uint64_t)(value >> 63));
}

void record_put_time(struct record_writer *writer, int64_t ms)
{
    record_put_int(writer, ms == TIME_NEVER ? 0 : ms);
}

void record_put_text(struct record_writer *writer, struct slice text)
{
    record_put_uint(writer, text.len);
    record_put_bytes(writer, text.ptr, text.len);
}

void record_put_uuid(struct record_writer *writer, const struct uuid *id)
{
    uint8_t there = !uuid_is_nil(id);
    record_put_bytes(writer, &there, 1);
    if (there)
        record_put_bytes(writer, id->bytes, sizeof id->bytes);
}

struct record_writer record_writer_start(struct arena *arena, size_t room)
{
    return (struct record_writer){.arena = arena, .bytes = arena_alloc(arena, room), .room = room};
}

struct slice record_writer_end(const struct record_writer *writer)
{
    return (struct slice){(const char *)writer->bytes, writer->len};
}

/* --- Reading --- */

struct record_reader record_reader_start(struct slice bytes)
{
    return (struct record_reader){(const uint8_t *)bytes.ptr, (const uint8_t *)bytes.ptr + bytes.len, false};
}

bool record_reader_is_done(const struct record_reader *reader)
{
    return !reader->bad && reader->at == reader->end;
}

uint64_t record_get_uint(struct record_reader *reader)
{
    uint64_t value = 0;
    for (int shift = 0; shift < 64 && reader->at != reader->end; shift += 7) {
        uint8_t byte = *reader->at++;
        bool padded = byte == 0 && shift > 0, too_large = shift == 63 && byte > 1;
        value |= (uint64_t)(byte & 127) << shift;
        if (padded || too_large)
            break;
        if (byte < 128)
            return reader->bad ? 0 : value;
    }
    reader->bad = true;
    return 0;
}

uint32_t record_get_small(struct record_reader *reader, uint32_t max)
{
    uint64_t value = record_get_uint(reader);
    if (value > max)
        reader->bad = true;
    return reader->bad ? 0 : (uint32_t)value;
}

uint32_t record_get_count(struct record_reader *reader)
{
    uint64_t count = record_get_uint(reader);
    if (count > (size_t)(reader->end - reader->at) || count > UINT32_MAX)
        reader->bad = true;
    return reader->bad ? 0 : (uint32_t)count;
}

int64_t record_get_int(struct record_reader *reader)
{
    uint64_t value = record_get_uint(reader);
    return (int64_t)(value >> 1) ^ -(int64_t)(value & 1);
}

int64_t record_get_time(struct record_reader *reader)
{
    int64_t ms = record_get_int(reader);
    return ms ? ms : TIME_NEVER;
}

const uint8_t *record_get_bytes(struct record_reader *reader, size_t len)
{
    const uint8_t *bytes = reader->at;
    if (reader->bad || (size_t)(reader->end - reader->at) < len) {
        reader->bad = true;
        return NULL;
    }
    reader->at += len;
    return bytes;
}

struct slice record_get_text(struct record_reader *reader)
{
    size_t len = record_get_uint(reader);
    const uint8_t *bytes = record_get_bytes(reader, len);
    return bytes && len ? (struct slice){(const char *)bytes, len} : (struct slice){NULL, 0};
}

struct uuid record_get_uuid(struct record_reader *reader)
{
    struct uuid id = {{0}};
    bool there = record_get_small(reader, 1);
    const uint8_t *bytes = there ? record_get_bytes(reader, sizeof id.bytes) : NULL;
    if (bytes)
        memcpy(id.bytes, bytes, sizeof id.bytes);
    if (there && uuid_is_nil(&id))
        reader->bad = true;
    return id;
}
