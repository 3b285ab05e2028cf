/* The rules of simulated projects: each condition as an expression and as C, so that what one says can be
 * held against the other. */
#ifndef RULES_SIM_SIM_RULE_H
#define RULES_SIM_SIM_RULE_H

#include "rules/sim/sim_play.h"

#define SIM_CONDITIONS 11

const char *sim_condition(uint32_t condition);
/* The rule that an event's new interaction should have; asked before the step. -1: the input opens nothing by
 * a rule, or it cannot be told. */
int sim_expected_rule(const struct sim *sim, const struct input *input);

#endif
