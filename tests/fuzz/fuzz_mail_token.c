#include <assert.h>
#include <string.h>

#include "proto/mail_token.h"
#include "rules/ascii.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Tokens in any text are found in order; one that was signed is read, and whatever is read writes itself
 * again. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char marks[][2] = {{'+', '@'}, {'<', '.'}, {'#', ']'}};
    static const struct mail_keys keys = {.keys = {{1}, {2}}, .count = 2};
    struct slice text = {(const char *)data, size};
    char token[MAIL_TOKEN_LEN + 1];
    struct uuid thread, read;
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++) {
        for (size_t at = 0, last = 0; at < size; last = at) {
            struct slice found = mail_token_find(text, &at, marks[i][0], marks[i][1]);
            assert(at > last || at == size);
            assert(!found.len || found.len == MAIL_TOKEN_LEN);
            if (found.len && mail_token_read(&thread, found, &keys, 1)) {
                mail_token_write(token, keys.keys[0], 1, &thread);
                bool is_first = ascii_equal(found, token);
                mail_token_write(token, keys.keys[1], 1, &thread);
                assert(is_first || ascii_equal(found, token));
            }
        }
    }
    if (size >= sizeof thread) {
        memcpy(thread.bytes, data, sizeof thread.bytes);
        mail_token_write(token, keys.keys[size % 2], 1, &thread);
        assert(mail_token_read(&read, slice_of(token), &keys, 1) && uuid_equal(&read, &thread));
    }
    struct mail_keys made = {.count = 0};
    (void)!mail_keys_add(&made, text);
    return 0;
}
