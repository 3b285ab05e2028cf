/* The Common Expression Language (https://github.com/google/cel-spec, doc/langdef.md), without protocol
 * buffers: compiled once, evaluated millions of times.
 *
 * cel_compile() parses, checks the types over declared variables and makes a flat program; cel_eval() runs
 * it. Both are pure: no I/O, no clock, the same answer on every machine. Whatever they allocate lies in the
 * arenas handed in; evaluating takes from its arena only what the expression builds (lists, maps, text).
 *
 * An expression can neither loop for ever nor grow without limit: macros go over finite lists, every walk is
 * metered against the caller's limit, and nesting is limited. docs/rules.md has the language. */
#ifndef RULES_CEL_H
#define RULES_CEL_H

#include "rules/cel_value.h"

#define CEL_SOURCE_MAX 65536 /* bytes of an expression */
#define CEL_DEPTH_MAX 200    /* nested operators, calls, parentheses and macros */
#define CEL_PATTERN_MAX 1024 /* bytes of a regular expression that is no constant */
#define CEL_ERROR_TEXT 256
#define CEL_COST_DEFAULT 100000 /* a rule of a routing file takes some tens */

enum cel_code {
    CEL_SYNTAX = 1,
    CEL_UNDECLARED,  /* name or function */
    CEL_NO_OVERLOAD, /* wrong types */
    CEL_WRONG_TYPE,  /* the whole expression is not what was expected */
    CEL_NO_SUCH_KEY,
    CEL_NO_VALUE,     /* the variable is CEL_ABSENT */
    CEL_OUT_OF_RANGE, /* index, timestamp, duration, conversion */
    CEL_DIVIDE_BY_ZERO,
    CEL_OVERFLOW,
    CEL_BAD_ARGUMENT, /* not a number, a time, a pattern, a zone, a format */
    CEL_BAD_KEY,      /* a map's key twice or of a kind that cannot be one */
    CEL_COST,         /* the cost limit is reached; no operator absorbs this */
    CEL_TOO_LARGE,    /* source, nesting, program, a value */
    CEL_UNSUPPORTED,  /* messages of protocol buffers */
};

/* Where in the source: both from 1, columns in code points. */
struct cel_error {
    enum cel_code code;
    uint32_t line, column;
    char text[CEL_ERROR_TEXT];
};

const char *cel_code_name(enum cel_code code); /* "no_such_key" */

/* A variable. A name may have dots: "customer.tags" is a field of the object "customer", which exists only
 * through its fields. The values of an evaluation come in the order of the declarations; one that is
 * CEL_ABSENT makes has(customer.owner) false and reading it an error. */
struct cel_variable {
    struct slice name;
    const struct cel_type *type;
};

/* Regular expressions (RE2 syntax, matched anywhere in the text) come from outside: a match must take time
 * linear in the text. `compile` gives NULL and a reason in `why`. */
struct cel_regex_ops {
    void *(*compile)(struct slice pattern, char *why, size_t why_size);
    bool (*match)(const void *regex, struct slice text);
    void (*free)(void *regex);
};

/* Named time zones too. `find` gives NULL for an unknown name; what it gives lives as long as `ctx` says.
 * Fixed offsets ("+02:00") and "UTC" need no help. */
struct cel_zone_ops {
    const void *(*find)(struct slice name, void *ctx);
    int32_t (*offset)(const void *zone, int64_t at_s); /* seconds east of UTC at that moment */
    void *ctx;
};

struct cel_env {
    const struct cel_variable *variables;
    uint32_t variable_count;
    struct slice container;            /* namespace in which names are looked for first; mostly empty */
    const struct cel_regex_ops *regex; /* NULL: matches() is an error */
    const struct cel_zone_ops *zones;  /* NULL: only fixed offsets */
    bool is_unchecked;                 /* no types: what is wrong shows when it is evaluated */
};

struct cel_program;

/* NULL and *error when the expression is refused. `expected` may be NULL for any type. The program lies in
 * `arena`, needs neither `env`'s variables nor `source` any more, but the ops; close it before the arena. */
struct cel_program *cel_compile(const struct cel_env *env, struct slice source,
                                const struct cel_type *expected, struct arena *arena, struct cel_error *error)
    __attribute__((warn_unused_result));
/* Gives the compiled patterns back; NULL is fine. */
void cel_close(struct cel_program **program);

/* Whether variable `index` is read at all: the others need no value. */
bool cel_uses(const struct cel_program *program, uint32_t index);
const struct cel_type *cel_result_type(const struct cel_program *program);
uint32_t cel_size(const struct cel_program *program); /* instructions */

/* The value lives as long as the program, the variables' values and the arena. */
bool cel_eval(struct cel_value *out, const struct cel_program *program, const struct cel_value *variables,
              uint64_t cost_limit, struct arena *arena, struct cel_error *error)
    __attribute__((warn_unused_result));

/* The value that the expression has whatever the variables are that are CEL_ABSENT in `variables` (has() of
 * them included). False: it may depend on them, fail, or cost more than CEL_COST_DEFAULT. */
bool cel_settled(struct cel_value *out, const struct cel_program *program, const struct cel_value *variables,
                 struct arena *arena) __attribute__((warn_unused_result));
/* The expression written in one way only: what differs in blanks, comments, parentheses and the spelling of
 * literals gives the same text. Empty when it has no grammar. */
struct slice cel_canonical(struct slice source, struct arena *arena);

/* "map(string, int)". */
struct slice cel_type_text(const struct cel_type *type, struct arena *arena);

#endif
