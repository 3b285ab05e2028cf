/* Private to rules/sim/sim_config*.c: the parts of a plan's configuration. */
#ifndef RULES_SIM_SIM_CONFIG_H
#define RULES_SIM_SIM_CONFIG_H

#include "rules/sim/sim_plan.h"

/* Each has dice of its own, so that taking one thing away moves nothing else. */
enum sim_property {
    SIM_PROPERTY_PRESENT = 1,
    SIM_PROPERTY_TIMES,
    SIM_PROPERTY_MEMBERS,
    SIM_PROPERTY_CAPACITY,
    SIM_PROPERTY_RULES,
    SIM_PROPERTY_PROJECT,
    SIM_PROPERTY_RELAX,
    SIM_PROPERTY_ORDER,
    SIM_PROPERTY_SKILLS,
    SIM_PROPERTY_HOURS,
    SIM_PROPERTY_OPEN,
    SIM_PROPERTY_EMPTY,
    SIM_PROPERTY_OVERLOAD,
    SIM_PROPERTY_PREFER,
    SIM_PROPERTY_REPLY,
    SIM_PROPERTY_RINGS,
};

struct sim_dice sim_dice_for(const struct sim_plan *plan, uint32_t version, enum sim_property property,
                             uint32_t item);
/* Half the time the common one. */
int64_t sim_pick_ms(struct sim_dice *dice, int64_t common);

/* What queues do with what they cannot take, whom customers know, and when agents have to reply, for the
 * queues that are there already; `index` leads from the plan's queues to them, -1: removed
 * (sim_config_ways.c). */
void sim_config_ways(struct project_config *config, const struct sim_plan *plan, uint32_t version,
                     const int *index, struct arena *arena);

#endif
