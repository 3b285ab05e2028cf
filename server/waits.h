/* How long who waits in a queue will have to wait, guessed from how often work of it was taken lately. Only
 * for people to read: nothing is decided by it, so it is not stored and begins anew with every configuration
 * and every start. */
#ifndef SERVER_WAITS_H
#define SERVER_WAITS_H

#include "rules/types.h"

#define WAITS_TAKES 16          /* the newest ones that are remembered of each queue and channel */
#define WAITS_RECENT_MS 1800000 /* what was taken earlier says nothing about now */
#define WAITS_UNKNOWN INT64_C(-1)

struct waits_lane;

/* Zeroed is empty. */
struct waits {
    struct waits_lane *lanes; /* [queue * CHANNEL_COUNT + channel] */
    uint32_t queue_count;
};

void waits_reset(struct waits *waits, uint32_t queue_count);
void waits_deinit(struct waits *waits);
/* Somebody took work of that queue. */
void waits_taken(struct waits *waits, int queue, enum channel channel, int64_t at_ms);
/* Milliseconds until the one at `position` (from 1) is taken: so many times the mean distance of the recent
 * takes. WAITS_UNKNOWN with fewer than two of them. */
int64_t waits_estimate(const struct waits *waits, int queue, enum channel channel, uint32_t position,
                       int64_t now_ms);

#endif
