#include <time.h>

#include "rules/blacklist_key.h"
#include "rules/email_domain.h"
#include "rules/email_key.h"
#include "tests/unit/arena_world.h"
#include "tests/unit/identity_cases.h"

static enum email_status status_of(struct slice input)
{
    struct email_key key;
    return email_key(&key, input, &arena);
}

static void check_case(unsigned line, const struct slice *columns)
{
    struct email_key key, again;
    enum email_status status = email_key(&key, columns[0], &arena);
    if (!slice_is(columns[1], email_status_name(status)) || !slice_equal(key.key, columns[2]))
        fail_msg("email.tsv:%u: %s '%.*s'", line, email_status_name(status), (int)key.key.len, key.key.ptr);
    struct slice folded = email_fold(&key, &arena);
    if (!slice_equal(folded, columns[3]))
        fail_msg("email.tsv:%u: folds to '%.*s'", line, (int)folded.len, folded.ptr);
    if (status != EMAIL_OK)
        return;
    assert_int_equal(email_key(&again, key.key, &arena), EMAIL_OK);
    assert_true(slice_equal(again.key, key.key));
}

static void addresses_get_the_keys_of_the_table(void **state)
{
    (void)state;
    assert_true(identity_cases(TEST_SOURCE_DIR "/tests/data/identity/email.tsv", 4, check_case) >= 80);
}

static void control_characters_and_broken_text_are_refused(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "a@b.de\n",   "a@b.de\r\n",     "\na@b.de",   "a\r@b.de",       "a@b.de\r\nBcc: c@d.de",
        "a\x7f@b.de", "a\xc2\x85@b.de", "a\xff@b.de", "N\x01 <a@b.de>", "\"a\tb\"@b.de"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        assert_int_equal(status_of(slice_of(texts[i])), EMAIL_BAD_SYNTAX);
    assert_int_equal(status_of((struct slice){"a\0b@b.de", 8}), EMAIL_BAD_SYNTAX);
    assert_int_equal(status_of((struct slice){NULL, 0}), EMAIL_EMPTY);
    assert_int_equal(status_of(SLICE(" \t ")), EMAIL_EMPTY);
}

static void a_key_is_at_most_254_octets(void **state)
{
    (void)state;
    char text[EMAIL_KEY_MAX + 1];
    memset(text, 'a', sizeof text);
    text[1] = '@';
    for (size_t i = 60; i < sizeof text - 1; i += 60)
        text[i] = '.';
    assert_int_equal(status_of((struct slice){text, EMAIL_KEY_MAX}), EMAIL_OK);
    assert_int_equal(status_of((struct slice){text, EMAIL_KEY_MAX + 1}), EMAIL_TOO_LONG);
}

static void a_domain_has_a_length_before_and_after_it_is_read(void **state)
{
    (void)state;
    char text[1100];
    struct slice domain;
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = i % 2 ? '.' : 'a';
    text[1] = '@';
    assert_int_equal(status_of((struct slice){text, 2 + 253}), EMAIL_TOO_LONG);
    assert_int_equal(status_of((struct slice){text, 2 + 257}), EMAIL_BAD_DOMAIN);
    assert_int_equal(status_of((struct slice){text, 2 + 1025}), EMAIL_BAD_DOMAIN);
    assert_false(email_domain_read(&domain, (struct slice){NULL, 0}, &arena));
    assert_true(email_domain_read(&domain, SLICE("B\u00FCcher.DE"), &arena));
    assert_true(slice_is(domain, "xn--bcher-kva.de"));
}

/* The category says what an address is good for; blanks around it are the one thing that this parser adds. */
static bool is_expected_key(const char *category, struct slice address)
{
    static const char *const usable[] = {"ISEMAIL_VALID_CATEGORY", "ISEMAIL_DNSWARN", "ISEMAIL_RFC5321"};
    for (size_t i = 0; i < sizeof usable / sizeof *usable; i++) {
        if (strcmp(category, usable[i]) == 0)
            return true;
    }
    return slice_is(address, " test@iana.org") || slice_is(address, "test@iana.org ");
}

