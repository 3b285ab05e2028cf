/* A decoded document, whatever its coding (JSON, MessagePack, YAML): a small immutable tree in an arena.
 *
 * Strings are UTF-8 without NUL (the decoders refuse others) and are borrowed from the arena. Map names are
 * unique. Integers outside int64_t become VALUE_DOUBLE. */
#ifndef RULES_VALUE_H
#define RULES_VALUE_H

#include "rules/arena.h"

enum value_kind {
    VALUE_NULL,
    VALUE_BOOL,
    VALUE_INT,
    VALUE_DOUBLE,
    VALUE_STRING,
    VALUE_BYTES, /* MessagePack bin only; JSON writes it as base64 (RFC 4648 section 4) */
    VALUE_LIST,
    VALUE_MAP,
};

struct value_member;

struct value {
    enum value_kind kind;
    uint32_t count; /* of items or members */
    uint32_t line;  /* 1-based line in the source where the coding knows it (YAML), else 0 */
    uint32_t at;    /* YAML: how many code points of the source stand before it */
    union {
        bool boolean;
        int64_t integer;
        double real;
        struct slice string; /* VALUE_STRING and VALUE_BYTES */
        struct value *items;
        struct value_member *members;
    };
};

struct value_member {
    struct slice name;
    struct value value;
};

/* NULL when `map` is NULL, not a map, or has no such member. */
const struct value *value_member(const struct value *map, const char *name);

/* Builders, for answers: a map with room for `capacity` members; value_set appends (names are literals, not
 * copied) and asserts that there is room. The _text setters skip empty text. */
struct value value_map(struct arena *arena, uint32_t capacity);
struct value value_list(struct arena *arena, uint32_t capacity);
struct value value_string(struct slice text);
struct value value_int(int64_t integer);
struct value value_bool(bool boolean);
struct value value_null(void);
void value_set(struct value *map, const char *name, struct value member);
void value_set_text(struct value *map, const char *name, struct slice text);
void value_set_uuid(struct value *map, struct arena *arena, const char *name,
                    const struct uuid *id); /* nil: skipped */
void value_append(struct value *list, struct value item);

/* A copy that borrows nothing, of a value that was built or decoded; it has room for no more. */
struct value value_copy(const struct value *value, struct arena *arena);

#endif
