/* The router itself: everything opened in order, run, drained and closed in order. */
#ifndef SERVER_SERVE_H
#define SERVER_SERVE_H

#include "server/settings.h"

#define SERVE_DRAIN_MS 5000       /* so long SIGTERM waits for what was accepted */
#define SERVE_SQL_TIMEOUT_MS 5000 /* of a row lock that a batch waits for */

/* Runs until SIGTERM or SIGINT; returns the exit code. The log is open. */
int serve_run(const struct settings *settings);

#endif
