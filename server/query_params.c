#include "server/query_params.h"

#include <assert.h>
#include <endian.h>
#include <string.h>

static void add(struct query_params *params, const void *data, size_t len, bool binary)
{
    assert(params->count < QUERY_PARAMS_MAX);
    params->items[params->count++] = (struct pg_param){.data = data, .len = len, .binary = binary};
}

void params_int(struct query_params *params, uint32_t value)
{
    uint32_t big = htobe32(value);
    memcpy(&params->numbers[params->count], &big, sizeof big);
    add(params, &params->numbers[params->count], sizeof big, true);
}

void params_number(struct query_params *params, uint64_t value)
{
    params->numbers[params->count] = htobe64(value);
    add(params, &params->numbers[params->count], sizeof value, true);
}

void params_null(struct query_params *params)
{
    add(params, NULL, 0, false);
}

void params_uuid(struct query_params *params, const struct uuid *id)
{
    add(params, id->bytes, sizeof id->bytes, true);
}

void params_text(struct query_params *params, const char *text)
{
    add(params, text, strlen(text), false);
}
