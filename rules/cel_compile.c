/* From the checked tree to the program. What is constant is computed here, by running it: [..] of constants,
 * duration('30s') and the like cost nothing later, and what fails stays in the program to fail there, where
 * && and || may absorb it. */
#include <assert.h>
#include <string.h>

#include "rules/cel_check.h"
#include "rules/cel_fn.h"

#define DECIDED_LATER UINT32_MAX /* where && or || goes when a side decides */
#define FOLD_COST 10000          /* of one constant */
#define FOLD_COST_ALL 200000     /* of all in a program */

struct compiler {
    struct cel_reader *reader;
    const struct cel_env *env;
    struct arena *arena; /* of the program */
    struct cel_op *ops;
    uint32_t *at;
    struct cel_value *constants;
    struct cel_region *regions;
    uint32_t op_count, op_room, constant_count, constant_room, region_count, region_room;
    uint32_t depth, deepest; /* of the stack */
    uint64_t folding;        /* what constants may still cost */
    uint8_t *used;
};

static bool compile(struct compiler *compiler, struct cel_node *node);

static void *grown(struct compiler *compiler, void *array, size_t item, uint32_t count, uint32_t *room)
{
    if (count < *room)
        return array;
    *room = *room ? *room * 2 : 16;
    void *larger = arena_alloc(compiler->reader->arena, item * *room);
    if (count)
        memcpy(larger, array, item * count);
    return larger;
}

/* `change` is what the op does to the stack. Gives the op's place. */
static uint32_t emit(struct compiler *compiler, const struct cel_node *node, struct cel_op op, int32_t change)
{
    uint32_t at_room = compiler->op_room, here = compiler->op_count;
    compiler->ops = grown(compiler, compiler->ops, sizeof *compiler->ops, here, &compiler->op_room);
    compiler->at = grown(compiler, compiler->at, sizeof *compiler->at, here, &at_room);
    compiler->ops[here] = op;
    compiler->at[here] = node->at;
    compiler->op_count++;
    compiler->depth = (uint32_t)((int32_t)compiler->depth + change);
    if (compiler->depth > compiler->deepest)
        compiler->deepest = compiler->depth;
    /* Each value on the stack stands for two bytes of the source at least; cel_op.base holds any place. */
    assert(compiler->deepest <= CEL_SOURCE_MAX / 2 + CEL_DEPTH_MAX);
    return here;
}

static uint32_t emit_simple(struct compiler *compiler, const struct cel_node *node, enum cel_code_op code,
                            uint32_t operand, int32_t change)
{
    return emit(compiler, node, (struct cel_op){.code = (uint8_t)code, .operand = operand}, change);
}

static uint32_t add_constant(struct compiler *compiler, struct cel_value value)
{
    uint32_t here = compiler->constant_count;
    compiler->constants =
        grown(compiler, compiler->constants, sizeof *compiler->constants, here, &compiler->constant_room);
    compiler->constants[here] = value;
    return compiler->constant_count++;
}

static bool emit_constant(struct compiler *compiler, const struct cel_node *node, struct cel_value value)
{
    emit_simple(compiler, node, OP_CONST, add_constant(compiler, value), 1);
    return true;
}

static void add_region(struct compiler *compiler, uint32_t start, uint32_t depth)
{
    compiler->regions = grown(compiler, compiler->regions, sizeof *compiler->regions, compiler->region_count,
                              &compiler->region_room);
    compiler->regions[compiler->region_count++] =
        (struct cel_region){start, compiler->op_count, compiler->op_count, depth};
}

static bool emit_raise(struct compiler *compiler, const struct cel_node *node, enum cel_code code,
                       const char *text)
{
    struct cel_raised *raised = arena_new(compiler->arena, struct cel_raised);
    *raised = (struct cel_raised){
        .code = code, .text = text, .at = node->at + 1, .detail = arena_copy(compiler->arena, node->name)};
    uint32_t constant = add_constant(compiler, (struct cel_value){.kind = CEL_ERROR, .raised = raised});
    emit_simple(compiler, node, OP_RAISE, constant, 1);
    return true;
}

