/* Calls that ended while nobody listened: what is open of the gateway, and that its peer does not have. */
#include <stdlib.h>

#include "proto/cloudevent.h"
#include "server/gateway_internal.h"
#include "server/project.h"
#include "server/query_params.h"

struct gateway_sweep {
    struct gateway *gateway; /* NULL: closed meanwhile */
};

static void end_call(struct gateway *gateway, struct slice call)
{
    struct gateway_event *event = gateway_event_new(gateway);
    struct arena *arena = gateway_event_arena(event);
    struct value document = value_map(arena, 6), data = value_map(arena, 1);
    value_set(&data, "cause", value_string(SLICE("lost")));
    value_set(&document, "specversion", value_string(SLICE("1.0")));
    value_set(&document, "type", value_string(slice_of(event_type_name(EVENT_CALL_ENDED))));
    value_set(&document, "source", value_string(gateway_source(gateway)));
    value_set(&document, "id", value_string(arena_format(arena, "%.*s:ended", (int)call.len, call.ptr)));
    value_set(&document, "subject", value_string(arena_copy(arena, call)));
    value_set(&document, "data", data);
    gateway_event_submit(&event, &document, NULL, 0);
}

static void on_reply(void *ctx, const struct pg_reply *reply)
{
    struct gateway_sweep *sweep = ctx;
    struct gateway *gateway = sweep->gateway;
    free(sweep);
    if (!gateway)
        return;
    gateway->sweep = NULL;
    if (reply->outcome != PG_OK || !gateway->is_live)
        return; /* asked again */
    if (reply->rows < GATEWAY_SWEEP_PAGE)
        gateway->sweep_wanted = false;
    for (int row = 0; row < reply->rows; row++) {
        struct slice call = pg_cell(reply, row, 0);
        if (!gateway->is_live(gateway, call))
            end_call(gateway, call);
    }
}

void gateway_sweep_go_on(struct gateway *gateway)
{
    struct query_params params = {.count = 0};
    struct gateway_sweep *sweep;
    if (!gateway->sweep_wanted || gateway->sweep || gateway->phase == GATEWAY_CLOSING)
        return;
    sweep = malloc(sizeof *sweep);
    if (!sweep)
        abort();
    sweep->gateway = gateway;
    params_int(&params, project_id(gateway->project));
    params_text(&params, gateway->source);
    params_number(&params, GATEWAY_SWEEP_PAGE);
    struct pg_query query = {.name = "gateway_open_calls",
                             .params = params.items,
                             .param_count = params.count,
                             .binary_result = true};
    if (pg_link_submit(gateway->gateways->app->desk, &query, on_reply, sweep))
        gateway->sweep = sweep;
    else
        free(sweep);
}

void gateway_sweep_forget(struct gateway *gateway)
{
    if (gateway->sweep)
        gateway->sweep->gateway = NULL;
    gateway->sweep = NULL;
}

void gateway_end_lost(struct gateway *gateway, bool (*is_live)(struct gateway *gateway, struct slice call))
{
    gateway->is_live = is_live;
    gateway->sweep_wanted = true;
    gateway_sweep_go_on(gateway);
}
