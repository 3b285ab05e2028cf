/* Signatures of webhooks: each is compared in constant time with what each live secret would give. */
#ifndef PROTO_HOOK_SIGN_H
#define PROTO_HOOK_SIGN_H

#include "proto/hook.h"

#define HOOK_SHA256_SIZE 32
#define HOOK_SHA1_SIZE 20
#define HOOK_SIGNED_PARTS_MAX 4
#define HOOK_STALE_MS 300000 /* signatures with a time hold so long, both ways */

enum hook_hash { HOOK_SHA1, HOOK_SHA256 };
enum hook_coding { HOOK_HEX, HOOK_BASE64 }; /* hex in either case */

/* How long a comparison takes says nothing but the lengths. */
bool hook_equal(struct slice a, struct slice b);

/* The parts one behind the other, whatever bytes they hold. */
struct slice hook_join(const struct slice *parts, size_t count, struct arena *arena);

/* HMAC (RFC 2104) of the parts, one behind the other. Gives how many bytes of `out` were set. */
size_t hook_hmac(uint8_t out[HOOK_SHA256_SIZE], enum hook_hash hash, struct slice key,
                 const struct slice *parts, size_t count);
/* Whether `signature` is that of the parts under one of the request's secrets. */
bool hook_is_signed(const struct hook_request *request, enum hook_hash hash, enum hook_coding coding,
                    const struct slice *parts, size_t count, struct slice signature);

/* Whether `signature` (base64) is that of the parts by one of the request's secrets: Ed25519 public keys (RFC
 * 8032) in base64, 32 bytes. */
bool hook_is_signed_ed25519(const struct hook_request *request, const struct slice *parts, size_t count,
                            struct slice signature, struct arena *arena);
/* Whether one of the secrets is `text`. */
bool hook_is_secret(const struct hook_request *request, struct slice text);

/* SHA-256 as 64 hex digits. */
struct slice hook_digest(struct slice text, struct arena *arena);
/* The first half of the SHA-256 of all parts with their lengths. */
struct uuid hook_fingerprint(const struct slice *parts, size_t count);
/* Whether `time_ms` is within HOOK_STALE_MS of the request's now. */
bool hook_is_recent(const struct hook_request *request, int64_t time_ms);

#endif