/* --- Constants --- */

static void drop_constants(struct compiler *compiler, uint32_t count)
{
    while (compiler->constant_count > count) {
        const struct cel_value *value = &compiler->constants[--compiler->constant_count];
        if (value->kind == CEL_REGEX)
            compiler->env->regex->free((void *)(uintptr_t)value->handle);
    }
}

static bool is_constant_since(const struct compiler *compiler, uint32_t start)
{
    for (uint32_t i = start; i + 1 < compiler->op_count; i++) {
        if (compiler->ops[i].code != OP_CONST)
            return false;
    }
    return true;
}

/* The op just emitted and what it takes from the stack become one constant, if they can. */
static void fold(struct compiler *compiler, const struct cel_node *node, uint32_t start,
                 uint32_t first_constant)
{
    static const struct cel_op done = {.code = OP_RETURN};
    uint64_t cost = compiler->folding < FOLD_COST ? compiler->folding : FOLD_COST;
    struct cel_frame frame = {.meter = {cost},
                              .arena = compiler->arena,
                              .regex = compiler->env->regex,
                              .zones = compiler->env->zones};
    struct cel_value value;
    if (!is_constant_since(compiler, start))
        return;
    emit(compiler, node, done, 0);
    struct cel_program part = {.ops = compiler->ops + start,
                               .constants = compiler->constants,
                               .at = compiler->at + start,
                               .op_count = compiler->op_count - start,
                               .stack = compiler->op_count - start + 1};
    bool folded = cel_run(&value, &part, NULL, &frame);
    compiler->op_count--;
    compiler->folding -= cost - frame.meter.left;
    if (!folded)
        return;
    compiler->op_count = start;
    drop_constants(compiler, first_constant);
    compiler->depth--;
    emit_constant(compiler, node, value);
}

/* The argument on top, when it is a constant string. */
static struct cel_value *constant_text(struct compiler *compiler)
{
    const struct cel_op *last = &compiler->ops[compiler->op_count - 1];
    struct cel_value *value = last->code == OP_CONST ? &compiler->constants[last->operand] : NULL;
    return value && value->kind == CEL_STRING ? value : NULL;
}

static bool prepare_regex(struct compiler *compiler, const struct cel_node *node)
{
    char why[128] = "";
    struct cel_value *pattern = constant_text(compiler);
    if (!pattern || !compiler->env->regex)
        return true;
    void *regex = compiler->env->regex->compile(cel_text(pattern), why, sizeof why);
    if (regex)
        *pattern = (struct cel_value){.kind = CEL_REGEX, .handle = regex};
    else if (!compiler->env->is_unchecked)
        cel_refuse(compiler->reader, CEL_BAD_ARGUMENT, node->at, "not a regular expression: %s", why);
    return regex || compiler->env->is_unchecked;
}

static bool prepare_zone(struct compiler *compiler, const struct cel_node *node)
{
    struct cel_value zone, *name = constant_text(compiler);
    if (!name)
        return true;
    if (cel_fn_zone(&zone, cel_text(name), compiler->env->zones)) {
        *name = zone;
    } else if (!compiler->env->is_unchecked) {
        cel_refuse(compiler->reader, CEL_BAD_ARGUMENT, node->at, "unknown time zone '%.*s'",
                   name->count > CEL_DETAIL_MAX ? CEL_DETAIL_MAX : (int)name->count, name->text);
        return false;
    }
    return true;
}

/* --- Nodes --- */

static bool compile_items(struct compiler *compiler, const struct cel_node *node)
{
    for (uint32_t i = 0; i < node->count; i++) {
        if (!compile(compiler, node->items[i]))
            return false;
    }
    return true;
}

