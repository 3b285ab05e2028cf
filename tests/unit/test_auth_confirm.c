/* Tokens in use are confirmed in the background, many by one question. */
#include "tests/unit/auth_world.h"

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

static void nothing_is_asked_of_a_link_that_is_about_to_close(void **state)
{
    char other[TOKEN_TEXT_MAX];
    (void)state;
    enum result result = RESULT_NONE;
    auth_find(auth, slice_of(token), on_found, &result);
    answer(PG_OK, 1);
    pass(AUTH_REFRESH_MS);
    assert_int_equal(find(), RESULT_KNOWN);
    auth_leave_link(auth);
    pass(AUTH_CONFIRM_MS);
    token_make(other);
    find_one(other);
    assert_int_equal(database.asked, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_token_is_confirmed_in_the_background_before_it_must_be),
        TEST(many_are_confirmed_by_one_question),
        TEST(one_that_is_revoked_among_many_ends_alone),
        TEST(a_question_about_many_is_bounded_and_the_next_takes_the_rest),
        TEST(whoever_waits_does_not_wait_for_the_others),
        TEST(who_comes_while_many_are_being_asked_waits_for_that_answer),
        TEST(many_that_were_asked_before_the_forgetting_do_not_count),
        TEST(what_is_due_and_forgotten_is_not_asked_about),
        TEST(without_the_database_it_is_due_again_at_the_next_use),
        TEST(nothing_is_asked_of_a_link_that_is_about_to_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
