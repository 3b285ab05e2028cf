/* The operators on values: each takes its operands from args and leaves the result in args[0]. */
#ifndef RULES_CEL_OP_H
#define RULES_CEL_OP_H

#include "rules/cel_program.h"

bool cel_op_arithmetic(struct cel_frame *frame, struct cel_value *args, enum cel_code_op op);
bool cel_op_negate(struct cel_frame *frame, struct cel_value *args);
bool cel_op_order(struct cel_frame *frame, struct cel_value *args, enum cel_code_op op);
bool cel_op_equal(struct cel_frame *frame, struct cel_value *args, bool wanted);
bool cel_op_in(struct cel_frame *frame, struct cel_value *args);
bool cel_op_index(struct cel_frame *frame, struct cel_value *args);
bool cel_op_select(struct cel_frame *frame, struct cel_value *args, const struct cel_value *field);
bool cel_op_has(struct cel_frame *frame, struct cel_value *args, const struct cel_value *field);
bool cel_op_list(struct cel_frame *frame, struct cel_value *args, uint32_t count);
bool cel_op_map(struct cel_frame *frame, struct cel_value *args, uint32_t count);

#endif
