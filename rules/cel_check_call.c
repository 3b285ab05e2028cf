/* Which function a call means and which of its signatures fit (langdef.md, "Overloading"). */
#include <string.h>

#include "rules/cel_check.h"

/* strings.quote(x) parses as a member call on the name "strings"; make a plain call of it. */
static void take_namespace(struct cel_checker *checker, struct cel_node *node)
{
    struct slice name;
    bool is_absolute;
    if (!node->is_member || !cel_qualified_name(checker, node->items[0], &name, &is_absolute))
        return;
    struct slice full = arena_format(checker->reader->arena, "%.*s.%.*s", (int)name.len, name.ptr,
                                     (int)node->name.len, node->name.ptr);
    if (!cel_function_find(full, false))
        return;
    node->name = full;
    node->is_member = false;
    node->items++;
    node->count--;
}

/* One signature against the arguments; NULL: it does not fit. Binds what it needs. */
static const struct cel_type *fit(struct cel_checker *checker, const struct cel_node *node,
                                  const char *signature)
{
    const struct cel_type *const params[2] = {cel_type_variable(checker), cel_type_variable(checker)};
    struct cel_binding *mark = cel_type_mark(checker);
    const char *at = signature + (*signature == '.');
    for (uint32_t i = 0; i < node->count; i++) {
        if (*at == ':' || !cel_type_assign(checker, cel_signature_type(&at, params, checker->reader->arena),
                                           node->items[i]->type)) {
            cel_type_undo(checker, mark);
            return NULL;
        }
    }
    if (*at != ':') {
        cel_type_undo(checker, mark);
        return NULL;
    }
    at++;
    return cel_signature_type(&at, params, checker->reader->arena);
}

/* Where several fit (an argument is dyn), the result is what they agree on. What one of them makes of its own
 * parameters is never what another does. */
static const struct cel_type *result_type(struct cel_checker *checker, const struct cel_node *node,
                                          const char *signatures)
{
    const struct cel_type *result = NULL;
    for (const char *at = signatures; at; at = strchr(at, ' ')) {
        at += *at == ' ';
        if ((*at == '.') != node->is_member)
            continue;
        const struct cel_type *one = fit(checker, node, at);
        if (one)
            result = !result || cel_type_resolve(result) == cel_type_resolve(one) ? one : &cel_type_dyn;
    }
    return result;
}

static bool no_overload(struct cel_checker *checker, const struct cel_node *node)
{
    struct arena *arena = checker->reader->arena;
    struct slice types = {"", 0};
    for (uint32_t i = 0; i < node->count; i++) {
        struct slice type = cel_type_text(node->items[i]->type, arena);
        bool is_receiver = node->is_member && i == 0;
        const char *before = is_receiver || i == (uint32_t)node->is_member ? "" : ", ";
        types = arena_format(arena, "%.*s%s%.*s%s", (int)types.len, types.ptr, before, (int)type.len,
                             type.ptr, is_receiver ? ".(" : "");
    }
    return cel_refuse(checker->reader, CEL_NO_OVERLOAD, node->at,
                      "found no matching overload for '%.*s' applied to '%s%.*s)'", (int)node->name.len,
                      node->name.ptr, node->is_member ? "" : "(", (int)types.len, types.ptr);
}

/* A misspelt name, or the right name called the wrong way. */
static bool undeclared(struct cel_checker *checker, const struct cel_node *node)
{
    const char *hint = "";
    if (cel_function_find(node->name, !node->is_member))
        hint =
            node->is_member ? ": it is called as f(x), not as x.f()" : ": it is called as x.f(), not as f(x)";
    return cel_refuse(checker->reader, CEL_UNDECLARED, node->at, "undeclared reference to '%.*s'%s",
                      (int)node->name.len, node->name.ptr, hint);
}

bool cel_check_call(struct cel_checker *checker, struct cel_node *node)
{
    take_namespace(checker, node);
    const struct cel_function *function = cel_function_find(node->name, node->is_member);
    bool is_unchecked = checker->env->is_unchecked;
    if (!function && !is_unchecked)
        return undeclared(checker, node);
    for (uint32_t i = 0; i < node->count; i++) {
        if (!cel_check_node(checker, node->items[i]))
            return false;
    }
    node->function = function;
    node->type = &cel_type_dyn;
    if (is_unchecked)
        return true;
    node->type = result_type(checker, node, function->signatures);
    return node->type ? true : no_overload(checker, node);
}
