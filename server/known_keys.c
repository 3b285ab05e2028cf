#include "server/known_keys.h"

#include <stdlib.h>
#include <string.h>

#define BLOCK_WORDS 8u /* 512 bits: one line of the cache */
#define BITS_PER_KEY 16u
#define PROBES 7u /* of 9 bits each, out of one 64-bit half of the key */

struct block {
    uint64_t words[BLOCK_WORDS];
};

struct layer {
    struct layer *older;
    uint32_t count, capacity, block_count;
    int64_t newest_ms; /* of its keys */
    struct block blocks[];
};

struct known_keys {
    struct layer *newest;
    uint32_t count, keys_max;
    int64_t covers_ms; /* complete from here on, or would be: TIME_NEVER while not loaded */
    int64_t lost_ms;   /* but for what stood in layers that went: all older than this */
};

static uint64_t half(const struct uuid *key, size_t index)
{
    uint64_t bits;
    memcpy(&bits, key->bytes + index * sizeof bits, sizeof bits);
    return bits;
}

static uint32_t block_of(const struct layer *layer, const struct uuid *key)
{
    return (uint32_t)(((half(key, 0) >> 32) * layer->block_count) >> 32);
}

static void block_set(struct block *block, uint64_t bits)
{
    for (unsigned i = 0; i < PROBES; i++, bits >>= 9)
        block->words[bits >> 6 & 7] |= UINT64_C(1) << (bits & 63);
}

static bool block_has(const struct block *block, uint64_t bits)
{
    for (unsigned i = 0; i < PROBES; i++, bits >>= 9) {
        if (!(block->words[bits >> 6 & 7] & UINT64_C(1) << (bits & 63)))
            return false;
    }
    return true;
}

static void drop_layer(struct known_keys *keys, struct layer **link)
{
    struct layer *old = *link;
    *link = old->older;
    keys->count -= old->count;
    free(old);
}

/* With it the time that it covered. */
static void lose_layer(struct known_keys *keys, struct layer **link)
{
    if (keys->lost_ms <= (*link)->newest_ms)
        keys->lost_ms = (*link)->newest_ms + 1;
    drop_layer(keys, link);
}

struct known_keys *known_keys_alloc(uint32_t keys_max)
{
    struct known_keys *keys = calloc(1, sizeof *keys);
    if (!keys)
        abort();
    keys->keys_max = keys_max;
    known_keys_reset(keys);
    return keys;
}

void known_keys_free(struct known_keys **keys)
{
    known_keys_reset(*keys);
    free(*keys);
    *keys = NULL;
}

void known_keys_reset(struct known_keys *keys)
{
    while (keys->newest)
        drop_layer(keys, &keys->newest);
    keys->covers_ms = TIME_NEVER;
    keys->lost_ms = INT64_MIN;
}

static void push_layer(struct known_keys *keys)
{
    uint32_t capacity = keys->newest ? keys->newest->capacity * 2 : KNOWN_KEYS_LAYER_MIN;
    if (capacity > KNOWN_KEYS_LAYER_MAX)
        capacity = KNOWN_KEYS_LAYER_MAX;
    uint32_t blocks = capacity / (512 / BITS_PER_KEY);
    struct layer *layer = calloc(1, sizeof *layer + blocks * sizeof layer->blocks[0]);
    if (!layer)
        abort();
    layer->capacity = capacity;
    layer->block_count = blocks;
    layer->newest_ms = INT64_MIN;
    layer->older = keys->newest;
    keys->newest = layer;
}

/* The layer that would leave the window first. */
static void lose_oldest(struct known_keys *keys)
{
    struct layer **oldest = &keys->newest;
    for (struct layer **link = oldest; *link; link = &(*link)->older) {
        if ((*link)->newest_ms <= (*oldest)->newest_ms)
            oldest = link;
    }
    lose_layer(keys, oldest);
}

bool known_keys_is_full(const struct known_keys *keys)
{
    return keys->count >= keys->keys_max;
}

bool known_keys_add(struct known_keys *keys, const struct uuid *key, int64_t at_ms)
{
    bool lost = false;
    if (!keys->newest || keys->newest->count == keys->newest->capacity) {
        lost = keys->newest && known_keys_is_full(keys);
        if (lost)
            lose_oldest(keys);
        push_layer(keys);
    }
    struct layer *layer = keys->newest;
    struct block *block = &layer->blocks[block_of(layer, key)];
    if (layer->newest_ms < at_ms)
        layer->newest_ms = at_ms;
    if (!block_has(block, half(key, 1))) {
        block_set(block, half(key, 1));
        layer->count++;
        keys->count++;
    }
    return lost;
}

void known_keys_cover(struct known_keys *keys, int64_t from_ms)
{
    keys->covers_ms = from_ms;
}

/* Never the newest layer: it is being filled. */
void known_keys_expire(struct known_keys *keys, int64_t from_ms)
{
    struct layer **link = keys->newest ? &keys->newest->older : &keys->newest;
    while (*link) {
        if ((*link)->newest_ms < from_ms)
            lose_layer(keys, link); /* a window that is made longer asks for it again */
        else
            link = &(*link)->older;
    }
}

static bool has(const struct known_keys *keys, const struct uuid *key)
{
    for (const struct layer *layer = keys->newest; layer; layer = layer->older) {
        if (block_has(&layer->blocks[block_of(layer, key)], half(key, 1)))
            return true;
    }
    return false;
}

bool known_keys_may_have(const struct known_keys *keys, const struct uuid *key, int64_t from_ms)
{
    return from_ms < keys->covers_ms || from_ms < keys->lost_ms || has(keys, key);
}

uint32_t known_keys_count(const struct known_keys *keys)
{
    return keys->count;
}
