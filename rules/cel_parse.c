/* The grammar (langdef.md, "Syntax") by recursive descent with operator precedence. Loops take what is
 * left-associative, so the recursion is as deep as the source nests, which is limited. */
#include <stdio.h>
#include <string.h>

#include "rules/cel_ast.h"
#include "rules/cel_text.h"

#define ITEMS_FIRST 8

static struct cel_node *parse_expression(struct cel_reader *reader);

/* A list of nodes that grows in the tree's arena. */
struct items {
    struct cel_node **nodes;
    uint32_t count, room;
};

static void add_item(struct cel_reader *reader, struct items *items, struct cel_node *node)
{
    if (items->count == items->room) {
        uint32_t room = items->room ? items->room * 2 : ITEMS_FIRST;
        struct cel_node **nodes = arena_array(reader->arena, struct cel_node *, room);
        if (items->count)
            memcpy(nodes, items->nodes, sizeof *nodes * items->count);
        items->nodes = nodes;
        items->room = room;
    }
    items->nodes[items->count++] = node;
}

/* There are no more nodes than bytes of source: each has a mark, a name or a value of its own. */
static struct cel_node *leaf(struct cel_reader *reader, enum cel_node_kind kind, uint32_t at)
{
    struct cel_node *node = arena_new(reader->arena, struct cel_node);
    node->kind = kind;
    node->at = at;
    node->depth = 1;
    return node;
}

/* NULL when the tree gets too deep: the error is set. */
static struct cel_node *node_of(struct cel_reader *reader, enum cel_node_kind kind, uint32_t at,
                                const struct items *items, struct slice name)
{
    uint32_t depth = 0;
    for (uint32_t i = 0; i < items->count; i++)
        depth = items->nodes[i]->depth > depth ? items->nodes[i]->depth : depth;
    if (depth >= CEL_DEPTH_MAX)
        return cel_refuse(reader, CEL_TOO_LARGE, at, "the expression is nested more than %d levels deep",
                          CEL_DEPTH_MAX);
    struct cel_node *node = leaf(reader, kind, at);
    node->depth = depth + 1;
    node->items = items->nodes;
    node->count = items->count;
    node->name = name;
    return node;
}

static struct cel_node *unexpected(struct cel_reader *reader, const char *wanted)
{
    if (reader->token.kind == TOKEN_END)
        return cel_refuse(reader, CEL_SYNTAX, reader->token.at, "the expression ends where %s should stand",
                          wanted);
    struct slice text = cel_utf8_cut(reader->token.text, 40);
    return cel_refuse(reader, CEL_SYNTAX, reader->token.at, "'%.*s' stands where %s should", (int)text.len,
                      text.ptr, wanted);
}

static bool take_mark(struct cel_reader *reader, const char *mark)
{
    if (!cel_is_mark(reader, mark))
        return false;
    cel_next(reader);
    return true;
}

static bool expect_mark(struct cel_reader *reader, const char *mark)
{
    char wanted[8];
    if (take_mark(reader, mark))
        return true;
    snprintf(wanted, sizeof wanted, "'%s'", mark);
    unexpected(reader, wanted);
    return false;
}

/* Expressions up to `closing`; a comma may stand before it. */
static bool parse_items(struct cel_reader *reader, struct items *items, const char *closing,
                        bool comma_may_end)
{
    if (take_mark(reader, closing))
        return true;
    for (;;) {
        struct cel_node *item = parse_expression(reader);
        if (!item)
            return false;
        add_item(reader, items, item);
        if (take_mark(reader, closing))
            return true;
        if (!take_mark(reader, ",")) {
            char wanted[16];
            snprintf(wanted, sizeof wanted, "',' or '%s'", closing);
            unexpected(reader, wanted);
            return false;
        }
        if (comma_may_end && take_mark(reader, closing))
            return true;
    }
}

static struct cel_node *parse_map(struct cel_reader *reader, uint32_t at)
{
    struct items items = {0};
    while (!take_mark(reader, "}")) {
        struct cel_node *key = parse_expression(reader);
        if (!key || !expect_mark(reader, ":"))
            return NULL;
        struct cel_node *value = parse_expression(reader);
        if (!value)
            return NULL;
        add_item(reader, &items, key);
        add_item(reader, &items, value);
        if (!take_mark(reader, ",") && !cel_is_mark(reader, "}"))
            return unexpected(reader, "',' or '}'");
    }
    return node_of(reader, NODE_MAP, at, &items, (struct slice){NULL, 0});
}

static struct cel_node *parse_literal(struct cel_reader *reader, bool negative)
{
    struct cel_token token = reader->token;
    struct cel_value value;
    if (!cel_literal(&value, reader, &token, negative))
        return NULL;
    struct cel_node *node = leaf(reader, NODE_LITERAL, token.at);
    node->value = value;
    cel_next(reader);
    return node;
}

