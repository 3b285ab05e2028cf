/* What the tests of the links share: a loop with patience, a scratch database, the servers' addresses. */
#ifndef TESTS_SUPPORT_H
#define TESTS_SUPPORT_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <uv.h>

#include <cmocka.h>

#include "proxy.h"

#define PATIENCE_MS 15000

/* Runs the loop until *done; fails the test when that takes longer than PATIENCE_MS. */
void support_run_until(uv_loop_t *loop, const bool *done);
void support_run_for(uv_loop_t *loop, uint64_t ms);
/* Runs what is left and closes: a handle that is still open fails the test. */
void support_end_loop(uv_loop_t *loop);

/* The scratch database: created once, dropped at the end. */
void support_create_database(void);
void support_drop_database(void);
const char *support_conninfo(void);
/* The same by way of a proxy. */
void support_conninfo_via(char *out, size_t size, const char *host, int port);
struct proxy *support_database_proxy(uv_loop_t *loop);
/* SQL on a blocking connection of its own; the first cell, "" when there is none. Valid until the next call.
 */
const char *support_sql(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
