#include "rules/cel_check.h"

#include <string.h>

#include "rules/cel_text.h"

#define NAME_MAX_BYTES 256 /* a longer chain of fields is no declared name */

static const struct cel_local *find_local(const struct cel_checker *checker, struct slice name)
{
    for (const struct cel_local *local = checker->locals; local; local = local->outer) {
        if (slice_equal(local->name, name))
            return local;
    }
    return NULL;
}

bool cel_qualified_name(const struct cel_checker *checker, const struct cel_node *node, struct slice *out,
                        bool *is_absolute)
{
    if (node->kind == NODE_NAME) {
        *out = node->name;
        *is_absolute = node->is_absolute;
        return node->is_absolute || !find_local(checker, node->name);
    }
    if (node->kind != NODE_SELECT || node->is_quoted ||
        !cel_qualified_name(checker, node->items[0], out, is_absolute) || node->items[0]->is_test ||
        out->len + node->name.len > NAME_MAX_BYTES)
        return false;
    *out = arena_format(checker->reader->arena, "%.*s.%.*s", (int)out->len, out->ptr, (int)node->name.len,
                        node->name.ptr);
    return true;
}

static bool find_variable(const struct cel_checker *checker, struct cel_node *node, struct slice name)
{
    for (uint32_t i = 0; i < checker->env->variable_count; i++) {
        if (!slice_equal(checker->env->variables[i].name, name))
            continue;
        node->meaning = MEANS_VARIABLE;
        node->variable = i;
        node->type = checker->env->variables[i].type;
        return true;
    }
    return false;
}

static bool find_type(struct cel_node *node, struct slice name)
{
    static const struct cel_type *const types[] = {
        &cel_type_null,   &cel_type_bool,      &cel_type_int,      &cel_type_uint, &cel_type_double,
        &cel_type_string, &cel_type_bytes,     &cel_type_list,     &cel_type_map,  &cel_type_type,
        &cel_type_dyn,    &cel_type_timestamp, &cel_type_duration,
    };
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        if (!slice_is(name, cel_kind_name(types[i]->kind)))
            continue;
        node->meaning = MEANS_TYPE;
        node->value = cel_type_value(types[i]);
        node->type = &cel_type_type;
        return true;
    }
    return false;
}

bool cel_resolve(struct cel_checker *checker, struct cel_node *node, struct slice name, bool is_absolute)
{
    struct slice container = is_absolute ? (struct slice){NULL, 0} : checker->env->container;
    while (container.len) {
        struct slice full = arena_format(checker->reader->arena, "%.*s.%.*s", (int)container.len,
                                         container.ptr, (int)name.len, name.ptr);
        if (find_variable(checker, node, full))
            return true;
        size_t dot = cel_find_last(container, SLICE("."), container.len);
        container.len = dot == CEL_NOWHERE ? 0 : dot;
    }
    return find_variable(checker, node, name) || find_type(node, name);
}

/* A declared name begins with "name." */
static bool is_object(const struct cel_checker *checker, struct slice name)
{
    for (uint32_t i = 0; i < checker->env->variable_count; i++) {
        struct slice whole = checker->env->variables[i].name;
        if (whole.len > name.len && whole.ptr[name.len] == '.' &&
            slice_equal(cel_slice_part(whole, 0, name.len), name))
            return true;
    }
    return false;
}

/* Says what is wrong with a node's type. */
static bool refuse_type(const struct cel_checker *checker, const struct cel_node *node, const char *before,
                        const struct cel_type *type, const char *after)
{
    struct slice text = cel_type_text(type, checker->reader->arena);
    return cel_refuse(checker->reader, CEL_NO_OVERLOAD, node->at, "%s '%.*s'%s", before, (int)text.len,
                      text.ptr, after);
}

static bool check_name(struct cel_checker *checker, struct cel_node *node)
{
    const struct cel_local *local = node->is_absolute ? NULL : find_local(checker, node->name);
    if (local) {
        node->meaning = MEANS_LOCAL;
        node->local = local;
        node->type = local->type;
        return true;
    }
    if (cel_resolve(checker, node, node->name, node->is_absolute))
        return true;
    node->type = &cel_type_dyn;
    if (checker->env->is_unchecked)
        return true;
    if (is_object(checker, node->name))
        return cel_refuse(checker->reader, CEL_UNDECLARED, node->at,
                          "'%.*s' is an object: name one of its fields", (int)node->name.len, node->name.ptr);
    struct slice container = checker->env->container;
    struct slice text =
        arena_format(checker->reader->arena, "'%.*s' (in container '%.*s')", (int)node->name.len,
                     node->name.ptr, (int)container.len, container.ptr ? container.ptr : "");
    return cel_refuse(checker->reader, CEL_UNDECLARED, node->at, "undeclared reference to %.*s",
                      (int)text.len, text.ptr);
}

