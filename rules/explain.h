/* Why an interaction went where it went, or waits: an explanation of the core and the version of the
 * configuration that it was made with, as a document (docs/explain.md) and as words. Every agent of the
 * configuration is a candidate, with the first test that failed: presence, rest (wrap-up and cool-down),
 * capacity, membership, skills, excluded. */
#ifndef RULES_EXPLAIN_H
#define RULES_EXPLAIN_H

#include "rules/core_outcome.h"
#include "rules/value.h"

/* Candidates in the order of the file. False when the explanation cannot be of this configuration. */
bool explain_value(struct value *out, const struct explanation *why, const struct project_config *config,
                   struct arena *arena) __attribute__((warn_unused_result));
/* Lines, each ending with a newline, from what explain_value() made. */
struct slice explain_words(const struct value *explained, struct arena *arena);

#endif
