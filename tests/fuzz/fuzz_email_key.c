#include <assert.h>
#include <string.h>

#include "rules/blacklist_key.h"
#include "rules/email_key.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice input = {(const char *)data, size}, domain;
    struct email_key key, again;
    struct arena arena;
    arena_init(&arena);
    enum email_status status = email_key(&key, input, &arena);
    assert((status == EMAIL_OK) == (key.key.len > 0) && key.key.len <= EMAIL_KEY_MAX);
    if (status == EMAIL_OK) {
        assert(email_domain(&key).len > 0);
        assert(email_key(&again, key.key, &arena) == EMAIL_OK && slice_equal(again.key, key.key));
        /* What the blacklist compares is an address too, and folding is done once. */
        struct email_key folded = {email_fold(&key, &arena)};
        assert(folded.key.len > 0 && slice_equal(email_fold(&folded, &arena), folded.key));
        assert(blacklist_key_domain(&domain, email_domain(&key), &arena));
        assert(slice_equal(domain, email_domain(&folded)));
    }
    (void)!blacklist_key_domain(&domain, input, &arena);
    arena_deinit(&arena);
    return 0;
}
