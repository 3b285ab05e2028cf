/* What auth.c and auth_ping.c share. */
#ifndef SERVER_AUTH_INTERNAL_H
#define SERVER_AUTH_INTERNAL_H

#include "rules/table.h"
#include "server/auth.h"
#include "server/deadline.h"
#include "server/log.h"
#include "storage/pg_link.h"

struct waiter {
    struct waiter *next;
    auth_on_found on_found;
    void *ctx;
};

struct ring {
    struct ring *prev, *next;
};

static inline void ring_init(struct ring *ring)
{
    ring->prev = ring->next = ring;
}

/* Behind all others of `ring`. */
static inline void ring_append(struct ring *ring, struct ring *node)
{
    node->prev = ring->prev;
    node->next = ring;
    ring->prev->next = node;
    ring->prev = node;
}

static inline void ring_remove(struct ring *node)
{
    node->prev->next = node->next;
    node->next->prev = node->prev;
    ring_init(node);
}

struct entry {
    struct ring ring; /* first: the rings hold entries by it */
    struct table_node node;
    uint8_t hash[TOKEN_HASH_SIZE];
    struct auth *auth;
    bool known, answered; /* answered: confirmed_ms counts */
    uint64_t confirmed_ms, expires_ms;
    struct principal principal;
    char *texts;         /* what the principal's slices point to */
    bool asking, pinned; /* pinned: its waiters are being answered */
    uint64_t asked_ms, generation;
    struct waiter *waiters, **last_waiter;
    struct deadline patience;
};

struct auth {
    uv_loop_t *loop;
    struct pg_link *link;
    struct table table;
    struct ring known, unknown;    /* unknown: not answered yet, too */
    char ping[UUID_TEXT_LEN + 24]; /* the text of the last one: whose it is, a dot, its number */
    bool is_ping_owed;             /* its statement has not been answered */
    bool is_silent;                /* and the last one will not come back */
    uint64_t ping_number, pinged_ms;
    uint64_t heard_ms; /* when the one left that came back last: what is known held then */
    struct deadline next_ping;
    uint32_t known_count, unknown_count, lookups, waiters;
    uint64_t generation;
    struct deadline_clock clock;
    struct deadline_queue patience, pings;
    struct log_limit away_limit;
    void (*on_closed)(void *ctx);
    void *closed_ctx;
};

/* Some token is known. */
void auth_ping_begin(struct auth *auth);
void auth_ping_init(struct auth *auth, const struct uuid *instance);

#endif
