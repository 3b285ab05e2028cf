#include "server/own_address.h"

#include "server/app.h"
#include "server/project.h"

static struct slice without_tag(struct slice key, struct arena *arena)
{
    size_t at = key.len, plus = 0;
    while (at > 0 && key.ptr[at - 1] != '@')
        at--;
    while (plus < at && key.ptr[plus] != '+')
        plus++;
    if (!at || !plus || plus >= at)
        return key;
    return arena_format(arena, "%.*s@%.*s", (int)plus, key.ptr, (int)(key.len - at), key.ptr + at);
}

const struct config_endpoint *own_endpoint(const struct project_config *config, struct slice *address,
                                           struct arena *arena)
{
    const struct config_endpoint *endpoint = config_find_endpoint(config, CHANNEL_EMAIL, *address);
    if (endpoint)
        return endpoint;
    endpoint = config_find_endpoint(config, CHANNEL_EMAIL, without_tag(*address, arena));
    if (endpoint)
        *address = arena_copy(arena, endpoint->key); /* it outlives the configuration */
    return endpoint;
}

bool own_address(const struct app *app, struct slice address, struct arena *arena)
{
    for (const struct project *project = app->projects; project; project = project_next(project)) {
        if (project_config(project) && own_endpoint(project_config(project), &address, arena))
            return true;
    }
    return false;
}
