/* The transaction over the state. An undo entry is the first copy of an object within the batch; a rollback
 * puts the copies back, newest first, and every index follows from the data. */
#include <assert.h>
#include <stdlib.h>

#include "rules/core_state.h"

struct undo *undo_push(struct core *core, enum undo_kind kind)
{
    struct undo *undo = core_allocate(sizeof *undo);
    assert(core->in_batch);
    undo->kind = kind;
    undo->next = core->undo_log;
    core->undo_log = undo;
    return undo;
}

void core_begin(struct core *core)
{
    assert(!core->in_batch && !core->undo_log);
    core->in_batch = true;
    core->reconfigured = false;
    core->seq_before = core->seq;
    core->at_before = core->at_ms;
    core->drain_before = core->drain_pending;
}

void core_commit(struct core *core)
{
    assert(core->in_batch);
    while (core->undo_log) {
        struct undo *undo = core->undo_log;
        core->undo_log = undo->next;
        switch (undo->kind) {
        case UNDO_INTERACTION:
        case UNDO_INTERACTION_NEW:
            undo->interaction->undo = NULL;
            undo->interaction->fresh = false;
            if (undo->interaction->data.state == INTERACTION_CLOSED) {
                table_remove(&core->interactions, &undo->interaction->by_id);
                undo->interaction->buried = core->graveyard;
                core->graveyard = undo->interaction;
            }
            break;
        case UNDO_AGENT:
            undo->agent->undo = NULL;
            break;
        case UNDO_BLOCK_ADDED:
            break;
        case UNDO_BLOCK_TAKEN:
            blacklist_entry_free(&undo->entry);
            break;
        }
        free(undo);
    }
    /* Time never goes back: what is over blocks nobody any more, and a core that is loaded now does not have
     * it. */
    blacklist_expire(&core->blacklist, core->at_ms);
    core->in_batch = false;
}

void core_bury(struct core *core)
{
    while (core->graveyard) {
        struct interaction *interaction = core->graveyard;
        core->graveyard = interaction->buried;
        interaction_free(interaction);
    }
}

/* Everything comes out of the indexes first: they hold agents' work while agents are still as they were
 * changed. */
void core_rollback(struct core *core)
{
    assert(core->in_batch && !core->reconfigured);
    for (struct undo *undo = core->undo_log; undo; undo = undo->next) {
        if (undo->kind == UNDO_INTERACTION || undo->kind == UNDO_INTERACTION_NEW)
            interaction_unlink(core, undo->interaction);
        else if (undo->kind == UNDO_AGENT)
            agent_unlink(core, undo->agent);
    }
    while (core->undo_log) {
        struct undo *undo = core->undo_log;
        core->undo_log = undo->next;
        switch (undo->kind) {
        case UNDO_INTERACTION:
            undo->interaction->data = undo->interaction_data;
            undo->interaction->undo = NULL;
            interaction_link(core, undo->interaction);
            break;
        case UNDO_INTERACTION_NEW:
            table_remove(&core->interactions, &undo->interaction->by_id);
            interaction_free(undo->interaction);
            break;
        case UNDO_AGENT:
            undo->agent->data = undo->agent_data;
            undo->agent->undo = NULL;
            agent_link(core, undo->agent);
            break;
        case UNDO_BLOCK_ADDED: {
            struct uuid id = blacklist_entry_block(undo->entry)->id;
            struct blacklist_entry *entry = blacklist_take(&core->blacklist, &id);
            blacklist_entry_free(&entry);
            break;
        }
        case UNDO_BLOCK_TAKEN:
            blacklist_put_back(&core->blacklist, undo->entry);
            break;
        }
        free(undo);
    }
    closing_drop_after(core, core->seq_before);
    core->seq = core->seq_before;
    core->at_ms = core->at_before;
    core->drain_pending = core->drain_before;
    core->in_batch = false;
}

void undo_block_added(struct core *core, struct blacklist_entry *entry)
{
    undo_push(core, UNDO_BLOCK_ADDED)->entry = entry;
}

void undo_block_taken(struct core *core, struct blacklist_entry *entry)
{
    undo_push(core, UNDO_BLOCK_TAKEN)->entry = entry;
}

void core_dirty(const struct core *core,
                void (*on_interaction)(void *ctx, const struct interaction *interaction),
                void (*on_agent)(void *ctx, const struct agent *agent), void *ctx)
{
    for (const struct undo *undo = core->undo_log; undo; undo = undo->next) {
        if (undo->kind == UNDO_INTERACTION || undo->kind == UNDO_INTERACTION_NEW)
            on_interaction(ctx, undo->interaction);
        else if (undo->kind == UNDO_AGENT)
            on_agent(ctx, undo->agent);
    }
}
