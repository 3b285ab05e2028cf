/* The journal's bytes: inputs, facts and decisions in one canonical binary form. The same value gives the
 * same bytes on every machine; replay compares them. No people: names, numbers, addresses and texts stand in
 * the content table.
 *
 * Form: integers as LEB128 (signed ones zigzag), text as length and bytes, ids as 16 bytes behind a byte that
 * says whether there is one; the first byte of a decision is its version. */
#ifndef RULES_RECORD_H
#define RULES_RECORD_H

#include "rules/core.h"

#define RECORD_VERSION 2

struct slice record_input(const struct input *input, struct arena *arena);
struct slice record_facts(const struct facts *facts, struct arena *arena);
struct slice record_decision(const struct outcome *outcome, struct arena *arena);

/* Reads a decision back: all but what is not recorded (texts, facts, metrics hints, seq, at_ms,
 * config_version). False for bytes that record_decision() cannot have made. `bytes` must outlive the result.
 */
bool record_read_decision(struct outcome *out, struct slice bytes, struct arena *arena)
    __attribute__((warn_unused_result));

#endif
