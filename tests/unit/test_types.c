/* The vocabulary: slices, ids, names. And who an identity's candidates say it is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "rules/ascii.h"
#include "rules/match.h"

static void slices_are_compared_bytewise(void **state)
{
    (void)state;
    struct slice nothing = slice_of(NULL), empty = SLICE("");
    assert_true(slice_equal(nothing, empty) && slice_is(nothing, "") && !slice_is(empty, "a"));
    assert_true(slice_equal(SLICE("a"), SLICE("a")) && !slice_equal(SLICE("a"), SLICE("b")));
    assert_int_equal(slice_compare(nothing, empty), 0);
    assert_true(slice_compare(SLICE("a"), SLICE("b")) < 0 && slice_compare(SLICE("b"), SLICE("a")) > 0);
    assert_true(slice_compare(SLICE("a"), SLICE("aa")) < 0 && slice_compare(SLICE("aa"), SLICE("a")) > 0);
    assert_true(slice_compare(empty, SLICE("a")) < 0 && slice_compare(SLICE("a"), SLICE("a")) == 0);
    assert_true(slice_compare(SLICE("z"), SLICE("\xC3")) < 0);
}

static void a_uuid_is_read_in_either_case_and_written_in_lower_case(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "0189abcd-ef01-7234-8567-89abcdef012",
        "0189abcd-ef01-7234-8567-89abcdef01234",
        "0189abcd+ef01-7234-8567-89abcdef0123",
        "0189abcd-ef01+7234-8567-89abcdef0123",
        "0189abcd-ef01-7234-8567+89abcdef0123",
        "0189abcdef-01-7234-8567-89abcdef0123",
        "g189abcd-ef01-7234-8567-89abcdef0123",
        "0189abcd-ef01-7234-8567-89abcdef012g",
        "0189abcd-ef01-7234-8567-89abcdef012G",
        "0189abcd-ef01-7234-8567-89abcdef012/",
        "0189abcd-ef01-7234-8567-89abcdef012:",
        "0189abcd-ef01-7234-8567-89abcdef012@",
        "0189abcd-ef01-7234-8567-89abcdef012`",
    };
    struct uuid id, upper;
    char text[UUID_TEXT_LEN + 1];
    assert_true(uuid_parse(&id, SLICE("0189abcd-ef01-7234-8567-89abcdef0123")));
    assert_true(uuid_parse(&upper, SLICE("0189ABCD-EF01-7234-8567-89ABCDEF0123")));
    assert_true(uuid_equal(&id, &upper) && uuid_compare(&id, &upper) == 0 && !uuid_is_nil(&id));
    uuid_format(&upper, text);
    assert_string_equal(text, "0189abcd-ef01-7234-8567-89abcdef0123");
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        if (uuid_parse(&id, slice_of(bad[i])))
            fail_msg("%s is no id", bad[i]);
    }
    assert_true(uuid_equal(&id, &upper));
}

static void a_derived_id_knows_its_row_and_only_its_project_s(void **state)
{
    (void)state;
    uint64_t seq = 0;
    struct uuid id = uuid_derive(1700000000000, 7, 123456789, 3), other;
    assert_true(uuid_derived_seq(&id, 7, &seq));
    assert_int_equal(seq, 123456789);
    assert_false(uuid_derived_seq(&id, 8, &seq));
    other = id;
    other.bytes[6] = (uint8_t)(0x40 | (other.bytes[6] & 15)); /* version 4 */
    assert_false(uuid_derived_seq(&other, 7, &seq));
    other = id;
    other.bytes[8] |= 0x40; /* another variant */
    assert_false(uuid_derived_seq(&other, 7, &seq));
}

static void names_are_read_back_as_what_they_name(void **state)
{
    (void)state;
    enum channel channel;
    enum event_type type;
    enum reject_cause cause;
    for (int i = 0; i < CHANNEL_COUNT; i++)
        assert_true(channel_parse(&channel, slice_of(channel_name((enum channel)i))) && (int)channel == i);
    for (int i = 0; i < EVENT_TYPE_COUNT; i++)
        assert_true(event_type_parse(&type, slice_of(event_type_name((enum event_type)i))) && (int)type == i);
    for (int i = 0; i < REJECT_CAUSE_COUNT; i++)
        assert_true(reject_cause_parse(&cause, slice_of(reject_cause_name((enum reject_cause)i))) &&
                    (int)cause == i);
    assert_false(channel_parse(&channel, SLICE("calls")));
    assert_false(event_type_parse(&type, SLICE("call")));
    assert_false(reject_cause_parse(&cause, SLICE("")));
}

