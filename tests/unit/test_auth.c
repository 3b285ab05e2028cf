/* Tokens against a database of our own: the linker takes this link instead of the real one. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

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
} database;

static const char project[] = "demo", role[] = "agent", agent[] = "anna";
static int64_t expires_in_ms; /* 0: never */

bool pg_link_submit(struct pg_link *unused, const struct pg_query *query, pg_on_reply on_reply, void *ctx)
{
    (void)unused;
    assert_string_equal(query->name, "token_find");
    if (!database.up)
        return false;
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
static void answer(enum pg_outcome outcome, int rows)
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

static void on_found(void *ctx, const struct principal *principal, bool storage_away)
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
static enum result find(void)
{
    static enum result result;
    result = RESULT_NONE;
    auth_find(auth, slice_of(token), on_found, &result);
    return result;
}

/* The loop's own clock, moved by hand. */
static void on_timer(uv_timer_t *timer)
{
    (void)timer;
}

static void pass(uint64_t ms)
{
    loop.time += ms;
}

static int set_up(void **state)
{
    (void)state;
    memset(&database, 0, sizeof database);
    database.up = true;
    expires_in_ms = 0;
    log_configure(LOG_ERROR, LOG_FORMAT_TEXT);
    assert_int_equal(uv_loop_init(&loop), 0);
    auth = auth_open(&loop, NULL);
    token_make(token);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    while (database.pending)
        answer(PG_CANCELLED, 0);
    auth_close(&auth, NULL, NULL);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&loop), 0);
    return 0;
}

static void a_known_token_is_asked_once_and_then_remembered(void **state)
{
    (void)state;
    enum result first = RESULT_NONE, second = RESULT_NONE;
    auth_find(auth, slice_of(token), on_found, &first);
    auth_find(auth, slice_of(token), on_found, &second);
    assert_int_equal(first, RESULT_NONE);
    answer(PG_OK, 1);
    assert_int_equal(first, RESULT_KNOWN);
    assert_int_equal(second, RESULT_KNOWN);
    assert_int_equal(find(), RESULT_KNOWN);
    assert_int_equal(database.asked, 1);
}

static void a_token_is_confirmed_in_the_background_before_it_must_be(void **state)
{
    (void)state;
    enum result result = RESULT_NONE;
    auth_find(auth, slice_of(token), on_found, &result);
    answer(PG_OK, 1);
    pass(AUTH_REFRESH_MS);
    assert_int_equal(find(), RESULT_KNOWN);
    assert_int_equal(find(), RESULT_KNOWN);
    assert_int_equal(database.asked, 2);
    answer(PG_OK, 1);
    pass(AUTH_REFRESH_MS - 1);
    assert_int_equal(find(), RESULT_KNOWN);
    assert_int_equal(database.asked, 2);
}

static void a_revoked_token_ends_within_its_time(void **state)
{
    (void)state;
    enum result result = RESULT_NONE;
    auth_find(auth, slice_of(token), on_found, &result);
    answer(PG_OK, 1);
    pass(AUTH_KNOWN_MS);
    result = RESULT_NONE;
    auth_find(auth, slice_of(token), on_found, &result);
    assert_int_equal(result, RESULT_NONE);
    answer(PG_OK, 0);
    assert_int_equal(result, RESULT_UNKNOWN);
}

static void an_unknown_token_is_not_asked_for_again_at_once(void **state)
{
    (void)state;
    enum result result = RESULT_NONE;
    auth_find(auth, slice_of(token), on_found, &result);
    answer(PG_OK, 0);
    assert_int_equal(result, RESULT_UNKNOWN);
    assert_int_equal(find(), RESULT_UNKNOWN);
    assert_int_equal(database.asked, 1);
    pass(AUTH_UNKNOWN_MS);
    assert_int_equal(find(), RESULT_NONE);
    assert_int_equal(database.asked, 2);
}

static void text_that_is_no_token_is_not_asked_for(void **state)
{
    (void)state;
    enum result result = RESULT_NONE;
    auth_find(auth, SLICE("secret"), on_found, &result);
    assert_int_equal(result, RESULT_UNKNOWN);
    assert_int_equal(database.asked, 0);
}

