#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "rules/mail_budget.h"

#define MINUTE INT64_C(60000)
#define START (INT64_C(1000000) * 10 * MINUTE) /* the beginning of a window */

static const struct mail_limits limits = {.sender = 20,
                                          .machine = 10,
                                          .thread = 30,
                                          .sender_within_ms = 10 * MINUTE,
                                          .thread_within_ms = 60 * MINUTE};
static const struct uuid ann = {{1}}, bob = {{2}}, thread = {{3}}, nobody;

static enum mail_loop take(struct mail_budget *budget, struct uuid sender, struct uuid in, bool is_machine,
                           int64_t at_ms)
{
    bool begins;
    struct mail_seen seen = {sender, in, is_machine, at_ms};
    return mail_budget_take(budget, &limits, &seen, &begins);
}

static void a_sender_has_twenty_mails_in_ten_minutes(void **state)
{
    (void)state;
    struct mail_budget *budget = mail_budget_alloc();
    for (int i = 0; i < 20; i++)
        assert_int_equal(take(budget, ann, nobody, false, START + i * 1000), MAIL_LOOP_NONE);
    assert_int_equal(take(budget, ann, nobody, false, START + MINUTE), MAIL_LOOP_SENDER);
    assert_int_equal(take(budget, bob, nobody, false, START + MINUTE), MAIL_LOOP_NONE);
    mail_budget_free(&budget);
}

/* A step over the border of two windows is none: what came just before it counts. */
static void the_window_slides(void **state)
{
    (void)state;
    struct mail_budget *budget = mail_budget_alloc();
    for (int i = 0; i < 20; i++)
        assert_int_equal(take(budget, ann, nobody, false, START + 10 * MINUTE - 1), MAIL_LOOP_NONE);
    assert_int_equal(take(budget, ann, nobody, false, START + 10 * MINUTE + 1), MAIL_LOOP_NONE);
    assert_int_equal(take(budget, ann, nobody, false, START + 10 * MINUTE + 2), MAIL_LOOP_SENDER);
    assert_int_equal(take(budget, ann, nobody, false, START + 30 * MINUTE), MAIL_LOOP_NONE);
    mail_budget_free(&budget);
}

static void a_loop_that_goes_on_stays_over_its_limit(void **state)
{
    (void)state;
    struct mail_budget *budget = mail_budget_alloc();
    unsigned let_through = 0;
    for (int64_t at = START; at < START + 600 * MINUTE; at += 10000)
        let_through += take(budget, ann, nobody, false, at) == MAIL_LOOP_NONE;
    assert_int_equal(let_through, 20); /* of 3,600 */
    mail_budget_free(&budget);
}

static void machines_have_less_and_threads_their_own(void **state)
{
    (void)state;
    struct mail_budget *budget = mail_budget_alloc();
    for (int i = 0; i < 10; i++)
        assert_int_equal(take(budget, ann, nobody, true, START), MAIL_LOOP_NONE);
    assert_int_equal(take(budget, ann, nobody, true, START), MAIL_LOOP_MACHINE);
    assert_int_equal(take(budget, ann, nobody, false, START), MAIL_LOOP_NONE); /* the 12th of a person's 20 */
    for (uint8_t i = 0; i < 30; i++)
        assert_int_equal(take(budget, (struct uuid){{9, i}}, thread, false, START), MAIL_LOOP_NONE);
    assert_int_equal(take(budget, bob, thread, false, START), MAIL_LOOP_THREAD);
    mail_budget_free(&budget);
}

static void its_beginning_is_told_once(void **state)
{
    (void)state;
    struct mail_budget *budget = mail_budget_alloc();
    struct mail_seen seen = {.sender = ann, .at_ms = START};
    unsigned began = 0;
    for (int i = 0; i < 100; i++) {
        bool begins;
        (void)mail_budget_take(budget, &limits, &seen, &begins);
        began += begins;
    }
    assert_int_equal(began, 1);
    mail_budget_free(&budget);
}

