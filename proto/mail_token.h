/* The token that says which thread a mail belongs to, signed with a key of the project, so that nobody who
 * was not written to can join a thread.
 *
 * It is the id of the thread's conversation and the first 80 bits of an HMAC-SHA256 of it and the project, in
 * lower-case base32 (RFC 4648, without padding): mail systems keep neither the case of an address nor many
 * other characters. It is read in either case. A token stands in three places:
 *
 *     help+TOKEN@demo.example          an address
 *     <TOKEN.ANYTHING@demo.example>    a Message-ID
 *     [#TOKEN]                         a subject */
#ifndef PROTO_MAIL_TOKEN_H
#define PROTO_MAIL_TOKEN_H

#include "rules/types.h"

#define MAIL_TOKEN_LEN 42
#define MAIL_KEY_SIZE 32
#define MAIL_KEYS_MAX 2 /* the newest signs, both are good */

struct mail_keys {
    uint8_t keys[MAIL_KEYS_MAX][MAIL_KEY_SIZE];
    uint32_t count;
};

/* As the database has it, in hexadecimal digits; false when it is none or there are enough. */
bool mail_keys_add(struct mail_keys *keys, struct slice hex) __attribute__((warn_unused_result));

/* 42 characters and a NUL. */
void mail_token_write(char out[MAIL_TOKEN_LEN + 1], const uint8_t key[MAIL_KEY_SIZE], uint32_t project,
                      const struct uuid *thread);
/* False for what none of the keys has signed for this project; in constant time once it has the form. */
bool mail_token_read(struct uuid *thread, struct slice token, const struct mail_keys *keys, uint32_t project)
    __attribute__((warn_unused_result));

/* The next run of exactly 42 characters of base32 between `before` and `after`, from *at on; *at moves behind
 * it. Empty: no more. Of anything, in one pass. */
struct slice mail_token_find(struct slice text, size_t *at, char before, char after);

#endif