/* true, false and null, or NULL. */
static struct cel_node *parse_keyword(struct cel_reader *reader)
{
    struct slice text = reader->token.text;
    bool is_true = slice_is(text, "true"), is_bool = is_true || slice_is(text, "false");
    if (!is_bool && !slice_is(text, "null"))
        return NULL;
    struct cel_node *node = leaf(reader, NODE_LITERAL, reader->token.at);
    node->value = is_bool ? cel_bool(is_true) : cel_null();
    cel_next(reader);
    return node;
}

static struct cel_node *parse_name(struct cel_reader *reader, bool is_absolute)
{
    struct cel_token token = reader->token;
    if (token.kind != TOKEN_NAME || cel_is_reserved(token.text))
        return unexpected(reader, "a value or a name");
    cel_next(reader);
    if (take_mark(reader, "(")) {
        struct items arguments = {0};
        if (!parse_items(reader, &arguments, ")", false))
            return NULL;
        struct cel_node *call = node_of(reader, NODE_CALL, token.at, &arguments, token.text);
        if (!call)
            return NULL;
        call->is_absolute = is_absolute;
        return cel_expand(reader, call);
    }
    struct cel_node *node = leaf(reader, NODE_NAME, token.at);
    node->name = token.text;
    node->is_absolute = is_absolute;
    return node;
}

static struct cel_node *parse_primary(struct cel_reader *reader)
{
    uint32_t at = reader->token.at;
    struct items items = {0};
    if (reader->token.kind >= TOKEN_INT && reader->token.kind <= TOKEN_BYTES)
        return parse_literal(reader, false);
    if (reader->token.kind == TOKEN_NAME) {
        struct cel_node *keyword = parse_keyword(reader);
        return keyword ? keyword : parse_name(reader, false);
    }
    if (take_mark(reader, "(")) {
        struct cel_node *inner = parse_expression(reader);
        return inner && expect_mark(reader, ")") ? inner : NULL;
    }
    if (take_mark(reader, "["))
        return parse_items(reader, &items, "]", true)
                   ? node_of(reader, NODE_LIST, at, &items, (struct slice){NULL, 0})
                   : NULL;
    if (take_mark(reader, "{"))
        return parse_map(reader, at);
    if (take_mark(reader, "."))
        return parse_name(reader, true);
    return unexpected(reader, "a value or a name");
}

/* Stands behind the dot. */
static struct cel_node *parse_field(struct cel_reader *reader, struct cel_node *target)
{
    struct cel_token token = reader->token;
    struct items items = {0};
    bool is_quoted = token.kind == TOKEN_QUOTED;
    bool is_keyword = slice_is(token.text, "in") || slice_is(token.text, "true") ||
                      slice_is(token.text, "false") || slice_is(token.text, "null");
    if (!is_quoted && (token.kind != TOKEN_NAME || is_keyword))
        return unexpected(reader, "a field's name");
    cel_next(reader);
    add_item(reader, &items, target);
    if (!is_quoted && take_mark(reader, "(")) {
        if (!parse_items(reader, &items, ")", false))
            return NULL;
        struct cel_node *call = node_of(reader, NODE_CALL, token.at, &items, token.text);
        if (!call)
            return NULL;
        call->is_member = true;
        return cel_expand(reader, call);
    }
    struct slice name = is_quoted ? cel_slice_part(token.text, 1, token.text.len - 1) : token.text;
    struct cel_node *node = node_of(reader, NODE_SELECT, token.at, &items, name);
    if (node)
        node->is_quoted = is_quoted;
    return node;
}

static struct cel_node *parse_member(struct cel_reader *reader, struct cel_node *target)
{
    while (target) {
        uint32_t at = reader->token.at;
        if (take_mark(reader, ".")) {
            target = parse_field(reader, target);
        } else if (take_mark(reader, "[")) {
            struct items items = {0};
            struct cel_node *index = parse_expression(reader);
            if (!index || !expect_mark(reader, "]"))
                return NULL;
            add_item(reader, &items, target);
            add_item(reader, &items, index);
            target = node_of(reader, NODE_CALL, at, &items, SLICE("_[_]"));
        } else if (cel_is_mark(reader, "{") && (target->kind == NODE_NAME || target->kind == NODE_SELECT)) {
            return cel_refuse(reader, CEL_UNSUPPORTED, at, "messages of protocol buffers are not supported");
        } else {
            return target;
        }
    }
    return NULL;
}

