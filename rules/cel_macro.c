/* Macros (langdef.md, "Macros"; cel-go ext: bindings, two-variable comprehensions). */
#include "rules/cel_ast.h"

struct macro {
    const char *name;
    uint32_t variables, arguments; /* arguments: all of them, the variables too */
    bool has_filter;
    enum cel_loop loop;
};

static const struct macro macros[] = {
    {"all", 1, 2, false, LOOP_ALL},
    {"exists", 1, 2, false, LOOP_EXISTS},
    {"exists_one", 1, 2, false, LOOP_EXISTS_ONE},
    {"existsOne", 1, 2, false, LOOP_EXISTS_ONE},
    {"filter", 1, 2, false, LOOP_FILTER},
    {"map", 1, 2, false, LOOP_LIST},
    {"map", 1, 3, true, LOOP_LIST},
    {"all", 2, 3, false, LOOP_ALL},
    {"exists", 2, 3, false, LOOP_EXISTS},
    {"exists_one", 2, 3, false, LOOP_EXISTS_ONE},
    {"existsOne", 2, 3, false, LOOP_EXISTS_ONE},
    {"transformList", 2, 3, false, LOOP_LIST},
    {"transformList", 2, 4, true, LOOP_LIST},
    {"transformMap", 2, 3, false, LOOP_MAP},
    {"transformMap", 2, 4, true, LOOP_MAP},
};

static bool is_simple_name(const struct cel_node *node)
{
    return node->kind == NODE_NAME && !node->is_absolute;
}

static bool take_locals(struct cel_reader *reader, struct cel_node *node, struct cel_node **names,
                        uint32_t count)
{
    node->locals = arena_array(reader->arena, struct cel_local, count);
    node->local_count = count;
    for (uint32_t i = 0; i < count; i++) {
        if (!is_simple_name(names[i])) {
            cel_refuse(reader, CEL_SYNTAX, names[i]->at, "the macro's variable must be a simple name");
            return false;
        }
        node->locals[i].name = names[i]->name;
        if (i && slice_equal(names[0]->name, names[i]->name)) {
            cel_refuse(reader, CEL_SYNTAX, names[i]->at, "the macro's variables must differ");
            return false;
        }
    }
    return true;
}

/* The call becomes the macro; it is not deeper. */
static struct cel_node *expand_loop(struct cel_reader *reader, struct cel_node *call,
                                    const struct macro *macro)
{
    uint32_t count = macro->has_filter ? 3 : 2;
    struct cel_node **items = arena_array(reader->arena, struct cel_node *, count);
    items[0] = call->items[0];
    items[1] = call->items[macro->arguments];
    if (macro->has_filter)
        items[2] = call->items[macro->arguments - 1];
    if (!take_locals(reader, call, call->items + 1, macro->variables))
        return NULL;
    call->kind = NODE_LOOP;
    call->items = items;
    call->count = count;
    call->loop = macro->loop;
    return call;
}

static struct cel_node *expand_has(struct cel_reader *reader, struct cel_node *call)
{
    if (call->count != 1 || call->items[0]->kind != NODE_SELECT || call->items[0]->is_test)
        return cel_refuse(reader, CEL_SYNTAX, call->at, "has() wants a field: has(customer.owner)");
    call->items[0]->is_test = true;
    return call->items[0];
}

static struct cel_node *expand_bind(struct cel_reader *reader, struct cel_node *call)
{
    if (!take_locals(reader, call, call->items + 1, 1))
        return NULL;
    call->kind = NODE_BIND;
    call->items += 2;
    call->count = 2;
    return call;
}

struct cel_node *cel_expand(struct cel_reader *reader, struct cel_node *call)
{
    if (!call->is_member)
        return slice_is(call->name, "has") && !call->is_absolute ? expand_has(reader, call) : call;
    if (slice_is(call->name, "bind") && call->count == 4 && is_simple_name(call->items[0]) &&
        slice_is(call->items[0]->name, "cel"))
        return expand_bind(reader, call);
    for (size_t i = 0; i < sizeof macros / sizeof *macros; i++) {
        if (macros[i].arguments + 1 == call->count && slice_is(call->name, macros[i].name))
            return expand_loop(reader, call, &macros[i]);
    }
    return call;
}
