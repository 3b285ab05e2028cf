/* The standard functions and operators, one row each: name, signatures, what runs. */
#ifndef RULES_CEL_FUNCTION_H
#define RULES_CEL_FUNCTION_H

#include "rules/cel_program.h"

/* Signatures are separated by spaces: types of the arguments, ':', type of the result; a '.' in front when
 * the first argument is the receiver. b bool, i int, u uint, d double, s string, y bytes, n null, t
 * timestamp, r duration, k type, * dyn, lX list of X, mXY map from X to Y, A and B whatever, each the same
 * throughout. */
struct cel_function {
    const char *name, *signatures;
    cel_call *call; /* NULL: an instruction of its own */
    enum cel_code_op op;
};

extern const struct cel_function cel_functions[];
uint32_t cel_function_index(const struct cel_function *function);

/* NULL: there is none of this name and style. */
const struct cel_function *cel_function_find(struct slice name, bool is_member);

/* Reads one type of a signature and steps over it; A and B are params[0] and [1]. */
const struct cel_type *cel_signature_type(const char **at, const struct cel_type *const params[2],
                                          struct arena *arena);

#endif
