/* Which events and conversations the idempotency window holds: a filter before the journal.
 *
 * A key that the filter does not have is new for certain, so nobody needs to ask the database; one that it
 * may have is looked up. It is a row of blocked Bloom filters (Putze, Sanders, Singler: "Cache-, Hash- and
 * Space-Efficient Bloom Filters", 2007), each twice the size of the one before up to KNOWN_KEYS_LAYER_MAX
 * keys, 16 bits a key: about one new key in a thousand per layer is looked up in vain. A layer goes when all
 * its keys have left the window. At KNOWN_KEYS_MAX the oldest layer goes early: then the filter no longer
 * covers the whole window, says "maybe" to everything, and is right again when the window has moved on. */
#ifndef SERVER_KNOWN_KEYS_H
#define SERVER_KNOWN_KEYS_H

#include "rules/types.h"

#define KNOWN_KEYS_LAYER_MIN (UINT32_C(1) << 15) /* keys; 64 KiB */
#define KNOWN_KEYS_LAYER_MAX (UINT32_C(1) << 20) /* keys; 2 MiB */
#define KNOWN_KEYS_MAX (UINT32_C(1) << 25)       /* keys; 64 MiB */

struct known_keys;

/* keys_max: KNOWN_KEYS_MAX, less in tests; when it is reached is looked at when a layer is full. Aborts
 * without memory. */
struct known_keys *known_keys_alloc(uint32_t keys_max);
void known_keys_free(struct known_keys **keys);
/* Nothing is known, and nothing is covered. */
void known_keys_reset(struct known_keys *keys);
/* Another key would cost the oldest layer. */
bool known_keys_is_full(const struct known_keys *keys);
/* at_ms: when it was decided, milliseconds since 1970. The key's bits must be evenly distributed (a hash).
 * True when the oldest layer had to go: what it held is no longer covered. */
bool known_keys_add(struct known_keys *keys, const struct uuid *key, int64_t at_ms);
/* Everything that was decided at from_ms or later has been added, but for what an add had to let go. */
void known_keys_cover(struct known_keys *keys, int64_t from_ms);
/* What is older than from_ms need not be remembered: whoever asks for it all the same is told "perhaps". */
void known_keys_expire(struct known_keys *keys, int64_t from_ms);
/* False: no such key was decided at from_ms or later. True: perhaps. */
bool known_keys_may_have(const struct known_keys *keys, const struct uuid *key, int64_t from_ms);
uint32_t known_keys_count(const struct known_keys *keys); /* different ones, as far as the filter can tell */

#endif
