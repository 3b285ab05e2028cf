/* Calls that live through a server: they ring, their agent accepts, they end. One source connection or more
 * say that they ring and end, one connection per agent accepts. */
#ifndef TESTS_BENCH_LIVES_H
#define TESTS_BENCH_LIVES_H

#include "tests/bench/bench.h"
#include "tests/bench/client.h"

#define LIVES_MAX 1024

enum life_phase { LIFE_RINGS, LIFE_IS_ACCEPTED, LIFE_ENDS };

struct life {
    enum life_phase phase; /* what is said next, or was and is not answered */
    bool is_waiting;       /* for an answer */
    uint64_t number;
    uint32_t agent;
    char offer[UUID_TEXT_LEN];
    int64_t sent_ns, due_ns; /* due_ns is the caller's */
};

struct lives {
    struct clients clients; /* sources first, then agents by number from 1 */
    struct life items[LIVES_MAX];
    uint32_t sources, customers, run; /* run: part of every id */
    uint64_t begun;
    struct dice dice;
    struct template ringing, accept, ended;
    /* An answer came; the life is in its next phase, which nobody has sent yet. */
    void (*on_step)(void *ctx, struct life *life, enum life_phase done, int64_t took_ns);
    void *ctx;
    uint32_t expected; /* answers before lives begin */
};

/* Connects, authenticates, makes every agent available. `tokens` is a file: a source's token, then one of
 * each agent, a line each. */
void lives_open(struct lives *lives, const char *address, const char *tokens, uint32_t sources);
void lives_close(struct lives *lives);
void lives_send(struct lives *lives, struct life *life);

#endif
