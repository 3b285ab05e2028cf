/* A rule's condition, compiled over what rules may read. */
#ifndef TESTS_UNIT_RULE_COMPILE_H
#define TESTS_UNIT_RULE_COMPILE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "rules/rule_env.h"

/* `type` NULL: whatever it comes to. */
static inline struct cel_program *rule_compile(const char *source, const struct cel_type *type,
                                               struct arena *memory)
{
    const struct cel_env env = {.variables = rule_env_variables, .variable_count = RULE_VARIABLE_COUNT};
    struct cel_error error;
    struct cel_program *program = cel_compile(&env, slice_of(source), type, memory, &error);
    if (!program)
        fail_msg("%s: %s", source, error.text);
    return program;
}

#endif
