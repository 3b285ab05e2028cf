/* Types: as text, and the variables of generic signatures. A variable is a type of kind CEL_PARAM that knows
 * what it is bound to; every binding is on a trail, so that a signature that does not fit leaves no trace. */
#include <string.h>

#include "rules/cel_check.h"

#define TYPE_DEPTH_MAX 256 /* deeper types, which only unification could make, fit nothing */

struct type_variable {
    struct cel_type type; /* first, so that a CEL_PARAM type is one of these */
    const struct cel_type *bound;
    bool is_key; /* takes only what can be a map's key, so that no type has two branches that grow */
};

struct cel_binding {
    struct cel_binding *older;
    struct type_variable *variable;
    const struct cel_type *bound; /* before */
    bool was_key;
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

const struct cel_type *cel_type_key_variable(struct cel_checker *checker)
{
    const struct cel_type *type = cel_type_variable(checker);
    variable_of(type)->is_key = true;
    return type;
}

const struct cel_type *cel_type_resolve(const struct cel_type *type)
{
    if (!type)
        return &cel_type_dyn;
    for (struct type_variable *variable; (variable = variable_of(type)) && variable->bound;)
        type = variable->bound;
    return type;
}

static void record(struct cel_checker *checker, struct type_variable *variable)
{
    struct cel_binding *binding = arena_new(checker->reader->arena, struct cel_binding);
    *binding = (struct cel_binding){checker->trail, variable, variable->bound, variable->is_key};
    checker->trail = binding;
}

static void bind(struct cel_checker *checker, struct type_variable *variable, const struct cel_type *bound)
{
    record(checker, variable);
    variable->bound = bound;
}

struct cel_binding *cel_type_mark(const struct cel_checker *checker)
{
    return checker->trail;
}

void cel_type_undo(struct cel_checker *checker, struct cel_binding *mark)
{
    for (; checker->trail != mark; checker->trail = checker->trail->older) {
        checker->trail->variable->bound = checker->trail->bound;
        checker->trail->variable->is_key = checker->trail->was_key;
    }
}

static bool occurs(const struct cel_type *variable, const struct cel_type *type, uint32_t depth)
{
    type = cel_type_resolve(type);
    if (type == variable || depth > TYPE_DEPTH_MAX)
        return true;
    if (type->kind != CEL_LIST && type->kind != CEL_MAP)
        return false;
    return (type->item && occurs(variable, type->item, depth + 1)) ||
           (type->key && occurs(variable, type->key, depth + 1));
}

/* Both are resolved. */
static bool bind_free(struct cel_checker *checker, const struct cel_type *free, const struct cel_type *type)
{
    struct type_variable *variable = variable_of(free), *other = variable_of(type);
    if (occurs(free, type, 0))
        return false;
    if (variable->is_key && !other && type->kind != CEL_DYN && !cel_can_be_key(type->kind))
        return false;
    if (variable->is_key && other && !other->is_key) {
        record(checker, other);
        other->is_key = true;
    }
    bind(checker, variable, type);
    return true;
}

/* What holds the values of both, which fit each other: dyn wherever one of them has it, never null for a
 * time. */
static const struct cel_type *wider(struct cel_checker *checker, const struct cel_type *a,
                                    const struct cel_type *b)
{
    a = cel_type_resolve(a);
    b = cel_type_resolve(b);
    if (a == b || a->kind == CEL_DYN || b->kind == CEL_NULL)
        return a;
    if (b->kind == CEL_DYN || a->kind == CEL_NULL)
        return b;
    if (a->kind != CEL_LIST && a->kind != CEL_MAP)
        return a;
    const struct cel_type *item = wider(checker, a->item, b->item), *key = NULL;
    if (a->kind == CEL_MAP)
        key = wider(checker, a->key, b->key);
    if (item == cel_type_resolve(a->item) && (!key || key == cel_type_resolve(a->key)))
        return a;
    struct cel_type *both = arena_new(checker->reader->arena, struct cel_type);
    *both = (struct cel_type){.kind = a->kind, .item = item, .key = key};
    return both;
}

/* A variable that was bound to less takes all of it from now on. */
static void widen(struct cel_checker *checker, const struct cel_type *to, const struct cel_type *from)
{
    struct type_variable *variable = variable_of(to);
    if (!variable)
        return;
    while (variable->bound && variable_of(variable->bound))
        variable = variable_of(variable->bound);
    const struct cel_type *both = wider(checker, to, from);
    if (variable->bound && variable->bound != both)
        bind(checker, variable, both);
}

static bool takes_null(enum cel_kind kind)
{
    return kind == CEL_TIMESTAMP || kind == CEL_DURATION;
}

static bool assign(struct cel_checker *checker, const struct cel_type *to, const struct cel_type *from,
                   uint32_t depth);

/* Both are resolved. */
static bool fits(struct cel_checker *checker, const struct cel_type *to, const struct cel_type *from,
                 uint32_t depth)
{
    if (to == from || depth > TYPE_DEPTH_MAX)
        return to == from;
    if (from->kind == CEL_PARAM)
        return bind_free(checker, from, to);
    if (to->kind == CEL_PARAM)
        return bind_free(checker, to, from);
    if (to->kind == CEL_DYN || from->kind == CEL_DYN)
        return true;
    if (to->kind != from->kind)
        return (to->kind == CEL_NULL && takes_null(from->kind)) ||
               (from->kind == CEL_NULL && takes_null(to->kind));
    if (to->kind == CEL_LIST)
        return assign(checker, to->item, from->item, depth + 1);
    if (to->kind == CEL_MAP)
        return assign(checker, to->key, from->key, depth + 1) &&
               assign(checker, to->item, from->item, depth + 1);
    return true;
}

static bool assign(struct cel_checker *checker, const struct cel_type *to, const struct cel_type *from,
                   uint32_t depth)
{
    if (!fits(checker, cel_type_resolve(to), cel_type_resolve(from), depth))
        return false;
    if (to)
        widen(checker, to, from);
    return true;
}

bool cel_type_assign(struct cel_checker *checker, const struct cel_type *to, const struct cel_type *from)
{
    struct cel_binding *mark = checker->trail;
    if (assign(checker, to, from, 0))
        return true;
    cel_type_undo(checker, mark);
    return false;
}

const struct cel_type *cel_type_join(struct cel_checker *checker, const struct cel_type *a,
                                     const struct cel_type *b)
{
    if (!a || cel_type_resolve(b)->kind == CEL_DYN)
        return b;
    return cel_type_assign(checker, a, b) ? wider(checker, a, b) : &cel_type_dyn;
}

static const struct cel_type *final_type(const struct cel_type *type, struct arena *arena, uint32_t depth)
{
    type = cel_type_resolve(type);
    if (type->kind == CEL_PARAM || depth > TYPE_DEPTH_MAX)
        return &cel_type_dyn;
    if (type->kind != CEL_LIST && type->kind != CEL_MAP)
        return type;
    struct cel_type *copy = arena_new(arena, struct cel_type);
    copy->kind = type->kind;
    copy->item = final_type(type->item, arena, depth + 1);
    copy->key = type->kind == CEL_MAP ? final_type(type->key, arena, depth + 1) : NULL;
    return copy;
}

const struct cel_type *cel_type_final(const struct cel_type *type, struct arena *arena)
{
    return final_type(type, arena, 0);
}

/* Nobody reads a type that is nested deeper than a few levels. */
static struct slice type_text(const struct cel_type *type, struct arena *arena, uint32_t depth)
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
    struct slice item = depth < 8 ? type_text(type->item, arena, depth + 1) : SLICE("...");
    if (type->kind == CEL_LIST)
        return arena_format(arena, "list(%.*s)", (int)item.len, item.ptr);
    struct slice key = type_text(type->key, arena, depth + 1);
    return arena_format(arena, "map(%.*s, %.*s)", (int)key.len, key.ptr, (int)item.len, item.ptr);
}

struct slice cel_type_text(const struct cel_type *type, struct arena *arena)
{
    return type_text(type, arena, 0);
}
