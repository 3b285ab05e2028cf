/* The compiled form: instructions of eight bytes for a stack machine, their constants, and the regions in
 * which an error is a value.
 *
 * Errors cost nothing until one happens. The operands of && and ||, the bodies of all() and exists() and the
 * value of cel.bind() are regions [start, end) of the program: an error inside cuts the stack to `depth`,
 * pushes itself as a value and goes on at `handler`, where the operator decides whether it matters
 * (langdef.md, "Logical Operators"). */
#ifndef RULES_CEL_PROGRAM_H
#define RULES_CEL_PROGRAM_H

#include "rules/cel.h"

#define CEL_RAISED_KINDS 4
#define CEL_DETAIL_MAX 64

/* An error on its way, not put into words before somebody wants to read it. */
struct cel_raised {
    enum cel_code code;
    uint32_t at;         /* offset in the source + 1; 0: not known yet */
    const char *text;    /* CEL_NO_OVERLOAD: the function's name */
    struct slice detail; /* behind the text */
    enum cel_kind kinds[CEL_RAISED_KINDS];
    uint32_t kind_count;
};

/* One evaluation. */
struct cel_frame {
    struct cel_meter meter;
    struct arena *arena;
    const struct cel_regex_ops *regex;
    const struct cel_zone_ops *zones;
    struct cel_raised raised;
};

/* The result replaces args[0]. False: raised. */
typedef bool cel_call(struct cel_frame *frame, struct cel_value *args, uint32_t count);

bool cel_raise(struct cel_frame *frame, enum cel_code code, const char *text, struct slice detail);
bool cel_raise_number(struct cel_frame *frame, enum cel_code code, const char *text, int64_t number);
bool cel_no_overload(struct cel_frame *frame, const char *name, const struct cel_value *args, uint32_t count);
/* False: the limit is reached, raised. */
bool cel_spend(struct cel_frame *frame, uint64_t cost);
/* The error in words. */
void cel_tell(struct cel_error *error, const struct cel_raised *raised, struct slice source);

enum cel_code_op {
    OP_CALL, /* function `operand`, argc */
    OP_CONST,
    OP_VARIABLE,
    OP_HAS_VARIABLE,
    OP_LOCAL,
    OP_SELECT, /* the field is constant `operand` */
    OP_HAS,
    OP_INDEX,
    OP_IN,
    OP_ADD,
    OP_SUBTRACT,
    OP_MULTIPLY,
    OP_DIVIDE,
    OP_MODULO,
    OP_NEGATE,
    OP_NOT,
    OP_EQUAL,
    OP_UNEQUAL,
    OP_LESS,
    OP_LESS_EQUAL,
    OP_GREATER,
    OP_GREATER_EQUAL,
    OP_LIST,      /* of `operand` items */
    OP_MAP,       /* of `operand` entries */
    OP_JUMP,      /* to `operand` */
    OP_BRANCH,    /* to `operand` when the top is false */
    OP_AND_FIRST, /* the left side is the result when it decides: to `operand` */
    OP_AND,       /* joins the right side to it; the same */
    OP_AND_LAST,  /* joins, and raises what error is left */
    OP_OR_FIRST,
    OP_OR,
    OP_OR_LAST,
    OP_ITERATE,    /* the top is a range: adds an index and `argc` variables */
    OP_BUILD_LIST, /* an empty one with room for the range at slot `base` */
    OP_BUILD_MAP,
    OP_NEXT,        /* sets the variables above slot `base`, or goes to `operand` */
    OP_LOOP_ALL,    /* joins like &&: on to `operand` for the next one, falls through when decided */
    OP_LOOP_EXISTS, /* joins like || */
    OP_LOOP_COUNT,
    OP_LOOP_FILTER, /* to `operand` when the top is false */
    OP_LOOP_APPEND,
    OP_LOOP_PUT,
    OP_LOOP_END, /* the result takes the place of all from slot `base` */
    OP_LOOP_ONE, /* the same, when a count of 1 is true */
    OP_SLIDE,    /* the top takes the place of all from slot `base` */
    OP_RAISE,    /* constant `operand` */
    OP_RETURN,
};

struct cel_op {
    uint8_t code, argc;
    uint16_t base;
    uint32_t operand;
};

struct cel_region {
    uint32_t start, end, handler, depth;
};

struct cel_program {
    const struct cel_op *ops;
    const struct cel_value *constants;
    const struct cel_region *regions; /* inner before outer */
    const uint32_t *at;               /* offset in the source of each op */
    uint32_t op_count, constant_count, region_count, stack;
    const struct cel_type *type;
    struct slice source;
    const struct cel_regex_ops *regex;
    const struct cel_zone_ops *zones;
    uint8_t *used; /* a bit for each variable */
    uint32_t variable_count;
};

/* Runs; the error is in frame->raised. */
bool cel_run(struct cel_value *out, const struct cel_program *program, const struct cel_value *variables,
             struct cel_frame *frame) __attribute__((warn_unused_result));
/* The machine itself; `stack` has room for program->stack values and holds nothing yet. */
bool cel_execute(struct cel_value *out, const struct cel_program *program, const struct cel_value *variables,
                 struct cel_frame *frame, struct cel_value *stack) __attribute__((warn_unused_result));

#endif
