#include "rules/cel_value.h"

#include <string.h>

#define SCAN_MAX 8 /* entries that are looked through faster than an index answers */

const struct cel_type cel_type_dyn = {.kind = CEL_DYN}, cel_type_null = {.kind = CEL_NULL},
                      cel_type_bool = {.kind = CEL_BOOL}, cel_type_int = {.kind = CEL_INT},
                      cel_type_uint = {.kind = CEL_UINT}, cel_type_double = {.kind = CEL_DOUBLE},
                      cel_type_string = {.kind = CEL_STRING}, cel_type_bytes = {.kind = CEL_BYTES},
                      cel_type_timestamp = {.kind = CEL_TIMESTAMP},
                      cel_type_duration = {.kind = CEL_DURATION}, cel_type_type = {.kind = CEL_TYPE},
                      cel_type_list = {.kind = CEL_LIST}, cel_type_map = {.kind = CEL_MAP};

bool cel_meter_take(struct cel_meter *meter, uint64_t cost)
{
    bool enough = meter->left > cost;
    meter->left = enough ? meter->left - cost : 0;
    return enough;
}

struct cel_value cel_null(void)
{
    return (struct cel_value){.kind = CEL_NULL};
}

struct cel_value cel_bool(bool boolean)
{
    struct cel_value value = {.kind = CEL_BOOL};
    value.boolean = boolean;
    return value;
}

struct cel_value cel_int(int64_t integer)
{
    return (struct cel_value){.kind = CEL_INT, .integer = integer};
}

struct cel_value cel_uint(uint64_t natural)
{
    return (struct cel_value){.kind = CEL_UINT, .natural = natural};
}

struct cel_value cel_double(double real)
{
    return (struct cel_value){.kind = CEL_DOUBLE, .real = real};
}

struct cel_value cel_string(struct slice text)
{
    return (struct cel_value){.kind = CEL_STRING, .count = (uint32_t)text.len, .text = text.ptr};
}

struct cel_value cel_bytes(struct slice bytes)
{
    return (struct cel_value){.kind = CEL_BYTES, .count = (uint32_t)bytes.len, .text = bytes.ptr};
}

struct cel_value cel_list(const struct cel_value *items, uint32_t count)
{
    return (struct cel_value){.kind = CEL_LIST, .count = count, .items = items};
}

struct cel_value cel_type_value(const struct cel_type *type)
{
    return (struct cel_value){.kind = CEL_TYPE, .type = type};
}

struct cel_value cel_timestamp(int64_t seconds, uint32_t nanoseconds)
{
    return (struct cel_value){.kind = CEL_TIMESTAMP, .count = nanoseconds, .integer = seconds};
}

struct cel_value cel_timestamp_ms(int64_t at_ms)
{
    int64_t ms = at_ms % 1000 < 0 ? at_ms % 1000 + 1000 : at_ms % 1000;
    return cel_timestamp((at_ms - ms) / 1000, (uint32_t)ms * 1000000);
}

struct cel_value cel_duration(int64_t nanoseconds)
{
    return (struct cel_value){.kind = CEL_DURATION, .integer = nanoseconds};
}

struct cel_value cel_duration_ms(int64_t ms)
{
    int64_t nanoseconds;
    if (__builtin_mul_overflow(ms, INT64_C(1000000), &nanoseconds))
        nanoseconds = ms < 0 ? INT64_MIN : INT64_MAX;
    return cel_duration(nanoseconds);
}

struct cel_value cel_absent(void)
{
    return (struct cel_value){.kind = CEL_ABSENT};
}

struct slice cel_text(const struct cel_value *value)
{
    return (struct slice){value->text, value->count};
}

bool cel_is_number(const struct cel_value *value)
{
    return value->kind == CEL_INT || value->kind == CEL_UINT || value->kind == CEL_DOUBLE;
}

bool cel_can_be_key(enum cel_kind kind)
{
    return kind == CEL_STRING || kind == CEL_INT || kind == CEL_UINT || kind == CEL_BOOL;
}

static enum cel_order order_of(int sign)
{
    return sign < 0 ? CEL_LESS : sign > 0 ? CEL_GREATER : CEL_SAME;
}

static enum cel_order reversed(enum cel_order order)
{
    return order == CEL_LESS ? CEL_GREATER : order == CEL_GREATER ? CEL_LESS : order;
}

static enum cel_order compare_doubles(double a, double b)
{
    if (a != a || b != b)
        return CEL_UNORDERED;
    return order_of((a > b) - (a < b));
}

/* Integers are compared with doubles as doubles (cel-go does, and cel-spec's cases want it): 2^63 - 1 equals
 * 2^63 there. What no integer reaches is decided first. */
static enum cel_order compare_int_double(int64_t integer, double real)
{
    if (real > 0x1p63)
        return CEL_LESS;
    if (real < -0x1p63)
        return CEL_GREATER;
    return compare_doubles((double)integer, real);
}

