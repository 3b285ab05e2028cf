/* The time that decisions are made at: the wall clock, but it never goes back. When the wall clock is set
 * back, time goes on at its usual pace until the wall clock has caught up. One clock for the process; loop
 * thread only. */
#ifndef SERVER_CLOCK_H
#define SERVER_CLOCK_H

#include <stdint.h>

int64_t clock_now_ms(void); /* since 1970-01-01T00:00:00Z */
/* It is at least that late: another router, whose clock was ahead, has decided at that time. */
void clock_raise(int64_t now_ms);

#endif
