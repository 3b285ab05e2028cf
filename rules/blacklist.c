#include "rules/blacklist.h"

#include <stdlib.h>
#include <string.h>

#include "rules/email_key.h"

static const char *const kind_names[BLOCK_KIND_COUNT] = {"customer", "phone", "email", "domain", "prefix"};

struct blacklist_entry {
    struct block block;
    struct table_node by_key, by_id;
    struct rank_node ending; /* a temporary one's */
    char text[];             /* the key */
};

const char *block_kind_name(enum block_kind kind)
{
    return kind_names[kind];
}

bool block_kind_parse(enum block_kind *out, struct slice name)
{
    for (int i = 0; i < BLOCK_KIND_COUNT; i++) {
        if (slice_is(name, kind_names[i])) {
            *out = (enum block_kind)i;
            return true;
        }
    }
    return false;
}

void blacklist_init(struct blacklist *blacklist)
{
    for (int i = 0; i < BLOCK_KIND_COUNT; i++)
        table_init(&blacklist->by_key[i]);
    table_init(&blacklist->by_id);
    blacklist->ending = (struct rank_tree){0};
}

void blacklist_deinit(struct blacklist *blacklist)
{
    for (uint32_t i = 0; i < blacklist->by_id.bucket_count; i++) {
        struct table_node *next;
        for (struct table_node *node = blacklist->by_id.buckets[i]; node; node = next) {
            next = node->next;
            free(node->owner);
        }
    }
    for (int i = 0; i < BLOCK_KIND_COUNT; i++)
        table_deinit(&blacklist->by_key[i]);
    table_deinit(&blacklist->by_id);
}

void blacklist_put_back(struct blacklist *blacklist, struct blacklist_entry *entry)
{
    struct block *block = &entry->block;
    struct slice key = block->kind == BLOCK_CUSTOMER ? uuid_bytes(&block->customer) : block->key;
    table_insert(&blacklist->by_key[block->kind], &entry->by_key, key);
    table_insert(&blacklist->by_id, &entry->by_id, uuid_bytes(&block->id));
    if (block->until_ms != TIME_NEVER)
        rank_insert(&blacklist->ending, &entry->ending, (struct rank){block->until_ms, 0, block->id});
}

struct blacklist_entry *blacklist_add(struct blacklist *blacklist, const struct block *block)
{
    if (table_find(&blacklist->by_id, uuid_bytes(&block->id)))
        return NULL;
    struct blacklist_entry *entry = calloc(1, sizeof *entry + block->key.len);
    if (!entry)
        abort();
    entry->block = *block;
    if (block->key.len)
        memcpy(entry->text, block->key.ptr, block->key.len);
    entry->block.key.ptr = entry->text;
    entry->by_key.owner = entry->by_id.owner = entry->ending.owner = entry;
    blacklist_put_back(blacklist, entry);
    return entry;
}

struct blacklist_entry *blacklist_take(struct blacklist *blacklist, const struct uuid *id)
{
    struct table_node *node = table_find(&blacklist->by_id, uuid_bytes(id));
    if (!node)
        return NULL;
    struct blacklist_entry *entry = node->owner;
    table_remove(&blacklist->by_id, &entry->by_id);
    table_remove(&blacklist->by_key[entry->block.kind], &entry->by_key);
    rank_remove(&blacklist->ending, &entry->ending);
    return entry;
}

void blacklist_expire(struct blacklist *blacklist, int64_t at_ms)
{
    const struct rank_node *first;
    while ((first = rank_first(&blacklist->ending)) && first->rank.first <= at_ms) {
        struct blacklist_entry *over = blacklist_take(blacklist, &first->rank.third);
        blacklist_entry_free(&over);
    }
}

void blacklist_entry_free(struct blacklist_entry **entry)
{
    free(*entry);
    *entry = NULL;
}

const struct block *blacklist_entry_block(const struct blacklist_entry *entry)
{
    return &entry->block;
}

bool block_is_active(const struct block *block, enum channel channel, int64_t at_ms)
{
    return (block->channels & 1 << channel) && at_ms >= block->start_ms && at_ms < block->until_ms;
}

/* Of several blocks of one key the oldest id counts: the answer must not hang on the order in a bucket. */
static const struct block *match(const struct blacklist *blacklist, enum block_kind kind,
                                 enum channel channel, struct slice key, int64_t at_ms)
{
    const struct block *best = NULL;
    if (blacklist->by_key[kind].count == 0)
        return NULL;
    for (const struct table_node *node = table_find(&blacklist->by_key[kind], key); node;
         node = table_next(node)) {
        const struct blacklist_entry *entry = node->owner;
        if (block_is_active(&entry->block, channel, at_ms) &&
            (!best || uuid_compare(&entry->block.id, &best->id) < 0))
            best = &entry->block;
    }
    return best;
}

/* The longest prefix counts. */
static const struct block *match_prefix(const struct blacklist *blacklist, enum channel channel,
                                        struct slice number, int64_t at_ms)
{
    const struct block *found = NULL;
    if (blacklist->by_key[BLOCK_PREFIX].count == 0)
        return NULL;
    for (size_t len = number.len; len > 0 && !found; len--)
        found = match(blacklist, BLOCK_PREFIX, channel, (struct slice){number.ptr, len}, at_ms);
    return found;
}

static const struct block *match_domain(const struct blacklist *blacklist, enum channel channel,
                                        struct slice domain, int64_t at_ms)
{
    for (;;) {
        const struct block *found = match(blacklist, BLOCK_DOMAIN, channel, domain, at_ms);
        if (found)
            return found;
        const char *dot = memchr(domain.ptr, '.', domain.len);
        if (!dot)
            return NULL;
        domain = (struct slice){dot + 1, domain.len - (size_t)(dot + 1 - domain.ptr)};
    }
}

const struct block *blacklist_match_keys(const struct blacklist *blacklist,
                                         const struct block_subject *subject, int64_t at_ms,
                                         struct arena *scratch)
{
    const struct block *found = NULL;
    if (blacklist->by_id.count == 0)
        return NULL;
    struct slice number = subject->phone_key.len ? subject->phone_key : subject->digits;
    if (number.len) {
        found = match(blacklist, BLOCK_PHONE, subject->channel, number, at_ms);
        if (!found)
            found = match_prefix(blacklist, subject->channel, number, at_ms);
    }
    if (!found && subject->email_key.len) {
        struct email_key key = {subject->email_key};
        found = match(blacklist, BLOCK_EMAIL, subject->channel, email_fold(&key, scratch), at_ms);
        if (!found)
            found = match_domain(blacklist, subject->channel, email_domain(&key), at_ms);
    }
    return found;
}

const struct block *blacklist_match_customer(const struct blacklist *blacklist, enum channel channel,
                                             const struct uuid *customer, int64_t at_ms)
{
    return uuid_is_nil(customer) ? NULL
                                 : match(blacklist, BLOCK_CUSTOMER, channel, uuid_bytes(customer), at_ms);
}
