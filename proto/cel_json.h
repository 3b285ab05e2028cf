/* CEL values from documents and back, as JSON has them (cel-spec, "JSON Data Conversion"). */
#ifndef PROTO_CEL_JSON_H
#define PROTO_CEL_JSON_H

#include "rules/cel.h"
#include "rules/value.h"

#define CEL_JSON_NODES_MAX 100000

/* Whole numbers are ints, others doubles; maps have string keys. Borrows the document's text. */
struct cel_value cel_from_value(const struct value *value, struct arena *arena);

/* Bytes become base64, timestamps and durations text, types their names, keys their text; NaN and infinities
 * text too, and a uint beyond int64_t a decimal text. False: more than CEL_JSON_NODES_MAX values (a small
 * value may share its parts many times), nested too deeply for JSON, or two keys with one text. */
bool cel_to_value(struct value *out, const struct cel_value *value, struct arena *arena)
    __attribute__((warn_unused_result));

#endif
