/* Design: classification is cheap and pure and comes first, so the cache holds only what a plan was asked, by
 * the number as classified: every spelling of it shares one entry, and a withheld number never gets into it.
 */
#include "proto/phone.h"

#include <assert.h>
#include <string.h>

#include "proto/phone_cache.h"
#include "rules/callerid.h"
#include "rules/callerid_words.h"

_Static_assert(PHONE_CACHE_BUCKETS *PHONE_CACHE_WAYS == PHONE_CACHE_ENTRIES,
               "the cache is as large as promised");
_Static_assert(CALLERID_INPUT_MAX == PHONE_INPUT_MAX, "one bound for a caller id");
_Static_assert(CALLERID_DIGITS_MAX < PHONE_CACHE_NUMBER_MAX && PHONE_CACHE_NUMBER_MAX <= PHONE_KEY_MAX,
               "every number fits the cache and the key");

/* Loop thread only, see the header. */
static struct phone_cache cache;

static const struct phone_cache_entry *ask_plan(struct slice region, struct slice number)
{
    const struct phone_cache_entry *known = phone_cache_find(&cache, region, number);
    if (known)
        return known;
    struct phone_plan_answer answer = phone_plan_ask(number, region);
    return phone_cache_store(&cache, region, number, &answer);
}

struct phone_key phone_key(struct slice region, struct slice input, bool privacy, struct arena *arena)
{
    struct callerid id;
    callerid_classify(&id, input, privacy);
    struct phone_key key = {.class = id.class};
    if (id.class != CALLER_NUMBER && id.class != CALLER_EXTENSION)
        return key;
    key.digits = arena_copy(arena, callerid_digits(&id));
    key.key = key.digits;
    if (id.class == CALLER_EXTENSION)
        return key;

    const struct phone_plan_answer *answer =
        &ask_plan(region.len == 2 ? region : SLICE("ZZ"), callerid_number(&id))->answer;
    if (answer->len == 0) {
        key.class = CALLER_UNKNOWN;
        return key;
    }
    struct slice e164 = {answer->e164, answer->len};
    /* Dialled nationally, a keypad word may show itself only with its country before it: "1 737 874 2833". */
    if (callerid_words_is_keypad((struct slice){e164.ptr + 1, e164.len - 1}, true))
        return (struct phone_key){.class = CALLER_ANONYMOUS};
    key.key = arena_copy(arena, e164);
    if (answer->region[0])
        key.region = arena_copy(arena, (struct slice){answer->region, sizeof answer->region});
    return key;
}

bool phone_region_is_known(struct slice region)
{
    return slice_is(region, "ZZ") || (region.len == 2 && phone_plan_is_region(region));
}
