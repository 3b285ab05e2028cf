/* The end of the loop, when everything has been closed. A look-up of a name that the system's resolver has
 * begun cannot be taken back, and may take a minute: it is waited for LOOP_END_WAIT_MS and then left to
 * itself. */
#ifndef SERVER_LOOP_END_H
#define SERVER_LOOP_END_H

#include <uv.h>

#define LOOP_END_WAIT_MS 1000

/* The timer does not keep the loop alive. */
void loop_end_init(uv_timer_t *timer, uv_loop_t *loop);
/* Everything else is closing: from here on the loop runs LOOP_END_WAIT_MS at most. */
void loop_end_begin(uv_timer_t *timer);
/* After uv_run(): closes the loop; if something is left in it, ends the process with `status`. */
void loop_end(uv_timer_t *timer, int status);

#endif
