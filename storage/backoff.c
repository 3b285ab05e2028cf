#include "storage/backoff.h"

#include <uv.h>

uint64_t backoff_wait(struct backoff *backoff)
{
    uint64_t step = backoff->next_ms ? backoff->next_ms : BACKOFF_FIRST_MS;
    backoff->next_ms = step * 2 < BACKOFF_MAX_MS ? step * 2 : BACKOFF_MAX_MS;
    uint32_t random = 0;
    /* Without randomness the wait is the shortest of its step: worse manners, same meaning. */
    if (uv_random(NULL, NULL, &random, sizeof random, 0, NULL) != 0)
        random = 0;
    return step / 2 + random % (step - step / 2 + 1);
}

void backoff_was_up(struct backoff *backoff, uint64_t up_ms)
{
    if (up_ms >= BACKOFF_STEADY_MS)
        backoff->next_ms = 0;
}
