/* What the numbering plans answered lately: a fixed table, four entries a bucket, the oldest of a bucket
 * goes. No allocation and no clock. A collision costs an entry, never a wrong answer: keys are compared
 * whole. */
#ifndef PROTO_PHONE_CACHE_H
#define PROTO_PHONE_CACHE_H

#include "proto/phone_plan.h"

#define PHONE_CACHE_WAYS 4
#define PHONE_CACHE_BUCKETS 4096
#define PHONE_CACHE_NUMBER_MAX 33 /* "+" and 32 digits */

struct phone_cache_entry {
    uint8_t number_len; /* 0: empty */
    char region[2];     /* whose plan was asked */
    char number[PHONE_CACHE_NUMBER_MAX];
    struct phone_plan_answer answer;
};

struct phone_cache {
    struct phone_cache_entry entries[PHONE_CACHE_BUCKETS][PHONE_CACHE_WAYS];
    uint8_t oldest[PHONE_CACHE_BUCKETS];
};

/* `region` has two bytes. NULL when it is not there; the entry lives until the next store. */
const struct phone_cache_entry *phone_cache_find(const struct phone_cache *cache, struct slice region,
                                                 struct slice number);
/* `number` must not be there yet. Returns the new entry. */
const struct phone_cache_entry *phone_cache_store(struct phone_cache *cache, struct slice region,
                                                  struct slice number,
                                                  const struct phone_plan_answer *answer);

#endif