/* Fields of maps; those of objects are variables and were found before. */
static bool check_field(struct cel_checker *checker, struct cel_node *node)
{
    const struct cel_type *type = cel_type_resolve(node->items[0]->type);
    if (type->kind == CEL_PARAM || type->kind == CEL_DYN) {
        node->type = &cel_type_dyn;
    } else if (type->kind == CEL_MAP && cel_type_assign(checker, type->key, &cel_type_string)) {
        node->type = type->item ? type->item : &cel_type_dyn;
    } else {
        return refuse_type(checker, node, "type", type, " does not support field selection");
    }
    return true;
}

static bool check_select(struct cel_checker *checker, struct cel_node *node)
{
    struct slice name;
    bool is_absolute;
    if (cel_qualified_name(checker, node, &name, &is_absolute) &&
        cel_resolve(checker, node, name, is_absolute)) {
        node->type = node->is_test ? &cel_type_bool : node->type;
        return true;
    }
    struct cel_node *operand = node->items[0];
    if (!checker->env->is_unchecked && cel_qualified_name(checker, operand, &name, &is_absolute) &&
        is_object(checker, name) && !cel_resolve(checker, operand, name, is_absolute)) {
        struct slice text = arena_format(checker->reader->arena, "'%.*s' of '%.*s'", (int)node->name.len,
                                         node->name.ptr, (int)name.len, name.ptr);
        return cel_refuse(checker->reader, CEL_UNDECLARED, node->at, "undefined field %.*s", (int)text.len,
                          text.ptr);
    }
    if (!cel_check_node(checker, operand) || !check_field(checker, node))
        return false;
    if (node->is_test)
        node->type = &cel_type_bool;
    return true;
}

static bool check_items(struct cel_checker *checker, struct cel_node *node)
{
    for (uint32_t i = 0; i < node->count; i++) {
        if (!cel_check_node(checker, node->items[i]))
            return false;
    }
    return true;
}

static bool check_list(struct cel_checker *checker, struct cel_node *node)
{
    struct cel_type *type = arena_new(checker->reader->arena, struct cel_type);
    const struct cel_type *item = NULL;
    if (!check_items(checker, node))
        return false;
    for (uint32_t i = 0; i < node->count; i++)
        item = cel_type_join(checker, item, node->items[i]->type);
    *type = (struct cel_type){.kind = CEL_LIST, .item = item ? item : cel_type_variable(checker)};
    node->type = type;
    return true;
}

static bool check_map(struct cel_checker *checker, struct cel_node *node)
{
    struct cel_type *type = arena_new(checker->reader->arena, struct cel_type);
    const struct cel_type *key = NULL, *item = NULL;
    if (!check_items(checker, node))
        return false;
    for (uint32_t i = 0; i < node->count; i += 2) {
        key = cel_type_join(checker, key, node->items[i]->type);
        item = cel_type_join(checker, item, node->items[i + 1]->type);
    }
    const struct cel_type *place = cel_type_key_variable(checker);
    if (key && !cel_type_assign(checker, place, key))
        return refuse_type(checker, node->items[0], "a map's keys are bool, int, uint or string, not", key,
                           "");
    *type =
        (struct cel_type){.kind = CEL_MAP, .key = place, .item = item ? item : cel_type_variable(checker)};
    node->type = type;
    return true;
}

static bool check_logic(struct cel_checker *checker, struct cel_node *node)
{
    node->type = &cel_type_bool;
    if (!check_items(checker, node))
        return false;
    for (uint32_t i = 0; i < node->count; i++) {
        if (cel_type_assign(checker, &cel_type_bool, node->items[i]->type))
            continue;
        struct slice type = cel_type_text(node->items[i]->type, checker->reader->arena);
        struct slice text =
            arena_format(checker->reader->arena,
                         i ? "'%.*s' applied to '(bool, %.*s)'" : "'%.*s' applied to '(%.*s, bool)'",
                         (int)node->name.len, node->name.ptr, (int)type.len, type.ptr);
        return cel_refuse(checker->reader, CEL_NO_OVERLOAD, node->items[i]->at,
                          "found no matching overload for %.*s", (int)text.len, text.ptr);
    }
    return true;
}

static bool check_choice(struct cel_checker *checker, struct cel_node *node)
{
    if (!check_items(checker, node))
        return false;
    struct cel_node **items = node->items;
    struct cel_binding *mark = cel_type_mark(checker);
    if (cel_type_assign(checker, &cel_type_bool, items[0]->type) &&
        cel_type_assign(checker, items[1]->type, items[2]->type)) {
        node->type = cel_type_join(checker, items[1]->type, items[2]->type);
        return true;
    }
    cel_type_undo(checker, mark);
    struct slice types[3];
    for (int i = 0; i < 3; i++)
        types[i] = cel_type_text(items[i]->type, checker->reader->arena);
    struct slice text =
        arena_format(checker->reader->arena, "(%.*s, %.*s, %.*s)", (int)types[0].len, types[0].ptr,
                     (int)types[1].len, types[1].ptr, (int)types[2].len, types[2].ptr);
    return cel_refuse(checker->reader, CEL_NO_OVERLOAD, node->at,
                      "found no matching overload for '_?_:_' applied to '%.*s'", (int)text.len, text.ptr);
}

