/* Whose a token is, and for how long that holds. */
#include "tests/unit/auth_world.h"

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

static void what_was_known_once_is_remembered_until_it_is_told_otherwise(void **state)
{
    (void)state;
    enum result result = RESULT_NONE;
    assert_false(auth_remembers(auth, slice_of(token)));
    auth_find(auth, slice_of(token), on_found, &result);
    assert_false(auth_remembers(auth, slice_of(token)));
    answer(PG_OK, 1);
    pass(10 * AUTH_AWAY_MS);
    assert_true(auth_remembers(auth, slice_of(token)));
    result = RESULT_NONE;
    auth_find(auth, slice_of(token), on_found, &result);
    auth_forget_all(auth);
    assert_false(auth_remembers(auth, slice_of(token)));
    answer(PG_OK, 1); /* of before: it is asked once more */
    answer(PG_OK, 0);
    assert_false(auth_remembers(auth, slice_of(token)));
    assert_false(auth_remembers(auth, SLICE("secret")));
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_known_token_is_asked_once_and_then_remembered),
        TEST(a_revoked_token_ends_within_its_time),
        TEST(an_unknown_token_is_not_asked_for_again_at_once),
        TEST(what_was_known_once_is_remembered_until_it_is_told_otherwise),
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
