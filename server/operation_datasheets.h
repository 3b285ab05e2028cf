/* Datasheets: forms of the project's file, filled in for an interaction; and what forms there are. */
#ifndef SERVER_OPERATION_DATASHEETS_H
#define SERVER_OPERATION_DATASHEETS_H

#include "server/operation.h"

void operation_get_forms(struct operation_call *call);
void operation_get_datasheet(struct operation_call *call);
void operation_put_datasheet(struct operation_call *call);

#endif
