#include "server/service.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <systemd/sd-daemon.h>
#include <time.h>

struct service_watchdog {
    uv_timer_t timer;
};

void service_ready(void)
{
    sd_notify(0, "READY=1");
}

void service_reloading(void)
{
    /* sd_notify(3) wants the moment of the reload, so that a late READY=1 of before is not taken for its end.
     */
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%" PRIu64,
               (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000);
}

void service_stopping(void)
{
    sd_notify(0, "STOPPING=1");
}

void service_status(const char *text)
{
    sd_notifyf(0, "STATUS=%s", text);
}

static void on_ping(uv_timer_t *timer)
{
    (void)timer;
    sd_notify(0, "WATCHDOG=1");
}

static void on_closed(uv_handle_t *handle)
{
    free(handle->data);
}

struct service_watchdog *service_watchdog_open(uv_loop_t *loop)
{
    uint64_t period_us = 0;
    if (sd_watchdog_enabled(0, &period_us) <= 0)
        return NULL;
    struct service_watchdog *watchdog = malloc(sizeof *watchdog);
    if (!watchdog)
        abort();
    uint64_t half_ms = period_us / 2000;
    int error = uv_timer_init(loop, &watchdog->timer);
    assert(error == 0);
    watchdog->timer.data = watchdog;
    error = uv_timer_start(&watchdog->timer, on_ping, 0, half_ms > 0 ? half_ms : 1);
    assert(error == 0);
    uv_unref((uv_handle_t *)&watchdog->timer);
    return watchdog;
}

void service_watchdog_close(struct service_watchdog **watchdog)
{
    if (*watchdog)
        uv_close((uv_handle_t *)&(*watchdog)->timer, on_closed);
    *watchdog = NULL;
}
