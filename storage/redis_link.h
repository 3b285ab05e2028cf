/* One Redis connection for publishing, on a libuv loop. hiredis does not leave storage/.
 *
 * Accepted commands are answered exactly once, in order, never from inside the submitting call. The link
 * dials again by itself (back-off 50 ms to 2 s, with jitter) until closed; nothing is queued while it is
 * down. */
#ifndef STORAGE_REDIS_LINK_H
#define STORAGE_REDIS_LINK_H

#include <uv.h>

#include "rules/types.h"

#define REDIS_LINK_PENDING_MAX 16384     /* commands sent and not answered; more are refused */
#define REDIS_LINK_BYTES_MAX (32u << 20) /* payload bytes of those; more are refused */

struct redis_link;

/* done: the server took it. False: refused or the link was lost (it may or may not have been delivered). */
typedef void (*redis_on_reply)(void *ctx, bool done);

struct redis_link_options {
    const char
        *url; /* redis://[user[:password]@]host[:port][/db] or unix:///path[?db=N]; see storage/redis_url.h */
    const char *client_name; /* CLIENT SETNAME, or NULL */
    void (*on_up)(void *ctx);
    void (*on_down)(void *ctx, const char *why); /* every pending callback has fired */
    void *ctx;
};

/* Copies the options. NULL only when the URL cannot be read; then `why` says why, without the URL's parts.
 * on_down comes once per outage. A server that says nothing for 5 s, PING included, counts as lost. */
struct redis_link *redis_link_open(uv_loop_t *loop, const struct redis_link_options *options, char *why,
                                   size_t why_size);
bool redis_link_is_up(const struct redis_link *link);
/* PUBLISH. False: not up or full; no callback will come. on_reply may be NULL. The bytes are copied. */
bool redis_link_publish(struct redis_link *link, struct slice channel, struct slice payload,
                        redis_on_reply on_reply, void *ctx) __attribute__((warn_unused_result));
size_t redis_link_pending(const struct redis_link *link);
/* *link is NULL at once; pending callbacks fire (false) before on_closed, no on_down. From any callback of
 * the link. */
void redis_link_close(struct redis_link **link, void (*on_closed)(void *ctx), void *ctx);

#endif
