/* How long to wait before dialling again: doubling from 50 ms to 2 s, each wait cut by up to a half at
 * random, so that many routers that lost the same server do not come back in step. */
#ifndef STORAGE_BACKOFF_H
#define STORAGE_BACKOFF_H

#include <stdint.h>

#define BACKOFF_FIRST_MS 50
#define BACKOFF_MAX_MS 2000
#define BACKOFF_STEADY_MS 2000 /* a link that was up for this long starts from the first wait again */

struct backoff {
    uint64_t next_ms; /* 0 before the first wait */
};

/* The next wait in milliseconds: at least a half of the step, at most all of it. */
uint64_t backoff_wait(struct backoff *backoff);
/* Says how long the link that was lost had been up. */
void backoff_was_up(struct backoff *backoff, uint64_t up_ms);

#endif
