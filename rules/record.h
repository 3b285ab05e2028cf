/* The journal's bytes: inputs, facts and decisions in one canonical binary form. The same value gives the
 * same bytes on every machine; replay reads inputs and facts, steps them and compares the decisions' bytes.
 * No people: names, numbers, addresses and texts stand in the content table, the keys of blocks in the
 * blacklist. Whoever adds to struct input, struct facts or struct outcome what a decision depends on, or what
 * it says, adds it here.
 *
 * Form: integers as LEB128 (signed ones zigzag), text as length and bytes, ids as 16 bytes behind a byte that
 * says whether there is one; the first byte of everything is RECORD_VERSION. Readers return false for bytes
 * that the writer cannot have made; what they give borrows from `bytes`, which must outlive it. */
#ifndef RULES_RECORD_H
#define RULES_RECORD_H

#include "rules/core.h"

#define RECORD_VERSION 2

struct slice record_input(const struct input *input, struct arena *arena);
struct slice record_facts(const struct facts *facts, struct arena *arena);
struct slice record_decision(const struct outcome *outcome, struct arena *arena);

/* What the content table says of an event's row. Where somebody was erased, or the event said nothing of
 * people, all of it is empty. */
struct record_people {
    struct party_texts texts; /* but for the region, which the row itself has */
    struct slice body;
    struct value attributes; /* decoded */
};

/* All but at_ms, the facts, the configuration of INPUT_CONFIG and the key of INPUT_BLOCK. An event without
 * the keys that it had gets RECORD_ERASED_KEY in their place: who it was about had one, and nobody else has
 * it. */
#define RECORD_ERASED_KEY SLICE("?@?") /* reads as a mail key too, and as nobody's number */
bool record_read_input(struct input *out, struct slice bytes, const struct record_people *people,
                       struct arena *arena) __attribute__((warn_unused_result));

/* Why the source of a recorded event says that it ended; empty for whatever else. */
struct slice record_reported(struct slice bytes, struct arena *arena);

/* The candidates' fields, which stand in the content table: a list with a map or null for each, or null. */
struct value record_facts_fields(const struct facts *facts, struct arena *arena);
/* All but the candidates' names. `fields` is what record_facts_fields() gave, or NULL; where it is missing
 * who had fields gets an empty map. */
bool record_read_facts(struct facts *out, struct slice bytes, const struct value *fields, struct arena *arena)
    __attribute__((warn_unused_result));

/* What an open interaction knows that no column of its row says: how it was routed, and what was known of its
 * customer, with which it goes on whatever becomes of the customer. Without the customer's name, and with the
 * last agent only while that one may still be asked. */
struct record_names {
    struct slice rule, excluded; /* empty: none */
};
struct slice record_open(const struct core *core, const struct interaction *interaction, struct arena *arena);
/* Into `out`'s data and its texts.region; the rest of it is left alone. */
bool record_read_open(struct interaction *out, struct record_names *names, struct slice bytes,
                      struct arena *arena) __attribute__((warn_unused_result));

/* Reads a decision back: all but what is not recorded (texts, facts, metrics hints, seq, at_ms,
 * config_version). */
bool record_read_decision(struct outcome *out, struct slice bytes, struct arena *arena)
    __attribute__((warn_unused_result));

#endif
