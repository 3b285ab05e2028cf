#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "server/token.h"

static void a_new_token_is_prefix_and_43_characters_of_base64url(void **state)
{
    (void)state;
    char token[TOKEN_TEXT_MAX];
    uint8_t hash[TOKEN_HASH_SIZE];
    for (int i = 0; i < 100; i++) {
        token_make(token);
        assert_int_equal(strlen(token), 47);
        assert_int_equal(strncmp(token, "pbt_", 4), 0);
        assert_int_equal(
            strspn(token + 4, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"), 43);
        assert_true(token_hash(slice_of(token), hash));
    }
}

static void two_tokens_are_never_the_same(void **state)
{
    (void)state;
    char a[TOKEN_TEXT_MAX], b[TOKEN_TEXT_MAX];
    token_make(a);
    token_make(b);
    assert_string_not_equal(a, b);
}

static void the_hash_is_sha256_of_the_whole_text(void **state)
{
    (void)state;
    uint8_t hash[TOKEN_HASH_SIZE];
    char hex[TOKEN_HASH_HEX_MAX];
    assert_true(token_hash(SLICE("pbt_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"), hash));
    token_hash_hex(hash, hex);
    assert_string_equal(hex, "\\xfd222e8a3047e6bc5ab189a722a7c2e1fc126a1c302fbaf4b20e8f41cfe8b22f");
}

static void what_is_no_token_has_no_hash(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        "pbt_",
        "pbt_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",   /* one short */
        "pbt_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", /* one long */
        "pbx_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        "pbt_AAAAAAAAAAAAAAAAAAAAA AAAAAAAAAAAAAAAAAAAAA",
        "pbt_AAAAAAAAAAAAAAAAAAAAA+AAAAAAAAAAAAAAAAAAAAA",
    };
    uint8_t hash[TOKEN_HASH_SIZE] = {7};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        assert_false(token_hash(slice_of(texts[i]), hash));
    assert_false(token_hash((struct slice){"pbt_AAAAAAAAAAAAAAAAAAAA\0AAAAAAAAAAAAAAAAAAAAAA", 47}, hash));
    assert_int_equal(hash[0], 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_token_is_prefix_and_43_characters_of_base64url),
        cmocka_unit_test(two_tokens_are_never_the_same),
        cmocka_unit_test(the_hash_is_sha256_of_the_whole_text),
        cmocka_unit_test(what_is_no_token_has_no_hash),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