static void an_event_belongs_to_its_channel(void **state)
{
    (void)state;
    static const char *const channels[EVENT_TYPE_COUNT] = {"call", "call", "call", "chat", "chat", "email"};
    for (int i = 0; i < EVENT_TYPE_COUNT; i++)
        assert_string_equal(channel_name(event_type_channel((enum event_type)i)), channels[i]);
}

static void words_are_compared_without_case_and_cut_without_blanks(void **state)
{
    (void)state;
    assert_true(ascii_is_one_of('b', "abc") && !ascii_is_one_of('d', "abc") && !ascii_is_one_of(0, "abc"));
    assert_true(ascii_begins(SLICE("SIP:x"), "sip") && !ascii_begins(SLICE("SI"), "sip"));
    assert_true(ascii_equal(SLICE("Sip"), "sip") && !ascii_equal(SLICE("sips"), "sip"));
    assert_true(slice_is(ascii_trim(SLICE(" \t\r\na b\n")), "a b") && ascii_trim(SLICE(" \n")).len == 0);
    assert_true(ascii_trim(slice_of(NULL)).len == 0);
    assert_int_equal(ascii_find(SLICE("abc"), 'c'), 2);
    assert_int_equal(ascii_find(SLICE("abc"), 'd'), 3);
    assert_int_equal(ascii_find(slice_of(NULL), 'd'), 0);
}

struct match_case {
    bool known, withheld, creates, at_once;
    const char *candidates; /* one a letter: p by phone, e by e-mail, b by both */
    enum identity_outcome outcome;
    int customer;
};

static const struct match_case matches[] = {
    {false, false, true, true, "", IDENTITY_MANUAL, -1},
    {false, true, true, true, "", IDENTITY_ANONYMOUS, -1},
    {true, false, false, true, "", IDENTITY_MANUAL, -1},
    {true, false, true, true, "", IDENTITY_CREATED, -1},
    {true, false, true, false, "", IDENTITY_NEW, -1},
    {true, false, true, true, "p", IDENTITY_MATCHED, 0},
    {true, false, true, true, "e", IDENTITY_MATCHED, 0},
    {true, false, true, true, "pb", IDENTITY_MATCHED, 1},
    {true, false, true, true, "bpe", IDENTITY_MATCHED, 0},
    {true, false, true, true, "pp", IDENTITY_AMBIGUOUS, -1},
    {true, false, true, true, "ee", IDENTITY_AMBIGUOUS, -1},
    {true, false, true, true, "bb", IDENTITY_AMBIGUOUS, -1},
    {true, false, true, true, "bbp", IDENTITY_AMBIGUOUS, -1},
    {true, false, true, true, "pe", IDENTITY_CONFLICT, -1},
    {true, false, true, true, "epp", IDENTITY_CONFLICT, -1},
};

static void candidates_say_who_it_is(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof matches / sizeof *matches; i++) {
        const struct match_case *one = &matches[i];
        struct customer_fact candidates[4] = {0};
        struct facts facts = {.candidate_count = (uint32_t)strlen(one->candidates), .candidates = candidates};
        for (uint32_t c = 0; c < facts.candidate_count; c++) {
            candidates[c].by_phone = one->candidates[c] != 'e';
            candidates[c].by_email = one->candidates[c] != 'p';
        }
        struct match_policy policy = {one->creates, one->at_once};
        struct match match = match_identity(&facts, one->known, one->withheld, &policy);
        if (match.outcome != one->outcome || match.customer != one->customer)
            fail_msg("case %zu: outcome %d, customer %d", i, (int)match.outcome, match.customer);
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(slices_are_compared_bytewise),
    cmocka_unit_test(a_uuid_is_read_in_either_case_and_written_in_lower_case),
    cmocka_unit_test(a_derived_id_knows_its_row_and_only_its_project_s),
    cmocka_unit_test(names_are_read_back_as_what_they_name),
    cmocka_unit_test(an_event_belongs_to_its_channel),
    cmocka_unit_test(words_are_compared_without_case_and_cut_without_blanks),
    cmocka_unit_test(candidates_say_who_it_is),
};

int main(void)
{
    return cmocka_run_group_tests(tests, NULL, NULL);
}
