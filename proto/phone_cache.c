#include "proto/phone_cache.h"

#include <assert.h>
#include <string.h>

/* FNV-1a over region and number, folded to the bucket's bits. */
static size_t bucket_of(struct slice region, struct slice number)
{
    uint64_t hash = UINT64_C(14695981039346656037);
    for (size_t i = 0; i < region.len + number.len; i++) {
        char c = i < region.len ? region.ptr[i] : number.ptr[i - region.len];
        hash = (hash ^ (uint8_t)c) * UINT64_C(1099511628211);
    }
    return (size_t)((hash ^ hash >> 32) % PHONE_CACHE_BUCKETS);
}

const struct phone_cache_entry *phone_cache_find(const struct phone_cache *cache, struct slice region,
                                                 struct slice number)
{
    const struct phone_cache_entry *bucket = cache->entries[bucket_of(region, number)];
    for (size_t i = 0; i < PHONE_CACHE_WAYS; i++) {
        const struct phone_cache_entry *entry = &bucket[i];
        if (slice_equal((struct slice){entry->number, entry->number_len}, number) &&
            slice_equal((struct slice){entry->region, sizeof entry->region}, region))
            return entry;
    }
    return NULL;
}

const struct phone_cache_entry *phone_cache_store(struct phone_cache *cache, struct slice region,
                                                  struct slice number, const struct phone_plan_answer *answer)
{
    assert(number.len && number.len <= PHONE_CACHE_NUMBER_MAX && answer->len <= PHONE_PLAN_E164_MAX);
    assert(region.len == sizeof cache->entries[0][0].region);
    size_t bucket = bucket_of(region, number);
    struct phone_cache_entry *entry = &cache->entries[bucket][cache->oldest[bucket]];
    cache->oldest[bucket] = (uint8_t)((cache->oldest[bucket] + 1) % PHONE_CACHE_WAYS);
    *entry = (struct phone_cache_entry){.number_len = (uint8_t)number.len, .answer = *answer};
    memcpy(entry->region, region.ptr, sizeof entry->region);
    memcpy(entry->number, number.ptr, number.len);
    return entry;
}
