#include "server/waits.h"

#include <stdlib.h>

struct waits_lane {
    int64_t takes[WAITS_TAKES]; /* a ring */
    uint32_t count;             /* of all that were ever taken */
};

void waits_reset(struct waits *waits, uint32_t queue_count)
{
    waits_deinit(waits);
    waits->lanes = calloc((size_t)queue_count * CHANNEL_COUNT + 1, sizeof *waits->lanes);
    if (!waits->lanes)
        abort();
    waits->queue_count = queue_count;
}

void waits_deinit(struct waits *waits)
{
    free(waits->lanes);
    *waits = (struct waits){.lanes = NULL};
}

static struct waits_lane *find(const struct waits *waits, int queue, enum channel channel)
{
    bool known = queue >= 0 && (uint32_t)queue < waits->queue_count;
    return known ? &waits->lanes[(size_t)queue * CHANNEL_COUNT + channel] : NULL;
}

void waits_taken(struct waits *waits, int queue, enum channel channel, int64_t at_ms)
{
    struct waits_lane *lane = find(waits, queue, channel);
    if (lane)
        lane->takes[lane->count++ % WAITS_TAKES] = at_ms;
}

int64_t waits_estimate(const struct waits *waits, int queue, enum channel channel, uint32_t position,
                       int64_t now_ms)
{
    const struct waits_lane *lane = find(waits, queue, channel);
    int64_t oldest = now_ms;
    uint32_t recent = 0, kept = 0;
    if (lane)
        kept = lane->count < WAITS_TAKES ? lane->count : WAITS_TAKES;
    for (uint32_t i = 1; i <= kept; i++) {
        int64_t take = lane->takes[(lane->count - i) % WAITS_TAKES];
        if (now_ms - take > WAITS_RECENT_MS)
            break;
        oldest = take < oldest ? take : oldest;
        recent++;
    }
    return recent < 2 ? WAITS_UNKNOWN : (now_ms - oldest) * position / recent;
}
