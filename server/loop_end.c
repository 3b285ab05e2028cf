#include "server/loop_end.h"

#include <unistd.h>

#include "server/log.h"

static void on_time(uv_timer_t *timer)
{
    uv_stop(timer->loop);
}

void loop_end_init(uv_timer_t *timer, uv_loop_t *loop)
{
    uv_timer_init(loop, timer);
    uv_unref((uv_handle_t *)timer);
}

void loop_end_begin(uv_timer_t *timer)
{
    uv_timer_start(timer, on_time, LOOP_END_WAIT_MS, 0);
}

static void count_handle(uv_handle_t *handle, void *count)
{
    (void)handle;
    ++*(unsigned *)count;
}

void loop_end(uv_timer_t *timer, int status)
{
    uv_loop_t *loop = timer->loop;
    unsigned handles = 0;
    if (uv_loop_alive(loop)) {
        uv_walk(loop, count_handle, &handles);
        if (handles > 1)
            log_line(LOG_ERROR, "the loop was not empty at the end");
        else
            log_line(LOG_INFO, "the look-up of a name is left to itself");
        log_close();
        _exit(status); /* exit() would wait for the thread that the look-up runs on */
    }
    uv_close((uv_handle_t *)timer, NULL);
    uv_run(loop, UV_RUN_DEFAULT);
    if (uv_loop_close(loop) != 0)
        log_line(LOG_ERROR, "the loop was not empty at the end");
}
