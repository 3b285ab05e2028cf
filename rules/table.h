/* A hash table of intrusive nodes by bytes. Several nodes may share a key. Never iterated: order in it means
 * nothing. */
#ifndef RULES_TABLE_H
#define RULES_TABLE_H

#include "rules/types.h"

struct table_node {
    struct table_node *next;
    uint64_t hash;
    struct slice key; /* borrowed: lives as long as the node is in the table */
    void *owner;
    bool linked;
};

struct table {
    struct table_node **buckets;
    uint32_t bucket_count, count; /* bucket_count is a power of two */
};

void table_init(struct table *table);
void table_deinit(struct table *table); /* the nodes are their owners' */
void table_insert(struct table *table, struct table_node *node, struct slice key);
void table_remove(struct table *table, struct table_node *node); /* does nothing when not linked */
/* The first node of that key, or NULL; table_next gives the others of the same key. */
struct table_node *table_find(const struct table *table, struct slice key);
struct table_node *table_next(const struct table_node *node);

#endif
