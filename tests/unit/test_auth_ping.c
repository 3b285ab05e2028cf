/* One question for all tokens: the answer to it says of each that it still holds. */
#include "tests/unit/auth_world.h"

static void know(void)
{
    enum result result = RESULT_NONE;
    auth_find(auth, slice_of(token), on_found, &result);
    answer(PG_OK, 1);
    assert_int_equal(result, RESULT_KNOWN);
}

static void is_sent(enum pg_outcome outcome, int rows)
{
    database.on_pinged(auth, &(struct pg_reply){.outcome = outcome, .rows = rows, .message = ""});
}

static void come_back(void)
{
    auth_on_notify(auth, database.ping, true);
    is_sent(PG_OK, 1);
}

static void a_token_is_asked_once_while_pings_come_back(void **state)
{
    (void)state;
    know();
    for (int i = 0; i < 100; i++) {
        pass(AUTH_PING_MS);
        assert_int_equal(database.pings, i + 1);
        come_back();
        assert_int_equal(find(), RESULT_KNOWN);
    }
    assert_int_equal(database.asked, 1);
}

static void what_came_back_holds_from_when_it_left(void **state)
{
    (void)state;
    know();
    pass(AUTH_PING_MS);
    pass(AUTH_PING_MS - 1); /* on its way */
    come_back();
    pass(AUTH_KNOWN_MS - (AUTH_PING_MS - 1) - 1);
    assert_int_equal(find(), RESULT_KNOWN);
    pass(1);
    assert_int_equal(find(), RESULT_NONE);
    assert_int_equal(database.asked, 2);
    answer(PG_OK, 1);
}

static void one_that_comes_back_when_the_next_has_left_does_not_count(void **state)
{
    char first[sizeof database.ping];
    (void)state;
    know();
    pass(AUTH_PING_MS);
    memcpy(first, database.ping, sizeof first);
    is_sent(PG_OK, 1);
    pass(AUTH_PING_MS);
    assert_int_equal(database.pings, 2);
    auth_on_notify(auth, first, true);
    pass(AUTH_KNOWN_MS - 2 * AUTH_PING_MS);
    assert_int_equal(find(), RESULT_NONE);
    answer(PG_OK, 1);
}

static void one_waits_for_the_one_before(void **state)
{
    (void)state;
    know();
    for (int i = 0; i < 10; i++)
        pass(AUTH_PING_MS);
    assert_int_equal(database.pings, 1);
    is_sent(PG_UNCERTAIN, 0);
    pass(AUTH_PING_MS);
    assert_int_equal(database.pings, 2);
}

/* Behind a pool it may be handed to whoever has the connection now, and others get lost. */
static void one_that_came_over_another_connection_does_not_count(void **state)
{
    (void)state;
    know();
    pass(AUTH_PING_MS);
    auth_on_notify(auth, database.ping, false);
    pass(AUTH_KNOWN_MS - AUTH_PING_MS);
    assert_int_equal(find(), RESULT_NONE);
    answer(PG_OK, 1);
}

static void clocks_that_differ_are_not_trusted_for_ever(void **state)
{
    (void)state;
    know();
    for (uint64_t ms = 0; ms + AUTH_PING_MS < AUTH_TRUST_MS; ms += AUTH_PING_MS) {
        pass(AUTH_PING_MS);
        come_back();
        assert_int_equal(find(), RESULT_KNOWN);
    }
    pass(AUTH_PING_MS);
    come_back();
    assert_int_equal(find(), RESULT_NONE);
    answer(PG_OK, 1);
    assert_int_equal(database.asked, 2);
    assert_int_equal(find(), RESULT_KNOWN);
}

static void notifications_of_others_say_nothing(void **state)
{
    static const char *const payloads[] = {"",
                                           "ping:",
                                           "ping:1",
                                           "facts:demo",
                                           "tokens ",
                                           "token",
                                           "ping:00000000-0000-0000-0000-000000000000.1"};
    (void)state;
    know();
    pass(AUTH_PING_MS);
    for (size_t i = 0; i < sizeof payloads / sizeof *payloads; i++)
        auth_on_notify(auth, payloads[i], true);
    assert_int_equal(find(), RESULT_KNOWN);
    pass(AUTH_KNOWN_MS - AUTH_PING_MS);
    assert_int_equal(find(), RESULT_NONE);
    answer(PG_OK, 1);
}

static void a_change_that_is_told_before_it_comes_back_counts(void **state)
{
    (void)state;
    know();
    pass(AUTH_PING_MS);
    auth_on_notify(auth, "tokens", false);
    come_back();
    assert_int_equal(find(), RESULT_NONE);
    answer(PG_OK, 0);
    assert_int_equal(find(), RESULT_UNKNOWN);
}

