#include "server/facts.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "server/fact_copy.h"

struct activity {
    struct uuid newest;
    char agent[CONFIG_NAME_MAX + 1]; /* who took work of it last; "": nobody */
    int64_t at_ms;
};

/* A customer is shared by the entries that find it, so that one change is seen through every key. */
struct customer {
    struct table_node by_id;
    struct customer_fact fact;
    struct activity activity; /* what counts; the fact's own is as it was asked */
    uint32_t users;
    void *texts;
};

struct facts_entry {
    struct table_node by_key;
    struct facts_entry *older, *newer; /* in order of use; only while unpinned */
    enum facts_kind kind;
    uint32_t pins;
    bool filled;
    bool forgotten; /* no longer in the table: freed with the last pin */
    struct customer **customers;
    uint32_t count;
    size_t key_len;
    char key[]; /* kind byte and key */
};

/* What a customer's activity was before the batch. */
struct touched {
    struct uuid customer;
    struct activity before;
};

struct facts_cache {
    struct table entries, customers;
    struct facts_entry *oldest, *newest;
    size_t entries_max;
    uint64_t generation;
    struct touched *touched; /* by batches that are not committed, in order */
    size_t touched_count, touched_room;
};

static void *allocate(size_t size)
{
    void *memory = calloc(1, size ? size : 1);
    if (!memory)
        abort();
    return memory;
}

struct facts_cache *facts_cache_alloc(size_t entries_max)
{
    struct facts_cache *cache = allocate(sizeof *cache);
    table_init(&cache->entries);
    table_init(&cache->customers);
    cache->entries_max = entries_max;
    return cache;
}

void facts_cache_free(struct facts_cache **cache)
{
    if (!*cache)
        return;
    facts_forget_all(*cache);
    assert((*cache)->entries.count == 0);
    table_deinit(&(*cache)->entries);
    table_deinit(&(*cache)->customers);
    free((*cache)->touched);
    free(*cache);
    *cache = NULL;
}

uint64_t facts_cache_generation(const struct facts_cache *cache)
{
    return cache->generation;
}

static void unlink_use(struct facts_cache *cache, struct facts_entry *entry)
{
    if (entry->older)
        entry->older->newer = entry->newer;
    else
        cache->oldest = entry->newer;
    if (entry->newer)
        entry->newer->older = entry->older;
    else
        cache->newest = entry->older;
    entry->older = entry->newer = NULL;
}

static void link_use(struct facts_cache *cache, struct facts_entry *entry)
{
    entry->older = cache->newest;
    entry->newer = NULL;
    if (cache->newest)
        cache->newest->newer = entry;
    else
        cache->oldest = entry;
    cache->newest = entry;
}

static void drop_customers(struct facts_cache *cache, struct facts_entry *entry)
{
    for (uint32_t i = 0; i < entry->count; i++) {
        struct customer *customer = entry->customers[i];
        if (--customer->users == 0) {
            table_remove(&cache->customers, &customer->by_id);
            free(customer->texts);
            free(customer);
        }
    }
    free(entry->customers);
    entry->customers = NULL;
    entry->count = 0;
    entry->filled = false;
}

/* Takes an entry out of the table; one that is pinned lives on until its last reader is done. */
static void forget_entry(struct facts_cache *cache, struct facts_entry *entry)
{
    table_remove(&cache->entries, &entry->by_key);
    entry->forgotten = true;
    if (entry->pins)
        return;
    unlink_use(cache, entry);
    drop_customers(cache, entry);
    free(entry);
}

static struct facts_entry *find(struct facts_cache *cache, enum facts_kind kind, struct slice key)
{
    char bytes[1 + EMAIL_KEY_MAX + PHONE_KEY_MAX];
    if (key.len > sizeof bytes - 1)
        return NULL;
    bytes[0] = (char)kind;
    memcpy(bytes + 1, key.ptr, key.len);
    struct table_node *node = table_find(&cache->entries, (struct slice){bytes, key.len + 1});
    return node ? node->owner : NULL;
}

