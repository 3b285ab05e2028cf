/* hiredis may free its context in either handler, and calls `clean_up` on the way: the adapter notes that it
 * is gone and does not touch the context again. The adapter itself lives until the handlers have returned. */
#include "storage/redis_adapter.h"

#include <stdlib.h>

#include "storage/fd_watch.h"

struct adapter {
    redisAsyncContext *context; /* NULL once cleaned up */
    struct fd_watch *watch;
    bool reading, writing;
    bool busy; /* in on_ready */
};

static void want(struct adapter *adapter)
{
    if (adapter->watch)
        fd_watch_want(adapter->watch, adapter->reading, adapter->writing);
}

static void add_read(void *ctx)
{
    struct adapter *adapter = ctx;
    adapter->reading = true;
    want(adapter);
}

static void delete_read(void *ctx)
{
    struct adapter *adapter = ctx;
    adapter->reading = false;
    want(adapter);
}

static void add_write(void *ctx)
{
    struct adapter *adapter = ctx;
    adapter->writing = true;
    want(adapter);
}

static void delete_write(void *ctx)
{
    struct adapter *adapter = ctx;
    adapter->writing = false;
    want(adapter);
}

static void clean_up(void *ctx)
{
    struct adapter *adapter = ctx;
    adapter->context = NULL;
    fd_watch_close(&adapter->watch);
    if (!adapter->busy)
        free(adapter);
}

static void on_ready(void *ctx, bool readable, bool writable)
{
    struct adapter *adapter = ctx;
    adapter->busy = true;
    if (readable)
        redisAsyncHandleRead(adapter->context);
    if (writable && adapter->context)
        redisAsyncHandleWrite(adapter->context);
    adapter->busy = false;
    if (!adapter->context)
        free(adapter);
}

bool redis_adapter_attach(redisAsyncContext *context, uv_loop_t *loop)
{
    struct adapter *adapter = calloc(1, sizeof *adapter);
    if (!adapter)
        abort();
    adapter->context = context;
    adapter->watch = fd_watch_open(loop, context->c.fd, on_ready, adapter);
    if (!adapter->watch) {
        free(adapter);
        return false;
    }
    context->ev.data = adapter;
    context->ev.addRead = add_read;
    context->ev.delRead = delete_read;
    context->ev.addWrite = add_write;
    context->ev.delWrite = delete_write;
    context->ev.cleanup = clean_up;
    return true;
}