static void give_back(struct mail_budget *budget, struct uuid sender, struct uuid in, int64_t at_ms)
{
    struct mail_seen seen = {sender, in, false, at_ms};
    mail_budget_give_back(budget, &limits, &seen);
}

static void what_is_given_back_has_not_counted(void **state)
{
    (void)state;
    struct mail_budget *budget = mail_budget_alloc();
    for (int i = 0; i < 200; i++) {
        assert_int_equal(take(budget, ann, thread, false, START), MAIL_LOOP_NONE);
        give_back(budget, ann, thread, START);
    }
    for (int i = 0; i < 21; i++)
        assert_int_equal(take(budget, ann, nobody, false, START), i < 20 ? MAIL_LOOP_NONE : MAIL_LOOP_SENDER);
    /* In the next window, of the one before. */
    assert_int_equal(take(budget, ann, nobody, false, START + 10 * MINUTE), MAIL_LOOP_SENDER);
    for (int i = 0; i < 21; i++)
        give_back(budget, ann, nobody, START);
    assert_int_equal(take(budget, ann, nobody, false, START + 10 * MINUTE), MAIL_LOOP_NONE);
    /* Never less than nothing, and nothing of who is not there. */
    give_back(budget, bob, thread, START);
    for (int i = 0; i < 5; i++)
        give_back(budget, ann, nobody, START + 10 * MINUTE);
    for (int i = 0; i < 21; i++)
        assert_int_equal(take(budget, ann, nobody, false, START + 10 * MINUTE),
                         i < 20 ? MAIL_LOOP_NONE : MAIL_LOOP_SENDER);
    mail_budget_free(&budget);
}

/* After a restart rows come newest first, beside what is decided already. */
static void what_is_recalled_counts_as_if_it_had_come(void **state)
{
    (void)state;
    struct mail_budget *budget = mail_budget_alloc();
    assert_int_equal(take(budget, ann, thread, false, START + 10 * MINUTE), MAIL_LOOP_NONE);
    for (int i = 19; i >= 0; i--) {
        struct mail_seen seen = {.sender = ann, .at_ms = START + 9 * MINUTE + i};
        mail_budget_recall(budget, &limits, &seen);
    }
    assert_int_equal(take(budget, ann, thread, false, START + 10 * MINUTE), MAIL_LOOP_SENDER);
    struct mail_seen old = {.sender = bob, .at_ms = START - 1000 * MINUTE};
    for (int i = 0; i < 100; i++)
        mail_budget_recall(budget, &limits, &old);
    assert_int_equal(take(budget, bob, nobody, false, START + 10 * MINUTE), MAIL_LOOP_NONE);
    mail_budget_free(&budget);
}

#define MAILS 4000

/* Two hundred senders; one mail in sixteen belongs to one of ten threads. */
static struct mail_seen mail_of(unsigned number)
{
    unsigned random = number * 2654435761u >> 7;
    struct mail_seen seen = {.sender = {{1, (uint8_t)(random % 200)}},
                             .is_machine = random / 200 % 4 == 0,
                             .at_ms = START + (int64_t)number * 250};
    if (random / 800 % 16 == 0)
        seen.thread = (struct uuid){{2, (uint8_t)(random / 12800 % 10)}};
    return seen;
}

static void after_a_restart_all_is_as_if_there_had_been_none(void **state)
{
    (void)state;
    struct mail_budget *one = mail_budget_alloc(), *other = mail_budget_alloc();
    unsigned over = 0;
    bool begins;
    for (unsigned i = 0; i < MAILS; i++) {
        struct mail_seen seen = mail_of(i);
        (void)mail_budget_take(one, &limits, &seen, &begins);
    }
    for (unsigned i = MAILS; i > 0; i--) {
        struct mail_seen seen = mail_of(i - 1);
        mail_budget_recall(other, &limits, &seen);
    }
    for (unsigned i = MAILS; i < 2 * MAILS; i++) {
        struct mail_seen seen = mail_of(i);
        enum mail_loop loop = mail_budget_take(one, &limits, &seen, &begins);
        assert_int_equal(mail_budget_take(other, &limits, &seen, &begins), loop);
        over += loop != MAIL_LOOP_NONE;
    }
    assert_in_range(over, MAILS / 100, MAILS - MAILS / 100);
    mail_budget_free(&one);
    mail_budget_free(&other);
}

