/* What agents and supervisors tell the router: presence, answers to offers, the end of an interaction. */
#ifndef SERVER_OPERATION_COMMANDS_H
#define SERVER_OPERATION_COMMANDS_H

#include "server/operation.h"

#define PRESENCE_LEASE_MAX_S 86400
#define PRESENCE_LEASE_DEFAULT_S 30
#define PRESENCE_REASON_MAX 200 /* bytes */

void operation_set_presence(struct operation_call *call);
void operation_accept_offer(struct operation_call *call);
void operation_reject_offer(struct operation_call *call);
void operation_end_interaction(struct operation_call *call);
void operation_transfer_interaction(struct operation_call *call);
void operation_assign_interaction(struct operation_call *call);
void operation_pull_interaction(struct operation_call *call);

#endif
