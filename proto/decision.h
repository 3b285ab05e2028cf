/* What clients are told: answers to producers and agents, and announcements as CloudEvents (contract sections
 * 2 and 3). The same outcome gives the same value, whether it was just made or read back from the journal:
 * repeats are byte-equal. */
#ifndef PROTO_DECISION_H
#define PROTO_DECISION_H

#include "rules/core.h"
#include "rules/value.h"

#define SEQUENCE_DIGITS 20

/* Answer to an event: id, source, sequence, interaction, outcome, queue, agent, offer, identity. */
struct value decision_event_answer(const struct outcome *outcome, struct slice id, struct slice source,
                                   struct arena *arena);
/* Answer to a command (accept, reject, presence, end). */
struct value decision_command_answer(const struct outcome *outcome, struct arena *arena);

/* The CloudEvent of the n-th announcement (from 1) of an outcome. `with_agentsequence` for the agent's own
 * channel and feed only; data.agent is that agent's name then. */
struct value decision_announcement(const struct outcome *outcome, const struct announcement *announcement,
                                   uint32_t n, struct slice project, bool with_agentsequence,
                                   struct arena *arena);

/* "00000000000000000042" */
struct slice sequence_text(uint64_t sequence, struct arena *arena);
/* Reads it back (leading zeroes optional, at most 20 digits); false for anything else. */
bool sequence_read(uint64_t *out, struct slice text) __attribute__((warn_unused_result));

#endif
