/* Values of the Common Expression Language (cel-spec doc/langdef.md, "Values"): 16 bytes, plain, immutable.
 *
 * Text, items and entries are borrowed: whoever made them (a program, an arena, the caller) outlives the
 * value. Strings are valid UTF-8 and may hold NUL. Lists and maps may share their parts, so that a small
 * value can be a huge tree: every walk over one is metered. Messages of protocol buffers do not exist here.
 */
#ifndef RULES_CEL_VALUE_H
#define RULES_CEL_VALUE_H

#include "rules/arena.h"

enum cel_kind {
    CEL_NULL,
    CEL_BOOL,
    CEL_INT,
    CEL_UINT,
    CEL_DOUBLE,
    CEL_STRING,
    CEL_BYTES,
    CEL_LIST,
    CEL_MAP,
    CEL_TYPE,
    CEL_TIMESTAMP, /* 0001-01-01T00:00:00Z to 9999-12-31T23:59:59.999999999Z */
    CEL_DURATION,
    CEL_ABSENT, /* a variable that has no value now: has() is false, reading it an error */
    /* Of types only: */
    CEL_DYN,
    CEL_PARAM,
    /* Of the machine only: */
    CEL_ERROR,
    CEL_BUILDER,
    CEL_REGEX,
    CEL_ZONE,
};

/* A type: of a variable, an expression, or a value of kind CEL_TYPE. */
struct cel_type {
    enum cel_kind kind;
    const struct cel_type *item; /* CEL_LIST: of items; CEL_MAP: of values; NULL is dyn */
    const struct cel_type *key;  /* CEL_MAP; NULL is dyn */
};

extern const struct cel_type cel_type_dyn, cel_type_null, cel_type_bool, cel_type_int, cel_type_uint,
    cel_type_double, cel_type_string, cel_type_bytes, cel_type_timestamp, cel_type_duration, cel_type_type,
    cel_type_list, cel_type_map; /* the last two: of dyn */

struct cel_map;
struct cel_raised;
struct cel_builder;

struct cel_value {
    enum cel_kind kind;
    uint32_t count; /* bytes of text, items, entries; nanoseconds (0 to 999999999) of a timestamp */
    union {
        bool boolean;
        int64_t integer; /* CEL_INT; seconds since 1970 of a timestamp; nanoseconds of a duration */
        uint64_t natural;
        double real;
        const char *text;
        const struct cel_value *items;
        const struct cel_map *map;
        const struct cel_type *type;
        const struct cel_raised *raised;
        struct cel_builder *builder;
        const void *handle;
    };
};

struct cel_entry {
    struct cel_value key, value;
};

/* Entries in the order written; maps of more than a few have an index. */
struct cel_map {
    const struct cel_entry *entries;
    uint32_t count, mask;
    const uint32_t *slots; /* entry + 1, 0 is free; NULL: look through all */
};

/* What a walk may still cost. Nothing goes on once it is 0. */
struct cel_meter {
    uint64_t left;
};

bool cel_meter_take(struct cel_meter *meter, uint64_t cost);

struct cel_value cel_null(void);
struct cel_value cel_bool(bool boolean);
struct cel_value cel_int(int64_t integer);
struct cel_value cel_uint(uint64_t natural);
struct cel_value cel_double(double real);
struct cel_value cel_string(struct slice text);
struct cel_value cel_bytes(struct slice bytes);
struct cel_value cel_list(const struct cel_value *items, uint32_t count);
struct cel_value cel_type_value(const struct cel_type *type);
struct cel_value cel_timestamp(int64_t seconds, uint32_t nanoseconds);
struct cel_value cel_timestamp_ms(int64_t at_ms); /* rules/types.h time */
struct cel_value cel_duration(int64_t nanoseconds);
struct cel_value cel_duration_ms(int64_t ms); /* saturates */
struct cel_value cel_absent(void);
/* Borrows `entries`. False: a key is there twice or of a kind that cannot be one; *bad is its index. */
bool cel_map_make(struct cel_value *out, const struct cel_entry *entries, uint32_t count, uint32_t *bad,
                  struct arena *arena) __attribute__((warn_unused_result));

struct slice cel_text(const struct cel_value *value); /* of CEL_STRING and CEL_BYTES */
bool cel_is_number(const struct cel_value *value);
bool cel_can_be_key(enum cel_kind kind);
/* NULL when there is none. Numbers are found by their value, whatever their kind. */
const struct cel_value *cel_map_find(const struct cel_map *map, const struct cel_value *key);
/* Equality as `==` has it: numbers by value, NaN unequal to all, values of different kinds unequal. Gives
 * false when the meter runs out. */
bool cel_equal(const struct cel_value *a, const struct cel_value *b, struct cel_meter *meter);
enum cel_order { CEL_LESS, CEL_SAME, CEL_GREATER, CEL_UNORDERED, CEL_NO_ORDER };
/* CEL_UNORDERED: a NaN; CEL_NO_ORDER: kinds that `<` does not compare. */
enum cel_order cel_compare(const struct cel_value *a, const struct cel_value *b);

/* "int", "google.protobuf.Timestamp", ...: what type() shows. */
const char *cel_kind_name(enum cel_kind kind);
const struct cel_type *cel_type_of(const struct cel_value *value);

#endif
