/* Canonical phone keys: caller id classes from rules/, numbering plans from libphonenumber. */
#ifndef PROTO_PHONE_H
#define PROTO_PHONE_H

#include "rules/arena.h"
#include "rules/identity.h"

#define PHONE_CACHE_ENTRIES 16384 /* answers remembered by (region, number); the oldest of a bucket goes */
#define PHONE_INPUT_MAX 256       /* longer input is CALLER_UNUSABLE */

/* Classifies first (rules/callerid), then asks the numbering plan of `region`. Results are copied into
 * `arena`. The cache is process-wide and not thread-safe: loop thread only. */
struct phone_key phone_key(struct slice region, struct slice input, bool privacy, struct arena *arena);
bool phone_region_is_known(struct slice region);

#endif