static bool set_locals(struct cel_checker *checker, struct cel_node *node)
{
    const struct cel_type *range = cel_type_resolve(node->items[0]->type);
    const struct cel_type *item = range->item ? range->item : &cel_type_dyn;
    const struct cel_type *key = range->kind == CEL_LIST ? &cel_type_int
                                 : range->key            ? range->key
                                                         : &cel_type_dyn;
    if (range->kind == CEL_DYN || range->kind == CEL_PARAM)
        key = item = &cel_type_dyn;
    else if (range->kind != CEL_LIST && range->kind != CEL_MAP)
        return refuse_type(checker, node->items[0], "a macro goes over a list or a map, not over", range, "");
    if (node->local_count == 2) {
        node->locals[0].type = key;
        node->locals[1].type = item;
    } else {
        node->locals[0].type = range->kind == CEL_MAP ? key : item;
    }
    return true;
}

/* With the node's locals in sight. */
static bool check_inside(struct cel_checker *checker, struct cel_node *node)
{
    const struct cel_local *outer = checker->locals;
    bool is_good = true;
    for (uint32_t i = 0; i < node->local_count; i++) {
        node->locals[i].outer = checker->locals;
        checker->locals = &node->locals[i];
    }
    /* The filter comes before the body, as it does when it runs. */
    for (uint32_t i = node->count - 1; is_good && i >= 1; i--)
        is_good = cel_check_node(checker, node->items[i]);
    checker->locals = outer;
    return is_good;
}

static bool expect_bool(struct cel_checker *checker, const struct cel_node *node)
{
    if (cel_type_assign(checker, &cel_type_bool, node->type))
        return true;
    return refuse_type(checker, node, "the macro wants a bool here, not", node->type, "");
}

static bool check_loop(struct cel_checker *checker, struct cel_node *node)
{
    if (!cel_check_node(checker, node->items[0]) || !set_locals(checker, node) ||
        !check_inside(checker, node))
        return false;
    struct cel_type *type = arena_new(checker->reader->arena, struct cel_type);
    if (node->count > 2 && !expect_bool(checker, node->items[2]))
        return false;
    node->type = type;
    switch (node->loop) {
    case LOOP_ALL:
    case LOOP_EXISTS:
    case LOOP_EXISTS_ONE:
        node->type = &cel_type_bool;
        return expect_bool(checker, node->items[1]);
    case LOOP_FILTER:
        *type = (struct cel_type){.kind = CEL_LIST, .item = node->locals[0].type};
        return expect_bool(checker, node->items[1]);
    case LOOP_LIST:
        *type = (struct cel_type){.kind = CEL_LIST, .item = node->items[1]->type};
        return true;
    case LOOP_MAP:
        *type = (struct cel_type){.kind = CEL_MAP, .key = node->locals[0].type, .item = node->items[1]->type};
        return true;
    }
    return true;
}

static bool check_bind(struct cel_checker *checker, struct cel_node *node)
{
    if (!cel_check_node(checker, node->items[0]))
        return false;
    node->locals[0].type = node->items[0]->type;
    if (!check_inside(checker, node))
        return false;
    node->type = node->items[1]->type;
    return true;
}

static bool check_kind(struct cel_checker *checker, struct cel_node *node)
{
    switch (node->kind) {
    case NODE_LITERAL:
        node->type = cel_type_of(&node->value);
        return true;
    case NODE_NAME:
        return check_name(checker, node);
    case NODE_SELECT:
        return check_select(checker, node);
    case NODE_CALL:
        return cel_check_call(checker, node);
    case NODE_LIST:
        return check_list(checker, node);
    case NODE_MAP:
        return check_map(checker, node);
    case NODE_AND:
    case NODE_OR:
        return check_logic(checker, node);
    case NODE_CHOOSE:
        return check_choice(checker, node);
    case NODE_LOOP:
        return check_loop(checker, node);
    case NODE_BIND:
        return check_bind(checker, node);
    }
    return false;
}

bool cel_check_node(struct cel_checker *checker, struct cel_node *node)
{
    if (!check_kind(checker, node))
        return false;
    if (checker->env->is_unchecked)
        node->type = &cel_type_dyn;
    return true;
}

bool cel_check(const struct cel_env *env, struct cel_reader *reader, struct cel_node *node)
{
    struct cel_checker checker = {.env = env, .reader = reader};
    return cel_check_node(&checker, node);
}
