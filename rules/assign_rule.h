/* Who gets a customer that becomes to_be_assigned: the project file's `assign`. */
#ifndef RULES_ASSIGN_RULE_H
#define RULES_ASSIGN_RULE_H

#include "rules/core.h"

/* Whether a condition of `assign` may read that variable of rules/rule_env.h: the customer's and `now`. */
bool assign_may_read(uint32_t variable);
/* The first of config->assigns whose condition is true, or -1; one that fails is not. The fact is known. */
int assign_match(const struct project_config *config, const struct customer_fact *fact, int64_t now_ms,
                 struct arena *arena);

#endif
