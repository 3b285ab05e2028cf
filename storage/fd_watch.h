/* Watches a descriptor that a library owns (libpq, hiredis) on a libuv loop.
 *
 * libuv ends a watch when the descriptor reports an error; here an error reads as "readable and writable", so
 * that the library meets it, and the watch goes on. One watch per descriptor; close the watch before the
 * descriptor is closed, or before control returns to the loop where a library closes its descriptor by
 * itself. */
#ifndef STORAGE_FD_WATCH_H
#define STORAGE_FD_WATCH_H

#include <stdbool.h>
#include <uv.h>

struct fd_watch;

typedef void (*fd_watch_on_ready)(void *ctx, bool readable, bool writable);

/* NULL when the descriptor cannot be watched (the system's limits). Watches for nothing yet. on_ready may
 * close it. */
struct fd_watch *fd_watch_open(uv_loop_t *loop, int fd, fd_watch_on_ready on_ready, void *ctx);
void fd_watch_want(struct fd_watch *watch, bool readable, bool writable);
bool fd_watch_wants_writable(const struct fd_watch *watch);
/* The descriptor is free to be closed at once; the memory follows with the loop's next turn. */
void fd_watch_close(struct fd_watch **watch);

#endif