static enum cel_order compare_uint_double(uint64_t natural, double real)
{
    if (real > 0x1p64)
        return CEL_LESS;
    if (real < 0)
        return CEL_GREATER;
    return compare_doubles((double)natural, real);
}

static enum cel_order compare_int_uint(int64_t integer, uint64_t natural)
{
    if (integer < 0 || (uint64_t)integer < natural)
        return CEL_LESS;
    return (uint64_t)integer > natural ? CEL_GREATER : CEL_SAME;
}

static enum cel_order compare_numbers(const struct cel_value *a, const struct cel_value *b)
{
    if (a->kind == b->kind) {
        if (a->kind == CEL_INT)
            return order_of((a->integer > b->integer) - (a->integer < b->integer));
        if (a->kind == CEL_UINT)
            return order_of((a->natural > b->natural) - (a->natural < b->natural));
        return compare_doubles(a->real, b->real);
    }
    if (a->kind == CEL_INT && b->kind == CEL_UINT)
        return compare_int_uint(a->integer, b->natural);
    if (a->kind == CEL_INT)
        return compare_int_double(a->integer, b->real);
    if (a->kind == CEL_UINT && b->kind == CEL_DOUBLE)
        return compare_uint_double(a->natural, b->real);
    return reversed(compare_numbers(b, a));
}

enum cel_order cel_compare(const struct cel_value *a, const struct cel_value *b)
{
    if (cel_is_number(a) && cel_is_number(b))
        return compare_numbers(a, b);
    if (a->kind != b->kind)
        return CEL_NO_ORDER;
    switch (a->kind) {
    case CEL_BOOL:
        return order_of(a->boolean - b->boolean);
    case CEL_STRING:
    case CEL_BYTES:
        return order_of(slice_compare(cel_text(a), cel_text(b)));
    case CEL_TIMESTAMP:
        if (a->integer != b->integer)
            return a->integer < b->integer ? CEL_LESS : CEL_GREATER;
        return order_of((a->count > b->count) - (a->count < b->count));
    case CEL_DURATION:
        return order_of((a->integer > b->integer) - (a->integer < b->integer));
    default:
        return CEL_NO_ORDER;
    }
}

static bool lists_equal(const struct cel_value *a, const struct cel_value *b, struct cel_meter *meter)
{
    if (a->count != b->count)
        return false;
    for (uint32_t i = 0; i < a->count; i++) {
        if (!cel_equal(&a->items[i], &b->items[i], meter))
            return false;
    }
    return true;
}

static bool maps_equal(const struct cel_map *a, const struct cel_map *b, struct cel_meter *meter)
{
    if (a->count != b->count)
        return false;
    for (uint32_t i = 0; i < a->count; i++) {
        const struct cel_value *other = cel_map_find(b, &a->entries[i].key);
        if (!other || !cel_equal(&a->entries[i].value, other, meter))
            return false;
    }
    return true;
}

/* Depth is that of the values: what literals nest (the parser's limit) and what the caller put in. */
bool cel_equal(const struct cel_value *a, const struct cel_value *b, struct cel_meter *meter)
{
    if (!cel_meter_take(meter, 1))
        return false;
    if (cel_is_number(a) && cel_is_number(b))
        return compare_numbers(a, b) == CEL_SAME;
    if (a->kind != b->kind)
        return false;
    switch (a->kind) {
    case CEL_NULL:
        return true;
    case CEL_STRING:
    case CEL_BYTES:
        return a->count == b->count && cel_meter_take(meter, a->count / 16) &&
               (a->count == 0 || memcmp(a->text, b->text, a->count) == 0);
    case CEL_LIST:
        return lists_equal(a, b, meter);
    case CEL_MAP:
        return maps_equal(a->map, b->map, meter);
    case CEL_TYPE:
        return a->type->kind == b->type->kind;
    default:
        return cel_compare(a, b) == CEL_SAME;
    }
}

static uint64_t mix(uint64_t hash)
{
    hash ^= hash >> 32;
    hash *= UINT64_C(0x9E3779B97F4A7C15);
    return hash ^ hash >> 29;
}

/* A key that is looked for: a double only finds an integer that is exactly it, so that equal keys are of
 * equal kinds but for the sign, and hash alike. */
static bool as_key(struct cel_value *out, const struct cel_value *value)
{
    *out = *value;
    if (value->kind != CEL_DOUBLE)
        return cel_can_be_key(value->kind);
    if (value->real >= -0x1p63 && value->real < 0x1p63 && value->real == (double)(int64_t)value->real)
        *out = cel_int((int64_t)value->real);
    else if (value->real >= 0x1p63 && value->real < 0x1p64)
        *out = cel_uint((uint64_t)value->real);
    else
        return false;
    return true;
}

