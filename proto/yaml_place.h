/* Where in a YAML or JSON source a character of a scalar stands: quotes, escapes, folding and indentation lie
 * between the two. */
#ifndef PROTO_YAML_PLACE_H
#define PROTO_YAML_PLACE_H

#include "rules/value.h"

struct yaml_place {
    uint32_t line, column; /* both from 1, columns in code points */
};

/* `scalar` is a string that yaml_read() made of `source`; `offset` the first byte of a character of it that
 * is no blank, or its length: behind the last one. */
struct yaml_place yaml_place(struct slice source, const struct value *scalar, size_t offset);

#endif
