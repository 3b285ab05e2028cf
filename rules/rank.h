/* An ordered set of intrusive nodes: who is next. A treap whose shape never shows: the order is the keys'
 * alone, and keys are total. Insert, remove and first cost the logarithm of what is in it. */
#ifndef RULES_RANK_H
#define RULES_RANK_H

#include "rules/types.h"

/* Compared field by field, lower first. */
struct rank {
    int64_t first, second;
    struct uuid third;
};

struct rank_node {
    struct rank_node *left, *right, *parent;
    uint32_t weight;
    bool linked;
    struct rank rank;
    void *owner; /* what the node stands for */
};

struct rank_tree {
    struct rank_node *root;
    uint32_t seed, count;
};

int rank_compare(const struct rank *a, const struct rank *b);
/* The node must not be linked; equal keys are a broken invariant. */
void rank_insert(struct rank_tree *tree, struct rank_node *node, struct rank rank);
void rank_remove(struct rank_tree *tree, struct rank_node *node); /* does nothing when not linked */
struct rank_node *rank_first(const struct rank_tree *tree);
struct rank_node *rank_next(const struct rank_node *node);
struct rank_node *rank_after(const struct rank_tree *tree, const struct rank *rank); /* the first above it */

#endif
