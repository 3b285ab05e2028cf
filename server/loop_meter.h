/* How long the loop works before it waits again: what comes meanwhile waits that long. Each turn is one
 * observation of METRIC_LOOP_TURN; the time that it sleeps in is none of it. METRIC_LOOP_TURN_CPU is what of
 * that the loop's own thread used of a processor, whatever else the machine did meanwhile.
 *
 * The lag of a timer (METRIC_LOOP_LAG) is looked at twice a second and misses most of what blocks the loop
 * once; this misses nothing. */
#ifndef SERVER_LOOP_METER_H
#define SERVER_LOOP_METER_H

#include <uv.h>

struct loop_meter {
    uv_prepare_t prepare;
    /* Of the turn: when, and how long the loop had slept and worked by then. */
    uint64_t began_ns, slept_ns, worked_ns;
};

/* Before the loop runs for the first time. It does not keep the loop alive. */
void loop_meter_init(struct loop_meter *meter, uv_loop_t *loop);
/* The memory goes when the loop has run once more. */
void loop_meter_close(struct loop_meter *meter);

#endif
