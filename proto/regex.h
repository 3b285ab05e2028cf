/* Regular expressions for rules: the small C face of RE2, which is C++. No exception passes it.
 *
 * RE2 matches in time linear in the text, whatever the pattern; a pattern that would need more than 1 MiB of
 * memory is refused. Patterns and texts are UTF-8; \pN, (?i) and the like as RE2's syntax has them. */
#ifndef PROTO_REGEX_H
#define PROTO_REGEX_H

#include "rules/cel.h"

#ifdef __cplusplus
extern "C" {
#endif

extern const struct cel_regex_ops regex_ops;

#ifdef __cplusplus
}
#endif

#endif
