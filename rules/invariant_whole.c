/* The ordered sets and the tables as wholes. */
#include "rules/invariant_check.h"

/* Counts while it walks; false when the shape or the order is broken. */
static bool is_sound(const struct rank_tree *tree)
{
    uint32_t count = 0;
    const struct rank_node *before = NULL;
    for (const struct rank_node *node = rank_first(tree); node; node = rank_next(node)) {
        bool links = (!node->left || node->left->parent == node) &&
                     (!node->right || node->right->parent == node) && (node->parent || tree->root == node);
        if (!node->linked || !links || count++ >= tree->count)
            return false;
        if (before && rank_compare(&before->rank, &node->rank) >= 0)
            return false;
        before = node;
    }
    return count == tree->count;
}

static void check_tree(const struct check *check, const struct rank_tree *tree, const char *name,
                       size_t number)
{
    if (!is_sound(tree))
        check_fail(check, INVARIANT_TREES_SOUND, NULL, NULL, "%s %zu", name, number);
}

void check_trees(const struct check *check)
{
    const struct core *core = check->core;
    uint32_t waiting = 0, aged = 0, queued = 0;
    check_tree(check, &core->open, "open", 0);
    check_tree(check, &core->timers, "timers", 0);
    check_tree(check, &core->blacklist.ending, "ending blocks", 0);
    for (uint32_t i = 0; i < core->agent_count; i++)
        check_tree(check, &core->agents[i].work, "work of agent", i);
    for (size_t i = 0; i < (size_t)core->lanes.count * CHANNEL_COUNT; i++) {
        check_tree(check, &core->waiting[i], "waiting in lane", i);
        check_tree(check, &core->ready[i], "ready in lane", i);
        waiting += core->waiting[i].count;
    }
    for (size_t i = 0; i < (size_t)core->config->queue_count * CHANNEL_COUNT; i++) {
        check_tree(check, &core->ages[i], "ages in queue", i);
        aged += core->ages[i].count;
    }
    for (const struct rank_node *node = rank_first(&core->open); node; node = rank_next(node)) {
        const struct interaction *interaction = node->owner;
        queued += interaction->waiting.linked;
    }
    if (waiting != queued || aged != queued)
        check_fail(check, INVARIANT_TREES_SOUND, NULL, NULL, "%u wait, %u stand in lanes, %u by age", queued,
                   waiting, aged);
}

static void check_table(const struct check *check, const struct table *table, const char *name)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < table->bucket_count; i++) {
        for (const struct table_node *node = table->buckets[i]; node; node = node->next) {
            if (!node->linked || (node->hash & (table->bucket_count - 1)) != i || count++ >= table->count)
                check_fail(check, INVARIANT_TABLES_SOUND, NULL, NULL, "%s, bucket %u", name, i);
        }
    }
    if (count != table->count)
        check_fail(check, INVARIANT_TABLES_SOUND, NULL, NULL, "%s: %u, counted %u", name, count,
                   table->count);
}

/* Every open interaction has its conversation, and no table has what is not open: by count, since each one's
 * own places are looked at one by one. */
void check_tables(const struct check *check)
{
    const struct core *core = check->core;
    uint32_t offers = 0, known = 0;
    bool is_kept = core->config->prefer.owner_ms || core->config->prefer.last_agent_ms;
    check_table(check, &core->customers, "customers");
    check_table(check, &core->interactions, "interactions");
    check_table(check, &core->offers, "offers");
    check_table(check, &core->conversations, "conversations");
    check_table(check, &core->closings, "closings");
    check_table(check, &core->blacklist.by_id, "blocks");
    for (const struct rank_node *node = rank_first(&core->open); node; node = rank_next(node)) {
        const struct interaction *interaction = node->owner;
        bool is_held = check_is_held(&interaction->data);
        offers += is_held && !uuid_is_nil(&interaction->data.offer);
        known += is_held && is_kept && !uuid_is_nil(&interaction->data.customer);
    }
    if (core->customers.count != known)
        check_fail(check, INVARIANT_TABLES_SOUND, NULL, NULL, "%u customers with an agent, counted %u", known,
                   core->customers.count);
    if (core->conversations.count != core->open.count || core->interactions.count < core->open.count ||
        core->offers.count != offers)
        check_fail(check, INVARIANT_TABLES_SOUND, NULL, NULL, "%u open, %u conversations, %u of %u offers",
                   core->open.count, core->conversations.count, core->offers.count, offers);
    if (!core->batch_count && !core->graveyard && core->interactions.count != core->open.count)
        check_fail(check, INVARIANT_TABLES_SOUND, NULL, NULL, "%u interactions, %u open",
                   core->interactions.count, core->open.count);
}
