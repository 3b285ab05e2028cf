/* JSON (RFC 8259) to and from values. Reading is jansson with limits; writing is compact and deterministic.
 */
#ifndef PROTO_JSON_H
#define PROTO_JSON_H

#include "rules/event.h"

#define JSON_DEPTH_MAX 32
#define JSON_NODES_MAX 200000

/* Duplicate names, NUL in strings, invalid UTF-8, trailing bytes and more than the limits are refused. */
bool json_read(struct value *out, struct slice text, struct arena *arena, struct fault *fault)
    __attribute__((warn_unused_result));

/* Members in the order set, no white space, "/" not escaped, control characters as \u00XX or their short
 * form. Doubles are the shortest text that reads back as the same double, and keep a mark that they are one
 * ("1.0"); what JSON cannot say (NaN, infinities) is null. */
struct slice json_write(const struct value *value, struct arena *arena);
/* How many bytes json_write() would give, without writing any. */
size_t json_size(const struct value *value);

#endif