static uint64_t hash_key(const struct cel_value *key)
{
    switch (key->kind) {
    case CEL_INT:
    case CEL_UINT:
        return mix(key->natural);
    case CEL_BOOL:
        return 1 + (uint64_t)key->boolean;
    default:
        break;
    }
    uint64_t hash = UINT64_C(0xCBF29CE484222325);
    for (uint32_t i = 0; i < key->count; i++)
        hash = (hash ^ (unsigned char)key->text[i]) * UINT64_C(0x100000001B3);
    return mix(hash);
}

static bool keys_equal(const struct cel_value *a, const struct cel_value *b)
{
    if (a->kind == CEL_STRING && b->kind == CEL_STRING)
        return slice_equal(cel_text(a), cel_text(b));
    return cel_compare(a, b) == CEL_SAME;
}

static const struct cel_value *find_by_scan(const struct cel_map *map, uint32_t count,
                                            const struct cel_value *key)
{
    for (uint32_t i = 0; i < count; i++) {
        if (keys_equal(&map->entries[i].key, key))
            return &map->entries[i].value;
    }
    return NULL;
}

const struct cel_value *cel_map_find(const struct cel_map *map, const struct cel_value *value)
{
    struct cel_value exact;
    const struct cel_value *key = &exact;
    if (!as_key(&exact, value))
        return NULL;
    if (!map->slots)
        return find_by_scan(map, map->count, key);
    for (uint32_t at = (uint32_t)hash_key(key) & map->mask; map->slots[at]; at = (at + 1) & map->mask) {
        const struct cel_entry *entry = &map->entries[map->slots[at] - 1];
        if (keys_equal(&entry->key, key))
            return &entry->value;
    }
    return NULL;
}

static bool add_slot(const struct cel_map *map, uint32_t *slots, uint32_t entry)
{
    const struct cel_value *key = &map->entries[entry].key;
    uint32_t at = (uint32_t)hash_key(key) & map->mask;
    for (; slots[at]; at = (at + 1) & map->mask) {
        if (keys_equal(&map->entries[slots[at] - 1].key, key))
            return false;
    }
    slots[at] = entry + 1;
    return true;
}

bool cel_map_make(struct cel_value *out, const struct cel_entry *entries, uint32_t count, uint32_t *bad,
                  struct arena *arena)
{
    struct cel_map *map = arena_new(arena, struct cel_map);
    uint32_t *slots = NULL;
    map->entries = entries;
    map->count = count;
    if (count > SCAN_MAX) {
        map->mask = 15;
        while (map->mask < 2 * (uint64_t)count)
            map->mask = map->mask * 2 + 1;
        slots = arena_array(arena, uint32_t, (size_t)map->mask + 1);
    }
    for (uint32_t i = 0; i < count; i++) {
        *bad = i;
        if (!cel_can_be_key(entries[i].key.kind))
            return false;
        if (slots ? !add_slot(map, slots, i) : find_by_scan(map, i, &entries[i].key) != NULL)
            return false;
    }
    map->slots = slots;
    *out = (struct cel_value){.kind = CEL_MAP, .count = count, .map = map};
    return true;
}

const char *cel_kind_name(enum cel_kind kind)
{
    static const char *const names[] = {
        [CEL_NULL] = "null_type",
        [CEL_BOOL] = "bool",
        [CEL_INT] = "int",
        [CEL_UINT] = "uint",
        [CEL_DOUBLE] = "double",
        [CEL_STRING] = "string",
        [CEL_BYTES] = "bytes",
        [CEL_LIST] = "list",
        [CEL_MAP] = "map",
        [CEL_TYPE] = "type",
        [CEL_TIMESTAMP] = "google.protobuf.Timestamp",
        [CEL_DURATION] = "google.protobuf.Duration",
        [CEL_ABSENT] = "nothing",
        [CEL_DYN] = "dyn",
        [CEL_PARAM] = "dyn",
        [CEL_ERROR] = "error",
        [CEL_BUILDER] = "list",
        [CEL_REGEX] = "string",
        [CEL_ZONE] = "string",
    };
    return names[kind];
}

const struct cel_type *cel_type_of(const struct cel_value *value)
{
    static const struct cel_type *const types[] = {
        [CEL_NULL] = &cel_type_null,
        [CEL_BOOL] = &cel_type_bool,
        [CEL_INT] = &cel_type_int,
        [CEL_UINT] = &cel_type_uint,
        [CEL_DOUBLE] = &cel_type_double,
        [CEL_STRING] = &cel_type_string,
        [CEL_BYTES] = &cel_type_bytes,
        [CEL_LIST] = &cel_type_list,
        [CEL_MAP] = &cel_type_map,
        [CEL_TYPE] = &cel_type_type,
        [CEL_TIMESTAMP] = &cel_type_timestamp,
        [CEL_DURATION] = &cel_type_duration,
    };
    return value->kind <= CEL_DURATION ? types[value->kind] : &cel_type_dyn;
}