/* Also of those who were forgotten: what is recalled is older than what is there. */
static void what_is_recalled_pushes_nobody_out(void **state)
{
    (void)state;
    struct mail_budget *budget = mail_budget_alloc();
    struct mail_seen newest = {.sender = ann, .at_ms = START + MINUTE};
    for (int i = 0; i < 20; i++)
        mail_budget_recall(budget, &limits, &newest);
    for (uint32_t i = 0; i < 2 * MAIL_BUDGET_ENTRIES_MAX; i++) {
        struct mail_seen seen = {.at_ms = START};
        memcpy(seen.sender.bytes + 4, &i, sizeof i);
        seen.sender.bytes[15] = 1;
        mail_budget_recall(budget, &limits, &seen);
    }
    assert_int_equal(mail_budget_count(budget), MAIL_BUDGET_ENTRIES_MAX);
    (void)take(budget, bob, nobody, false, START + MINUTE); /* in the place of who was quiet for longest */
    assert_int_equal(take(budget, ann, nobody, false, START + MINUTE), MAIL_LOOP_SENDER);
    mail_budget_free(&budget);
}

static void memory_is_bounded_and_the_quiet_are_forgotten_first(void **state)
{
    (void)state;
    struct mail_budget *budget = mail_budget_alloc();
    for (uint32_t i = 0; i < 3 * MAIL_BUDGET_ENTRIES_MAX; i++) {
        struct uuid sender = {{0}};
        memcpy(sender.bytes + 4, &i, sizeof i);
        sender.bytes[15] = 1;
        (void)take(budget, sender, nobody, false, START);
        if (i % 1000 == 0)
            (void)take(budget, ann, nobody, false, START);
    }
    assert_int_equal(mail_budget_count(budget), MAIL_BUDGET_ENTRIES_MAX);
    assert_int_equal(take(budget, ann, nobody, false, START), MAIL_LOOP_SENDER);
    mail_budget_reset(budget);
    assert_int_equal(mail_budget_count(budget), 0);
    mail_budget_free(&budget);
    mail_budget_free(&budget);
}

static void other_windows_begin_anew(void **state)
{
    (void)state;
    struct mail_budget *budget = mail_budget_alloc();
    for (int i = 0; i < 25; i++)
        (void)take(budget, ann, nobody, false, START);
    struct mail_limits other = limits;
    struct mail_seen seen = {.sender = ann, .at_ms = START};
    bool begins;
    other.sender_within_ms = MINUTE;
    assert_int_equal(mail_budget_take(budget, &other, &seen, &begins), MAIL_LOOP_NONE);
    mail_budget_free(&budget);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sender_has_twenty_mails_in_ten_minutes),
        cmocka_unit_test(the_window_slides),
        cmocka_unit_test(a_loop_that_goes_on_stays_over_its_limit),
        cmocka_unit_test(machines_have_less_and_threads_their_own),
        cmocka_unit_test(its_beginning_is_told_once),
        cmocka_unit_test(what_is_given_back_has_not_counted),
        cmocka_unit_test(what_is_recalled_counts_as_if_it_had_come),
        cmocka_unit_test(after_a_restart_all_is_as_if_there_had_been_none),
        cmocka_unit_test(what_is_recalled_pushes_nobody_out),
        cmocka_unit_test(memory_is_bounded_and_the_quiet_are_forgotten_first),
        cmocka_unit_test(other_windows_begin_anew),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
