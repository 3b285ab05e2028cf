/* What is always true of the core: named invariants over a state, over what one batch made of it, and over
 * what its outcomes say. Worked out from the data and the configuration alone, never by asking the core's own
 * functions, so that a fault there does not hide itself.
 *
 * Two forms: invariant_sweep() looks at everything, invariant_check_batch() at what the newest batch touched,
 * which costs little more than the batch itself. Both only read. The simulator does one or the other after
 * each batch; the server the second with each batch and the first a slice at a time. */
#ifndef RULES_INVARIANT_H
#define RULES_INVARIANT_H

#include <stdarg.h>

#include "rules/core.h"

enum invariant {
    /* Of one interaction. */
    INVARIANT_STATE_FITS,
    INVARIANT_TIMES_ORDERED,
    INVARIANT_OFFER_IS_OWN,
    INVARIANT_OFFER_LASTS,
    INVARIANT_CONVERSATION_ONE,
    INVARIANT_FOUND_BY_ID,
    INVARIANT_AMONG_OPEN,
    INVARIANT_WAITS_IN_PLACE,
    INVARIANT_RELAXED_BY_AGE,
    INVARIANT_AMONG_WORK,
    INVARIANT_TIMER_OF_INTERACTION,
    INVARIANT_CLOSED_IS_OUT,
    INVARIANT_BLOCKED_NOT_OFFERED,
    INVARIANT_HELD_WHILE_CLOSED,
    /* Of one agent. */
    INVARIANT_LOAD_COUNTED,
    INVARIANT_READY_IN_PLACE,
    INVARIANT_TIMER_OF_AGENT,
    INVARIANT_PRESENCE_FITS,
    INVARIANT_AGENT_OF_CONFIG,
    /* Of the whole. */
    INVARIANT_TREES_SOUND,
    INVARIANT_TABLES_SOUND,
    INVARIANT_COUNTS_RIGHT,
    INVARIANT_NOBODY_WAITS_IN_VAIN,
    INVARIANT_NOTHING_OVERDUE,
    INVARIANT_NOTHING_STUCK,
    /* Of what a batch did. */
    INVARIANT_SEQUENCE_GAPLESS,
    INVARIANT_TIME_FORWARD,
    INVARIANT_AGENTSEQUENCE_GAPLESS,
    INVARIANT_IDS_OWN,
    INVARIANT_ANSWER_FITS,
    INVARIANT_CHANGES_TOLD,
    INVARIANT_STATE_MOVES,
    INVARIANT_RANK_KEPT,
    INVARIANT_IDENTITY_MOVES,
    INVARIANT_OFFER_WITHIN_CAPACITY,
    INVARIANT_OFFER_TO_ABLE,
    INVARIANT_OFFER_TO_SKILLED,
    INVARIANT_BEST_AGENT,
    INVARIANT_BEST_WAITING,
    INVARIANT_TURN_TAKEN,
    INVARIANT_EXPLAINED,
    INVARIANT_REST_STARTED,
    INVARIANT_MISSES_COUNTED,
    INVARIANT_CLOSED_TAKES_NOTHING,
    INVARIANT_GOES_ON_AS_SET,
    INVARIANT_KNOWN_FIRST,
    INVARIANT_HANDED_AS_ASKED,
    INVARIANT_REPLY_DUE,
    INVARIANT_LINKED_AS_SAID,
    INVARIANT_REFUSED_CHANGES_NOTHING,
    /* Of a run: found by the simulator alone. */
    INVARIANT_FIRST_RULE_MATCHES,
    INVARIANT_RECORD_READS_BACK,
    INVARIANT_ROLLBACK_LEAVES_NOTHING,
    INVARIANT_SAME_AGAIN,
    INVARIANT_TABLES_HOLD_ALL,
    INVARIANT_COUNT
};

const char *invariant_name(enum invariant invariant); /* "nobody_waits_in_vain" */
const char *invariant_says(enum invariant invariant); /* the same as a sentence */

#define FINDINGS_KEPT 8
#define FINDING_TEXT 200 /* bytes, with the NUL: what was wrong, no people in it */

struct finding {
    enum invariant invariant;
    struct uuid interaction; /* nil: none */
    char agent[CONFIG_NAME_MAX + 1];
    char text[FINDING_TEXT];
};

struct findings {
    uint32_t count; /* those not kept included */
    uint32_t kept;  /* the first of each invariant */
    struct finding items[FINDINGS_KEPT];
};

void findings_add(struct findings *findings, enum invariant invariant, const struct uuid *interaction,
                  struct slice agent, const char *format, va_list args) __attribute__((format(printf, 5, 0)));

/* Everything, between steps. */
void invariant_sweep(struct findings *findings, const struct core *core, struct arena *scratch);

/* A look at the trees, tables and counts as wholes walks all there is in one go: above so many agents and
 * open interactions (some milliseconds) a sweep by slices leaves it out. */
#define INVARIANT_WHOLE_MAX 10000

/* The same a slice at a time, for a state that goes on meanwhile; 0 to begin with, and 0 again when it is
 * through. At most `objects` interactions and agents, or one look at the whole. */
struct invariant_cursor {
    uint32_t agents;  /* looked at */
    struct rank open; /* the last interaction looked at */
    bool is_among_open;
    uint8_t wholes; /* looks taken */
};
void invariant_sweep_slice(struct findings *findings, const struct core *core,
                           struct invariant_cursor *cursor, uint32_t objects, struct arena *scratch);

/* One outcome of a batch, with its input. */
struct invariant_row {
    const struct input *input;
    const struct outcome *outcome;
};

/* After the last step of the newest batch, before its commit. `rows` are its accepted outcomes in order.
 * Offers and their order are judged by how things stood when the batch began, as far as it touched neither
 * side: the fewer inputs in a batch, the more is found. */
void invariant_check_batch(struct findings *findings, const struct core *core,
                           const struct invariant_row *rows, size_t count, struct arena *scratch);

#endif
