/* The machine. One pass over the instructions with a stack whose size the compiler knows; only loops go back,
 * and each round of one is paid for. */
#include <assert.h>
#include <string.h>

#include "rules/cel_function.h"
#include "rules/cel_op.h"

#define RAISE_COST 8

struct cel_builder {
    uint32_t count;
    struct cel_value *items;
    struct cel_entry *entries; /* NULL: a list */
};

/* The pending error as a value. */
static struct cel_value caught(struct cel_frame *frame, uint32_t at)
{
    struct cel_raised *copy = arena_new(frame->arena, struct cel_raised);
    frame->raised.at = at;
    *copy = frame->raised;
    return (struct cel_value){.kind = CEL_ERROR, .raised = copy};
}

static const struct cel_region *region_of(const struct cel_program *program, uint32_t pc, uint64_t *cost)
{
    for (uint32_t i = 0; i < program->region_count; i++) {
        const struct cel_region *region = &program->regions[i];
        *cost += i % 16 == 0;
        if (pc >= region->start && pc < region->end)
            return region;
    }
    return NULL;
}

/* Joins one side to what && and || know so far: a side that decides wins over an error, an error over
 * nothing. True: decided. */
static bool join_side(struct cel_frame *frame, struct cel_value *known, const struct cel_value *side,
                      bool decides, const char *name, uint32_t at)
{
    if (side->kind == CEL_BOOL) {
        if (side->boolean == decides)
            *known = *side;
        return side->boolean == decides;
    }
    if (known->kind == CEL_ERROR && known != side)
        return false;
    if (side->kind == CEL_ERROR) {
        *known = *side;
    } else {
        cel_no_overload(frame, name, side, 1);
        *known = caught(frame, at);
    }
    return false;
}

static bool iterate(struct cel_frame *frame, struct cel_value *top, uint32_t variables)
{
    if (top->kind != CEL_LIST && top->kind != CEL_MAP)
        return cel_no_overload(frame, "comprehension", top, 1);
    top[1] = cel_int(0);
    for (uint32_t i = 0; i < variables; i++)
        top[2 + i] = cel_null();
    return true;
}

/* base[0] is the range, base[1] the index, then the variables. False: the range is through. */
static bool next(struct cel_value *base, uint32_t variables)
{
    uint32_t index = (uint32_t)base[1].integer;
    if (index == base[0].count)
        return false;
    base[1].integer++;
    if (base[0].kind == CEL_LIST) {
        if (variables == 2)
            base[2] = cel_int(index);
        base[1 + variables] = base[0].items[index];
    } else {
        const struct cel_entry *entry = &base[0].map->entries[index];
        base[2] = entry->key;
        if (variables == 2)
            base[3] = entry->value;
    }
    return true;
}

static bool build(struct cel_frame *frame, struct cel_value *out, const struct cel_value *range, bool is_map)
{
    if (!cel_spend(frame, range->count))
        return false;
    struct cel_builder *builder = arena_new(frame->arena, struct cel_builder);
    if (is_map)
        builder->entries = arena_array(frame->arena, struct cel_entry, range->count);
    else
        builder->items = arena_array(frame->arena, struct cel_value, range->count);
    *out = (struct cel_value){.kind = CEL_BUILDER, .builder = builder};
    return true;
}

static bool finish_loop(struct cel_frame *frame, struct cel_value *base, const struct cel_value *result,
                        bool is_one)
{
    if (result->kind == CEL_ERROR) {
        frame->raised = *result->raised;
        return false;
    }
    if (is_one) {
        *base = cel_bool(result->integer == 1);
    } else if (result->kind != CEL_BUILDER) {
        *base = *result;
    } else if (!result->builder->entries) {
        *base = cel_list(result->builder->items, result->builder->count);
    } else {
        uint32_t bad;
        bool is_map =
            cel_map_make(base, result->builder->entries, result->builder->count, &bad, frame->arena);
        assert(is_map); /* the keys are those of a map, or a list's indices */
    }
    return true;
}

static bool not_bool(struct cel_frame *frame, const char *name, const struct cel_value *value)
{
    return cel_no_overload(frame, name, value, 1);
}

static bool load(struct cel_frame *frame, struct cel_value *out, const struct cel_value *variable)
{
    *out = *variable;
    if (variable->kind == CEL_ABSENT)
        return cel_raise(frame, CEL_NO_VALUE, "it has no value here; ask has() first",
                         (struct slice){NULL, 0});
    return true;
}