static void forgetting_ends_a_revoked_token_at_once(void **state)
{
    (void)state;
    enum result result = RESULT_NONE;
    auth_find(auth, slice_of(token), on_found, &result);
    answer(PG_OK, 1);
    auth_forget_all(auth);
    result = RESULT_NONE;
    auth_find(auth, slice_of(token), on_found, &result);
    answer(PG_OK, 0);
    assert_int_equal(result, RESULT_UNKNOWN);
}

static void an_answer_from_before_the_forgetting_does_not_count(void **state)
{
    (void)state;
    enum result result = RESULT_NONE;
    auth_find(auth, slice_of(token), on_found, &result);
    auth_forget_all(auth);
    answer(PG_OK, 1);
    assert_int_equal(result, RESULT_NONE);
    answer(PG_OK, 0);
    assert_int_equal(result, RESULT_UNKNOWN);
}

static void a_known_token_goes_on_for_a_while_without_the_database(void **state)
{
    (void)state;
    enum result result = RESULT_NONE;
    auth_find(auth, slice_of(token), on_found, &result);
    answer(PG_OK, 1);
    database.up = false;
    pass(AUTH_AWAY_MS - 1);
    assert_int_equal(find(), RESULT_KNOWN);
    pass(1);
    assert_int_equal(find(), RESULT_AWAY);
}

static void an_unknown_token_cannot_be_judged_without_the_database(void **state)
{
    (void)state;
    database.up = false;
    assert_int_equal(find(), RESULT_AWAY);
    database.up = true;
    enum result result = RESULT_NONE;
    auth_find(auth, slice_of(token), on_found, &result);
    answer(PG_UNCERTAIN, 0);
    assert_int_equal(result, RESULT_AWAY);
}

static void a_token_that_expires_is_not_known_longer(void **state)
{
    (void)state;
    enum result result = RESULT_NONE;
    expires_in_ms = 100;
    auth_find(auth, slice_of(token), on_found, &result);
    answer(PG_OK, 1);
    pass(99);
    assert_int_equal(find(), RESULT_KNOWN);
    pass(1);
    database.up = false;
    assert_int_equal(find(), RESULT_AWAY);
}

static void nobody_waits_for_ever_for_a_database_that_hangs(void **state)
{
    (void)state;
    enum result result = RESULT_NONE;
    static uv_timer_t timer; /* is closed by the loop of tear_down() */
    uv_timer_init(&loop, &timer);
    uv_timer_start(&timer, on_timer, 10 * AUTH_WAIT_MS, 0);
    auth_find(auth, slice_of(token), on_found, &result);
    while (result == RESULT_NONE)
        uv_run(&loop, UV_RUN_ONCE);
    assert_int_equal(result, RESULT_AWAY);
    assert_int_equal(find(), RESULT_AWAY);
    assert_int_equal(database.asked, 1);
    uv_close((uv_handle_t *)&timer, NULL);
}

static void a_flood_of_made_up_tokens_is_bounded(void **state)
{
    (void)state;
    unsigned refused = 0;
    for (unsigned i = 0; i < 2 * AUTH_UNKNOWN_MAX; i++) {
        enum result result = RESULT_NONE;
        static enum result later[2 * AUTH_UNKNOWN_MAX];
        later[i] = RESULT_NONE;
        token_make(token);
        auth_find(auth, slice_of(token), on_found, &later[i]);
        result = later[i];
        refused += result == RESULT_AWAY;
        if (result == RESULT_NONE && i % 2)
            answer(PG_OK, 0);
    }
    assert_true(database.pending <= AUTH_LOOKUPS_MAX);
    assert_true(refused > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_known_token_is_asked_once_and_then_remembered, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_token_is_confirmed_in_the_background_before_it_must_be, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_revoked_token_ends_within_its_time, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_unknown_token_is_not_asked_for_again_at_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(text_that_is_no_token_is_not_asked_for, set_up, tear_down),
        cmocka_unit_test_setup_teardown(forgetting_ends_a_revoked_token_at_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_answer_from_before_the_forgetting_does_not_count, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_known_token_goes_on_for_a_while_without_the_database, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(an_unknown_token_cannot_be_judged_without_the_database, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_token_that_expires_is_not_known_longer, set_up, tear_down),
        cmocka_unit_test_setup_teardown(nobody_waits_for_ever_for_a_database_that_hangs, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_flood_of_made_up_tokens_is_bounded, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
