#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "proto/mail_token.h"

static const struct uuid thread = {{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 255}};
static const char hex_a[] = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";
static const char hex_b[] = "FFFEFDFCFBFAF9F8F7F6F5F4F3F2F1F0EFEEEDECEBEAE9E8E7E6E5E4E3E2E1E0";

static struct mail_keys keys_of(const char *first, const char *second)
{
    struct mail_keys keys = {.count = 0};
    assert_true(mail_keys_add(&keys, slice_of(first)));
    if (second)
        assert_true(mail_keys_add(&keys, slice_of(second)));
    return keys;
}

static bool reads(const char *token, const struct mail_keys *keys, uint32_t project)
{
    struct uuid read = {{0}};
    bool good = mail_token_read(&read, slice_of(token), keys, project);
    assert_true(!good || uuid_equal(&read, &thread));
    return good;
}

static void a_token_is_read_by_both_keys_and_by_no_other(void **state)
{
    (void)state;
    struct mail_keys a = keys_of(hex_a, NULL), b = keys_of(hex_b, NULL), both = keys_of(hex_b, hex_a);
    struct mail_keys none = {.count = 0};
    char token[MAIL_TOKEN_LEN + 1];
    mail_token_write(token, a.keys[0], 7, &thread);
    assert_int_equal(strlen(token), MAIL_TOKEN_LEN);
    assert_int_equal(strspn(token, "abcdefghijklmnopqrstuvwxyz234567"), MAIL_TOKEN_LEN);
    assert_true(reads(token, &a, 7));
    assert_true(reads(token, &both, 7));
    assert_false(reads(token, &b, 7));
    assert_false(reads(token, &none, 7));
    assert_false(reads(token, &a, 8)); /* another project's */
    for (char *c = token; *c; c++)
        *c = *c >= 'a' && *c <= 'z' ? (char)(*c - 'a' + 'A') : *c;
    assert_true(reads(token, &a, 7));
}

/* RFC 2104 with SHA-256, so that whoever writes another implementation can compare. */
static void a_token_is_what_its_page_says(void **state)
{
    (void)state;
    struct mail_keys keys = keys_of(hex_a, NULL);
    char token[MAIL_TOKEN_LEN + 1];
    mail_token_write(token, keys.keys[0], 7, &thread);
    assert_string_equal(token, "aebagbafaydqqcikbmga2dqp77wdmlvadffwvxn5xm");
}

static void every_change_of_a_token_makes_it_none(void **state)
{
    (void)state;
    struct mail_keys keys = keys_of(hex_a, hex_b);
    char token[MAIL_TOKEN_LEN + 1];
    mail_token_write(token, keys.keys[0], 7, &thread);
    for (size_t i = 0; i < MAIL_TOKEN_LEN; i++) {
        char was = token[i];
        for (const char *other = "abcdefghijklmnopqrstuvwxyz234567-1"; *other; other++) {
            token[i] = *other;
            assert_int_equal(reads(token, &keys, 7), *other == was);
        }
        token[i] = was;
    }
    assert_false(reads("", &keys, 7));
    assert_false(reads("a", &keys, 7));
    char longer[MAIL_TOKEN_LEN + 2] = "";
    memcpy(longer, token, MAIL_TOKEN_LEN);
    longer[MAIL_TOKEN_LEN] = 'a';
    assert_false(reads(longer, &keys, 7));
}

static void keys_are_64_hexadecimal_digits_and_two_at_most(void **state)
{
    (void)state;
    struct mail_keys keys = {.count = 0};
    assert_false(mail_keys_add(&keys, SLICE("")));
    assert_false(mail_keys_add(&keys, (struct slice){hex_a, 63}));
    assert_false(
        mail_keys_add(&keys, SLICE("g00102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f")));
    assert_int_equal(keys.count, 0);
    keys = keys_of(hex_a, hex_b);
    assert_false(mail_keys_add(&keys, slice_of(hex_a)));
}

#define RUN "abcdefghijklmnopqrstuvwxyz234567abcdefghij" /* 42 of them */

static void tokens_are_found_between_their_marks_alone(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        char before, after;
        unsigned count;
    } cases[] = {
        {"help+" RUN "@demo.example", '+', '@', 1},
        {"Help <help+" RUN "@demo.example>, x+" RUN "@y.example", '+', '@', 2},
        {"help+order+" RUN "@demo.example", '+', '@', 1},
        {"help+" RUN "a@demo.example", '+', '@', 0},
        {"help+a" RUN "@demo.example", '+', '@', 0},
        {"help+" RUN, '+', '@', 0},
        {RUN "@demo.example", '+', '@', 0},
        {"+++++", '+', '@', 0},
        {"", '+', '@', 0},
        {"<" RUN ".x@demo.example>", '<', '.', 1},
        {"<" RUN "@demo.example>", '<', '.', 0},
        {"Re: Broken [#" RUN "]", '#', ']', 1},
        {"##" RUN "]", '#', ']', 1},
        {"#1 #" RUN "] and #" RUN "]", '#', ']', 2},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t at = 0;
        unsigned count = 0;
        struct slice text = slice_of(cases[i].text), found;
        while ((found = mail_token_find(text, &at, cases[i].before, cases[i].after)).len) {
            assert_true(slice_is(found, RUN));
            count++;
        }
        assert_int_equal(count, cases[i].count);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_token_is_read_by_both_keys_and_by_no_other),
        cmocka_unit_test(a_token_is_what_its_page_says),
        cmocka_unit_test(every_change_of_a_token_makes_it_none),
        cmocka_unit_test(keys_are_64_hexadecimal_digits_and_two_at_most),
        cmocka_unit_test(tokens_are_found_between_their_marks_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