/* An even number of signs is none, as the grammar's repetition allows; a minus belongs to its number. */
static struct cel_node *parse_unary(struct cel_reader *reader)
{
    uint32_t at = reader->token.at, signs = 0;
    bool is_minus = cel_is_mark(reader, "-");
    if (!is_minus && !cel_is_mark(reader, "!"))
        return parse_member(reader, parse_primary(reader));
    while (take_mark(reader, is_minus ? "-" : "!"))
        signs++;
    bool is_odd = signs % 2;
    if (is_minus && is_odd && reader->token.kind >= TOKEN_INT && reader->token.kind <= TOKEN_DOUBLE &&
        reader->token.kind != TOKEN_UINT)
        return parse_member(reader, parse_literal(reader, true));
    struct items items = {0};
    struct cel_node *operand = parse_member(reader, parse_primary(reader));
    if (!operand || !is_odd)
        return operand;
    add_item(reader, &items, operand);
    return node_of(reader, NODE_CALL, at, &items, is_minus ? SLICE("-_") : SLICE("!_"));
}

struct infix {
    const char *mark, *name;
    int precedence;
};

static const struct infix *infix_here(const struct cel_reader *reader)
{
    static const struct infix infixes[] = {
        {"<", "_<_", 1},   {"<=", "_<=_", 1}, {">", "_>_", 1}, {">=", "_>=_", 1},
        {"==", "_==_", 1}, {"!=", "_!=_", 1}, {"+", "_+_", 2}, {"-", "_-_", 2},
        {"*", "_*_", 3},   {"/", "_/_", 3},   {"%", "_%_", 3},
    };
    static const struct infix in = {"in", "@in", 1};
    if (reader->token.kind == TOKEN_NAME && slice_is(reader->token.text, "in"))
        return &in;
    for (size_t i = 0; i < sizeof infixes / sizeof *infixes; i++) {
        if (cel_is_mark(reader, infixes[i].mark))
            return &infixes[i];
    }
    return NULL;
}

static struct cel_node *parse_binary(struct cel_reader *reader, int precedence)
{
    struct cel_node *left = parse_unary(reader);
    const struct infix *infix;
    while (left && (infix = infix_here(reader)) && infix->precedence >= precedence) {
        uint32_t at = reader->token.at;
        struct items items = {0};
        cel_next(reader);
        struct cel_node *right = parse_binary(reader, infix->precedence + 1);
        if (!right)
            return NULL;
        add_item(reader, &items, left);
        add_item(reader, &items, right);
        left = node_of(reader, NODE_CALL, at, &items, slice_of(infix->name));
    }
    return left;
}

static struct cel_node *parse_chain(struct cel_reader *reader, bool is_or)
{
    struct items items = {0};
    uint32_t at = reader->token.at;
    do {
        struct cel_node *item = is_or ? parse_chain(reader, false) : parse_binary(reader, 1);
        if (!item)
            return NULL;
        add_item(reader, &items, item);
    } while (take_mark(reader, is_or ? "||" : "&&"));
    if (items.count == 1)
        return items.nodes[0];
    return node_of(reader, is_or ? NODE_OR : NODE_AND, at, &items, is_or ? SLICE("_||_") : SLICE("_&&_"));
}

static struct cel_node *parse_choice(struct cel_reader *reader)
{
    struct cel_node *condition = parse_chain(reader, true);
    struct items items = {0};
    uint32_t at = reader->token.at;
    if (!condition || !take_mark(reader, "?"))
        return condition;
    struct cel_node *yes = parse_chain(reader, true);
    if (!yes || !expect_mark(reader, ":"))
        return NULL;
    struct cel_node *no = parse_expression(reader);
    if (!no)
        return NULL;
    add_item(reader, &items, condition);
    add_item(reader, &items, yes);
    add_item(reader, &items, no);
    return node_of(reader, NODE_CHOOSE, at, &items, SLICE("_?_:_"));
}

static struct cel_node *parse_expression(struct cel_reader *reader)
{
    if (reader->nesting >= CEL_DEPTH_MAX)
        return cel_refuse(reader, CEL_TOO_LARGE, reader->token.at,
                          "the expression is nested more than %d levels deep", CEL_DEPTH_MAX);
    reader->nesting++;
    struct cel_node *node = parse_choice(reader);
    reader->nesting--;
    return node;
}

struct cel_node *cel_parse(struct cel_reader *reader)
{
    if (reader->source.len > CEL_SOURCE_MAX)
        return cel_refuse(reader, CEL_TOO_LARGE, 0, "the expression is longer than %d bytes", CEL_SOURCE_MAX);
    if (!cel_utf8_is_valid(reader->source))
        return cel_refuse(reader, CEL_SYNTAX, 0, "the expression is not valid UTF-8");
    cel_next(reader);
    struct cel_node *node = parse_expression(reader);
    if (node && reader->token.kind != TOKEN_END)
        return unexpected(reader, "an operator or the end");
    return node;
}
