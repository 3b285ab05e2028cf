/* What other rules would have made of the arrivals of a journal. */
#ifndef SERVER_REPLAY_RULES_H
#define SERVER_REPLAY_RULES_H

#include <stdio.h>

#include "server/replay.h"

/* Prints a line for each arrival from `from` to `to` that the rules of `other` give another queue, priority
 * or skills, then counts. The state is that of the recorded decisions: what the other rules would have done
 * to it is not followed. False with reader.why when the journal cannot be read. */
bool replay_other_rules(FILE *out, struct replay *replay, const struct project_config *other, uint64_t from,
                        uint64_t to);

#endif
