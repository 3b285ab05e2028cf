/* Absolute deadlines of a few constant lengths behind one timer.
 *
 * Deadlines of one length expire in the order they were started, so each length is a queue and everything is
 * O(1). A deadline lies in its owner's memory; the owner stops it before the memory goes. */
#ifndef SERVER_DEADLINE_H
#define SERVER_DEADLINE_H

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#define DEADLINE_LENGTHS_MAX 4

struct deadline_queue;

struct deadline {
    struct deadline *prev, *next;
    struct deadline_queue *queue; /* NULL: not running. Zeroed memory is a deadline that is not running. */
    uint64_t at_ms;
};

struct deadline_clock {
    uv_timer_t timer;
    struct deadline_queue *queues[DEADLINE_LENGTHS_MAX];
    unsigned queue_count;
    void (*on_closed)(void *ctx);
    void *ctx;
};

struct deadline_queue {
    struct deadline_clock *clock;
    struct deadline ends; /* ring: next is the first to expire */
    uint64_t length_ms;
    void (*on_due)(struct deadline *deadline); /* it runs no more; may start or stop any deadline */
};

void deadline_clock_init(struct deadline_clock *clock, uv_loop_t *loop);
/* Running deadlines are forgotten. The memory of `clock` may go when on_closed comes. */
void deadline_clock_close(struct deadline_clock *clock, void (*on_closed)(void *ctx), void *ctx);
void deadline_queue_init(struct deadline_queue *queue, struct deadline_clock *clock, uint64_t length_ms,
                         void (*on_due)(struct deadline *deadline));
/* Counts from now, also when it was running, in whatever queue. */
void deadline_start(struct deadline_queue *queue, struct deadline *deadline);
void deadline_stop(struct deadline *deadline);
bool deadline_is_running(const struct deadline *deadline);

#endif
