/* The service manager (systemd): readiness, reloads, stopping, and the watchdog that kills a stuck loop.
 * Without a manager (no NOTIFY_SOCKET) everything here does nothing. */
#ifndef SERVER_SERVICE_H
#define SERVER_SERVICE_H

#include <uv.h>

void service_ready(void); /* also ends a reload */
void service_reloading(void);
void service_stopping(void);
void service_status(const char *text); /* one line for `systemctl status` */

/* Pings at half of WATCHDOG_USEC from a timer of the loop; NULL when the manager does not ask for it. The
 * timer does not keep the loop alive. */
struct service_watchdog;
struct service_watchdog *service_watchdog_open(uv_loop_t *loop);
/* NULL is fine; memory goes when the loop has turned once more. *watchdog is NULL at once. */
void service_watchdog_close(struct service_watchdog **watchdog);

#endif
