/* The project's file: put a new version (active once this has answered), get one. */
#ifndef SERVER_OPERATION_CONFIG_H
#define SERVER_OPERATION_CONFIG_H

#include "server/operation.h"

void operation_put_config_http(struct operation_call *call);
void operation_put_config_rpc(struct operation_call *call);

#endif
