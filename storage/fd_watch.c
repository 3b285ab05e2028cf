#include "storage/fd_watch.h"

#include <assert.h>
#include <stdlib.h>

struct fd_watch {
    uv_poll_t poll;
    int wanted, armed; /* UV_READABLE | UV_WRITABLE: asked for, and set in libuv */
    bool closing;
    fd_watch_on_ready on_ready;
    void *ctx;
};

static void on_poll(uv_poll_t *poll, int status, int events);

static void arm(struct fd_watch *watch)
{
    if (watch->closing || watch->armed == watch->wanted)
        return;
    watch->armed = watch->wanted;
    if (watch->wanted)
        uv_poll_start(&watch->poll, watch->wanted, on_poll);
    else
        uv_poll_stop(&watch->poll);
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
    struct fd_watch *watch = poll->data;
    if (status < 0) {
        watch->armed = 0; /* libuv has stopped the watcher */
        events = UV_READABLE | UV_WRITABLE;
    }
    watch->on_ready(watch->ctx, events & UV_READABLE, events & UV_WRITABLE);
    arm(watch);
}

struct fd_watch *fd_watch_open(uv_loop_t *loop, int fd, fd_watch_on_ready on_ready, void *ctx)
{
    struct fd_watch *watch = calloc(1, sizeof *watch);
    if (!watch)
        abort();
    if (uv_poll_init(loop, &watch->poll, fd) != 0) {
        free(watch);
        return NULL;
    }
    watch->poll.data = watch;
    watch->on_ready = on_ready;
    watch->ctx = ctx;
    return watch;
}

void fd_watch_want(struct fd_watch *watch, bool readable, bool writable)
{
    assert(!watch->closing);
    watch->wanted = (readable ? UV_READABLE : 0) | (writable ? UV_WRITABLE : 0);
    arm(watch);
}

bool fd_watch_wants_writable(const struct fd_watch *watch)
{
    return watch->wanted & UV_WRITABLE;
}

static void on_closed(uv_handle_t *handle)
{
    free(handle->data);
}

void fd_watch_close(struct fd_watch **watch)
{
    struct fd_watch *old = *watch;
    *watch = NULL;
    if (!old)
        return;
    old->closing = true;
    uv_close((uv_handle_t *)&old->poll, on_closed); /* takes the descriptor out of the poll set at once */
}
