/* The transactions over the state. An undo entry is the first copy of an object within its batch; a rollback
 * puts the copies back, newest first, and every index follows from the data. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "rules/core_state.h"

static struct core_batch *newest_batch(struct core *core)
{
    assert(core->batch_count);
    return &core->batches[core->batch_count - 1];
}

struct undo *undo_push(struct core *core, enum undo_kind kind)
{
    struct undo *undo = core_allocate(sizeof *undo);
    struct core_batch *batch = newest_batch(core);
    undo->kind = kind;
    undo->batch = batch->number;
    undo->next = batch->log;
    batch->log = undo;
    return undo;
}

void undo_interaction(struct core *core, struct interaction *interaction)
{
    interaction->undo = undo_push(core, UNDO_INTERACTION);
    interaction->undo->interaction = interaction;
    interaction->undo->interaction_data = interaction->data;
    interaction->undo->blocks = interaction->blocks;
}

bool undo_is_saved(const struct core *core, const struct undo *undo)
{
    assert(core->batch_count);
    return undo && undo->batch == core->batches[core->batch_count - 1].number;
}

void core_begin(struct core *core)
{
    assert(core->batch_count < CORE_BATCHES_MAX && !(core->batch_count && core->reconfigured));
    core->reconfigured = false;
    core->batches[core->batch_count++] = (struct core_batch){.number = ++core->batch_number,
                                                             .seq_before = core->seq,
                                                             .at_before = core->at_ms,
                                                             .drain_before = core->drain_pending};
}

/* A batch on top may have changed it further: then that one's end decides. */
static void commit_interaction(struct core *core, struct interaction *interaction, const struct undo *undo)
{
    if (interaction->undo != undo)
        return;
    interaction->undo = NULL;
    if (interaction->data.state == INTERACTION_CLOSED) {
        table_remove(&core->interactions, &interaction->by_id);
        interaction->buried = core->graveyard;
        core->graveyard = interaction;
    }
}

static void commit_undo(struct core *core, struct undo *undo)
{
    switch (undo->kind) {
    case UNDO_INTERACTION:
    case UNDO_INTERACTION_NEW:
        commit_interaction(core, undo->interaction, undo);
        break;
    case UNDO_AGENT:
        if (undo->agent->undo == undo)
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

void core_commit(struct core *core)
{
    struct core_batch batch = core->batches[0];
    assert(core->batch_count);
    core->batch_count--;
    memmove(core->batches, core->batches + 1, sizeof batch * core->batch_count);
    while (batch.log) {
        struct undo *undo = batch.log;
        batch.log = undo->next;
        commit_undo(core, undo);
    }
    /* Time never goes back: what is over blocks nobody any more, and a core that is loaded now does not have
     * it. */
    blacklist_expire(&core->blacklist, core->batch_count ? core->batches[0].at_before : core->at_ms);
}

void core_bury(struct core *core)
{
    while (core->graveyard) {
        struct interaction *interaction = core->graveyard;
        core->graveyard = interaction->buried;
        interaction_free(interaction);
    }
}

static void undo_one(struct core *core, struct undo *undo)
{
    switch (undo->kind) {
    case UNDO_INTERACTION:
        undo->interaction->data = undo->interaction_data;
        interaction_disown(undo->interaction, undo->blocks);
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

/* What the batch below has saved is open again as that one's. */
static void uncover(struct core *core)
{
    for (struct undo *undo = newest_batch(core)->log; undo; undo = undo->next) {
        if (undo->kind == UNDO_INTERACTION || undo->kind == UNDO_INTERACTION_NEW)
            undo->interaction->undo = undo;
        else if (undo->kind == UNDO_AGENT)
            undo->agent->undo = undo;
    }
}

/* Everything comes out of the indexes first: they hold agents' work while agents are still as they were
 * changed. */
void core_rollback(struct core *core)
{
    struct core_batch *batch = newest_batch(core);
    assert(!core->reconfigured);
    for (struct undo *undo = batch->log; undo; undo = undo->next) {
        if (undo->kind == UNDO_INTERACTION || undo->kind == UNDO_INTERACTION_NEW)
            interaction_unlink(core, undo->interaction);
        else if (undo->kind == UNDO_AGENT)
            agent_unlink(core, undo->agent);
    }
    while (batch->log) {
        struct undo *undo = batch->log;
        batch->log = undo->next;
        undo_one(core, undo);
    }
    closing_drop_after(core, batch->seq_before);
    core->seq = batch->seq_before;
    core->at_ms = batch->at_before;
    core->drain_pending = batch->drain_before;
    if (--core->batch_count)
        uncover(core);
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
                void (*on_interaction)(void *ctx, const struct interaction *interaction, bool is_new),
                void (*on_agent)(void *ctx, const struct agent *agent), void *ctx)
{
    assert(core->batch_count);
    for (const struct undo *undo = core->batches[core->batch_count - 1].log; undo; undo = undo->next) {
        if (undo->kind == UNDO_INTERACTION || undo->kind == UNDO_INTERACTION_NEW)
            on_interaction(ctx, undo->interaction, undo->kind == UNDO_INTERACTION_NEW);
        else if (undo->kind == UNDO_AGENT)
            on_agent(ctx, undo->agent);
    }
}
