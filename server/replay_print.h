/* Two decisions beside each other, as text. */
#ifndef SERVER_REPLAY_PRINT_H
#define SERVER_REPLAY_PRINT_H

#include <stdio.h>

#include "rules/core.h"

/* Lines that differ are marked. `config` names the rules and queues of both. */
void replay_print_both(FILE *out, const struct outcome *then, const struct outcome *now,
                       const struct project_config *config);
const char *refusal_name(enum refusal refusal);

#endif
