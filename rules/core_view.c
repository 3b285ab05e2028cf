/* What outsiders may ask of the state: nothing here changes it. */
#include "rules/core_state.h"

struct core_depth core_depth(const struct core *core, int queue, enum channel channel)
{
    const struct lane_queue *lanes = &core->lanes.queues[queue];
    struct core_depth depth = {.since_ms = TIME_NEVER};
    for (uint32_t lane = lanes->first_lane; lane < lanes->first_lane + lanes->lane_count; lane++) {
        const struct rank_tree *waiting = core_waiting(core, lane, channel);
        const struct rank_node *first = rank_first(waiting);
        const struct interaction *next = first ? first->owner : NULL;
        depth.waiting += waiting->count;
        if (next && next->data.enqueued_ms < depth.since_ms)
            depth.since_ms = next->data.enqueued_ms;
    }
    return depth;
}