struct facts_entry *facts_pin(struct facts_cache *cache, enum facts_kind kind, struct slice key)
{
    struct facts_entry *entry = find(cache, kind, key);
    if (entry) {
        if (entry->pins++ == 0)
            unlink_use(cache, entry);
        return entry;
    }
    while (cache->entries.count >= cache->entries_max && cache->oldest)
        forget_entry(cache, cache->oldest);
    entry = allocate(sizeof *entry + key.len + 1);
    entry->kind = kind;
    entry->pins = 1;
    entry->key_len = key.len;
    entry->key[0] = (char)kind;
    memcpy(entry->key + 1, key.ptr, key.len);
    entry->by_key.owner = entry;
    table_insert(&cache->entries, &entry->by_key, (struct slice){entry->key, key.len + 1});
    return entry;
}

void facts_unpin(struct facts_cache *cache, struct facts_entry **pinned)
{
    struct facts_entry *entry = *pinned;
    *pinned = NULL;
    if (!entry || --entry->pins)
        return;
    if (entry->forgotten) {
        drop_customers(cache, entry);
        free(entry);
        return;
    }
    link_use(cache, entry);
    if (!entry->filled)
        forget_entry(cache, entry);
}

bool facts_is_filled(const struct facts_entry *entry)
{
    return entry->filled && !entry->forgotten;
}

struct slice facts_key(const struct facts_entry *entry)
{
    return (struct slice){entry->key + 1, entry->key_len};
}

static void set_fact(struct customer *customer, const struct customer_fact *fact)
{
    void *texts = fact_copy(&customer->fact, fact);
    free(customer->texts);
    customer->texts = texts;
}

static struct customer *find_customer(const struct facts_cache *cache, const struct uuid *id)
{
    struct table_node *node = table_find(&cache->customers, uuid_bytes(id));
    return node ? node->owner : NULL;
}

/* Whoever took work last counts, whatever was asked when. */
static bool set_last(struct activity *activity, struct slice agent, int64_t at_ms)
{
    if (!agent.len || agent.len > CONFIG_NAME_MAX || (activity->agent[0] && at_ms <= activity->at_ms))
        return false;
    memcpy(activity->agent, agent.ptr, agent.len);
    activity->agent[agent.len] = 0;
    activity->at_ms = at_ms;
    return true;
}

void facts_add(struct facts_cache *cache, struct facts_entry *entry, const struct customer_fact *fact,
               const struct uuid *newest)
{
    struct customer *customer = find_customer(cache, &fact->id);
    if (!customer) {
        customer = allocate(sizeof *customer);
        customer->by_id.owner = customer;
        set_fact(customer, fact);
        table_insert(&cache->customers, &customer->by_id, uuid_bytes(&customer->fact.id));
    } else {
        set_fact(customer, fact);
    }
    if (uuid_compare(newest, &customer->activity.newest) > 0)
        customer->activity.newest = *newest;
    set_last(&customer->activity, fact->last_agent, fact->last_ms);
    for (uint32_t i = 0; i < entry->count; i++) {
        if (entry->customers[i] == customer)
            return;
    }
    entry->customers = realloc(entry->customers, sizeof *entry->customers * (entry->count + 1));
    if (!entry->customers)
        abort();
    entry->customers[entry->count++] = customer;
    customer->users++;
}

void facts_filled(struct facts_entry *entry)
{
    entry->filled = true;
}

void facts_forget(struct facts_cache *cache, enum facts_kind kind, struct slice key)
{
    struct facts_entry *entry = find(cache, kind, key);
    cache->generation++;
    if (entry)
        forget_entry(cache, entry);
}

void facts_forget_all(struct facts_cache *cache)
{
    cache->generation++;
    cache->touched_count = 0;
    for (uint32_t i = 0; i < cache->entries.bucket_count; i++) {
        while (cache->entries.buckets[i])
            forget_entry(cache, cache->entries.buckets[i]->owner);
    }
}

