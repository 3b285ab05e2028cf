/* How many webhooks are under way: what waits for the thread pool, the database or a decision is bounded. */
#ifndef SERVER_HOOK_LOAD_H
#define SERVER_HOOK_LOAD_H

#include "rules/types.h"

#define HOOK_LOAD_MAX 512                /* requests, from their arrival to their answer; 503 beyond */
#define HOOK_LOAD_BYTES_MAX (128u << 20) /* of their bodies together; likewise */

struct hook_load {
    unsigned requests;
    size_t bytes;
};

/* False: it would be too much, and nothing has changed. */
bool hook_load_enter(struct hook_load *load, size_t bytes) __attribute__((warn_unused_result));
void hook_load_leave(struct hook_load *load, size_t bytes);

#endif