/* Decodes XML entities, and the symbols U+2400 to U+241F and U+2421 that stand for control characters. */
static struct slice decode_address(char *out, const char *text, size_t len)
{
    static const struct {
        const char *entity;
        char c;
    } entities[] = {{"&amp;", '&'}, {"&lt;", '<'}, {"&gt;", '>'}, {"&quot;", '"'}, {"&apos;", '\''}};
    size_t used = 0;
    for (size_t i = 0; i < len;) {
        size_t step = 1;
        out[used] = text[i];
        for (size_t k = 0; k < sizeof entities / sizeof *entities; k++) {
            if (strncmp(text + i, entities[k].entity, strlen(entities[k].entity)) == 0) {
                out[used] = entities[k].c;
                step = strlen(entities[k].entity);
            }
        }
        if (strncmp(text + i, "&#x", 3) == 0) {
            char *end;
            unsigned long point = strtoul(text + i + 3, &end, 16);
            if (point < 0x80) {
                out[used] = (char)point;
            } else if (point >= 0x2400 && point <= 0x2420) {
                out[used] = (char)(point - 0x2400);
            } else if (point < 0x800) {
                out[used++] = (char)(0xC0 | point >> 6);
                out[used] = (char)(0x80 | (point & 0x3F));
            } else {
                fail_msg("unexpected character %lx", point);
            }
            step = (size_t)(end + 1 - (text + i));
        } else if (strncmp(text + i, "\xe2\x90", 2) == 0) {
            out[used] = (char)(text[i + 2] & 0x3F);
            step = 3;
        }
        used++;
        i += step;
    }
    return (struct slice){out, used};
}

static void the_isemail_suite_agrees(void **state)
{
    (void)state;
    char *text = identity_shared_file("conformance/isemail/tests.xml"), decoded[1024];
    unsigned count = 0;
    if (!text)
        skip();
    for (char *at = text; at && (at = strstr(at, "<test id=")); at++) {
        char *end = strstr(at, "</test>"), *address = strstr(at, "<address"),
             *category = strstr(at, "<category>");
        assert_true(end && address && category && address < end && category < end);
        struct slice input = {"", 0};
        if (strncmp(address, "<address>", 9) == 0)
            input =
                decode_address(decoded, address + 9, (size_t)(strstr(address, "</address>") - address - 9));
        category += strlen("<category>");
        *strstr(category, "</category>") = 0;
        enum email_status status = status_of(input);
        if ((status == EMAIL_OK) != is_expected_key(category, input))
            fail_msg("test %.3s: '%.*s' is %s, the suite says %s", at + 10, (int)input.len, input.ptr,
                     email_status_name(status), category);
        count++;
        at = end;
    }
    assert_true(!text || count >= 160);
    free(text);
}

static void hostile_addresses_cost_no_more_than_their_bytes(void **state)
{
    (void)state;
    static const char *const units[] = {"\"", "<",  "a@",        "\\\"",
                                        "(",  ".",  "a\xcc\x81", "\xcc\x95\xcc\xa1",
                                        "[",  "::", "xn--",      "\xe3\x80\x82"};
    char text[2048];
    struct timespec start, end;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &start);
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        size_t len = 0, unit = strlen(units[i]);
        while (len + unit <= sizeof text - 6) {
            memcpy(text + len, units[i], unit);
            len += unit;
        }
        assert_int_not_equal(status_of((struct slice){text, len}), EMAIL_OK);
        memcpy(text + len, "@b.de>", 6);
        (void)!status_of((struct slice){text, len + 6});
        memmove(text + 2, text, len);
        memcpy(text, "a@", 2);
        (void)!status_of((struct slice){text, len + 2});
        arena_reset(&arena);
    }
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &end);
    assert_true(end.tv_sec - start.tv_sec < 2);
    char long_text[2049];
    memset(long_text, ' ', sizeof long_text);
    assert_int_equal(status_of((struct slice){long_text, sizeof long_text}), EMAIL_TOO_LONG);
}

static void blacklist_domains_are_folded_like_addresses(void **state)
{
    (void)state;
    struct slice key;
    assert_true(blacklist_key_domain(&key,
                                     SLICE(" @B\xc3\x9c"
                                           "CHER.de "),
                                     &arena) &&
                slice_is(key, "xn--bcher-kva.de"));
    assert_true(blacklist_key_domain(&key, SLICE("GoogleMail.com"), &arena) && slice_is(key, "gmail.com"));
    assert_false(blacklist_key_domain(&key, SLICE("a@b.de"), &arena));
    assert_false(blacklist_key_domain(&key, SLICE("b..de"), &arena));
    assert_false(blacklist_key_domain(&key, SLICE(""), &arena));
    assert_false(blacklist_key_domain(&key, SLICE("b.de>"), &arena));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        ARENA_TEST(addresses_get_the_keys_of_the_table),
        ARENA_TEST(control_characters_and_broken_text_are_refused),
        ARENA_TEST(a_key_is_at_most_254_octets),
        ARENA_TEST(a_domain_has_a_length_before_and_after_it_is_read),
        ARENA_TEST(the_isemail_suite_agrees),
        ARENA_TEST(hostile_addresses_cost_no_more_than_their_bytes),
        ARENA_TEST(blacklist_domains_are_folded_like_addresses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
