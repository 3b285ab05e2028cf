/* Questions about calls that Kamailio may not know any more: which answer counts, and what a lost one costs.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "server/gateway_kamailio.h"
#include "server/kamailio_questions.h"

#define CALL SLICE("call-1")

static void ask(struct kamailio_questions *questions, uint64_t now_ms)
{
    struct slice asked;
    kamailio_questions_add(questions, CALL);
    assert_true(kamailio_questions_next(&asked, questions, now_ms));
    assert_true(slice_equal(asked, CALL));
}

static void an_answer_from_before_the_last_question_does_not_count(void **state)
{
    struct kamailio_questions questions;
    (void)state;
    kamailio_questions_init(&questions);
    ask(&questions, 0);
    kamailio_questions_expire(&questions, KAMAILIO_ANSWER_DEADLINE_MS);
    ask(&questions, KAMAILIO_ANSWER_DEADLINE_MS);
    assert_false(kamailio_questions_answered(&questions, CALL));
    assert_true(kamailio_questions_answered(&questions, CALL));
    kamailio_questions_deinit(&questions);
}

static void an_answer_that_is_lost_costs_no_later_one(void **state)
{
    struct kamailio_questions questions;
    (void)state;
    kamailio_questions_init(&questions);
    ask(&questions, 0);
    kamailio_questions_expire(&questions, KAMAILIO_ANSWER_DEADLINE_MS);
    ask(&questions, (uint64_t)KAMAILIO_ANSWER_DEADLINE_MS * 2);
    assert_true(kamailio_questions_answered(&questions, CALL));
    kamailio_questions_deinit(&questions);
}

static void what_is_never_answered_is_forgotten(void **state)
{
    struct kamailio_questions questions;
    uint64_t kept_ms = KAMAILIO_ANSWER_DEADLINE_MS + KAMAILIO_LATE_KEPT_MS;
    (void)state;
    kamailio_questions_init(&questions);
    ask(&questions, 0);
    kamailio_questions_expire(&questions, kept_ms - 1);
    assert_int_equal(questions.count, 1);
    kamailio_questions_expire(&questions, kept_ms);
    assert_int_equal(questions.count, 0);
    assert_false(kamailio_questions_answered(&questions, CALL));
    kamailio_questions_deinit(&questions);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(an_answer_from_before_the_last_question_does_not_count),
    cmocka_unit_test(an_answer_that_is_lost_costs_no_later_one),
    cmocka_unit_test(what_is_never_answered_is_forgotten),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
