/* Calls that ended while nobody listened: what is open of the gateway, and that its peer does not have. A few
 * at once, so that a peer that comes back without thousands of calls keeps nobody waiting. */
#include "server/gateway_calls.h"
#include "server/gateway_internal.h"
#include "server/project.h"

static void end_call(struct gateway *gateway, struct slice call)
{
    struct gateway_event *event = gateway_event_new(gateway);
    struct arena *arena = gateway_event_arena(event);
    struct slice id = arena_format(arena, "%.*s:ended", (int)call.len, call.ptr);
    struct value document = gateway_call_lost(gateway_source(gateway), call, id, arena);
    gateway_event_submit(&event, &document, NULL, 0);
}

void gateway_sweep_go_on(struct gateway *gateway)
{
    const struct core *core = project_core(gateway->project);
    if (!gateway->is_live || gateway->phase == GATEWAY_CLOSING || !core)
        return;
    for (const struct rank_node *node = rank_after(&core->open, &gateway->swept); node;
         node = rank_next(node)) {
        const struct interaction *interaction = node->owner;
        if (gateway->event_count >= GATEWAY_SWEEP_EVENTS_MAX)
            return;
        gateway->swept = node->rank;
        if (interaction->channel == CHANNEL_CALL &&
            slice_equal(interaction->texts.source, gateway_source(gateway)) &&
            !gateway->is_live(gateway, interaction->texts.subject))
            end_call(gateway, interaction->texts.subject);
    }
    gateway->is_live = NULL;
}

void gateway_end_lost(struct gateway *gateway, bool (*is_live)(struct gateway *gateway, struct slice call))
{
    gateway->is_live = is_live;
    gateway->swept = (struct rank){.first = INT64_MIN};
}