bool cel_execute(struct cel_value *out, const struct cel_program *program, const struct cel_value *variables,
                 struct cel_frame *frame, struct cel_value *stack)
{
    const struct cel_op *ops = program->ops;
    const struct cel_value *constants = program->constants;
    struct cel_value *top = stack - 1;
    for (uint32_t pc = 0;; pc++) {
        const struct cel_op *op = &ops[pc];
        bool done = true;
        switch ((enum cel_code_op)op->code) {
        case OP_CALL:
            top -= op->argc - 1;
            done = cel_functions[op->operand].call(frame, top, op->argc);
            break;
        case OP_CONST:
            *++top = constants[op->operand];
            break;
        case OP_VARIABLE:
            done = load(frame, ++top, &variables[op->operand]);
            break;
        case OP_HAS_VARIABLE:
            *++top = cel_bool(variables[op->operand].kind != CEL_ABSENT);
            break;
        case OP_LOCAL:
            *++top = stack[op->base];
            if (top->kind == CEL_ERROR) {
                frame->raised = *top->raised;
                done = false;
            }
            break;
        case OP_SELECT:
            done = cel_op_select(frame, top, &constants[op->operand]);
            break;
        case OP_HAS:
            done = cel_op_has(frame, top, &constants[op->operand]);
            break;
        case OP_INDEX:
            done = cel_op_index(frame, --top);
            break;
        case OP_IN:
            done = cel_op_in(frame, --top);
            break;
        case OP_ADD:
        case OP_SUBTRACT:
        case OP_MULTIPLY:
        case OP_DIVIDE:
        case OP_MODULO:
            done = cel_op_arithmetic(frame, --top, (enum cel_code_op)op->code);
            break;
        case OP_NEGATE:
            done = cel_op_negate(frame, top);
            break;
        case OP_NOT:
            if (top->kind == CEL_BOOL)
                top->boolean = !top->boolean;
            else
                done = not_bool(frame, "!_", top);
            break;
        case OP_EQUAL:
        case OP_UNEQUAL:
            done = cel_op_equal(frame, --top, op->code == OP_EQUAL);
            break;
        case OP_LESS:
        case OP_LESS_EQUAL:
        case OP_GREATER:
        case OP_GREATER_EQUAL:
            done = cel_op_order(frame, --top, (enum cel_code_op)op->code);
            break;
        case OP_LIST:
            top -= (ptrdiff_t)op->operand - 1;
            done = cel_op_list(frame, top, op->operand);
            break;
        case OP_MAP:
            top -= 2 * (ptrdiff_t)op->operand - 1;
            done = cel_op_map(frame, top, op->operand);
            break;
        case OP_JUMP:
            pc = op->operand - 1;
            break;
        case OP_BRANCH:
            if (top->kind != CEL_BOOL)
                done = not_bool(frame, "_?_:_", top);
            else if (!top->boolean)
                pc = op->operand - 1;
            top--;
            break;
        case OP_AND_FIRST:
        case OP_OR_FIRST:
            if (join_side(frame, top, top, op->code == OP_OR_FIRST, op->code == OP_OR_FIRST ? "_||_" : "_&&_",
                          program->at[pc] + 1))
                pc = op->operand - 1;
            break;
        case OP_AND:
        case OP_OR:
            top--;
            if (join_side(frame, top, top + 1, op->code == OP_OR, op->code == OP_OR ? "_||_" : "_&&_",
                          program->at[pc] + 1))
                pc = op->operand - 1;
            break;
        case OP_AND_LAST:
        case OP_OR_LAST:
            top--;
            join_side(frame, top, top + 1, op->code == OP_OR_LAST, op->code == OP_OR_LAST ? "_||_" : "_&&_",
                      program->at[pc] + 1);
            if (top->kind == CEL_ERROR) {
                frame->raised = *top->raised;
                done = false;
            }
            break;
        case OP_ITERATE:
            done = iterate(frame, top, op->argc);
            top += 1 + op->argc;
            break;
        case OP_BUILD_LIST:
        case OP_BUILD_MAP:
            done = build(frame, ++top, &stack[op->base], op->code == OP_BUILD_MAP);
            break;
        case OP_NEXT:
            if (!next(&stack[op->base], op->argc))
                pc = op->operand - 1;
            else
                done = cel_spend(frame, op->operand - pc);
            break;
        case OP_LOOP_ALL:
        case OP_LOOP_EXISTS:
            top--;
            if (!join_side(frame, top, top + 1, op->code == OP_LOOP_EXISTS,
                           op->code == OP_LOOP_EXISTS ? "_||_" : "_&&_", program->at[pc] + 1))
                pc = op->operand - 1;
            break;
        case OP_LOOP_COUNT:
            top--;
            if (top[1].kind != CEL_BOOL) {
                done = not_bool(frame, "exists_one", top + 1);
                break;
            }
            top->integer += top[1].boolean;
            pc = op->operand - 1;
            break;
        case OP_LOOP_FILTER:
            if (top->kind != CEL_BOOL)
                done = not_bool(frame, "filter", top);
            else if (!top->boolean)
                pc = op->operand - 1;
            top--;
            break;
        case OP_LOOP_APPEND:
            top--;
            top->builder->items[top->builder->count++] = top[1];
            pc = op->operand - 1;
            break;
        case OP_LOOP_PUT:
            top--;
            top->builder->entries[top->builder->count++] = (struct cel_entry){stack[op->base + 2], top[1]};
            pc = op->operand - 1;
            break;
        case OP_LOOP_END:
        case OP_LOOP_ONE:
            done = finish_loop(frame, &stack[op->base], top, op->code == OP_LOOP_ONE);
            top = &stack[op->base];
            break;
        case OP_SLIDE:
            stack[op->base] = *top;
            top = &stack[op->base];
            break;
        case OP_RAISE:
            frame->raised = *constants[op->operand].raised;
            done = false;
            break;
        case OP_RETURN:
            *out = *top;
            return true;
        }
        if (done)
            continue;
        uint64_t cost = RAISE_COST;
        if (!frame->raised.at)
            frame->raised.at = program->at[pc] + 1;
        const struct cel_region *region = region_of(program, pc, &cost);
        if (frame->raised.code == CEL_COST || !region || !cel_spend(frame, cost))
            return false;
        top = stack + region->depth;
        *top = caught(frame, frame->raised.at);
        pc = region->handler - 1;
    }
}
