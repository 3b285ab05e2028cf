/* Private to rules/record*.c: the part of a decision that says why. */
#ifndef RULES_RECORD_EXPLAIN_H
#define RULES_RECORD_EXPLAIN_H

#include "rules/core_outcome.h"
#include "rules/record_bytes.h"

/* `snapshots` are the decision's: an interaction that one of them is of takes a number instead of its id. */
void record_put_explanations(struct record_writer *writer, const struct outcome *outcome,
                             const struct snapshot *const *snapshots, uint32_t snapshot_count);
void record_get_explanations(struct record_reader *reader, struct outcome *out,
                             const struct snapshot *snapshots, uint32_t snapshot_count, struct arena *arena);

#endif
