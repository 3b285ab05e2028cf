#include "server/gateway_calls.h"

#include "proto/cloudevent.h"
#include "server/project.h"

static struct gateway_call call_of(const struct core *core, const struct interaction *interaction)
{
    int agent = interaction->data.agent;
    return (struct gateway_call){.subject = interaction->texts.subject,
                                 .opened_ms = interaction->opened_ms,
                                 .is_active = interaction->data.state == INTERACTION_ACTIVE,
                                 .agent = agent < 0 ? (struct slice){NULL, 0} : core->agents[agent].name};
}

static bool is_of(const struct gateway *gateway, const struct interaction *interaction)
{
    return interaction->channel == CHANNEL_CALL && interaction->data.state != INTERACTION_CLOSED &&
           slice_equal(interaction->texts.source, gateway_source(gateway));
}

void gateway_calls_each(const struct gateway *gateway,
                        void (*on_call)(void *ctx, const struct gateway_call *call), void *ctx)
{
    const struct core *core = project_core(gateway_project(gateway));
    for (const struct rank_node *node = core ? rank_first(&core->open) : NULL; node; node = rank_next(node)) {
        const struct interaction *interaction = node->owner;
        struct gateway_call call = call_of(core, interaction);
        if (is_of(gateway, interaction))
            on_call(ctx, &call);
    }
}

bool gateway_calls_find(const struct gateway *gateway, struct slice subject, struct gateway_call *out)
{
    const struct core *core = project_core(gateway_project(gateway));
    struct uuid conversation;
    cloudevent_conversation(&conversation, CHANNEL_CALL, gateway_source(gateway), subject);
    const struct interaction *interaction = core ? core_find_conversation(core, &conversation) : NULL;
    if (!interaction)
        return false;
    *out = call_of(core, interaction);
    return true;
}

bool gateway_calls_of(const struct gateway *gateway, struct slice text, struct gateway_call *out)
{
    const struct core *core = project_core(gateway_project(gateway));
    struct uuid id;
    const struct interaction *interaction =
        core && uuid_parse(&id, text) ? core_find_interaction(core, &id) : NULL;
    if (!interaction || !is_of(gateway, interaction))
        return false;
    *out = call_of(core, interaction);
    return true;
}

struct value gateway_call_lost(struct slice source, struct slice call, struct slice id, struct arena *arena)
{
    struct value document = value_map(arena, 6), data = value_map(arena, 1);
    value_set(&data, "cause", value_string(SLICE("lost")));
    value_set(&document, "specversion", value_string(SLICE("1.0")));
    value_set(&document, "type", value_string(slice_of(event_type_name(EVENT_CALL_ENDED))));
    value_set(&document, "source", value_string(source));
    value_set(&document, "id", value_string(id));
    value_set(&document, "subject", value_string(arena_copy(arena, call)));
    value_set(&document, "data", data);
    return document;
}
