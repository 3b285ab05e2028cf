/* The blacklist as people edit it: add, lift, list. Once a change has been answered, it is in force and what
 * was on offer against it has been withdrawn. */
#ifndef SERVER_OPERATION_BLACKLIST_H
#define SERVER_OPERATION_BLACKLIST_H

#include "server/operation.h"

#define BLOCK_VALUE_MAX 256  /* bytes of a number, an address, a domain or a prefix as written */
#define BLOCK_REASON_MAX 500 /* bytes */

void operation_add_block(struct operation_call *call);
void operation_lift_block(struct operation_call *call);
void operation_list_blocks(struct operation_call *call);

#endif
