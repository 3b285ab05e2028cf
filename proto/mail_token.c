#include "proto/mail_token.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdlib.h>
#include <string.h>

#include "rules/ascii.h"

#define MAC_SIZE 10
#define TOKEN_SIZE (sizeof(struct uuid) + MAC_SIZE)
#define BITS_SPARE (MAIL_TOKEN_LEN * UINT64_C(5) - TOKEN_SIZE * 8)

static const char alphabet[] = "abcdefghijklmnopqrstuvwxyz234567";

static int digit_of(char c)
{
    c = ascii_lower(c);
    if (c >= 'a' && c <= 'z')
        return c - 'a';
    return c >= '2' && c <= '7' ? c - '2' + 26 : -1;
}

static int hex_of(char c)
{
    c = ascii_lower(c);
    if (ascii_is_digit(c))
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool mail_keys_add(struct mail_keys *keys, struct slice hex)
{
    if (keys->count == MAIL_KEYS_MAX || hex.len != (size_t)2 * MAIL_KEY_SIZE)
        return false;
    uint8_t *key = keys->keys[keys->count];
    for (size_t i = 0; i < MAIL_KEY_SIZE; i++) {
        int high = hex_of(hex.ptr[2 * i]), low = hex_of(hex.ptr[2 * i + 1]);
        if (high < 0 || low < 0)
            return false;
        key[i] = (uint8_t)(high << 4 | low);
    }
    keys->count++;
    return true;
}

static void sign(uint8_t out[MAC_SIZE], const uint8_t key[MAIL_KEY_SIZE], uint32_t project,
                 const uint8_t thread[sizeof(struct uuid)])
{
    static const char purpose[] = "patchbay mail thread";
    uint8_t message[sizeof purpose + 4 + sizeof(struct uuid)], mac[EVP_MAX_MD_SIZE];
    unsigned len = 0;
    memcpy(message, purpose, sizeof purpose);
    for (size_t i = 0; i < 4; i++)
        message[sizeof purpose + i] = (uint8_t)(project >> (24 - 8 * i));
    memcpy(message + sizeof purpose + 4, thread, sizeof(struct uuid));
    if (!HMAC(EVP_sha256(), key, MAIL_KEY_SIZE, message, sizeof message, mac, &len) || len < MAC_SIZE)
        abort();
    memcpy(out, mac, MAC_SIZE);
}

void mail_token_write(char out[MAIL_TOKEN_LEN + 1], const uint8_t key[MAIL_KEY_SIZE], uint32_t project,
                      const struct uuid *thread)
{
    uint8_t bytes[TOKEN_SIZE];
    unsigned bits = 0, held = 0;
    size_t at = 0;
    memcpy(bytes, thread->bytes, sizeof thread->bytes);
    sign(bytes + sizeof thread->bytes, key, project, bytes);
    for (size_t i = 0; i < TOKEN_SIZE; i++) {
        held = held << 8 | bytes[i];
        for (bits += 8; bits >= 5; bits -= 5)
            out[at++] = alphabet[held >> (bits - 5) & 31];
    }
    out[at++] = alphabet[held << BITS_SPARE & 31];
    out[at] = 0;
}

/* One spelling only: the bits that are left over must be none. */
static bool decode(uint8_t bytes[TOKEN_SIZE], struct slice token)
{
    unsigned bits = 0, held = 0;
    size_t at = 0;
    if (token.len != MAIL_TOKEN_LEN)
        return false;
    for (size_t i = 0; i < token.len; i++) {
        int digit = digit_of(token.ptr[i]);
        if (digit < 0)
            return false;
        held = held << 5 | (unsigned)digit;
        bits += 5;
        if (bits >= 8 && at < TOKEN_SIZE) {
            bits -= 8;
            bytes[at++] = (uint8_t)(held >> bits);
        }
    }
    return !(held & ((1u << BITS_SPARE) - 1));
}

bool mail_token_read(struct uuid *thread, struct slice token, const struct mail_keys *keys, uint32_t project)
{
    uint8_t bytes[TOKEN_SIZE], mac[MAC_SIZE];
    unsigned good = 0;
    if (!decode(bytes, token))
        return false;
    for (uint32_t i = 0; i < keys->count; i++) {
        sign(mac, keys->keys[i], project, bytes);
        good |= !CRYPTO_memcmp(mac, bytes + sizeof *thread, MAC_SIZE);
    }
    if (good)
        memcpy(thread->bytes, bytes, sizeof thread->bytes);
    return good;
}

struct slice mail_token_find(struct slice text, size_t *at, char before, char after)
{
    size_t start = *at;
    while (start < text.len) {
        while (start < text.len && text.ptr[start] != before)
            start++;
        size_t end = ++start;
        while (end < text.len && digit_of(text.ptr[end]) >= 0)
            end++;
        if (end < text.len && end - start == MAIL_TOKEN_LEN && text.ptr[end] == after) {
            *at = end;
            return ascii_part(text, start, end);
        }
        start = end;
    }
    *at = text.len;
    return (struct slice){NULL, 0};
}
