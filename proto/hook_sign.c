#include "proto/hook_sign.h"

#include <assert.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/base64.h"
#include "rules/ascii.h"

#define HEX_MAX ((size_t)2 * HOOK_SHA256_SIZE)
#define ED25519_KEY_SIZE 32
#define ED25519_SIGNATURE_SIZE 64

bool hook_equal(struct slice a, struct slice b)
{
    return a.len == b.len && (a.len == 0 || CRYPTO_memcmp(a.ptr, b.ptr, a.len) == 0);
}

struct slice hook_join(const struct slice *parts, size_t count, struct arena *arena)
{
    size_t len = 0;
    for (size_t i = 0; i < count; i++)
        len += parts[i].len;
    char *bytes = arena_alloc(arena, len + 1);
    struct slice out = {bytes, len};
    for (size_t i = 0; i < count; i++) {
        if (parts[i].len)
            memcpy(bytes, parts[i].ptr, parts[i].len);
        bytes += parts[i].len;
    }
    return out;
}

size_t hook_hmac(uint8_t out[HOOK_SHA256_SIZE], enum hook_hash hash, struct slice key,
                 const struct slice *parts, size_t count)
{
    char *name = hash == HOOK_SHA1 ? "SHA1" : "SHA256";
    const OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, name, 0),
                                 OSSL_PARAM_construct_end()};
    size_t len = 0;
    EVP_MAC *mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    EVP_MAC_CTX *ctx = mac ? EVP_MAC_CTX_new(mac) : NULL;
    if (!ctx || EVP_MAC_init(ctx, (const unsigned char *)(key.len ? key.ptr : ""), key.len, params) != 1)
        abort();
    for (size_t i = 0; i < count; i++) {
        if (parts[i].len && EVP_MAC_update(ctx, (const unsigned char *)parts[i].ptr, parts[i].len) != 1)
            abort();
    }
    if (EVP_MAC_final(ctx, out, &len, HOOK_SHA256_SIZE) != 1)
        abort();
    EVP_MAC_CTX_free(ctx);
    EVP_MAC_free(mac);
    return len;
}

static bool matches(const uint8_t *mac, size_t len, enum hook_coding coding, struct slice signature)
{
    char text[HEX_MAX + 1], given[HEX_MAX + 1];
    size_t text_len = coding == HOOK_HEX ? 2 * len : base64_size(len);
    assert(text_len <= HEX_MAX);
    if (signature.len != text_len)
        return false;
    if (coding == HOOK_BASE64) {
        base64_fill(text, (struct slice){(const char *)mac, len});
        return hook_equal((struct slice){text, text_len}, signature);
    }
    for (size_t i = 0; i < len; i++)
        snprintf(text + 2 * i, 3, "%02x", mac[i]);
    for (size_t i = 0; i < text_len; i++)
        given[i] = ascii_lower(signature.ptr[i]);
    return hook_equal((struct slice){text, text_len}, (struct slice){given, text_len});
}

/* All secrets are tried, also behind the one that fits. */
bool hook_is_signed(const struct hook_request *request, enum hook_hash hash, enum hook_coding coding,
                    const struct slice *parts, size_t count, struct slice signature)
{
    bool is_signed = false;
    for (uint32_t i = 0; i < request->secret_count; i++) {
        uint8_t mac[HOOK_SHA256_SIZE];
        size_t len = hook_hmac(mac, hash, request->secrets[i], parts, count);
        is_signed |= matches(mac, len, coding, signature);
    }
    return is_signed;
}

static bool verify_ed25519(struct slice key, struct slice message, struct slice signature)
{
    EVP_PKEY *public =
        EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, (const unsigned char *)key.ptr, key.len);
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool is_signed = public && ctx && EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, public) == 1 &&
                     EVP_DigestVerify(ctx, (const unsigned char *)signature.ptr, signature.len,
                                      (const unsigned char *)message.ptr, message.len) == 1;
    EVP_MD_CTX_free(ctx);
    EVP_PKEY_free(public);
    return is_signed;
}

bool hook_is_signed_ed25519(const struct hook_request *request, const struct slice *parts, size_t count,
                            struct slice signature, struct arena *arena)
{
    struct slice bytes, key, message = hook_join(parts, count, arena);
    bool is_signed = false;
    if (!base64_read(&bytes, signature, arena) || bytes.len != ED25519_SIGNATURE_SIZE)
        return false;
    for (uint32_t i = 0; i < request->secret_count; i++) {
        if (base64_read(&key, ascii_trim(request->secrets[i]), arena) && key.len == ED25519_KEY_SIZE)
            is_signed |= verify_ed25519(key, message, bytes);
    }
    return is_signed;
}

bool hook_is_secret(const struct hook_request *request, struct slice text)
{
    bool is_secret = false;
    for (uint32_t i = 0; i < request->secret_count; i++)
        is_secret |= hook_equal(request->secrets[i], text);
    return is_secret;
}

struct slice hook_digest(struct slice text, struct arena *arena)
{
    unsigned char bytes[HOOK_SHA256_SIZE];
    char *hex = arena_alloc(arena, HEX_MAX + 1);
    if (EVP_Digest(text.len ? text.ptr : "", text.len, bytes, NULL, EVP_sha256(), NULL) != 1)
        abort();
    for (size_t i = 0; i < HOOK_SHA256_SIZE; i++)
        snprintf(hex + 2 * i, 3, "%02x", bytes[i]);
    return (struct slice){hex, HEX_MAX};
}

struct uuid hook_fingerprint(const struct slice *parts, size_t count)
{
    unsigned char bytes[HOOK_SHA256_SIZE];
    struct uuid out;
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool good = ctx && EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) == 1;
    for (size_t i = 0; good && i < count; i++) {
        uint64_t len = parts[i].len;
        good = EVP_DigestUpdate(ctx, &len, sizeof len) == 1 &&
               EVP_DigestUpdate(ctx, len ? parts[i].ptr : "", len) == 1;
    }
    if (!good || EVP_DigestFinal_ex(ctx, bytes, NULL) != 1)
        abort();
    EVP_MD_CTX_free(ctx);
    memcpy(out.bytes, bytes, sizeof out.bytes);
    return out;
}

bool hook_is_recent(const struct hook_request *request, int64_t time_ms)
{
    return time_ms >= request->now_ms - HOOK_STALE_MS && time_ms <= request->now_ms + HOOK_STALE_MS;
}
