/* Access tokens: "pbt_" and 43 characters of base64url, 256 random bits. Only the SHA-256 of the whole text
 * is stored. */
#ifndef SERVER_TOKEN_H
#define SERVER_TOKEN_H

#include "rules/types.h"

#define TOKEN_TEXT_LEN 47
#define TOKEN_TEXT_MAX (TOKEN_TEXT_LEN + 1) /* with the NUL */
#define TOKEN_HASH_SIZE 32
#define TOKEN_HASH_HEX_MAX                                                                                   \
    (2 + 2 * TOKEN_HASH_SIZE + 1) /* "\x", hex digits, NUL: PostgreSQL's bytea as text */

/* Asks the kernel for randomness; aborts when it gives none. */
void token_make(char out[TOKEN_TEXT_MAX]);
/* False when the text does not look like a token; *out is then unchanged. */
bool token_hash(struct slice token, uint8_t out[TOKEN_HASH_SIZE]) __attribute__((warn_unused_result));
void token_hash_hex(const uint8_t hash[TOKEN_HASH_SIZE], char out[TOKEN_HASH_HEX_MAX]);

#endif
