#include "server/turn.h"

#include <assert.h>
#include <stddef.h>

static void on_idle(uv_idle_t *idle)
{
    (void)idle;
}

static void on_check(uv_check_t *check)
{
    struct turn *turn = check->data;
    uv_idle_stop(&turn->idle);
    uv_check_stop(check);
    turn->on_turn(turn->ctx);
}

void turn_init(struct turn *turn, uv_loop_t *loop, void (*on_turn)(void *ctx), void *ctx)
{
    turn->on_turn = on_turn;
    turn->ctx = ctx;
    uv_idle_init(loop, &turn->idle);
    uv_check_init(loop, &turn->check);
    turn->check.data = turn;
    turn->idle.data = turn;
}

void turn_request(struct turn *turn)
{
    if (uv_is_active((uv_handle_t *)&turn->idle) || uv_is_closing((uv_handle_t *)&turn->idle))
        return;
    int idle = uv_idle_start(&turn->idle, on_idle);
    int check = uv_check_start(&turn->check, on_check);
    assert(idle == 0 && check == 0);
}

static void on_handle_closed(uv_handle_t *handle)
{
    struct turn *turn = handle->data;
    if (--turn->open_handles == 0)
        turn->on_closed(turn->ctx);
}

void turn_close(struct turn *turn, void (*on_closed)(void *ctx))
{
    turn->on_closed = on_closed;
    turn->open_handles = 2;
    uv_close((uv_handle_t *)&turn->idle, on_handle_closed);
    uv_close((uv_handle_t *)&turn->check, on_handle_closed);
}
