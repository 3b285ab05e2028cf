/* Why: of an interaction as things stand, of a decision as it was made. */
#ifndef SERVER_OPERATION_EXPLAIN_H
#define SERVER_OPERATION_EXPLAIN_H

#include "server/operation.h"

void operation_why(struct operation_call *call);
void operation_explain_decision(struct operation_call *call);

#endif
