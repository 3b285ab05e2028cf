#include "rules/cel_program.h"

#define STACK_SMALL 24 /* values; enough for nearly every rule */

bool cel_run(struct cel_value *out, const struct cel_program *program, const struct cel_value *variables,
             struct cel_frame *frame)
{
    struct cel_value small[STACK_SMALL], *stack = small;
    if (!cel_spend(frame, program->op_count))
        return false;
    if (program->stack > STACK_SMALL)
        stack = arena_array(frame->arena, struct cel_value, program->stack);
    return cel_execute(out, program, variables, frame, stack);
}

bool cel_eval(struct cel_value *out, const struct cel_program *program, const struct cel_value *variables,
              uint64_t cost_limit, struct arena *arena, struct cel_error *error)
{
    struct cel_frame frame;
    frame.meter.left = cost_limit;
    frame.arena = arena;
    frame.regex = program->regex;
    frame.zones = program->zones;
    if (cel_run(out, program, variables, &frame))
        return true;
    cel_tell(error, &frame.raised, program->source);
    return false;
}

void cel_close(struct cel_program **program)
{
    for (uint32_t i = 0; *program && i < (*program)->constant_count; i++) {
        const struct cel_value *value = &(*program)->constants[i];
        if (value->kind == CEL_REGEX)
            (*program)->regex->free((void *)(uintptr_t)value->handle);
    }
    *program = NULL;
}

bool cel_uses(const struct cel_program *program, uint32_t index)
{
    return index < program->variable_count && program->used[index / 8] >> index % 8 & 1;
}

const struct cel_type *cel_result_type(const struct cel_program *program)
{
    return program->type;
}

uint32_t cel_size(const struct cel_program *program)
{
    return program->op_count;
}
