/* What hiredis wants written goes out before the loop sleeps; only what the socket does not take waits until
 * it is writable, which costs four more system calls.
 *
 * hiredis may free its context in any handler, and calls `clean_up` on the way: the adapter notes that it is
 * gone and does not touch the context again. The adapter itself lives until libuv has closed its handle. */
#include "storage/redis_adapter.h"

#include <stdlib.h>

#include "storage/fd_watch.h"

struct adapter {
    redisAsyncContext *context; /* NULL once cleaned up */
    struct fd_watch *watch;
    uv_prepare_t before_sleep; /* active while something waits for its first try */
    bool reading, writing;
};

/* Not for writing before that was tried. */
static void want(struct adapter *adapter)
{
    if (adapter->watch)
        fd_watch_want(adapter->watch, adapter->reading,
                      adapter->writing && !uv_is_active((uv_handle_t *)&adapter->before_sleep));
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

static void on_prepare(uv_prepare_t *prepare)
{
    struct adapter *adapter = prepare->data;
    redisAsyncHandleWrite(adapter->context);
    if (!adapter->context)
        return;
    uv_prepare_stop(prepare);
    want(adapter);
}

/* hiredis says so again while it writes, of what is left. */
static void add_write(void *ctx)
{
    struct adapter *adapter = ctx;
    if (!adapter->writing)
        uv_prepare_start(&adapter->before_sleep, on_prepare);
    adapter->writing = true;
}

static void delete_write(void *ctx)
{
    struct adapter *adapter = ctx;
    adapter->writing = false;
    want(adapter);
}

static void on_closed(uv_handle_t *handle)
{
    free(handle->data);
}

static void clean_up(void *ctx)
{
    struct adapter *adapter = ctx;
    adapter->context = NULL;
    fd_watch_close(&adapter->watch);
    uv_close((uv_handle_t *)&adapter->before_sleep, on_closed);
}

static void on_ready(void *ctx, bool readable, bool writable)
{
    struct adapter *adapter = ctx;
    if (readable)
        redisAsyncHandleRead(adapter->context);
    if (writable && adapter->context)
        redisAsyncHandleWrite(adapter->context);
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
    uv_prepare_init(loop, &adapter->before_sleep);
    adapter->before_sleep.data = adapter;
    context->ev.data = adapter;
    context->ev.addRead = add_read;
    context->ev.delRead = delete_read;
    context->ev.addWrite = add_write;
    context->ev.delWrite = delete_write;
    context->ev.cleanup = clean_up;
    return true;
}
