/* Tokens against a database and a clock of our own: the linker takes these instead of the real ones. */
#include <endian.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "server/auth.h"
#include "server/log.h"
#include "storage/pg_link.h"

#define QUERIES_MAX 512

static struct {
    bool up;
    unsigned asked;     /* in all */
    unsigned confirmed; /* tokens in questions about many, in all */
    unsigned pending;   /* oldest first */
    pg_on_reply on_reply[QUERIES_MAX];
    void *ctx[QUERIES_MAX];
    unsigned tokens[QUERIES_MAX]; /* in a question about many; 0: about one */
} database;

static const char project[] = "demo", role[] = "agent", agent[] = "anna";
static int64_t expires_in_ms; /* 0: never */

bool pg_link_submit(struct pg_link *unused, const struct pg_query *query, pg_on_reply on_reply, void *ctx)
{
    (void)unused;
    bool of_one = strcmp(query->name, "token_find") == 0;
    if (!of_one)
        assert_string_equal(query->name, "token_confirm");
    if (!database.up)
        return false;
    assert_true(database.pending < QUERIES_MAX);
    uint32_t length = 0; /* of the array: its fourth number */
    if (!of_one)
        memcpy(&length, (const uint8_t *)query->params[0].data + 12, sizeof length);
    database.tokens[database.pending] = be32toh(length);
    database.confirmed += be32toh(length);
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

static int first_place; /* of the tokens that an answer about many knows */

int64_t pg_int64(const struct pg_reply *reply, int row, int column)
{
    (void)reply;
    return column == 1 ? 7 : column == 6 ? first_place + row : expires_in_ms;
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
    memmove(database.tokens, database.tokens + 1, sizeof database.tokens - sizeof database.tokens[0]);
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

static uint64_t clock_ms;

/* libuv's, too. */
int clock_gettime(clockid_t clock, struct timespec *at)
{
    (void)clock;
    *at = (struct timespec){(time_t)(clock_ms / 1000), (long)(clock_ms % 1000) * 1000000};
    return 0;
}

/* Timers that are due by then fire. */
static void pass(uint64_t ms)
{
    clock_ms += ms;
    uv_run(&loop, UV_RUN_NOWAIT);
}

static int set_up(void **state)
{
    (void)state;
    memset(&database, 0, sizeof database);
    database.up = true;
    expires_in_ms = 0;
    first_place = 1;
    clock_ms = 1000;
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
    pass(AUTH_CONFIRM_MS - 1);
    assert_int_equal(database.asked, 1);
    pass(1);
    assert_int_equal(database.asked, 2);
    assert_int_equal(find(), RESULT_KNOWN);
    answer(PG_OK, 1);
    pass(AUTH_REFRESH_MS - 1);
    assert_int_equal(find(), RESULT_KNOWN);
    pass(AUTH_CONFIRM_MS);
    assert_int_equal(database.asked, 2);
}

/* `count` tokens of agents, known from now on. */
static void know(char tokens[][TOKEN_TEXT_MAX], unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        enum result result = RESULT_NONE;
        token_make(tokens[i]);
        auth_find(auth, slice_of(tokens[i]), on_found, &result);
        answer(PG_OK, 1);
        assert_int_equal(result, RESULT_KNOWN);
    }
}

static enum result find_one(const char *text)
{
    static enum result results[4];
    static unsigned turn; /* the callback may come later, into one that is not read any more */
    enum result *result = &results[turn++ % 4];
    *result = RESULT_NONE;
    auth_find(auth, slice_of(text), on_found, result);
    return *result;
}

static void use_all(char tokens[][TOKEN_TEXT_MAX], unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        assert_int_equal(find_one(tokens[i]), RESULT_KNOWN);
}

static void many_are_confirmed_by_one_question(void **state)
{
    static char tokens[1100][TOKEN_TEXT_MAX];
    (void)state;
    know(tokens, 1100);
    pass(AUTH_REFRESH_MS);
    use_all(tokens, 1100);
    pass(AUTH_CONFIRM_MS);
    assert_int_equal(database.asked, 1101);
    assert_int_equal(database.tokens[0], 1100);
    answer(PG_OK, 1100);
    pass(AUTH_REFRESH_MS - 1);
    use_all(tokens, 1100);
    assert_int_equal(database.pending, 0);
}

static void one_that_is_revoked_among_many_ends_alone(void **state)
{
    static char tokens[3][TOKEN_TEXT_MAX];
    (void)state;
    know(tokens, 3);
    pass(AUTH_REFRESH_MS);
    use_all(tokens, 3);
    pass(AUTH_CONFIRM_MS);
    first_place = 2; /* the answer knows the second and the third */
    answer(PG_OK, 2);
    assert_int_equal(find_one(tokens[0]), RESULT_UNKNOWN);
    use_all(tokens + 1, 2);
}

static void a_question_about_many_is_bounded_and_the_next_takes_the_rest(void **state)
{
    static char tokens[AUTH_CONFIRM_MAX + 5][TOKEN_TEXT_MAX];
    (void)state;
    know(tokens, AUTH_CONFIRM_MAX + 5);
    pass(AUTH_REFRESH_MS);
    use_all(tokens, AUTH_CONFIRM_MAX + 5);
    pass(AUTH_CONFIRM_MS);
    pass(AUTH_CONFIRM_MS); /* one at a time */
    assert_int_equal(database.pending, 1);
    assert_int_equal(database.tokens[0], AUTH_CONFIRM_MAX);
    answer(PG_OK, AUTH_CONFIRM_MAX);
    pass(AUTH_CONFIRM_MS - 1);
    assert_int_equal(database.pending, 0);
    pass(1);
    assert_int_equal(database.tokens[0], 5);
}

static void whoever_waits_does_not_wait_for_the_others(void **state)
{
    (void)state;
    enum result result = RESULT_NONE;
    auth_find(auth, slice_of(token), on_found, &result);
    answer(PG_OK, 1);
    pass(AUTH_KNOWN_MS - 1);
    assert_int_equal(find(), RESULT_KNOWN); /* due, and now it gets too old */
    pass(1);
    assert_int_equal(find(), RESULT_NONE);
    assert_int_equal(database.pending, 1);
    assert_int_equal(database.tokens[0], 0); /* asked by itself */
    pass(AUTH_CONFIRM_MS);
    assert_int_equal(database.confirmed, 0); /* and not again */
    answer(PG_OK, 1);
}

static void who_comes_while_many_are_being_asked_waits_for_that_answer(void **state)
{
    (void)state;
    enum result first = RESULT_NONE, second = RESULT_NONE;
    auth_find(auth, slice_of(token), on_found, &first);
    answer(PG_OK, 1);
    pass(AUTH_KNOWN_MS - AUTH_CONFIRM_MS);
    assert_int_equal(find(), RESULT_KNOWN);
    pass(AUTH_CONFIRM_MS); /* asked, and just too old */
    auth_find(auth, slice_of(token), on_found, &second);
    assert_int_equal(second, RESULT_NONE);
    assert_int_equal(database.asked, 2);
    answer(PG_OK, 0);
    assert_int_equal(second, RESULT_UNKNOWN);
}

static void many_that_were_asked_before_the_forgetting_do_not_count(void **state)
{
    (void)state;
    enum result result = RESULT_NONE;
    auth_find(auth, slice_of(token), on_found, &result);
    answer(PG_OK, 1);
    pass(AUTH_REFRESH_MS);
    assert_int_equal(find(), RESULT_KNOWN);
    pass(AUTH_CONFIRM_MS);
    auth_forget_all(auth);
    result = RESULT_NONE;
    auth_find(auth, slice_of(token), on_found, &result);
    answer(PG_OK, 1); /* may be an old truth: asked once more */
    assert_int_equal(result, RESULT_NONE);
    answer(PG_OK, 0);
    assert_int_equal(result, RESULT_UNKNOWN);
}

static void what_is_due_and_forgotten_is_not_asked_about(void **state)
{
    (void)state;
    enum result result = RESULT_NONE;
    auth_find(auth, slice_of(token), on_found, &result);
    answer(PG_OK, 1);
    pass(AUTH_REFRESH_MS);
    assert_int_equal(find(), RESULT_KNOWN);
    auth_forget_all(auth);
    pass(AUTH_CONFIRM_MS);
    assert_int_equal(database.asked, 1);
}

static void without_the_database_it_is_due_again_at_the_next_use(void **state)
{
    (void)state;
    enum result result = RESULT_NONE;
    auth_find(auth, slice_of(token), on_found, &result);
    answer(PG_OK, 1);
    pass(AUTH_REFRESH_MS);
    assert_int_equal(find(), RESULT_KNOWN);
    database.up = false;
    pass(AUTH_CONFIRM_MS);
    database.up = true;
    pass(AUTH_CONFIRM_MS);
    assert_int_equal(database.asked, 1); /* nobody used it */
    assert_int_equal(find(), RESULT_KNOWN);
    pass(AUTH_CONFIRM_MS);
    assert_int_equal(database.asked, 2);
    answer(PG_UNCERTAIN, 0);
    assert_int_equal(find(), RESULT_KNOWN);
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
    auth_find(auth, slice_of(token), on_found, &result);
    pass(AUTH_WAIT_MS - 1);
    assert_int_equal(result, RESULT_NONE);
    pass(1);
    assert_int_equal(result, RESULT_AWAY);
    assert_int_equal(find(), RESULT_AWAY);
    assert_int_equal(database.asked, 1);
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

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_known_token_is_asked_once_and_then_remembered),
        TEST(a_token_is_confirmed_in_the_background_before_it_must_be),
        TEST(many_are_confirmed_by_one_question),
        TEST(one_that_is_revoked_among_many_ends_alone),
        TEST(a_question_about_many_is_bounded_and_the_next_takes_the_rest),
        TEST(whoever_waits_does_not_wait_for_the_others),
        TEST(who_comes_while_many_are_being_asked_waits_for_that_answer),
        TEST(many_that_were_asked_before_the_forgetting_do_not_count),
        TEST(what_is_due_and_forgotten_is_not_asked_about),
        TEST(without_the_database_it_is_due_again_at_the_next_use),
        TEST(a_revoked_token_ends_within_its_time),
        TEST(an_unknown_token_is_not_asked_for_again_at_once),
        TEST(text_that_is_no_token_is_not_asked_for),
        TEST(forgetting_ends_a_revoked_token_at_once),
        TEST(an_answer_from_before_the_forgetting_does_not_count),
        TEST(a_known_token_goes_on_for_a_while_without_the_database),
        TEST(an_unknown_token_cannot_be_judged_without_the_database),
        TEST(a_token_that_expires_is_not_known_longer),
        TEST(nobody_waits_for_ever_for_a_database_that_hangs),
        TEST(a_flood_of_made_up_tokens_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
