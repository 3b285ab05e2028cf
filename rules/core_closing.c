/* Interactions that closed a moment ago. The tables are asked for a conversation's last closed interaction
 * before a batch is decided; what closes in that batch, or in the one in flight, they cannot show yet. */
#include <stdlib.h>

#include "rules/core_state.h"

struct closing {
    struct closing *older, *newer;
    struct table_node by_conversation;
    struct uuid conversation, id;
    uint64_t seq;
};

void closing_add(struct core *core, const struct interaction *interaction)
{
    struct closing *closing = core_allocate(sizeof *closing);
    closing->conversation = interaction->conversation;
    closing->id = interaction->id;
    closing->seq = core->seq;
    closing->older = core->newest_closing;
    if (core->newest_closing)
        core->newest_closing->newer = closing;
    else
        core->oldest_closing = closing;
    core->newest_closing = closing;
    closing->by_conversation.owner = closing;
    table_insert(&core->closings, &closing->by_conversation, uuid_bytes(&closing->conversation));
}

static void drop(struct core *core, struct closing *closing)
{
    if (closing->older)
        closing->older->newer = closing->newer;
    else
        core->oldest_closing = closing->newer;
    if (closing->newer)
        closing->newer->older = closing->older;
    else
        core->newest_closing = closing->older;
    table_remove(&core->closings, &closing->by_conversation);
    free(closing);
}

void closing_drop_after(struct core *core, uint64_t seq)
{
    while (core->newest_closing && core->newest_closing->seq > seq)
        drop(core, core->newest_closing);
}

void core_forget_closed(struct core *core, uint64_t seq)
{
    while (core->oldest_closing && core->oldest_closing->seq <= seq)
        drop(core, core->oldest_closing);
}

bool core_find_closed(const struct core *core, const struct uuid *conversation, struct uuid *id)
{
    const struct closing *best = NULL;
    for (const struct table_node *node = table_find(&core->closings, uuid_bytes(conversation)); node;
         node = table_next(node)) {
        const struct closing *closing = node->owner;
        if (!best || uuid_compare(&closing->id, &best->id) > 0)
            best = closing;
    }
    if (best)
        *id = best->id;
    return best != NULL;
}
