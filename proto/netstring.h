/* Netstrings (D. J. Bernstein, 1997): "5:hello,". Strict: decimal length without leading zeros, the comma
 * where it belongs, nothing between two of them. */
#ifndef PROTO_NETSTRING_H
#define PROTO_NETSTRING_H

#include "rules/arena.h"

enum netstring_status { NETSTRING_NEED_MORE, NETSTRING_READY, NETSTRING_BAD };

struct netstring_step {
    enum netstring_status status;
    size_t used;          /* READY: bytes of the input that are done with */
    struct slice content; /* READY: borrowed from the input */
    const char *why;      /* BAD: for people; the stream cannot be read on */
};

/* The first netstring of `input`. A content of more than `max` bytes is BAD as soon as its length is seen. */
void netstring_read(struct netstring_step *out, struct slice input, size_t max);
struct slice netstring_write(struct slice content, struct arena *arena);

#endif
