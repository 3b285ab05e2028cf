/* MessagePack-RPC calls to operations: a session per connection, opened by `hello`.
 *
 * hello [{protocol: 1, client, auth: {token}}] comes first and once; calls behind it in the stream wait for
 * its answer. A session's token is confirmed as often as an HTTP client's. */
#ifndef SERVER_RPC_DISPATCH_H
#define SERVER_RPC_DISPATCH_H

#include "server/rpc.h"

#define RPC_PROTOCOL 1

/* For struct rpc_handler: `app` is a struct app. */
void rpc_dispatch_on_call(void *app, struct rpc_call *call);
void rpc_dispatch_on_closed(void *app, struct rpc_connection *connection);

#endif
