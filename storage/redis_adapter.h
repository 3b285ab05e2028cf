/* Lets hiredis run on a libuv loop. Its own adapter (0.14.1) drops poll errors, so that a refused connection
 * or the reset of an idle one is never noticed; this one shows them to hiredis as readiness. */
#ifndef STORAGE_REDIS_ADAPTER_H
#define STORAGE_REDIS_ADAPTER_H

#include <hiredis/async.h>
#include <stdbool.h>
#include <uv.h>

/* False when the descriptor cannot be watched. hiredis ends the watch before it closes the descriptor. */
bool redis_adapter_attach(redisAsyncContext *context, uv_loop_t *loop) __attribute__((warn_unused_result));

#endif
