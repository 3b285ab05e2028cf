/* What is remembered of customers: the order in which they are candidates, and what a batch that came to
 * nothing leaves of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "server/facts.h"

#define PHONE SLICE("+4915112345678")

static struct uuid id(uint8_t number)
{
    return (struct uuid){{[15] = number}};
}

/* Ann (1) and Ben (2) have one number; Ben rang last. */
static struct facts_entry *two_customers(struct facts_cache *cache)
{
    struct facts_entry *entry = facts_pin(cache, FACTS_PHONE, PHONE);
    struct customer_fact ann = {.id = id(1), .name = SLICE("Ann")}, ben = {.id = id(2), .name = SLICE("Ben")};
    struct uuid older = id(10), newer = id(20);
    facts_add(cache, entry, &ann, &older);
    facts_add(cache, entry, &ben, &newer);
    facts_filled(entry);
    return entry;
}

static void assert_first(const struct facts_entry *entry, uint8_t number)
{
    struct arena arena;
    struct facts facts;
    struct uuid expected = id(number);
    arena_init(&arena);
    facts_join(&facts, entry, NULL, &arena);
    assert_int_equal(facts.candidate_count, 2);
    assert_true(uuid_equal(&facts.candidates[0].id, &expected));
    arena_deinit(&arena);
}

static void touch(struct facts_cache *cache, uint8_t customer, uint8_t interaction)
{
    struct uuid who = id(customer), what = id(interaction);
    facts_touch(cache, &who, &what);
}

static void newest_interaction_comes_first_and_a_rollback_takes_it_back(void **state)
{
    struct facts_cache *cache = facts_cache_alloc(10);
    struct facts_entry *entry = two_customers(cache);
    (void)state;
    assert_first(entry, 2);
    touch(cache, 1, 30);
    assert_first(entry, 1);
    touch(cache, 2, 40);
    touch(cache, 1, 50);
    assert_first(entry, 1);
    facts_rollback(cache, facts_touched(cache));
    assert_first(entry, 2);
    facts_unpin(cache, &entry);
    facts_cache_free(&cache);
}

static void what_was_committed_is_not_taken_back(void **state)
{
    struct facts_cache *cache = facts_cache_alloc(10);
    struct facts_entry *entry = two_customers(cache);
    (void)state;
    touch(cache, 1, 30);
    facts_commit(cache, facts_touched(cache));
    touch(cache, 2, 40);
    facts_rollback(cache, facts_touched(cache));
    assert_first(entry, 1);
    facts_unpin(cache, &entry);
    facts_cache_free(&cache);
}

static void a_rollback_passes_over_customers_that_were_forgotten(void **state)
{
    struct facts_cache *cache = facts_cache_alloc(10);
    struct facts_entry *entry = two_customers(cache);
    (void)state;
    touch(cache, 1, 30);
    facts_unpin(cache, &entry);
    facts_forget(cache, FACTS_PHONE, PHONE);
    facts_rollback(cache, facts_touched(cache));
    entry = two_customers(cache);
    assert_first(entry, 2);
    facts_unpin(cache, &entry);
    facts_cache_free(&cache);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(newest_interaction_comes_first_and_a_rollback_takes_it_back),
        cmocka_unit_test(what_was_committed_is_not_taken_back),
        cmocka_unit_test(a_rollback_passes_over_customers_that_were_forgotten),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
