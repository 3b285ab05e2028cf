/* Host name to addresses, off the loop's thread: what the client libraries would do blocking. */
#ifndef STORAGE_RESOLVE_H
#define STORAGE_RESOLVE_H

#include <stdbool.h>
#include <uv.h>

#define RESOLVE_MAX 8       /* addresses of a name that are tried */
#define RESOLVE_TEXT_MAX 80 /* an IPv6 address with its scope */

struct resolve_addresses {
    int count;
    char text[RESOLVE_MAX][RESOLVE_TEXT_MAX]; /* numeric */
};

struct resolve;

/* `addresses` holds at least one, or is NULL and `why` says why not; both borrowed. */
typedef void (*resolve_on_done)(void *ctx, const struct resolve_addresses *addresses, const char *why);

/* on_done comes once, never from inside this call, unless the request is closed first. NULL when the loop
 * refuses. The request frees itself after on_done: forget the pointer there. */
struct resolve *resolve_open(uv_loop_t *loop, const char *host, resolve_on_done on_done, void *ctx);
/* No on_done any more. A look-up that the system's resolver has begun ends by itself, unheard. */
void resolve_close(struct resolve **resolve);
/* Already an address: nothing to look up. */
bool resolve_is_numeric(const char *host);

#endif
