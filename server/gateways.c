#include "server/gateways.h"

#include <stdlib.h>

#include "proto/cloudevent.h"
#include "server/announce.h"
#include "server/gateway_ami.h"
#include "server/gateway_freeswitch.h"
#include "server/gateway_internal.h"
#include "server/gateway_kamailio.h"
#include "server/metrics.h"
#include "server/project.h"

const struct gateway_kind *const gateway_kinds[GATEWAY_PROTOCOL_COUNT] = {
    [GATEWAY_ASTERISK] = &gateway_ami,
    [GATEWAY_FREESWITCH] = &gateway_freeswitch,
    [GATEWAY_KAMAILIO] = &gateway_kamailio,
};

struct gateways *gateways_open(struct app *app)
{
    struct gateways *gateways = calloc(1, sizeof *gateways);
    if (!gateways)
        abort();
    gateways->app = app;
    return gateways;
}

static const struct config_gateway *find_config(const struct project *project, struct slice name)
{
    const struct project_config *config = project_is_serving(project) ? project_config(project) : NULL;
    for (uint32_t i = 0; config && i < config->gateway_count; i++) {
        if (slice_equal(config->gateways[i].name, name))
            return &config->gateways[i];
    }
    return NULL;
}

/* Closing ones count: whoever takes its place comes when what was under way is decided. */
static bool has_gateway(const struct gateways *gateways, const struct project *project, struct slice name)
{
    const struct gateway *at = gateways->first;
    while (at && (at->project != project || !slice_equal(at->config.name, name)))
        at = at->next;
    return at;
}

bool gateways_are_closing(const struct gateways *gateways, const struct project *project)
{
    const struct gateway *at = gateways->first;
    while (at && (at->project != project || at->phase != GATEWAY_CLOSING))
        at = at->next;
    return at;
}

static void close_others(struct gateways *gateways, const struct project *project)
{
    struct gateway *next;
    for (struct gateway *at = gateways->first; at; at = next) {
        next = at->next;
        if (at->project != project || at->phase == GATEWAY_CLOSING)
            continue;
        const struct config_gateway *config = find_config(project, at->config.name);
        if (!config || !gateway_is_as(at, project, config))
            gateway_close(at);
    }
}

void gateways_sync(struct gateways *gateways, struct project *project)
{
    const struct project_config *config = project_config(project);
    if (gateways->quiesced)
        return;
    close_others(gateways, project);
    for (struct gateway *at = gateways->first; at; at = at->next) {
        if (at->project != project)
            continue;
        gateway_sweep_go_on(at);
        gateway_events_go_on(at);
    }
    if (!project_is_serving(project) || !project_core(project))
        return;
    for (uint32_t i = 0; i < config->gateway_count; i++) {
        const struct config_gateway *wanted = &config->gateways[i];
        if (!gateway_kinds[wanted->protocol] || has_gateway(gateways, project, wanted->name))
            continue;
        struct gateway *gateway = gateway_open(gateways, project, wanted);
        gateway->next = gateways->first;
        gateways->first = gateway;
    }
}

static void tell_one(struct gateway *gateway, const struct announced_item *item)
{
    const struct value *type = value_member(&item->agent_value, "type");
    const struct value *subject = value_member(&item->agent_value, "subject");
    if (item->agent.len && type && subject && gateway->kind->on_announced)
        gateway->kind->on_announced(gateway, type->string, subject->string, item->agent);
    if (item->subject.len && slice_equal(item->source, gateway_source(gateway)))
        gateway_refuse_call(gateway, item->subject);
}

void gateways_tell(struct gateways *gateways, const struct project *project,
                   const struct announced *announced)
{
    struct gateway *next;
    for (struct gateway *at = gateways->first; at; at = next) {
        next = at->next;
        if (at->project != project || at->phase == GATEWAY_CLOSING)
            continue;
        for (const struct announced_item *item = announced->first; item; item = item->next)
            tell_one(at, item);
    }
}

/* --- what people see --- */

struct value gateways_states(const struct gateways *gateways, struct arena *arena)
{
    uint32_t count = 0;
    const struct gateway *first = gateways ? gateways->first : NULL; /* none: the server is stopping */
    for (const struct gateway *at = first; at; at = at->next)
        count++;
    struct value list = value_list(arena, count);
    for (const struct gateway *at = first; at; at = at->next) {
        struct value item = value_map(arena, 8);
        value_set(&item, "project", value_string(at->project_name));
        value_set(&item, "name", value_string(at->config.name));
        value_set(&item, "kind", value_string(slice_of(gateway_protocol_name(at->config.protocol))));
        value_set(&item, "state", value_string(slice_of(gateway_phase_name(at))));
        value_set(&item, "since", value_string(time_write(at->since_ms, arena)));
        if (at->config.listens)
            value_set(&item, "connections", value_int(at->link_count));
        if (!gateway_is_up(at)) {
            value_set(&item, "attempts", value_int(at->attempts));
            value_set_text(&item, "why", slice_of(at->why));
        }
        value_append(&list, item);
    }
    return list;
}

void gateways_collect(const struct gateways *gateways, struct metrics_collector *collector)
{
    for (const struct gateway *at = gateways ? gateways->first : NULL; at; at = at->next) {
        if (at->phase != GATEWAY_CLOSING)
            metrics_gateway(collector, &(struct metrics_gateway){.project = at->project_name,
                                                                 .gateway = at->config.name,
                                                                 .is_up = gateway_is_up(at),
                                                                 .waiting = at->event_count,
                                                                 .events = at->decided,
                                                                 .reconnects = at->reconnects,
                                                                 .unlisted = at->unlisted,
                                                                 .overlong = at->overlong});
    }
}

/* --- the end --- */

void gateways_quiesce(struct gateways *gateways)
{
    struct gateway *next;
    gateways->quiesced = true;
    for (struct gateway *at = gateways->first; at; at = next) {
        next = at->next;
        gateway_quiesce(at);
    }
}

void gateways_close(struct gateways **owner, void (*on_closed)(void *ctx), void *ctx)
{
    struct gateways *gateways = *owner;
    struct gateway *next;
    *owner = NULL;
    gateways->quiesced = gateways->closing = true;
    gateways->on_closed = on_closed;
    gateways->on_closed_ctx = ctx;
    if (gateways->open == 0) {
        free(gateways);
        on_closed(ctx);
        return;
    }
    gateways->open++; /* until all have been told */
    for (struct gateway *at = gateways->first; at; at = next) {
        next = at->next;
        gateway_close(at);
    }
    if (--gateways->open == 0) {
        free(gateways);
        on_closed(ctx);
    }
}
