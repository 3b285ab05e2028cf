/* Tokens against a database and a clock of our own: the linker takes these instead of the real ones. */
#ifndef TESTS_UNIT_AUTH_WORLD_H
#define TESTS_UNIT_AUTH_WORLD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "server/auth.h"
#include "server/log.h"
#include "storage/pg_link.h"

#define QUERIES_MAX 512

static struct {
    bool up;
    unsigned asked;   /* in all */
    unsigned pending; /* oldest first */
    pg_on_reply on_reply[QUERIES_MAX];
    void *ctx[QUERIES_MAX];
    unsigned pings; /* in all */
    char ping[128]; /* the payload of the last one */
    pg_on_reply on_pinged;
} database;

static const char project[] = "demo", role[] = "agent", agent[] = "anna";
static int64_t expires_in_ms; /* 0: never */

bool pg_link_submit(struct pg_link *unused, const struct pg_query *query, pg_on_reply on_reply, void *ctx)
{
    (void)unused;
    if (!database.up)
        return false;
    if (strcmp(query->name, "token_ping") == 0) {
        database.pings++;
        database.on_pinged = on_reply;
        snprintf(database.ping, sizeof database.ping, "ping:%s", (const char *)query->params[0].data);
        return true;
    }
    assert_string_equal(query->name, "token_find");
    assert_true(database.pending < QUERIES_MAX);
    database.on_reply[database.pending] = on_reply;
    database.ctx[database.pending++] = ctx;
    database.asked++;
    return true;
}

struct slice pg_cell(const struct pg_reply *reply, int row, int column)
{
    (void)reply;
    (void)row;
    return slice_of(column == 2 ? project : column == 3 ? role : agent);
}

int64_t pg_int64(const struct pg_reply *reply, int row, int column)
{
    (void)reply;
    (void)row;
    return column == 1 ? 7 : expires_in_ms;
}

struct uuid pg_uuid(const struct pg_reply *reply, int row, int column)
{
    (void)reply;
    (void)row;
    (void)column;
    return (struct uuid){{1}};
}

bool pg_is_null(const struct pg_reply *reply, int row, int column)
{
    (void)reply;
    (void)row;
    return column == 5 && expires_in_ms == 0;
}

/* The oldest question gets its answer. */
static inline void answer(enum pg_outcome outcome, int rows)
{
    assert_true(database.pending > 0);
    pg_on_reply on_reply = database.on_reply[0];
    void *ctx = database.ctx[0];
    database.pending--;
    memmove(database.on_reply, database.on_reply + 1, sizeof database.on_reply - sizeof database.on_reply[0]);
    memmove(database.ctx, database.ctx + 1, sizeof database.ctx - sizeof database.ctx[0]);
    struct pg_reply reply = {.outcome = outcome, .rows = rows, .message = ""};
    on_reply(ctx, &reply);
}

static uv_loop_t loop;
static struct auth *auth;
static char token[TOKEN_TEXT_MAX];

enum result { RESULT_NONE, RESULT_KNOWN, RESULT_UNKNOWN, RESULT_AWAY };

static inline void on_found(void *ctx, const struct principal *principal, bool storage_away)
{
    enum result *result = ctx;
    assert_int_equal(*result, RESULT_NONE);
    *result = principal ? RESULT_KNOWN : storage_away ? RESULT_AWAY : RESULT_UNKNOWN;
    if (!principal)
        return;
    assert_int_equal(principal->role, ROLE_AGENT);
    assert_int_equal(principal->project, 7);
    assert_true(slice_is(principal->project_name, project));
    assert_true(slice_is(principal->agent, agent));
}

/* What is known at once. */
static inline enum result find(void)
{
    static enum result result;
    result = RESULT_NONE;
    auth_find(auth, slice_of(token), on_found, &result);
    return result;
}

static uint64_t clock_ms;

/* libuv's, too. */
int clock_gettime(clockid_t clock, struct timespec *at)
{
    (void)clock;
    *at = (struct timespec){(time_t)(clock_ms / 1000), (long)(clock_ms % 1000) * 1000000};
    return 0;
}

/* Timers that are due by then fire. */
static inline void pass(uint64_t ms)
{
    clock_ms += ms;
    uv_run(&loop, UV_RUN_NOWAIT);
}

static inline int set_up(void **state)
{
    (void)state;
    memset(&database, 0, sizeof database);
    database.up = true;
    expires_in_ms = 0;
    clock_ms = 1000;
    log_configure(LOG_ERROR, LOG_FORMAT_TEXT);
    assert_int_equal(uv_loop_init(&loop), 0);
    auth = auth_open(&loop, (struct pg_link *)&database, &(struct uuid){{7}});
    token_make(token);
    return 0;
}

static inline int tear_down(void **state)
{
    (void)state;
    while (database.pending)
        answer(PG_CANCELLED, 0);
    auth_close(&auth, NULL, NULL);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&loop), 0);
    return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

#endif
