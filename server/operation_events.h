/* Events in: one or many, over HTTP (structured, binary, batched CloudEvents) or MessagePack-RPC. */
#ifndef SERVER_OPERATION_EVENTS_H
#define SERVER_OPERATION_EVENTS_H

#include "server/operation.h"

void operation_publish_http(struct operation_call *call);
void operation_publish_rpc(struct operation_call *call);
void operation_publish_batch_rpc(struct operation_call *call);

#endif