static void an_answer_of_before_a_change_is_not_made_good_by_what_comes_back(void **state)
{
    (void)state;
    enum result result = RESULT_NONE;
    know();
    pass(AUTH_KNOWN_MS - 1);
    pass(1);
    auth_find(auth, slice_of(token), on_found, &result);
    auth_on_notify(auth, "tokens", false);
    come_back();
    answer(PG_OK, 1);
    assert_int_equal(result, RESULT_NONE); /* asked once more */
    answer(PG_OK, 0);
    assert_int_equal(result, RESULT_UNKNOWN);
}

static void an_expired_token_is_not_kept_by_what_comes_back(void **state)
{
    (void)state;
    expires_in_ms = AUTH_PING_MS + 10;
    know();
    pass(AUTH_PING_MS);
    come_back();
    pass(9);
    assert_int_equal(find(), RESULT_KNOWN);
    pass(1);
    assert_int_equal(find(), RESULT_NONE);
    answer(PG_OK, 0);
}

static void who_is_unknown_is_asked_for_again_whatever_comes_back(void **state)
{
    char other[TOKEN_TEXT_MAX];
    (void)state;
    know();
    enum result result = RESULT_NONE;
    token_make(other);
    auth_find(auth, slice_of(other), on_found, &result);
    answer(PG_OK, 0);
    pass(AUTH_UNKNOWN_MS);
    come_back();
    result = RESULT_NONE;
    auth_find(auth, slice_of(other), on_found, &result);
    assert_int_equal(result, RESULT_NONE);
    answer(PG_OK, 0);
}

static void without_the_database_what_came_back_last_counts_for_a_while(void **state)
{
    (void)state;
    know();
    pass(AUTH_PING_MS);
    come_back();
    database.up = false;
    pass(AUTH_AWAY_MS - 1);
    assert_int_equal(find(), RESULT_KNOWN);
    pass(1);
    assert_int_equal(find(), RESULT_AWAY);
    database.up = true;
    pass(AUTH_PING_MS);
    assert_int_equal(database.pings, 2); /* and it goes on by itself */
}

static void a_database_that_refuses_to_notify_leaves_tokens_to_be_asked_one_by_one(void **state)
{
    (void)state;
    know();
    pass(AUTH_PING_MS);
    database.on_pinged(auth, &(struct pg_reply){.outcome = PG_REFUSED, .sqlstate = "42501", .message = "no"});
    pass(AUTH_KNOWN_MS - AUTH_PING_MS);
    assert_int_equal(find(), RESULT_NONE);
    answer(PG_OK, 1);
    assert_int_equal(database.asked, 2);
}

static void nobody_pings_while_no_token_is_known(void **state)
{
    (void)state;
    pass(3 * AUTH_PING_MS);
    assert_int_equal(database.pings, 0);
    know();
    auth_forget_all(auth);
    pass(AUTH_PING_MS);
    pass(AUTH_PING_MS);
    assert_int_equal(database.pings, 0);
    know();
    pass(AUTH_PING_MS);
    assert_int_equal(database.pings, 1);
}

static void nothing_is_asked_of_a_link_that_is_about_to_close(void **state)
{
    (void)state;
    know();
    auth_leave_link(auth);
    pass(AUTH_PING_MS);
    assert_int_equal(database.pings, 0);
    pass(AUTH_KNOWN_MS);
    assert_int_equal(find(), RESULT_KNOWN); /* as while the database is away */
    assert_int_equal(database.asked, 1);
}

static void the_one_not_used_for_longest_is_forgotten_first(void **state)
{
    char others[3][TOKEN_TEXT_MAX];
    (void)state;
    know();
    for (int i = 0; i < AUTH_KNOWN_MAX; i++) {
        enum result result = RESULT_NONE;
        token_make(others[i % 3]);
        auth_find(auth, slice_of(others[i % 3]), on_found, &result);
        answer(PG_OK, 1);
        assert_int_equal(find(), RESULT_KNOWN);
    }
    assert_int_equal(database.asked, AUTH_KNOWN_MAX + 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_token_is_asked_once_while_pings_come_back),
        TEST(what_came_back_holds_from_when_it_left),
        TEST(one_that_comes_back_when_the_next_has_left_does_not_count),
        TEST(one_waits_for_the_one_before),
        TEST(one_that_came_over_another_connection_does_not_count),
        TEST(clocks_that_differ_are_not_trusted_for_ever),
        TEST(notifications_of_others_say_nothing),
        TEST(a_change_that_is_told_before_it_comes_back_counts),
        TEST(an_answer_of_before_a_change_is_not_made_good_by_what_comes_back),
        TEST(an_expired_token_is_not_kept_by_what_comes_back),
        TEST(who_is_unknown_is_asked_for_again_whatever_comes_back),
        TEST(without_the_database_what_came_back_last_counts_for_a_while),
        TEST(a_database_that_refuses_to_notify_leaves_tokens_to_be_asked_one_by_one),
        TEST(nobody_pings_while_no_token_is_known),
        TEST(nothing_is_asked_of_a_link_that_is_about_to_close),
        TEST(the_one_not_used_for_longest_is_forgotten_first),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
