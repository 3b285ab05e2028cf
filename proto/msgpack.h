/* MessagePack to and from values, and the framing of a stream of messages. */
#ifndef PROTO_MSGPACK_H
#define PROTO_MSGPACK_H

#include "rules/event.h"

#define MSGPACK_DEPTH_MAX 32
#define MSGPACK_NODES_MAX 200000
#define MSGPACK_FRAME_MAX (4u << 20) /* bytes of one object */

enum msgpack_status { MSGPACK_NEED_MORE, MSGPACK_READY, MSGPACK_BAD };

/* Walks the headers of one object at the start of `bytes`, without unpacking or reserving anything.
 * Resumable: keep the scan between calls and pass the same bytes with more behind them. READY: `used` bytes
 * hold exactly one object. What a header announces counts at once: too many values or too many bytes are BAD
 * before they arrive. */
struct msgpack_scan {
    size_t offset;
    uint32_t nodes, depth;
    uint32_t left[MSGPACK_DEPTH_MAX];
    const char *why; /* set on BAD; static */
};
void msgpack_scan_init(struct msgpack_scan *scan);
enum msgpack_status msgpack_scan_step(struct msgpack_scan *scan, struct slice bytes, size_t *used);

/* Unpacks exactly one scanned object. Strings must be UTF-8 without NUL, map keys strings and unique, numbers
 * finite; ext types, and so timestamps, are refused; -> fault. Bytes that a scan would not call READY are
 * refused too. */
bool msgpack_read(struct value *out, struct slice bytes, struct arena *arena, struct fault *fault)
    __attribute__((warn_unused_result));

/* The smallest encoding of each value; a double that a float can hold goes as one. */
struct slice msgpack_write(const struct value *value, struct arena *arena);

#endif
