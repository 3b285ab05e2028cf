/* What is remembered of customers: the order in which they are candidates, and what a batch that came to
 * nothing leaves of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

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
    facts_touch(cache, &who, &what, (struct slice){NULL, 0}, 0);
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

static struct customer_fact first_of(const struct facts_entry *entry, struct arena *arena)
{
    struct facts facts;
    facts_join(&facts, entry, NULL, arena);
    return facts.candidates[0];
}

static void what_rules_may_read_is_kept_whole(void **state)
{
    (void)state;
    struct facts_cache *cache = facts_cache_alloc(10);
    struct facts_entry *entry = facts_pin(cache, FACTS_PHONE, PHONE);
    struct uuid none = {{0}};
    char bytes[] = "gold anna follow_up fair carl";
    struct value parts[] = {value_int(1), value_string((struct slice){bytes, 4})};
    struct value_member members[] = {{SLICE("plan"), value_string((struct slice){bytes, 4})},
                                     {SLICE("parts"), {.kind = VALUE_LIST, .count = 2, .items = parts}}};
    struct customer_fact fact = {.id = id(1),
                                 .owner = {bytes + 5, 4},
                                 .stage = {bytes + 10, 9},
                                 .source = {bytes + 20, 4},
                                 .last_agent = {bytes + 25, 4},
                                 .last_ms = 77,
                                 .fields = {.kind = VALUE_MAP, .count = 2, .members = members}};
    facts_add(cache, entry, &fact, &none);
    memset(bytes, '-', sizeof bytes); /* whoever asked is gone */
    memset(members, 0, sizeof members);
    struct arena arena;
    arena_init(&arena);
    struct customer_fact kept = first_of(entry, &arena);
    assert_true(slice_is(kept.owner, "anna") && slice_is(kept.stage, "follow_up"));
    assert_true(slice_is(kept.source, "fair") && slice_is(kept.last_agent, "carl") && kept.last_ms == 77);
    assert_true(slice_is(value_member(&kept.fields, "plan")->string, "gold"));
    assert_true(slice_is(value_member(&kept.fields, "parts")->items[1].string, "gold"));
    arena_deinit(&arena);
    facts_unpin(cache, &entry);
    facts_cache_free(&cache);
}

static void who_took_work_last_is_known_to_the_next_decision_and_taken_back(void **state)
{
    (void)state;
    struct facts_cache *cache = facts_cache_alloc(10);
    struct facts_entry *entry = two_customers(cache);
    struct uuid ben = id(2), newer = id(30), older = id(25);
    struct arena arena;
    arena_init(&arena);
    assert_int_equal(first_of(entry, &arena).last_agent.len, 0);
    facts_touch(cache, &ben, &newer, SLICE("anna"), 100);
    struct customer_fact then = first_of(entry, &arena);
    facts_touch(cache, &ben, &older, SLICE("carl"), 200); /* of an older interaction, but taken later */
    assert_true(slice_is(first_of(entry, &arena).last_agent, "carl"));
    assert_true(slice_is(then.last_agent, "anna") && then.last_ms == 100);
    facts_rollback(cache, 1);
    assert_true(slice_is(first_of(entry, &arena).last_agent, "anna"));
    facts_rollback(cache, 1);
    assert_int_equal(first_of(entry, &arena).last_agent.len, 0);
    facts_touch(cache, &ben, &newer, SLICE("anna"), 300);
    /* An answer that was asked for before knows less. */
    struct customer_fact asked = {.id = ben, .last_agent = SLICE("dora"), .last_ms = 200};
    facts_add(cache, entry, &asked, &older);
    assert_true(slice_is(first_of(entry, &arena).last_agent, "anna"));
    arena_deinit(&arena);
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
        cmocka_unit_test(what_rules_may_read_is_kept_whole),
        cmocka_unit_test(who_took_work_last_is_known_to_the_next_decision_and_taken_back),
        cmocka_unit_test(a_rollback_passes_over_customers_that_were_forgotten),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
