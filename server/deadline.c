#include "server/deadline.h"

#include <assert.h>

/* The timer is armed lazily: stopping a deadline leaves it alone, and a round that finds nothing due just
 * arms it for the next one. A busy keep-alive connection thus costs two list operations per request and no
 * timer operation. */

static void on_timer(uv_timer_t *timer);

static void arm(struct deadline_clock *clock)
{
    uint64_t at = UINT64_MAX, now = uv_now(clock->timer.loop);
    for (unsigned i = 0; i < clock->queue_count; i++) {
        const struct deadline *ends = &clock->queues[i]->ends;
        if (ends->next != ends && ends->next->at_ms < at)
            at = ends->next->at_ms;
    }
    if (at == UINT64_MAX)
        return;
    int status = uv_timer_start(&clock->timer, on_timer, at > now ? at - now : 0, 0);
    assert(status == 0);
}

static void on_timer(uv_timer_t *timer)
{
    struct deadline_clock *clock = timer->data;
    uint64_t now = uv_now(timer->loop);
    for (unsigned i = 0; i < clock->queue_count; i++) {
        struct deadline_queue *queue = clock->queues[i];
        while (queue->ends.next != &queue->ends && queue->ends.next->at_ms <= now) {
            struct deadline *due = queue->ends.next;
            deadline_stop(due);
            queue->on_due(due);
        }
    }
    if (!uv_is_closing((uv_handle_t *)timer))
        arm(clock);
}

void deadline_clock_init(struct deadline_clock *clock, uv_loop_t *loop)
{
    clock->queue_count = 0;
    int status = uv_timer_init(loop, &clock->timer);
    assert(status == 0);
    clock->timer.data = clock;
}

static void on_timer_closed(uv_handle_t *handle)
{
    struct deadline_clock *clock = handle->data;
    clock->on_closed(clock->ctx);
}

void deadline_clock_close(struct deadline_clock *clock, void (*on_closed)(void *ctx), void *ctx)
{
    clock->queue_count = 0;
    clock->on_closed = on_closed;
    clock->ctx = ctx;
    uv_close((uv_handle_t *)&clock->timer, on_timer_closed);
}

void deadline_queue_init(struct deadline_queue *queue, struct deadline_clock *clock, uint64_t length_ms,
                         void (*on_due)(struct deadline *deadline))
{
    assert(clock->queue_count < DEADLINE_LENGTHS_MAX && length_ms > 0);
    *queue = (struct deadline_queue){.clock = clock, .length_ms = length_ms, .on_due = on_due};
    queue->ends.prev = queue->ends.next = &queue->ends;
    clock->queues[clock->queue_count++] = queue;
}

void deadline_start(struct deadline_queue *queue, struct deadline *deadline)
{
    deadline_stop(deadline);
    uv_timer_t *timer = &queue->clock->timer;
    deadline->queue = queue;
    deadline->at_ms = uv_now(timer->loop) + queue->length_ms;
    deadline->next = &queue->ends;
    deadline->prev = queue->ends.prev;
    deadline->prev->next = queue->ends.prev = deadline;
    if (uv_is_closing((uv_handle_t *)timer))
        return;
    if (!uv_is_active((uv_handle_t *)timer) || uv_timer_get_due_in(timer) > queue->length_ms)
        arm(queue->clock);
}

void deadline_stop(struct deadline *deadline)
{
    if (!deadline->queue)
        return;
    deadline->prev->next = deadline->next;
    deadline->next->prev = deadline->prev;
    deadline->queue = NULL;
}

bool deadline_is_running(const struct deadline *deadline)
{
    return deadline->queue;
}
