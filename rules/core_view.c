/* What outsiders may ask of the state: nothing here changes it. */
#include "rules/core_state.h"

struct core_depth core_depth(const struct core *core, int queue, enum channel channel)
{
    return (struct core_depth){.waiting = core_ages(core, queue, channel)->count,
                               .since_ms = core_oldest(core, queue, channel)};
}

uint32_t core_position(const struct core *core, const struct interaction *interaction)
{
    if (!interaction->waiting.linked)
        return 0;
    const struct lane_queue *lanes = &core->lanes.queues[interaction->data.queue];
    const struct rank *own = &interaction->waiting.rank;
    uint32_t position = 1;
    for (uint32_t lane = lanes->first_lane; lane < lanes->first_lane + lanes->lane_count; lane++) {
        const struct rank_node *node = rank_first(core_waiting(core, lane, interaction->channel));
        for (; node && rank_compare(&node->rank, own) < 0; node = rank_next(node))
            position++;
    }
    return position;
}
