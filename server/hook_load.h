/* How many webhooks are under way: what waits for the thread pool, the database or a decision is bounded.
 * Strangers, whose token nobody has confirmed yet, have a small share of their own: however many wait for a
 * slow database, those who are known find their places. */
#ifndef SERVER_HOOK_LOAD_H
#define SERVER_HOOK_LOAD_H

#include "rules/types.h"

#define HOOK_LOAD_MAX 512                /* requests, from their arrival to their answer; 503 beyond */
#define HOOK_LOAD_BYTES_MAX (128u << 20) /* of their bodies together; likewise */
#define HOOK_LOAD_STRANGERS_MAX 64       /* the same of strangers, besides */
#define HOOK_LOAD_STRANGERS_BYTES_MAX (32u << 20)

struct hook_share {
    unsigned requests;
    size_t bytes;
};

struct hook_load {
    struct hook_share known, strangers;
};

/* False: it would be too much, and nothing has changed. */
bool hook_load_enter(struct hook_load *load, bool is_stranger, size_t bytes)
    __attribute__((warn_unused_result));
/* A stranger is known now, and leaves the strangers. False: the others are too many, and it has left. */
bool hook_load_confirm(struct hook_load *load, size_t bytes) __attribute__((warn_unused_result));
void hook_load_leave(struct hook_load *load, bool is_stranger, size_t bytes);
unsigned hook_load_count(const struct hook_load *load); /* of both */

#endif