static bool compile_reference(struct compiler *compiler, const struct cel_node *node)
{
    switch (node->meaning) {
    case MEANS_VARIABLE:
        compiler->used[node->variable / 8] |= (uint8_t)(1u << node->variable % 8);
        emit_simple(compiler, node, node->is_test ? OP_HAS_VARIABLE : OP_VARIABLE, node->variable, 1);
        return true;
    case MEANS_LOCAL:
        emit(compiler, node, (struct cel_op){.code = OP_LOCAL, .base = (uint16_t)node->local->slot}, 1);
        return true;
    case MEANS_TYPE:
        return emit_constant(compiler, node, node->is_test ? cel_bool(true) : node->value);
    case MEANS_NOTHING:
        break;
    }
    return emit_raise(compiler, node, CEL_UNDECLARED, "undeclared reference");
}

static bool compile_select(struct compiler *compiler, const struct cel_node *node)
{
    uint32_t start = compiler->op_count, first = compiler->constant_count;
    if (node->meaning != MEANS_NOTHING)
        return compile_reference(compiler, node);
    if (!compile(compiler, node->items[0]))
        return false;
    struct slice name = arena_copy(compiler->arena, node->name);
    emit_simple(compiler, node, node->is_test ? OP_HAS : OP_SELECT, add_constant(compiler, cel_string(name)),
                0);
    fold(compiler, node, start, first);
    return true;
}

static bool compile_call(struct compiler *compiler, const struct cel_node *node)
{
    const struct cel_function *function = node->function;
    uint32_t start = compiler->op_count, first = compiler->constant_count;
    if (!function || node->count == 0 || node->count > UINT8_MAX)
        return emit_raise(compiler, node, CEL_UNDECLARED, "undeclared function");
    if (!compile_items(compiler, node))
        return false;
    int32_t change = 1 - (int32_t)node->count;
    if (!function->call) {
        emit_simple(compiler, node, function->op, 0, change);
    } else {
        if (node->count == 2 && function->call == cel_fn_matches && !prepare_regex(compiler, node->items[1]))
            return false;
        if (node->count == 2 && cel_fn_is_zoned(function->call) && !prepare_zone(compiler, node->items[1]))
            return false;
        emit(compiler, node,
             (struct cel_op){
                 .code = OP_CALL, .argc = (uint8_t)node->count, .operand = cel_function_index(function)},
             change);
    }
    fold(compiler, node, start, first);
    return true;
}

static bool compile_list(struct compiler *compiler, const struct cel_node *node)
{
    uint32_t start = compiler->op_count, first = compiler->constant_count;
    bool is_map = node->kind == NODE_MAP;
    if (!compile_items(compiler, node))
        return false;
    emit_simple(compiler, node, is_map ? OP_MAP : OP_LIST, is_map ? node->count / 2 : node->count,
                1 - (int32_t)node->count);
    fold(compiler, node, start, first);
    return true;
}

static bool compile_logic(struct compiler *compiler, const struct cel_node *node)
{
    bool is_or = node->kind == NODE_OR;
    uint32_t depth = compiler->depth, first_op = compiler->op_count;
    for (uint32_t i = 0; i < node->count; i++) {
        uint32_t start = compiler->op_count;
        if (!compile(compiler, node->items[i]))
            return false;
        add_region(compiler, start, depth + (i > 0));
        enum cel_code_op code = i == 0 ? OP_AND_FIRST : i + 1 < node->count ? OP_AND : OP_AND_LAST;
        code += is_or ? OP_OR_FIRST - OP_AND_FIRST : 0;
        emit_simple(compiler, node->items[i], code, DECIDED_LATER, i ? -1 : 0);
    }
    /* The sides that decide go behind the last. */
    for (uint32_t i = first_op; i < compiler->op_count; i++) {
        struct cel_op *op = &compiler->ops[i];
        if (op->operand == DECIDED_LATER)
            op->operand = compiler->op_count;
    }
    return true;
}

