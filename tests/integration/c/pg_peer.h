/* A PostgreSQL link under test, with a memory of what its callbacks said. */
#ifndef TESTS_PG_PEER_H
#define TESTS_PG_PEER_H

#include "storage/pg_link.h"

struct pg_peer {
    uv_loop_t loop;
    struct pg_link *link;
    struct proxy *proxy;
    bool up, down, closed;
    int ups, downs, backend_pid;
    int owed_at_down; /* pending when on_down came */
    char why[256];
    bool notified, notified_by_itself;
    int notifies;
    char payload[64];
};

struct pg_answer {
    bool done;
    int calls;
    enum pg_outcome outcome;
    int rows;
    char sqlstate[6], message[256];
    int64_t number; /* of the first cell when it is binary and of 8 bytes */
    struct pg_peer *peer;
    int *order;
    int place; /* *order when it came */
};

void pg_peer_start(struct pg_peer *peer, const struct pg_link_options *options);
/* The usual start: the scratch database, direct or by way of a proxy, up. */
void pg_peer_start_up(struct pg_peer *peer);
void pg_peer_start_via_proxy(struct pg_peer *peer);
void pg_peer_end(struct pg_peer *peer);
void pg_peer_on_answer(void *ctx, const struct pg_reply *reply);
/* link_probe with one text parameter. */
bool pg_peer_probe(struct pg_peer *peer, const char *text, struct pg_answer *answer);
bool pg_peer_submit(struct pg_peer *peer, const char *name, const char *text, struct pg_answer *answer);
void pg_peer_wait(struct pg_peer *peer, struct pg_answer *answer);

#endif
