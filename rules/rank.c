#include "rules/rank.h"

#include <assert.h>

int rank_compare(const struct rank *a, const struct rank *b)
{
    if (a->first != b->first)
        return a->first < b->first ? -1 : 1;
    if (a->second != b->second)
        return a->second < b->second ? -1 : 1;
    return uuid_compare(&a->third, &b->third);
}

static void replace_child(struct rank_tree *tree, struct rank_node *parent, struct rank_node *old,
                          struct rank_node *new)
{
    if (!parent)
        tree->root = new;
    else if (parent->left == old)
        parent->left = new;
    else
        parent->right = new;
    if (new)
        new->parent = parent;
}

/* Lifts `node` above its parent; the order stays. */
static void rotate_up(struct rank_tree *tree, struct rank_node *node)
{
    struct rank_node *parent = node->parent;
    replace_child(tree, parent->parent, parent, node);
    if (parent->left == node) {
        parent->left = node->right;
        if (node->right)
            node->right->parent = parent;
        node->right = parent;
    } else {
        parent->right = node->left;
        if (node->left)
            node->left->parent = parent;
        node->left = parent;
    }
    parent->parent = node;
}

void rank_insert(struct rank_tree *tree, struct rank_node *node, struct rank rank)
{
    assert(!node->linked);
    tree->seed = tree->seed * UINT32_C(1664525) + UINT32_C(1013904223);
    node->weight = tree->seed ^ tree->seed >> 16;
    node->left = node->right = node->parent = NULL;
    node->rank = rank;
    node->linked = true;
    tree->count++;
    struct rank_node **link = &tree->root;
    while (*link) {
        int order = rank_compare(&rank, &(*link)->rank);
        assert(order != 0);
        node->parent = *link;
        link = order < 0 ? &(*link)->left : &(*link)->right;
    }
    *link = node;
    while (node->parent && node->parent->weight < node->weight)
        rotate_up(tree, node);
}

void rank_remove(struct rank_tree *tree, struct rank_node *node)
{
    if (!node->linked)
        return;
    while (node->left && node->right)
        rotate_up(tree, node->left->weight > node->right->weight ? node->left : node->right);
    replace_child(tree, node->parent, node, node->left ? node->left : node->right);
    node->linked = false;
    tree->count--;
}

struct rank_node *rank_first(const struct rank_tree *tree)
{
    struct rank_node *node = tree->root;
    while (node && node->left)
        node = node->left;
    return node;
}

struct rank_node *rank_next(const struct rank_node *node)
{
    if (node->right) {
        struct rank_node *next = node->right;
        while (next->left)
            next = next->left;
        return next;
    }
    while (node->parent && node->parent->right == node)
        node = node->parent;
    return node->parent;
}

struct rank_node *rank_after(const struct rank_tree *tree, const struct rank *rank)
{
    struct rank_node *node = tree->root, *found = NULL;
    while (node) {
        bool above = rank_compare(&node->rank, rank) > 0;
        if (above)
            found = node;
        node = above ? node->left : node->right;
    }
    return found;
}
