/* The URL of a webhook as its peer asked for it, where proxies stand before us.
 *
 * X-Forwarded-Proto and X-Forwarded-Host are headers of their own or grow into lists, as each proxy puts what
 * it was asked behind what it found (as in RFC 7239, section 4). The last of all counts: that of the proxy
 * that the connection comes from. What stands before it may have been written by whoever asks. */
#ifndef PROTO_HOOK_URL_H
#define PROTO_HOOK_URL_H

#include "rules/arena.h"

struct hook_url_parts {
    struct slice host;                            /* of our own Host */
    struct slice forwarded_host, forwarded_proto; /* empty: none */
};

/* One header after the other, as they come, into parts that are zeros at first. Slices are borrowed. */
void hook_url_note(struct hook_url_parts *parts, struct slice name, struct slice value);
/* `base` is scheme and host, whatever the parts say; "": they do. `query` is without "?". */
struct slice hook_url(const struct hook_url_parts *parts, const char *base, struct slice path,
                      struct slice query, struct arena *arena);

#endif
