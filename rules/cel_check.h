/* Names and types (langdef.md, "Name Resolution", "Gradual Type Checking"): between parser and compiler. */
#ifndef RULES_CEL_CHECK_H
#define RULES_CEL_CHECK_H

#include "rules/cel_ast.h"
#include "rules/cel_function.h"

struct cel_binding;

struct cel_checker {
    const struct cel_env *env;
    struct cel_reader *reader;
    const struct cel_local *locals;
    struct cel_binding *trail; /* what type variables were bound to, newest first */
};

/* Sets type, meaning and function of every node. False: the reader's error is set. */
bool cel_check(const struct cel_env *env, struct cel_reader *reader, struct cel_node *node)
    __attribute__((warn_unused_result));
bool cel_check_node(struct cel_checker *checker, struct cel_node *node) __attribute__((warn_unused_result));
bool cel_check_call(struct cel_checker *checker, struct cel_node *node) __attribute__((warn_unused_result));

/* Type variables. What `from` has can stand where `to` is wanted; binds on success, changes nothing else. */
const struct cel_type *cel_type_variable(struct cel_checker *checker);
const struct cel_type *cel_type_key_variable(struct cel_checker *checker); /* of a map's keys */
const struct cel_type *cel_type_resolve(const struct cel_type *type);
bool cel_type_assign(struct cel_checker *checker, const struct cel_type *to, const struct cel_type *from)
    __attribute__((warn_unused_result));
struct cel_binding *cel_type_mark(const struct cel_checker *checker);
void cel_type_undo(struct cel_checker *checker, struct cel_binding *mark);
/* The type of a place that takes both: one of them, or dyn. */
const struct cel_type *cel_type_join(struct cel_checker *checker, const struct cel_type *a,
                                     const struct cel_type *b);
/* A copy without variables in it: what is still free is dyn. */
const struct cel_type *cel_type_final(const struct cel_type *type, struct arena *arena);

/* "a.b.c" when the node is a name or a chain of fields from one that no macro introduced. */
bool cel_qualified_name(const struct cel_checker *checker, const struct cel_node *node, struct slice *out,
                        bool *is_absolute);
/* Tries `name` in the container, its parents and alone. */
bool cel_resolve(struct cel_checker *checker, struct cel_node *node, struct slice name, bool is_absolute);

#endif
