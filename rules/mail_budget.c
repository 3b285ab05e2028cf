#include "rules/mail_budget.h"

#include <stdlib.h>

#include "rules/table.h"

struct entry {
    struct table_node node;
    struct entry *older, *newer; /* ring: by when it was last heard of */
    struct uuid key;
    int64_t window; /* number of the window that `now` counts */
    int64_t now, before;
    bool is_over;
};

struct mail_budget {
    struct table table;
    struct entry ring; /* ring.newer is the one that was quiet for longest */
    int64_t sender_within_ms, thread_within_ms;
};

const char *mail_loop_name(enum mail_loop loop)
{
    static const char *const names[MAIL_LOOP_COUNT] = {"none", "sender", "thread", "machine"};
    return names[loop];
}

struct mail_budget *mail_budget_alloc(void)
{
    struct mail_budget *budget = calloc(1, sizeof *budget);
    if (!budget)
        abort();
    table_init(&budget->table);
    budget->ring.older = budget->ring.newer = &budget->ring;
    return budget;
}

static void leave_ring(struct entry *entry)
{
    entry->older->newer = entry->newer;
    entry->newer->older = entry->older;
}

static void enter_ring(struct entry *entry, struct entry *older, struct entry *newer)
{
    entry->older = older;
    entry->newer = newer;
    older->newer = newer->older = entry;
}

static void forget(struct mail_budget *budget, struct entry *entry)
{
    table_remove(&budget->table, &entry->node);
    leave_ring(entry);
    free(entry);
}

void mail_budget_reset(struct mail_budget *budget)
{
    while (budget->ring.newer != &budget->ring)
        forget(budget, budget->ring.newer);
}

void mail_budget_free(struct mail_budget **budget)
{
    if (!*budget)
        return;
    mail_budget_reset(*budget);
    table_deinit(&(*budget)->table);
    free(*budget);
    *budget = NULL;
}

uint32_t mail_budget_count(const struct mail_budget *budget)
{
    return budget->table.count;
}

static struct entry *find(const struct mail_budget *budget, const struct uuid *key)
{
    struct table_node *node = table_find(&budget->table, uuid_bytes(key));
    return node ? node->owner : NULL;
}

static struct entry *add(struct mail_budget *budget, const struct uuid *key)
{
    struct entry *entry = calloc(1, sizeof *entry);
    if (!entry)
        abort();
    entry->key = *key;
    entry->node.owner = entry;
    table_insert(&budget->table, &entry->node, uuid_bytes(&entry->key));
    return entry;
}

static struct entry *hear_of(struct mail_budget *budget, const struct uuid *key)
{
    struct entry *entry = find(budget, key);
    if (entry) {
        leave_ring(entry);
    } else {
        if (budget->table.count == MAIL_BUDGET_ENTRIES_MAX)
            forget(budget, budget->ring.newer);
        entry = add(budget, key);
    }
    enter_ring(entry, budget->ring.older, &budget->ring);
    return entry;
}

/* What is there already was heard of later. NULL: so many were that it would have been forgotten. */
static struct entry *recall(struct mail_budget *budget, const struct uuid *key)
{
    struct entry *entry = find(budget, key);
    if (entry || budget->table.count == MAIL_BUDGET_ENTRIES_MAX)
        return entry;
    entry = add(budget, key);
    enter_ring(entry, &budget->ring, budget->ring.newer);
    return entry;
}

/* How many there were in the window that ends at at_ms. */
static int64_t count(struct entry *entry, int64_t at_ms, int64_t within_ms)
{
    int64_t window = at_ms / within_ms;
    if (window > entry->window) {
        entry->before = window == entry->window + 1 ? entry->now : 0;
        entry->now = 0;
        entry->window = window;
    }
    if (window == entry->window)
        entry->now++;
    else if (window + 1 == entry->window)
        entry->before++;
    return entry->now + entry->before * (within_ms - at_ms % within_ms) / within_ms;
}

static bool is_over(struct mail_budget *budget, const struct uuid *key, const struct mail_seen *seen,
                    int64_t within_ms, int32_t limit, bool *begins)
{
    struct entry *entry = hear_of(budget, key);
    bool was_over = entry->is_over;
    entry->is_over = count(entry, seen->at_ms, within_ms) > limit;
    *begins |= entry->is_over && !was_over;
    return entry->is_over;
}

static void use_windows(struct mail_budget *budget, const struct mail_limits *limits)
{
    if (budget->sender_within_ms != limits->sender_within_ms ||
        budget->thread_within_ms != limits->thread_within_ms)
        mail_budget_reset(budget);
    budget->sender_within_ms = limits->sender_within_ms;
    budget->thread_within_ms = limits->thread_within_ms;
}

enum mail_loop mail_budget_take(struct mail_budget *budget, const struct mail_limits *limits,
                                const struct mail_seen *seen, bool *begins)
{
    int32_t most = seen->is_machine ? limits->machine : limits->sender;
    *begins = false;
    use_windows(budget, limits);
    bool sender = is_over(budget, &seen->sender, seen, limits->sender_within_ms, most, begins);
    bool thread = !uuid_is_nil(&seen->thread) &&
                  is_over(budget, &seen->thread, seen, limits->thread_within_ms, limits->thread, begins);
    if (sender)
        return seen->is_machine ? MAIL_LOOP_MACHINE : MAIL_LOOP_SENDER;
    return thread ? MAIL_LOOP_THREAD : MAIL_LOOP_NONE;
}

void mail_budget_recall(struct mail_budget *budget, const struct mail_limits *limits,
                        const struct mail_seen *seen)
{
    use_windows(budget, limits);
    /* The thread was heard of after the sender. */
    struct entry *thread = uuid_is_nil(&seen->thread) ? NULL : recall(budget, &seen->thread);
    struct entry *sender = recall(budget, &seen->sender);
    if (thread)
        count(thread, seen->at_ms, limits->thread_within_ms);
    if (sender)
        count(sender, seen->at_ms, limits->sender_within_ms);
}

static void uncount(struct mail_budget *budget, const struct uuid *key, int64_t at_ms, int64_t within_ms)
{
    struct entry *entry = find(budget, key);
    int64_t window = at_ms / within_ms;
    if (entry && window == entry->window && entry->now > 0)
        entry->now--;
    else if (entry && window + 1 == entry->window && entry->before > 0)
        entry->before--;
}

void mail_budget_give_back(struct mail_budget *budget, const struct mail_limits *limits,
                           const struct mail_seen *seen)
{
    uncount(budget, &seen->sender, seen->at_ms, limits->sender_within_ms);
    if (!uuid_is_nil(&seen->thread))
        uncount(budget, &seen->thread, seen->at_ms, limits->thread_within_ms);
}
