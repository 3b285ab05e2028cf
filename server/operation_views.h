/* Live views that need more than their statement: the others are rows with operation_sql() alone. */
#ifndef SERVER_OPERATION_VIEWS_H
#define SERVER_OPERATION_VIEWS_H

#include "server/operation.h"

void operation_list_interactions(struct operation_call *call);
void operation_get_interaction(struct operation_call *call); /* with its place and how long it may wait */

#endif
