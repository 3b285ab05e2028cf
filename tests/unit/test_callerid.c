#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>
#include <stdio.h>
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

static void separators_of_any_script_are_dropped(void **state)
{
    (void)state;
    static const char *const separators[] = {
        " ",      "\t",     "-",      ".",      "/",      "(",      ")",      "[",      "]",
        "~",      "\u00A0", "\u00AD", "\u2000", "\u2015", "\u202A", "\u202F", "\u205F", "\u206F",
        "\u2212", "\u3000", "\uFEFF", "\uFF08", "\uFF09", "\uFF0D", "\uFF0F"};
    static const char *const others[] = {"*",      "_",      "\u00A1", "\u00AE", "\u1FFF", "\u2016",
                                         "\u2029", "\u2030", "\u205E", "\u2070", "\u2211", "\u2213",
                                         "\u3001", "\uFEFE", "\uFF07", "\uFF0A", "\uFF0C"};
    char text[32];
    for (size_t i = 0; i < sizeof separators / sizeof *separators; i++) {
        snprintf(text, sizeof text, "+49%s30901820", separators[i]);
        struct callerid id = classify(text);
        if (!slice_is(callerid_number(&id), "+4930901820"))
            fail_msg("separator %zu", i);
    }
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        snprintf(text, sizeof text, "+49%s30901820", others[i]);
        if (classify(text).class != CALLER_SIP_USER)
            fail_msg("other %zu", i);
    }
}

/* What a caller id is, and its number. */
static const struct {
    const char *text;
    enum caller_class class;
    const char *number;
} spellings[] = {
    {"+49 30 901820 x12", CALLER_NUMBER, "+4930901820"},
    {"+49 30 901820 ext. 1234567", CALLER_NUMBER, "+4930901820"},
    {"+49 30 901820 #: 12", CALLER_NUMBER, "+4930901820"},
    {"+49 30 901820 ext. 12345678", CALLER_SIP_USER, ""},
    {"+49 30 901820 ext.", CALLER_SIP_USER, ""},
    {"+49 30 901820 x12y", CALLER_SIP_USER, ""},
    {"* \xFF", CALLER_UNUSABLE, ""},
    {"+49\xC2\x85"
     "30901820",
     CALLER_UNUSABLE, ""},
    {"+49+30901820", CALLER_SIP_USER, ""},
    {"+004930901820", CALLER_NUMBER, "+4930901820"},
    {"+0030", CALLER_NUMBER, "+30"},
    {"+00", CALLER_ANONYMOUS, ""},
    {"+0930901820", CALLER_NUMBER, "+0930901820"},
    {"+9030901820", CALLER_NUMBER, "+9030901820"},
    {"0000000", CALLER_ANONYMOUS, ""},
    {"000", CALLER_EXTENSION, "000"},
    {"tel:30901820;phone-context=+49", CALLER_NUMBER, "+4930901820"},
    {"tel:30901820;phone-context=\"+49\"", CALLER_NUMBER, "+4930901820"},
    {"tel:30901820;phone-context=49", CALLER_NUMBER, "30901820"},
    {"tel:30901820;phone-context=example.com", CALLER_NUMBER, "30901820"},
    {"tel:30901820;phone-context=\"", CALLER_NUMBER, "30901820"},
    {"tel:30901820;phone-context=\"x", CALLER_NUMBER, "30901820"},
    {"tel:0049301234;phone-context=+49", CALLER_NUMBER, "0049301234"},
    {"tel:110;phone-context=+49", CALLER_EXTENSION, "110"},
    {"tel:110;phone-context=+4930", CALLER_NUMBER, "+4930110"},
    {"sip:+4930901820;privacy=full@h.test", CALLER_ANONYMOUS, ""},
    {"<sip:+4930901820@h.test>;privacy=\"uri\"", CALLER_ANONYMOUS, ""},
    {"<sip:+4930901820@h.test>;privacy=name", CALLER_NUMBER, "+4930901820"},
    {"sip:+4930901820@anonymous.invalid", CALLER_ANONYMOUS, ""},
    {"sip:+4930901820@unknown.invalid:5060", CALLER_ANONYMOUS, ""},
    {"sip:+4930901820@unavailable.invalid", CALLER_ANONYMOUS, ""},
    {"sip:+4930901820@other.invalid", CALLER_NUMBER, "+4930901820"},
    {"\"Anonymous\" <sip:+4930901820@h.test>", CALLER_ANONYMOUS, ""},
    {"Unavailable <sip:@h.test>", CALLER_ANONYMOUS, ""},
    {"Anna <sip:@h.test>", CALLER_UNUSABLE, ""},
    {"<>", CALLER_NONE, ""},
    {"\"+4930901820\"", CALLER_NUMBER, "+4930901820"},
    {"\"Anna\" +4930901820", CALLER_SIP_USER, ""},
    {"\"Anna", CALLER_SIP_USER, ""},
    {"fax:+4930901820", CALLER_SIP_USER, ""},
    {"client:+4930901820", CALLER_SIP_USER, ""},
    {"sip:", CALLER_UNUSABLE, ""},
    {"sip:h.test", CALLER_UNUSABLE, ""},
    {"sip:host:5060", CALLER_UNUSABLE, ""},
    {"sip:[::1]", CALLER_UNUSABLE, ""},
    {"sip:[1", CALLER_UNUSABLE, ""},
    {"sip:+4930901820", CALLER_NUMBER, "+4930901820"},
    {"sip:+49.30.901820", CALLER_NUMBER, "+4930901820"},
    {"sip:4930901820", CALLER_NUMBER, "4930901820"},
    {"sip:+49%330901820:secret@h.test", CALLER_NUMBER, "+4930901820"},
    {"sip:%zz%4g%!4%4@h.test", CALLER_SIP_USER, ""},
    {"266696687", CALLER_ANONYMOUS, ""},
    {"00266696687", CALLER_ANONYMOUS, ""},
    {"+1266696687", CALLER_ANONYMOUS, ""},
    {"+1 266 696 6870", CALLER_NUMBER, "+12666966870"},
    {"+1", CALLER_NUMBER, "+1"},
    {"Unterdr\u00DCckt", CALLER_ANONYMOUS, ""},
    {"Unterdr\u00FCckt", CALLER_ANONYMOUS, ""},
    {"nummer\u00DF", CALLER_SIP_USER, ""},
    {"\xC3z", CALLER_UNUSABLE, ""},
    {"\uFF0B49,30", CALLER_NUMBER, "+49"},
    {"a rather long name that nobody would take for a word of a withheld number", CALLER_SIP_USER, ""},
};

static void every_spelling_is_what_it_says(void **state)
{
    (void)state;
    unsigned wrong = 0;
    for (size_t i = 0; i < sizeof spellings / sizeof *spellings; i++) {
        struct callerid id = classify(spellings[i].text);
        struct slice number = callerid_number(&id);
        if (id.class == spellings[i].class && slice_is(number, spellings[i].number))
            continue;
        print_error("%s: %s '%.*s'\n", spellings[i].text, caller_class_name(id.class), (int)number.len,
                    number.ptr);
        wrong++;
    }
    assert_int_equal(wrong, 0);
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
        cmocka_unit_test(separators_of_any_script_are_dropped),
        cmocka_unit_test(every_spelling_is_what_it_says),
        cmocka_unit_test(blacklist_prefixes_are_digits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
