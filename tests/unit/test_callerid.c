#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <string.h>

#include "rules/arena.h"
#include "rules/blacklist_key.h"
#include "rules/callerid.h"
#include "rules/callerid_uri.h"

static struct callerid classify(const char *text)
{
    struct callerid id;
    callerid_classify(&id, slice_of(text), false);
    return id;
}

static void letters_never_reach_a_numbering_plan(void **state)
{
    (void)state;
    static const char *const texts[] = {"anonymous",       "1-800-FLOWERS",  "0800 REIMANN",
                                        "+49 30 ABCDEF",   "alice",          "a1234567890",
                                        "sip:bob7@x.test", "１８００ＦＬＯ", "+49301234567y"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct callerid id = classify(texts[i]);
        assert_int_not_equal(id.class, CALLER_NUMBER);
        assert_int_not_equal(id.class, CALLER_EXTENSION);
        assert_int_equal(callerid_number(&id).len, 0);
    }
}

static void a_withheld_caller_leaves_no_digits_behind(void **state)
{
    (void)state;
    struct callerid id;
    callerid_classify(&id, SLICE("+4930901820"), true);
    assert_int_equal(id.class, CALLER_ANONYMOUS);
    for (size_t i = 0; i < sizeof id.text; i++)
        assert_int_equal(id.text[i], 0);
}

static void one_to_six_digits_without_a_plus_are_an_extension(void **state)
{
    (void)state;
    assert_int_equal(classify("1").class, CALLER_EXTENSION);
    assert_int_equal(classify("123456").class, CALLER_EXTENSION);
    assert_int_equal(classify("1234567").class, CALLER_NUMBER);
    assert_int_equal(classify("+123456").class, CALLER_NUMBER);
    assert_int_equal(classify("tel:1001;phone-context=+49").class, CALLER_EXTENSION);
}

static void digits_are_kept_as_dialled(void **state)
{
    (void)state;
    struct callerid id = classify("0049 (30) 90-18.20");
    assert_true(slice_is(callerid_number(&id), "004930901820"));
    assert_true(slice_is(callerid_digits(&id), "004930901820"));
    id = classify("+49 30 901820");
    assert_true(slice_is(callerid_number(&id), "+4930901820"));
    assert_true(slice_is(callerid_digits(&id), "4930901820"));
}

static void broken_text_is_unusable(void **state)
{
    (void)state;
    static const char *const texts[] = {"\xff\xfe",
                                        "+49\x01"
                                        "30",
                                        "\xc3",
                                        "+4930\x7f",
                                        "---",
                                        "()",
                                        "+",
                                        "%%%"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        assert_int_equal(classify(texts[i]).class, CALLER_UNUSABLE);
    struct callerid id;
    callerid_classify(&id,
                      (struct slice){"+49\0"
                                     "30901820",
                                     12},
                      false);
    assert_int_equal(id.class, CALLER_UNUSABLE);
    callerid_classify(&id, (struct slice){NULL, 0}, false);
    assert_int_equal(id.class, CALLER_NONE);
}

static void at_most_32_digits_are_read(void **state)
{
    (void)state;
    assert_int_equal(classify("12345678901234567890123456789012").digit_count, 32);
    assert_int_equal(classify("123456789012345678901234567890123").class, CALLER_UNUSABLE);
    struct callerid id = classify("tel:12345678901234567890123456789012;phone-context=+49");
    assert_int_equal(id.digit_count, 32);
    assert_false(id.international);
}

static void a_uri_is_taken_apart(void **state)
{
    (void)state;
    struct callerid_uri uri;
    callerid_uri_split(
        &uri,
        SLICE("\"A, \\\"B\\\" <c>\" <sips:%2B49;phone-context=+1@h.test:5061;user=phone?x=y>;privacy=off"));
    assert_true(slice_is(uri.display, "A, \\\"B\\\" <c>"));
    assert_true(slice_is(uri.user, "%2B49"));
    assert_true(slice_is(uri.host, "h.test:5061"));
    assert_true(slice_is(uri.context, "+1"));
    assert_true(uri.is_uri && !uri.is_private && !uri.is_name);
    char decoded[8];
    assert_int_equal(callerid_uri_decode(decoded, SLICE("%2b4%")), 3);
    assert_memory_equal(decoded, "+4%", 3);
}

static void blacklist_prefixes_are_digits(void **state)
{
    (void)state;
    struct arena arena;
    struct slice key;
    arena_init(&arena);
    assert_true(blacklist_key_prefix(&key, SLICE("+49 (30) 90"), &arena) && slice_is(key, "+493090"));
    assert_true(blacklist_key_prefix(&key, SLICE("0900-"), &arena) && slice_is(key, "0900"));
    assert_false(blacklist_key_prefix(&key, SLICE("+"), &arena));
    assert_false(blacklist_key_prefix(&key, SLICE("0900*"), &arena));
    assert_false(blacklist_key_prefix(&key, SLICE(""), &arena));
    arena_deinit(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(letters_never_reach_a_numbering_plan),
        cmocka_unit_test(a_withheld_caller_leaves_no_digits_behind),
        cmocka_unit_test(one_to_six_digits_without_a_plus_are_an_extension),
        cmocka_unit_test(digits_are_kept_as_dialled),
        cmocka_unit_test(broken_text_is_unusable),
        cmocka_unit_test(at_most_32_digits_are_read),
        cmocka_unit_test(a_uri_is_taken_apart),
        cmocka_unit_test(blacklist_prefixes_are_digits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
