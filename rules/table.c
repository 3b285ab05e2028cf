#include "rules/table.h"

#include <assert.h>
#include <stdlib.h>

#define FIRST_BUCKETS 64

/* FNV-1a. Keys are digests, derived ids or what administrators typed: none is a stranger's choice. */
static uint64_t hash_bytes(struct slice key)
{
    uint64_t hash = UINT64_C(14695981039346656037);
    for (size_t i = 0; i < key.len; i++)
        hash = (hash ^ (uint8_t)key.ptr[i]) * UINT64_C(1099511628211);
    return hash ^ hash >> 32;
}

void table_init(struct table *table)
{
    table->bucket_count = FIRST_BUCKETS;
    table->count = 0;
    table->buckets = calloc(FIRST_BUCKETS, sizeof *table->buckets);
    if (!table->buckets)
        abort();
}

void table_deinit(struct table *table)
{
    free(table->buckets);
    *table = (struct table){0};
}

static void push(struct table *table, struct table_node *node)
{
    struct table_node **bucket = &table->buckets[node->hash & (table->bucket_count - 1)];
    node->next = *bucket;
    *bucket = node;
}

static void grow(struct table *table)
{
    struct table_node **old = table->buckets;
    uint32_t old_count = table->bucket_count;
    table->bucket_count *= 2;
    table->buckets = calloc(table->bucket_count, sizeof *table->buckets);
    if (!table->buckets)
        abort();
    for (uint32_t i = 0; i < old_count; i++) {
        struct table_node *next;
        for (struct table_node *node = old[i]; node; node = next) {
            next = node->next;
            push(table, node);
        }
    }
    free(old);
}

void table_insert(struct table *table, struct table_node *node, struct slice key)
{
    assert(!node->linked);
    if (table->count >= table->bucket_count)
        grow(table);
    node->key = key;
    node->hash = hash_bytes(key);
    node->linked = true;
    push(table, node);
    table->count++;
}

void table_remove(struct table *table, struct table_node *node)
{
    if (!node->linked)
        return;
    struct table_node **link = &table->buckets[node->hash & (table->bucket_count - 1)];
    while (*link != node)
        link = &(*link)->next;
    *link = node->next;
    node->linked = false;
    table->count--;
}

static struct table_node *same_key(struct table_node *node, uint64_t hash, struct slice key)
{
    while (node && (node->hash != hash || !slice_equal(node->key, key)))
        node = node->next;
    return node;
}

struct table_node *table_find(const struct table *table, struct slice key)
{
    uint64_t hash = hash_bytes(key);
    return same_key(table->buckets[hash & (table->bucket_count - 1)], hash, key);
}

struct table_node *table_next(const struct table_node *node)
{
    return same_key(node->next, node->hash, node->key);
}
