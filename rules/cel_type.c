/* Types: as text, and the variables of generic signatures. A variable is a type of kind CEL_PARAM that knows
 * what it is bound to; every binding is on a trail, so that a signature that does not fit leaves no trace. */
#include <string.h>

#include "rules/cel_check.h"

struct type_variable {
    struct cel_type type; /* first, so that a CEL_PARAM type is one of these */
    const struct cel_type *bound;
};

struct cel_binding {
    struct cel_binding *older;
    struct type_variable *variable;
    const struct cel_type *bound; /* before */
};

static struct type_variable *variable_of(const struct cel_type *type)
{
    return type->kind == CEL_PARAM ? (struct type_variable *)(uintptr_t)type : NULL;
}

const struct cel_type *cel_type_variable(struct cel_checker *checker)
{
    struct type_variable *variable = arena_new(checker->reader->arena, struct type_variable);
    variable->type.kind = CEL_PARAM;
    return &variable->type;
}

const struct cel_type *cel_type_resolve(const struct cel_type *type)
{
    if (!type)
        return &cel_type_dyn;
    for (struct type_variable *variable; (variable = variable_of(type)) && variable->bound;)
        type = variable->bound;
    return type;
}

static void bind(struct cel_checker *checker, struct type_variable *variable, const struct cel_type *bound)
{
    struct cel_binding *binding = arena_new(checker->reader->arena, struct cel_binding);
    *binding = (struct cel_binding){checker->trail, variable, variable->bound};
    checker->trail = binding;
    variable->bound = bound;
}

struct cel_binding *cel_type_mark(const struct cel_checker *checker)
{
    return checker->trail;
}

void cel_type_undo(struct cel_checker *checker, struct cel_binding *mark)
{
    for (; checker->trail != mark; checker->trail = checker->trail->older)
        checker->trail->variable->bound = checker->trail->bound;
}

static bool occurs(const struct cel_type *variable, const struct cel_type *type)
{
    type = cel_type_resolve(type);
    if (type == variable)
        return true;
    if (type->kind != CEL_LIST && type->kind != CEL_MAP)
        return false;
    return (type->item && occurs(variable, type->item)) || (type->key && occurs(variable, type->key));
}

static bool bind_free(struct cel_checker *checker, const struct cel_type *variable,
                      const struct cel_type *type)
{
    if (occurs(variable, type))
        return false;
    bind(checker, variable_of(variable), type);
    return true;
}

/* A variable that was bound to less takes everything from now on. */
static void widen(struct cel_checker *checker, const struct cel_type *to)
{
    struct type_variable *variable = variable_of(to);
    if (!variable)
        return;
    while (variable->bound && variable_of(variable->bound))
        variable = variable_of(variable->bound);
    if (variable->bound && variable->bound->kind != CEL_DYN)
        bind(checker, variable, &cel_type_dyn);
}

static bool takes_null(enum cel_kind kind)
{
    return kind == CEL_TIMESTAMP || kind == CEL_DURATION;
}

static bool assign(struct cel_checker *checker, const struct cel_type *to, const struct cel_type *from)
{
    const struct cel_type *place = to ? to : &cel_type_dyn;
    to = cel_type_resolve(to);
    from = cel_type_resolve(from);
    if (to == from)
        return true;
    if (from->kind == CEL_PARAM)
        return bind_free(checker, from, to);
    if (to->kind == CEL_PARAM)
        return bind_free(checker, to, from);
    if (from->kind == CEL_DYN)
        widen(checker, place);
    if (to->kind == CEL_DYN || from->kind == CEL_DYN)
        return true;
    if (to->kind != from->kind)
        return (to->kind == CEL_NULL && takes_null(from->kind)) ||
               (from->kind == CEL_NULL && takes_null(to->kind));
    if (to->kind == CEL_LIST)
        return assign(checker, to->item, from->item);
    if (to->kind == CEL_MAP)
        return assign(checker, to->key, from->key) && assign(checker, to->item, from->item);
    return true;
}

bool cel_type_assign(struct cel_checker *checker, const struct cel_type *to, const struct cel_type *from)
{
    struct cel_binding *mark = checker->trail;
    if (assign(checker, to, from))
        return true;
    cel_type_undo(checker, mark);
    return false;
}

const struct cel_type *cel_type_join(struct cel_checker *checker, const struct cel_type *a,
                                     const struct cel_type *b)
{
    if (!a || cel_type_resolve(b)->kind == CEL_DYN)
        return b;
    return cel_type_assign(checker, a, b) ? a : &cel_type_dyn;
}

const struct cel_type *cel_type_final(const struct cel_type *type, struct arena *arena)
{
    type = cel_type_resolve(type);
    if (type->kind == CEL_PARAM)
        return &cel_type_dyn;
    if (type->kind != CEL_LIST && type->kind != CEL_MAP)
        return type;
    struct cel_type *copy = arena_new(arena, struct cel_type);
    copy->kind = type->kind;
    copy->item = cel_type_final(type->item, arena);
    copy->key = type->kind == CEL_MAP ? cel_type_final(type->key, arena) : NULL;
    return copy;
}

struct slice cel_type_text(const struct cel_type *type, struct arena *arena)
{
    type = cel_type_resolve(type);
    if (type->kind == CEL_TIMESTAMP)
        return SLICE("timestamp");
    if (type->kind == CEL_DURATION)
        return SLICE("duration");
    if (type->kind == CEL_NULL)
        return SLICE("null");
    if (type->kind != CEL_LIST && type->kind != CEL_MAP)
        return slice_of(cel_kind_name(type->kind));
    struct slice item = cel_type_text(type->item, arena);
    if (type->kind == CEL_LIST)
        return arena_format(arena, "list(%.*s)", (int)item.len, item.ptr);
    struct slice key = cel_type_text(type->key, arena);
    return arena_format(arena, "map(%.*s, %.*s)", (int)key.len, key.ptr, (int)item.len, item.ptr);
}
