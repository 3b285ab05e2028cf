/* CEL values of decoded documents (cel-spec, "JSON Data Conversion"). */
#ifndef RULES_CEL_FROM_H
#define RULES_CEL_FROM_H

#include "rules/cel_value.h"
#include "rules/value.h"

/* Whole numbers are ints, others doubles; maps have string keys. Borrows the document's text. */
struct cel_value cel_from_value(const struct value *value, struct arena *arena);

#endif
