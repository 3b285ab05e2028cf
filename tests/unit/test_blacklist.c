#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>

#include "rules/blacklist.h"
#include "rules/blacklist_key.h"
#include "rules/callerid.h"
#include "rules/email_key.h"

#define CALLS (1 << CHANNEL_CALL)
#define MAIL (1 << CHANNEL_EMAIL)
#define EVERYWHERE (CALLS | 1 << CHANNEL_CHAT | MAIL)
#define NOW 1000

static struct arena arena;
static struct blacklist blacklist;
static uint8_t next_id;

static int setup(void **state)
{
    (void)state;
    arena_init(&arena);
    blacklist_init(&blacklist);
    next_id = 1;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    blacklist_deinit(&blacklist);
    arena_deinit(&arena);
    return 0;
}

static struct uuid id_of(uint8_t number)
{
    return (struct uuid){{0, 0, 0, 0, 0, 0, 0x70, 0, 0x80, 0, 0, 0, 0, 0, 0, number}};
}

/* Ids rise in the order of the calls. */
static struct blacklist_entry *block(enum block_kind kind, const char *key)
{
    struct block block = {.id = id_of(next_id++),
                          .kind = kind,
                          .key = slice_of(key),
                          .channels = EVERYWHERE,
                          .until_ms = TIME_NEVER};
    return blacklist_add(&blacklist, &block);
}

/* Which block it is, 0 for none. */
static int by_phone(const char *key, const char *digits)
{
    struct block_subject subject = {CHANNEL_CALL, slice_of(key), slice_of(digits), {NULL, 0}};
    const struct block *found = blacklist_match_keys(&blacklist, &subject, NOW, &arena);
    return found ? found->id.bytes[15] : 0;
}

static int by_email(const char *key)
{
    struct block_subject subject = {CHANNEL_EMAIL, {NULL, 0}, {NULL, 0}, slice_of(key)};
    const struct block *found = blacklist_match_keys(&blacklist, &subject, NOW, &arena);
    return found ? found->id.bytes[15] : 0;
}

static void a_number_is_found_by_itself_or_the_longest_prefix(void **state)
{
    (void)state;
    assert_int_equal(by_phone("+49900123", ""), 0);
    block(BLOCK_PHONE, "+4930901820");
    assert_int_equal(by_phone("+49900123", ""), 0);
    block(BLOCK_PREFIX, "+49");
    block(BLOCK_PREFIX, "+49900");
    block(BLOCK_PREFIX, "0900");
    assert_int_equal(by_phone("+4930901820", ""), 1);
    assert_int_equal(by_phone("+49309018201", ""), 2);
    assert_int_equal(by_phone("+49900123", "0900123"), 3);
    assert_int_equal(by_phone("+49900", ""), 3);
    assert_int_equal(by_phone("", "0900123"), 4);
    assert_int_equal(by_phone("+4", ""), 0);
    assert_int_equal(by_phone("", ""), 0);
}

static void an_address_is_found_however_it_is_spelt_or_by_a_domain_above_it(void **state)
{
    (void)state;
    block(BLOCK_EMAIL, "anna@gmail.com");
    block(BLOCK_DOMAIN, "example.com");
    block(BLOCK_DOMAIN, "mail.example.com");
    block(BLOCK_EMAIL, "bob@example.com");
    assert_int_equal(by_email("an.na+x@googlemail.com"), 1);
    assert_int_equal(by_email("eve@gmail.com"), 0);
    assert_int_equal(by_email("eve@example.com"), 2);
    assert_int_equal(by_email("eve@a.b.example.com"), 2);
    assert_int_equal(by_email("eve@x.mail.example.com"), 3);
    assert_int_equal(by_email("bob@example.com"), 4);
    assert_int_equal(by_email("eve@notexample.com"), 0);
    assert_int_equal(by_email("eve@com"), 0);
}

static void a_blocked_number_counts_before_a_blocked_address(void **state)
{
    (void)state;
    block(BLOCK_EMAIL, "anna@example.com");
    block(BLOCK_PREFIX, "+49");
    struct block_subject both = {CHANNEL_CHAT, SLICE("+4930"), SLICE("030"), SLICE("anna@example.com")};
    assert_int_equal(blacklist_match_keys(&blacklist, &both, NOW, &arena)->kind, BLOCK_PREFIX);
    both.phone_key = SLICE("+1212");
    assert_int_equal(blacklist_match_keys(&blacklist, &both, NOW, &arena)->kind, BLOCK_EMAIL);
}

static void a_customer_is_found_by_id_and_nobody_by_none(void **state)
{
    (void)state;
    struct uuid anna = id_of(77), bob = id_of(78), nobody = {{0}};
    struct block customer = {
        .id = id_of(1), .kind = BLOCK_CUSTOMER, .customer = anna, .channels = CALLS, .until_ms = TIME_NEVER};
    assert_non_null(blacklist_add(&blacklist, &customer));
    assert_non_null(blacklist_match_customer(&blacklist, CHANNEL_CALL, &anna, NOW));
    assert_null(blacklist_match_customer(&blacklist, CHANNEL_EMAIL, &anna, NOW));
    assert_null(blacklist_match_customer(&blacklist, CHANNEL_CALL, &bob, NOW));
    assert_null(blacklist_match_customer(&blacklist, CHANNEL_CALL, &nobody, NOW));
}

