/* What is known of a value before all variables are. Errors and && and || do the work: a variable that is
 * not known raises an error when it is read, and what still has a value has it whatever was read. */
#include <string.h>

#include "rules/cel_program.h"

bool cel_settled(struct cel_value *out, const struct cel_program *program, const struct cel_value *variables,
                 struct arena *arena)
{
    struct cel_program strict = *program;
    struct cel_op *ops = arena_array(arena, struct cel_op, program->op_count);
    struct cel_frame frame = {
        .meter = {CEL_COST_DEFAULT}, .arena = arena, .regex = program->regex, .zones = program->zones};
    memcpy(ops, program->ops, sizeof *ops * program->op_count);
    for (uint32_t i = 0; i < program->op_count; i++) {
        /* Not "there is none", but "nobody knows": reading it raises, and so must asking for it. */
        if (ops[i].code == OP_HAS_VARIABLE && variables[ops[i].operand].kind == CEL_ABSENT)
            ops[i].code = OP_VARIABLE;
    }
    strict.ops = ops;
    return cel_run(out, &strict, variables, &frame);
}