static bool compile_choice(struct compiler *compiler, const struct cel_node *node)
{
    if (!compile(compiler, node->items[0]))
        return false;
    uint32_t branch = emit_simple(compiler, node, OP_BRANCH, 0, -1);
    if (!compile(compiler, node->items[1]))
        return false;
    uint32_t jump = emit_simple(compiler, node, OP_JUMP, 0, -1);
    compiler->ops[branch].operand = compiler->op_count;
    if (!compile(compiler, node->items[2]))
        return false;
    compiler->ops[jump].operand = compiler->op_count;
    return true;
}

static void emit_start(struct compiler *compiler, const struct cel_node *node, uint32_t base)
{
    switch (node->loop) {
    case LOOP_ALL:
    case LOOP_EXISTS:
        emit_constant(compiler, node, cel_bool(node->loop == LOOP_ALL));
        break;
    case LOOP_EXISTS_ONE:
        emit_constant(compiler, node, cel_int(0));
        break;
    default:
        emit(compiler, node,
             (struct cel_op){.code = node->loop == LOOP_MAP ? OP_BUILD_MAP : OP_BUILD_LIST,
                             .base = (uint16_t)base},
             1);
        break;
    }
}

static bool emit_body(struct compiler *compiler, const struct cel_node *node, uint32_t base, uint32_t next)
{
    uint32_t start = compiler->op_count, depth = compiler->depth;
    enum cel_code_op code = OP_LOOP_APPEND;
    if (!compile(compiler, node->items[1]))
        return false;
    if (node->loop == LOOP_ALL || node->loop == LOOP_EXISTS) {
        add_region(compiler, start, depth);
        code = node->loop == LOOP_ALL ? OP_LOOP_ALL : OP_LOOP_EXISTS;
    } else if (node->loop == LOOP_EXISTS_ONE) {
        code = OP_LOOP_COUNT;
    } else if (node->loop == LOOP_MAP) {
        code = OP_LOOP_PUT;
    } else if (node->loop == LOOP_FILTER) {
        emit_simple(compiler, node, OP_LOOP_FILTER, next, -1);
        emit(compiler, node, (struct cel_op){.code = OP_LOCAL, .base = (uint16_t)node->locals[0].slot}, 1);
    }
    emit(compiler, node, (struct cel_op){.code = (uint8_t)code, .base = (uint16_t)base, .operand = next}, -1);
    return true;
}

static bool compile_loop(struct compiler *compiler, const struct cel_node *node)
{
    uint32_t base = compiler->depth;
    if (!compile(compiler, node->items[0]))
        return false;
    for (uint32_t i = 0; i < node->local_count; i++)
        node->locals[i].slot = base + 2 + i;
    uint8_t variables = (uint8_t)node->local_count;
    emit(compiler, node->items[0], (struct cel_op){.code = OP_ITERATE, .argc = variables}, 1 + variables);
    emit_start(compiler, node, base);
    uint32_t next =
        emit(compiler, node, (struct cel_op){.code = OP_NEXT, .argc = variables, .base = (uint16_t)base}, 0);
    if (node->count > 2) {
        if (!compile(compiler, node->items[2]))
            return false;
        emit_simple(compiler, node, OP_LOOP_FILTER, next, -1);
    }
    if (!emit_body(compiler, node, base, next))
        return false;
    compiler->ops[next].operand = compiler->op_count;
    emit(compiler, node,
         (struct cel_op){.code = node->loop == LOOP_EXISTS_ONE ? OP_LOOP_ONE : OP_LOOP_END,
                         .base = (uint16_t)base},
         0);
    compiler->depth = base + 1;
    return true;
}

