/* The interaction's customer: linked to one that is there, or to one that is made for it. */
#ifndef SERVER_OPERATION_LINK_H
#define SERVER_OPERATION_LINK_H

#include "server/operation.h"

void operation_link_customer(struct operation_call *call);

#endif
