#include "server/hook_load.h"

#include <assert.h>

static const struct hook_share known_max = {HOOK_LOAD_MAX, HOOK_LOAD_BYTES_MAX};
static const struct hook_share strangers_max = {HOOK_LOAD_STRANGERS_MAX, HOOK_LOAD_STRANGERS_BYTES_MAX};

static bool enter(struct hook_share *share, const struct hook_share *max, size_t bytes)
{
    if (share->requests == max->requests || bytes > max->bytes - share->bytes)
        return false;
    share->requests++;
    share->bytes += bytes;
    return true;
}

bool hook_load_enter(struct hook_load *load, bool is_stranger, size_t bytes)
{
    return is_stranger ? enter(&load->strangers, &strangers_max, bytes)
                       : enter(&load->known, &known_max, bytes);
}

bool hook_load_confirm(struct hook_load *load, size_t bytes)
{
    hook_load_leave(load, true, bytes);
    return enter(&load->known, &known_max, bytes);
}

void hook_load_leave(struct hook_load *load, bool is_stranger, size_t bytes)
{
    struct hook_share *share = is_stranger ? &load->strangers : &load->known;
    assert(share->requests && share->bytes >= bytes);
    share->requests--;
    share->bytes -= bytes;
}

unsigned hook_load_count(const struct hook_load *load)
{
    return load->known.requests + load->strangers.requests;
}
