/* Private to rules/record*.c and rules/explain*.c: the canonical binary form of rules/record.h, written into
 * an arena and read with bounds. One value has one form: a reader refuses any other. */
#ifndef RULES_RECORD_BYTES_H
#define RULES_RECORD_BYTES_H

#include "rules/value.h"

struct record_writer {
    struct arena *arena;
    uint8_t *bytes;
    size_t len, room;
};

struct record_writer record_writer_start(struct arena *arena, size_t room);
struct slice record_writer_end(const struct record_writer *writer);
void record_put_bytes(struct record_writer *writer, const void *bytes, size_t len);
void record_put_uint(struct record_writer *writer, uint64_t value);
void record_put_int(struct record_writer *writer, int64_t value);
void record_put_time(struct record_writer *writer, int64_t ms); /* TIME_NEVER is 0 */
void record_put_text(struct record_writer *writer, struct slice text);
void record_put_uuid(struct record_writer *writer, const struct uuid *id);
void record_put_value(struct record_writer *writer, const struct value *value); /* without its lines */

/* `bad` stays true once it is; what is read then is 0 or empty. */
struct record_reader {
    const uint8_t *at, *end;
    bool bad;
};

struct record_reader record_reader_start(struct slice bytes);
bool record_reader_is_done(const struct record_reader *reader);            /* everything read, nothing bad */
const uint8_t *record_get_bytes(struct record_reader *reader, size_t len); /* NULL: not there */
uint64_t record_get_uint(struct record_reader *reader);
uint32_t record_get_small(struct record_reader *reader, uint32_t max); /* an enumerator or a count */
uint32_t record_get_count(struct record_reader *reader); /* of things of at least one byte each */
int64_t record_get_int(struct record_reader *reader);
int64_t record_get_time(struct record_reader *reader);
struct slice record_get_text(struct record_reader *reader); /* borrowed from the bytes */
struct uuid record_get_uuid(struct record_reader *reader);
struct value record_get_value(struct record_reader *reader, struct arena *arena);

#endif
