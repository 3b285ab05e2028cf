/* The tree between parser and compiler. It lies in an arena that cel_compile() throws away.
 *
 * Macros are nodes of their own, not expanded to folds: the compiler makes loops of them that build a list in
 * place. Chains of && and || are one node with many items, however long. */
#ifndef RULES_CEL_AST_H
#define RULES_CEL_AST_H

#include "rules/cel.h"

enum cel_node_kind {
    NODE_LITERAL,
    NODE_NAME,   /* name; is_absolute for ".name" */
    NODE_SELECT, /* items[0].name; is_test for has() */
    NODE_CALL,   /* name(items), or items[0].name(rest) when is_member; operators too */
    NODE_LIST,
    NODE_MAP, /* key, value, key, value... */
    NODE_AND,
    NODE_OR,
    NODE_CHOOSE, /* items[0] ? items[1] : items[2] */
    NODE_LOOP,   /* a macro over a list or map: range, body, and a filter where there is one */
    NODE_BIND,   /* cel.bind(): value, body */
};

enum cel_loop {
    LOOP_ALL,
    LOOP_EXISTS,
    LOOP_EXISTS_ONE,
    LOOP_FILTER, /* body is the filter; gives the items */
    LOOP_LIST,   /* map() and transformList() */
    LOOP_MAP,    /* transformMap() */
};

/* What a name stands for, once checked. */
enum cel_meaning { MEANS_NOTHING, MEANS_VARIABLE, MEANS_LOCAL, MEANS_TYPE };

/* A name that a macro introduces. */
struct cel_local {
    struct slice name;
    const struct cel_type *type;
    uint32_t slot; /* on the stack, given by the compiler */
    const struct cel_local *outer;
};

struct cel_node {
    enum cel_node_kind kind;
    uint32_t at;    /* offset in the source, for complaints */
    uint32_t depth; /* of the tree below, 1 for a leaf */
    uint32_t count;
    struct cel_node **items;
    struct slice name;
    struct cel_value value;
    bool is_absolute, is_member, is_test, is_quoted;
    enum cel_loop loop;
    struct cel_local *locals; /* one or two */
    uint32_t local_count;
    /* By the checker: */
    const struct cel_type *type;
    enum cel_meaning meaning;
    uint32_t variable;
    const struct cel_local *local;
    const struct cel_function *function; /* NULL: unknown, in an unchecked expression */
};

/* Tokens, and the state of reading one source. */
enum cel_token_kind {
    TOKEN_END,
    TOKEN_NAME,   /* also reserved words */
    TOKEN_QUOTED, /* `name` */
    TOKEN_INT,
    TOKEN_UINT,
    TOKEN_DOUBLE,
    TOKEN_STRING,
    TOKEN_BYTES,
    TOKEN_MARK, /* mark holds one or two characters */
    TOKEN_BAD,  /* the reader's error is set */
};

struct cel_token {
    enum cel_token_kind kind;
    uint32_t at;
    struct slice text;
    char mark[3];
};

struct cel_reader {
    struct slice source;
    struct arena *arena;   /* of the tree */
    struct arena *program; /* of what stays: literals */
    struct cel_error *error;
    uint32_t at;
    struct cel_token token; /* the one to be looked at next */
    uint32_t nesting;
};

/* Sets the error (the first one stays) and gives NULL. */
void *cel_refuse(struct cel_reader *reader, enum cel_code code, uint32_t at, const char *format, ...)
    __attribute__((format(printf, 4, 5)));
void cel_locate(struct cel_error *error, struct slice source, uint32_t at);

void cel_next(struct cel_reader *reader);
bool cel_is_mark(const struct cel_reader *reader, const char *mark);
bool cel_is_reserved(struct slice name);
/* The value of a token of kinds INT to BYTES; `negative` for numbers behind a minus. */
bool cel_literal(struct cel_value *out, struct cel_reader *reader, const struct cel_token *token,
                 bool negative) __attribute__((warn_unused_result));

struct cel_node *cel_parse(struct cel_reader *reader);
/* A call as the grammar has it becomes a macro where it is one; NULL: the error is set. */
struct cel_node *cel_expand(struct cel_reader *reader, struct cel_node *call);

#endif
