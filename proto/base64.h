/* Base64 (RFC 4648 section 4): how bytes travel in JSON. */
#ifndef PROTO_BASE64_H
#define PROTO_BASE64_H

#include "rules/arena.h"

size_t base64_size(size_t len); /* characters for `len` bytes */
/* Writes base64_size() characters and no NUL. */
void base64_fill(char *out, struct slice bytes);
struct slice base64_write(struct slice bytes, struct arena *arena);
/* The canonical form only: padded, no white space, no stray bits. */
bool base64_read(struct slice *out, struct slice text, struct arena *arena)
    __attribute__((warn_unused_result));

#endif
