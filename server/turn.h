/* Work that is collected during a turn of the loop and done once, after its events: replies are sent
 * together. */
#ifndef SERVER_TURN_H
#define SERVER_TURN_H

#include <uv.h>

struct turn {
    uv_idle_t idle;   /* while work waits, the loop must not sleep */
    uv_check_t check; /* runs right after the events of a turn */
    void (*on_turn)(void *ctx);
    void *ctx;
    void (*on_closed)(void *ctx);
    unsigned open_handles;
};

void turn_init(struct turn *turn, uv_loop_t *loop, void (*on_turn)(void *ctx), void *ctx);
/* on_turn comes once, later in this turn of the loop or in the next, however often it is asked for. */
void turn_request(struct turn *turn);
/* Requests are forgotten. on_closed gets the ctx of turn_init(); the memory of `turn` may go then. */
void turn_close(struct turn *turn, void (*on_closed)(void *ctx));

#endif
