#include "server/clock.h"

#include <time.h>

static int64_t offset_ms; /* wall clock less steady clock */

static int64_t read_ms(clockid_t id)
{
    struct timespec now;
    clock_gettime(id, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t clock_now_ms(void)
{
    int64_t steady = read_ms(CLOCK_BOOTTIME), wall = read_ms(CLOCK_REALTIME);
    if (wall - steady > offset_ms)
        offset_ms = wall - steady;
    return steady + offset_ms;
}

void clock_raise(int64_t now_ms)
{
    int64_t steady = read_ms(CLOCK_BOOTTIME);
    if (now_ms - steady > offset_ms)
        offset_ms = now_ms - steady;
}
