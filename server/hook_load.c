#include "server/hook_load.h"

#include <assert.h>

bool hook_load_enter(struct hook_load *load, size_t bytes)
{
    if (load->requests == HOOK_LOAD_MAX || bytes > HOOK_LOAD_BYTES_MAX - load->bytes)
        return false;
    load->requests++;
    load->bytes += bytes;
    return true;
}

void hook_load_leave(struct hook_load *load, size_t bytes)
{
    assert(load->requests && load->bytes >= bytes);
    load->requests--;
    load->bytes -= bytes;
}
