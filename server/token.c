#include "server/token.h"

#include <assert.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define SECRET_SIZE 32
#define PREFIX "pbt_"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/* RFC 4648 section 5 without padding: 32 bytes make 42 whole characters and one of four bits. */
static void encode(char *out, const uint8_t *bytes, size_t len)
{
    uint32_t bits = 0;
    unsigned held = 0;
    for (size_t i = 0; i < len; i++) {
        bits = bits << 8 | bytes[i];
        for (held += 8; held >= 6; held -= 6)
            *out++ = alphabet[bits >> (held - 6) & 63];
    }
    if (held > 0)
        *out++ = alphabet[bits << (6 - held) & 63];
    *out = '\0';
}

void token_make(char out[TOKEN_TEXT_MAX])
{
    uint8_t secret[SECRET_SIZE];
    /* Up to 256 bytes come whole and uninterrupted (getrandom(2)). */
    if (getrandom(secret, sizeof secret, 0) != (ssize_t)sizeof secret)
        abort();
    memcpy(out, PREFIX, sizeof PREFIX);
    encode(out + sizeof PREFIX - 1, secret, sizeof secret);
    explicit_bzero(secret, sizeof secret);
}

bool token_hash(struct slice token, uint8_t out[TOKEN_HASH_SIZE])
{
    size_t prefix = sizeof PREFIX - 1;
    if (token.len != TOKEN_TEXT_LEN || memcmp(token.ptr, PREFIX, prefix) != 0)
        return false;
    for (size_t i = prefix; i < token.len; i++)
        if (!token.ptr[i] || !strchr(alphabet, token.ptr[i]))
            return false;
    unsigned size = 0;
    int done = EVP_Digest(token.ptr, token.len, out, &size, EVP_sha256(), NULL);
    assert(done == 1 && size == TOKEN_HASH_SIZE);
    return true;
}

void token_hash_hex(const uint8_t hash[TOKEN_HASH_SIZE], char out[TOKEN_HASH_HEX_MAX])
{
    out[0] = '\\';
    out[1] = 'x';
    for (size_t i = 0; i < TOKEN_HASH_SIZE; i++)
        snprintf(out + 2 + 2 * i, 3, "%02x", hash[i]);
}