static void a_block_holds_in_its_channels_from_its_start_until_just_before_its_end(void **state)
{
    (void)state;
    const struct block block = {.channels = CALLS | MAIL, .start_ms = 10, .until_ms = 20};
    static const struct {
        enum channel channel;
        int64_t at_ms;
        bool is_active;
    } rows[] = {
        {CHANNEL_CALL, 9, false},  {CHANNEL_CALL, 10, true},  {CHANNEL_CALL, 19, true},
        {CHANNEL_CALL, 20, false}, {CHANNEL_CHAT, 15, false}, {CHANNEL_EMAIL, 15, true},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_int_equal(block_is_active(&block, rows[i].channel, rows[i].at_ms), rows[i].is_active);
}

static void of_several_blocks_of_a_key_the_oldest_that_holds_counts(void **state)
{
    (void)state;
    struct block blocks[] = {
        {id_of(3), BLOCK_PHONE, {{0}}, SLICE("+49"), CALLS, 0, TIME_NEVER},
        {id_of(1), BLOCK_PHONE, {{0}}, SLICE("+49"), CALLS, 0, NOW},
        {id_of(2), BLOCK_PHONE, {{0}}, SLICE("+49"), CALLS, 0, NOW + 1},
        {id_of(4), BLOCK_PHONE, {{0}}, SLICE("+49"), CALLS, 0, TIME_NEVER},
    };
    for (size_t i = 0; i < sizeof blocks / sizeof *blocks; i++)
        assert_non_null(blacklist_add(&blacklist, &blocks[i]));
    assert_int_equal(by_phone("+49", ""), 2);
    blacklist_expire(&blacklist, NOW + 1);
    assert_int_equal(by_phone("+49", ""), 3);
}

static void what_is_over_is_forgotten_and_what_is_taken_can_come_back(void **state)
{
    (void)state;
    struct uuid first = id_of(1), second = id_of(2);
    struct block short_one = {first, BLOCK_PREFIX, {{0}}, SLICE("+49"), CALLS, 0, NOW};
    assert_non_null(blacklist_add(&blacklist, &short_one));
    assert_null(blacklist_add(&blacklist, &short_one));
    short_one.id = second;
    short_one.until_ms = TIME_NEVER;
    assert_non_null(blacklist_add(&blacklist, &short_one));
    blacklist_expire(&blacklist, NOW - 1);
    assert_int_equal(blacklist.by_id.count, 2);
    blacklist_expire(&blacklist, NOW);
    assert_int_equal(blacklist.by_id.count, 1);
    assert_null(blacklist_take(&blacklist, &first));
    struct blacklist_entry *taken = blacklist_take(&blacklist, &second);
    assert_true(uuid_equal(&blacklist_entry_block(taken)->id, &second));
    assert_int_equal(by_phone("+4930", ""), 0);
    blacklist_put_back(&blacklist, taken);
    assert_int_equal(by_phone("+4930", ""), 2);
    taken = blacklist_take(&blacklist, &second);
    blacklist_entry_free(&taken);
    assert_null(taken);
}

static void many_blocks_are_all_found(void **state)
{
    (void)state;
    enum { COUNT = 200 };
    for (int i = 0; i < COUNT; i++)
        assert_non_null(block(BLOCK_PHONE, arena_format(&arena, "+49%d", 1000 + i).ptr));
    for (int i = 0; i < COUNT; i++)
        assert_int_equal(by_phone(arena_format(&arena, "+49%d", 1000 + i).ptr, ""), i + 1);
    assert_int_equal(by_phone("+49999", ""), 0);
}

static void kinds_have_names(void **state)
{
    (void)state;
    enum block_kind kind;
    for (int i = 0; i < BLOCK_KIND_COUNT; i++) {
        assert_true(block_kind_parse(&kind, slice_of(block_kind_name((enum block_kind)i))));
        assert_int_equal(kind, i);
    }
    assert_false(block_kind_parse(&kind, SLICE("phones")));
}

static void keys_that_are_too_long_or_no_keys_are_refused(void **state)
{
    (void)state;
    char text[CALLERID_INPUT_MAX + 1];
    struct slice key;
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = i % 2 ? ' ' : '1';
    assert_false(blacklist_key_prefix(&key, (struct slice){text, sizeof text}, &arena));
    assert_true(blacklist_key_prefix(&key, (struct slice){text, 20}, &arena));
    assert_true(slice_is(key, "1111111111"));
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = i % 2 ? '.' : 'a';
    assert_false(blacklist_key_domain(&key, (struct slice){text, EMAIL_KEY_MAX + 1}, &arena));
    assert_false(blacklist_key_domain(&key, (struct slice){text, EMAIL_KEY_MAX - 1}, &arena));
    assert_true(blacklist_key_domain(&key, (struct slice){text, 21}, &arena));
    assert_int_equal(key.len, 21);
    assert_false(blacklist_key_domain(&key, (struct slice){NULL, 0}, &arena));
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(a_number_is_found_by_itself_or_the_longest_prefix, setup, teardown),
    cmocka_unit_test_setup_teardown(an_address_is_found_however_it_is_spelt_or_by_a_domain_above_it, setup,
                                    teardown),
    cmocka_unit_test_setup_teardown(a_blocked_number_counts_before_a_blocked_address, setup, teardown),
    cmocka_unit_test_setup_teardown(a_customer_is_found_by_id_and_nobody_by_none, setup, teardown),
    cmocka_unit_test_setup_teardown(a_block_holds_in_its_channels_from_its_start_until_just_before_its_end,
                                    setup, teardown),
    cmocka_unit_test_setup_teardown(of_several_blocks_of_a_key_the_oldest_that_holds_counts, setup, teardown),
    cmocka_unit_test_setup_teardown(what_is_over_is_forgotten_and_what_is_taken_can_come_back, setup,
                                    teardown),
    cmocka_unit_test_setup_teardown(many_blocks_are_all_found, setup, teardown),
    cmocka_unit_test_setup_teardown(kinds_have_names, setup, teardown),
    cmocka_unit_test_setup_teardown(keys_that_are_too_long_or_no_keys_are_refused, setup, teardown),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
