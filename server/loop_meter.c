#include "server/loop_meter.h"

#include <stdlib.h>
#include <time.h>

#include "server/metrics.h"

static uint64_t worked_ns(void)
{
    struct timespec used;
    if (clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used) != 0)
        abort();
    return (uint64_t)used.tv_sec * 1000000000 + (uint64_t)used.tv_nsec;
}

/* A turn is measured from one wait to the next: libuv runs what waits for sockets inside of the wait. */
static void on_prepare(uv_prepare_t *prepare)
{
    struct loop_meter *meter = prepare->data;
    uint64_t now = uv_hrtime(), slept = uv_metrics_idle_time(prepare->loop), worked = worked_ns();
    if (meter->began_ns) {
        metric_observe(METRIC_LOOP_TURN, 0,
                       (double)(now - meter->began_ns - (slept - meter->slept_ns)) / 1e9);
        metric_observe(METRIC_LOOP_TURN_CPU, 0, (double)(worked - meter->worked_ns) / 1e9);
    }
    meter->began_ns = now;
    meter->slept_ns = slept;
    meter->worked_ns = worked;
}

void loop_meter_init(struct loop_meter *meter, uv_loop_t *loop)
{
    meter->began_ns = meter->slept_ns = meter->worked_ns = 0;
    if (uv_loop_configure(loop, UV_METRICS_IDLE_TIME) != 0 || uv_prepare_init(loop, &meter->prepare) != 0 ||
        uv_prepare_start(&meter->prepare, on_prepare) != 0)
        abort();
    meter->prepare.data = meter;
    uv_unref((uv_handle_t *)&meter->prepare);
}

void loop_meter_close(struct loop_meter *meter)
{
    uv_close((uv_handle_t *)&meter->prepare, NULL);
}