static void note_touched(struct facts_cache *cache, const struct customer *customer,
                         const struct activity *before)
{
    if (cache->touched_count == cache->touched_room) {
        cache->touched_room = cache->touched_room ? cache->touched_room * 2 : 256;
        cache->touched = realloc(cache->touched, sizeof *cache->touched * cache->touched_room);
        if (!cache->touched)
            abort();
    }
    cache->touched[cache->touched_count++] = (struct touched){customer->fact.id, *before};
}

void facts_touch(struct facts_cache *cache, const struct uuid *id, const struct uuid *interaction,
                 struct slice agent, int64_t at_ms)
{
    struct customer *customer = find_customer(cache, id);
    if (!customer)
        return;
    const struct activity before = customer->activity;
    bool is_newer = uuid_compare(interaction, &before.newest) > 0;
    if (is_newer)
        customer->activity.newest = *interaction;
    if (set_last(&customer->activity, agent, at_ms) || is_newer)
        note_touched(cache, customer, &before);
}

size_t facts_touched(const struct facts_cache *cache)
{
    return cache->touched_count;
}

void facts_commit(struct facts_cache *cache, size_t count)
{
    assert(count <= cache->touched_count);
    cache->touched_count -= count;
    if (cache->touched_count)
        memmove(cache->touched, cache->touched + count, sizeof *cache->touched * cache->touched_count);
}

void facts_rollback(struct facts_cache *cache, size_t count)
{
    for (; count; count--) {
        const struct touched *touched = &cache->touched[--cache->touched_count];
        struct customer *customer = find_customer(cache, &touched->customer);
        if (customer)
            customer->activity = touched->before;
    }
}

struct ranked {
    const struct customer *customer;
    bool by_phone, by_email;
};

/* Newest interaction first; those who never had one by age of the record, newest first. */
static int compare(const void *a, const void *b)
{
    const struct ranked *left = a, *right = b;
    int order = uuid_compare(&right->customer->activity.newest, &left->customer->activity.newest);
    return order ? order : uuid_compare(&right->customer->fact.id, &left->customer->fact.id);
}

static uint32_t collect(struct ranked *to, uint32_t count, const struct facts_entry *entry)
{
    for (uint32_t i = 0; entry && i < entry->count; i++) {
        uint32_t at = 0;
        while (at < count && to[at].customer != entry->customers[i])
            at++;
        if (at == count)
            to[count++] = (struct ranked){.customer = entry->customers[i]};
        if (entry->kind == FACTS_PHONE)
            to[at].by_phone = true;
        else
            to[at].by_email = true;
    }
    return count;
}

void facts_join(struct facts *out, const struct facts_entry *phone, const struct facts_entry *email,
                struct arena *arena)
{
    uint32_t most = (phone ? phone->count : 0) + (email ? email->count : 0);
    out->candidates = NULL;
    out->candidate_count = 0;
    if (!most)
        return;
    struct ranked *all = arena_array(arena, struct ranked, most);
    uint32_t count = collect(all, collect(all, 0, phone), email);
    qsort(all, count, sizeof *all, compare);
    if (count > CORE_CANDIDATES_MAX)
        count = CORE_CANDIDATES_MAX;
    out->candidates = arena_array(arena, struct customer_fact, count);
    for (uint32_t i = 0; i < count; i++) {
        out->candidates[i] = all[i].customer->fact;
        out->candidates[i].by_phone = all[i].by_phone;
        out->candidates[i].by_email = all[i].by_email;
        /* Copied: the next decision may change it before this one is written down. */
        out->candidates[i].last_agent = arena_copy(arena, slice_of(all[i].customer->activity.agent));
        out->candidates[i].last_ms = all[i].customer->activity.at_ms;
    }
    out->candidate_count = count;
}
