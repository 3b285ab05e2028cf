/* CEL values as documents: the way back from rules/cel_from.h (cel-spec, "JSON Data Conversion"). */
#ifndef PROTO_CEL_JSON_H
#define PROTO_CEL_JSON_H

#include "rules/cel.h"
#include "rules/cel_from.h"

#define CEL_JSON_NODES_MAX 100000

/* Bytes become base64, timestamps and durations text, types their names, keys their text; NaN and infinities
 * text too, and a uint beyond int64_t a decimal text. False: more than CEL_JSON_NODES_MAX values (a small
 * value may share its parts many times), nested too deeply for JSON, or two keys with one text. */
bool cel_to_value(struct value *out, const struct cel_value *value, struct arena *arena)
    __attribute__((warn_unused_result));

#endif