static bool compile_bind(struct compiler *compiler, const struct cel_node *node)
{
    uint32_t base = compiler->depth, start = compiler->op_count;
    if (!compile(compiler, node->items[0]))
        return false;
    add_region(compiler, start, base);
    node->locals[0].slot = base;
    if (!compile(compiler, node->items[1]))
        return false;
    emit(compiler, node, (struct cel_op){.code = OP_SLIDE, .base = (uint16_t)base}, -1);
    return true;
}

static bool compile(struct compiler *compiler, struct cel_node *node)
{
    switch (node->kind) {
    case NODE_LITERAL:
        return emit_constant(compiler, node, node->value);
    case NODE_NAME:
        return compile_reference(compiler, node);
    case NODE_SELECT:
        return compile_select(compiler, node);
    case NODE_CALL:
        return compile_call(compiler, node);
    case NODE_LIST:
    case NODE_MAP:
        return compile_list(compiler, node);
    case NODE_AND:
    case NODE_OR:
        return compile_logic(compiler, node);
    case NODE_CHOOSE:
        return compile_choice(compiler, node);
    case NODE_LOOP:
        return compile_loop(compiler, node);
    case NODE_BIND:
        return compile_bind(compiler, node);
    }
    return false;
}

/* --- The program --- */

static void *kept(struct arena *arena, const void *array, size_t size)
{
    return size ? memcpy(arena_alloc(arena, size), array, size) : NULL;
}

static struct cel_program *finish(struct compiler *compiler, const struct cel_node *node)
{
    struct arena *arena = compiler->arena;
    struct cel_program *program = arena_new(arena, struct cel_program);
    emit_simple(compiler, node, OP_RETURN, 0, 0);
    *program = (struct cel_program){
        .ops = kept(arena, compiler->ops, sizeof *compiler->ops * compiler->op_count),
        .at = kept(arena, compiler->at, sizeof *compiler->at * compiler->op_count),
        .constants = kept(arena, compiler->constants, sizeof *compiler->constants * compiler->constant_count),
        .regions = kept(arena, compiler->regions, sizeof *compiler->regions * compiler->region_count),
        .op_count = compiler->op_count,
        .constant_count = compiler->constant_count,
        .region_count = compiler->region_count,
        .stack = compiler->deepest + 1,
        .type = cel_type_final(node->type, arena),
        .source = arena_copy(arena, compiler->reader->source),
        .regex = compiler->env->regex,
        .zones = compiler->env->zones,
        .used = compiler->used,
        .variable_count = compiler->env->variable_count};
    return program;
}

static bool is_expected(struct cel_reader *reader, const struct cel_node *node,
                        const struct cel_type *expected)
{
    struct cel_checker checker = {.reader = reader};
    if (!expected || cel_type_assign(&checker, expected, node->type))
        return true;
    struct slice is = cel_type_text(node->type, reader->arena),
                 wanted = cel_type_text(expected, reader->arena);
    cel_refuse(reader, CEL_WRONG_TYPE, node->at, "the expression is %.*s, not %.*s", (int)is.len, is.ptr,
               (int)wanted.len, wanted.ptr);
    return false;
}

struct cel_program *cel_compile(const struct cel_env *env, struct slice source,
                                const struct cel_type *expected, struct arena *arena, struct cel_error *error)
{
    struct arena scratch;
    struct cel_program *program = NULL;
    struct cel_reader reader = {.source = source, .arena = &scratch, .program = arena, .error = error};
    struct compiler compiler = {.reader = &reader,
                                .env = env,
                                .arena = arena,
                                .folding = FOLD_COST_ALL,
                                .used = arena_alloc(arena, env->variable_count / 8 + 1)};
    error->code = 0;
    arena_init(&scratch);
    struct cel_node *node = cel_parse(&reader);
    if (node && cel_check(env, &reader, node) && is_expected(&reader, node, expected) &&
        compile(&compiler, node))
        program = finish(&compiler, node);
    else
        drop_constants(&compiler, 0);
    arena_deinit(&scratch);
    return program;
}
