#include "rules/cel_op.h"

#include <string.h>

#include "rules/cel_time.h"

static const struct slice nothing = {NULL, 0};

static const char *operator_name(enum cel_code_op op)
{
    static const char *const names[] = {
        [OP_ADD] = "_+_",         [OP_SUBTRACT] = "_-_", [OP_MULTIPLY] = "_*_",
        [OP_DIVIDE] = "_/_",      [OP_MODULO] = "_%_",   [OP_LESS] = "_<_",
        [OP_LESS_EQUAL] = "_<=_", [OP_GREATER] = "_>_",  [OP_GREATER_EQUAL] = "_>=_",
    };
    return names[op];
}

static bool overflow(struct cel_frame *frame, enum cel_code_op op)
{
    return cel_raise(frame, CEL_OVERFLOW, "the result is out of range", slice_of(operator_name(op)));
}

static bool divide_by_zero(struct cel_frame *frame, enum cel_code_op op)
{
    return cel_raise(frame, CEL_DIVIDE_BY_ZERO, op == OP_DIVIDE ? "division by zero" : "modulus by zero",
                     nothing);
}

static bool int_arithmetic(struct cel_frame *frame, struct cel_value *args, enum cel_code_op op)
{
    int64_t a = args[0].integer, b = args[1].integer;
    bool failed = false;
    switch (op) {
    case OP_ADD:
        failed = __builtin_add_overflow(a, b, &args[0].integer);
        break;
    case OP_SUBTRACT:
        failed = __builtin_sub_overflow(a, b, &args[0].integer);
        break;
    case OP_MULTIPLY:
        failed = __builtin_mul_overflow(a, b, &args[0].integer);
        break;
    default:
        if (b == 0)
            return divide_by_zero(frame, op);
        if (a == INT64_MIN && b == -1)
            failed = true;
        else
            args[0].integer = op == OP_DIVIDE ? a / b : a % b;
        break;
    }
    return failed ? overflow(frame, op) : true;
}

static bool uint_arithmetic(struct cel_frame *frame, struct cel_value *args, enum cel_code_op op)
{
    uint64_t a = args[0].natural, b = args[1].natural;
    bool failed = false;
    switch (op) {
    case OP_ADD:
        failed = __builtin_add_overflow(a, b, &args[0].natural);
        break;
    case OP_SUBTRACT:
        failed = __builtin_sub_overflow(a, b, &args[0].natural);
        break;
    case OP_MULTIPLY:
        failed = __builtin_mul_overflow(a, b, &args[0].natural);
        break;
    default:
        if (b == 0)
            return divide_by_zero(frame, op);
        args[0].natural = op == OP_DIVIDE ? a / b : a % b;
        break;
    }
    return failed ? overflow(frame, op) : true;
}

static bool double_arithmetic(struct cel_frame *frame, struct cel_value *args, enum cel_code_op op)
{
    double a = args[0].real, b = args[1].real;
    switch (op) {
    case OP_ADD:
        args[0].real = a + b;
        return true;
    case OP_SUBTRACT:
        args[0].real = a - b;
        return true;
    case OP_MULTIPLY:
        args[0].real = a * b;
        return true;
    case OP_DIVIDE:
        args[0].real = a / b;
        return true;
    default:
        return cel_no_overload(frame, operator_name(op), args, 2);
    }
}

static bool join_text(struct cel_frame *frame, struct cel_value *args)
{
    size_t len = (size_t)args[0].count + args[1].count;
    if (len > UINT32_MAX)
        return overflow(frame, OP_ADD);
    if (!cel_spend(frame, len / 16))
        return false;
    if (!args[1].count)
        return true;
    char *text = arena_alloc(frame->arena, len);
    if (args[0].count)
        memcpy(text, args[0].text, args[0].count);
    memcpy(text + args[0].count, args[1].text, args[1].count);
    args[0].text = text;
    args[0].count = (uint32_t)len;
    return true;
}

static bool join_lists(struct cel_frame *frame, struct cel_value *args)
{
    size_t count = (size_t)args[0].count + args[1].count;
    if (count > UINT32_MAX)
        return overflow(frame, OP_ADD);
    if (!cel_spend(frame, count))
        return false;
    struct cel_value *items = arena_array(frame->arena, struct cel_value, count);
    if (args[0].count)
        memcpy(items, args[0].items, sizeof *items * args[0].count);
    if (args[1].count)
        memcpy(items + args[0].count, args[1].items, sizeof *items * args[1].count);
    args[0] = cel_list(items, (uint32_t)count);
    return true;
}

static bool add_time(struct cel_frame *frame, struct cel_value *out, const struct cel_value *timestamp,
                     int64_t ns)
{
    struct cel_value sum;
    if (!cel_timestamp_add(&sum, timestamp, ns))
        return cel_raise(frame, CEL_OUT_OF_RANGE, "the timestamp is out of range", nothing);
    *out = sum;
    return true;
}

/* What + and - do to other things than numbers. */
static bool add_others(struct cel_frame *frame, struct cel_value *args)
{
    enum cel_kind a = args[0].kind, b = args[1].kind;
    if (a == b && (a == CEL_STRING || a == CEL_BYTES))
        return join_text(frame, args);
    if (a == CEL_LIST && b == CEL_LIST)
        return join_lists(frame, args);
    if (a == CEL_TIMESTAMP && b == CEL_DURATION)
        return add_time(frame, &args[0], &args[0], args[1].integer);
    if (a == CEL_DURATION && b == CEL_TIMESTAMP)
        return add_time(frame, &args[0], &args[1], args[0].integer);
    return cel_no_overload(frame, "_+_", args, 2);
}

static bool subtract_others(struct cel_frame *frame, struct cel_value *args)
{
    enum cel_kind a = args[0].kind, b = args[1].kind;
    if (a == CEL_TIMESTAMP && b == CEL_TIMESTAMP) {
        struct cel_value difference;
        if (!cel_timestamp_subtract(&difference, &args[0], &args[1]))
            return overflow(frame, OP_SUBTRACT);
        args[0] = difference;
        return true;
    }
    if (a == CEL_TIMESTAMP && b == CEL_DURATION) {
        if (args[1].integer == INT64_MIN)
            return overflow(frame, OP_SUBTRACT);
        return add_time(frame, &args[0], &args[0], -args[1].integer);
    }
    return cel_no_overload(frame, "_-_", args, 2);
}

bool cel_op_arithmetic(struct cel_frame *frame, struct cel_value *args, enum cel_code_op op)
{
    enum cel_kind kind = args[0].kind;
    bool is_sum = op == OP_ADD || op == OP_SUBTRACT;
    if (kind == args[1].kind) {
        if (kind == CEL_INT || (kind == CEL_DURATION && is_sum))
            return int_arithmetic(frame, args, op);
        if (kind == CEL_UINT)
            return uint_arithmetic(frame, args, op);
        if (kind == CEL_DOUBLE)
            return double_arithmetic(frame, args, op);
    }
    if (!is_sum)
        return cel_no_overload(frame, operator_name(op), args, 2);
    return op == OP_ADD ? add_others(frame, args) : subtract_others(frame, args);
}

bool cel_op_negate(struct cel_frame *frame, struct cel_value *args)
{
    if (args->kind == CEL_DOUBLE) {
        args->real = -args->real;
        return true;
    }
    if (args->kind != CEL_INT && args->kind != CEL_DURATION)
        return cel_no_overload(frame, "-_", args, 1);
    if (__builtin_sub_overflow(INT64_C(0), args->integer, &args->integer))
        return cel_raise(frame, CEL_OVERFLOW, "the result is out of range", SLICE("-_"));
    return true;
}

bool cel_op_order(struct cel_frame *frame, struct cel_value *args, enum cel_code_op op)
{
    enum cel_order order = cel_compare(&args[0], &args[1]);
    bool is_text = args[0].kind == CEL_STRING || args[0].kind == CEL_BYTES;
    if (order == CEL_NO_ORDER)
        return cel_no_overload(frame, operator_name(op), args, 2);
    if (is_text && !cel_spend(frame, args[0].count / 16))
        return false;
    bool or_same = op == OP_LESS_EQUAL || op == OP_GREATER_EQUAL;
    enum cel_order wanted = op == OP_LESS || op == OP_LESS_EQUAL ? CEL_LESS : CEL_GREATER;
    args[0] = cel_bool(order == wanted || (or_same && order == CEL_SAME));
    return true;
}

/* The meter stands at 0 only when it ran out. */
static bool is_paid(struct cel_frame *frame)
{
    return frame->meter.left ? true : cel_spend(frame, 1);
}

bool cel_op_equal(struct cel_frame *frame, struct cel_value *args, bool wanted)
{
    bool equal = cel_equal(&args[0], &args[1], &frame->meter);
    args[0] = cel_bool(equal == wanted);
    return is_paid(frame);
}

bool cel_op_in(struct cel_frame *frame, struct cel_value *args)
{
    const struct cel_value *range = &args[1];
    bool found = false;
    if (range->kind == CEL_MAP) {
        found = cel_map_find(range->map, &args[0]) != NULL;
    } else if (range->kind == CEL_LIST) {
        for (uint32_t i = 0; i < range->count && !found; i++)
            found = cel_equal(&args[0], &range->items[i], &frame->meter);
    } else {
        return cel_no_overload(frame, "@in", args, 2);
    }
    args[0] = cel_bool(found);
    return is_paid(frame);
}

/* Any number that is a whole one is an index. */
static bool read_index(int64_t *index, const struct cel_value *value)
{
    if (value->kind == CEL_INT)
        *index = value->integer;
    else if (value->kind == CEL_UINT)
        *index = value->natural > INT64_MAX ? INT64_MAX : (int64_t)value->natural;
    else if (value->kind == CEL_DOUBLE && value->real >= 0 && value->real < 0x1p32 &&
             value->real == (double)(int64_t)value->real)
        *index = (int64_t)value->real;
    else
        return false;
    return true;
}

static bool no_such_key(struct cel_frame *frame, const struct cel_value *key)
{
    if (key->kind == CEL_STRING)
        return cel_raise(frame, CEL_NO_SUCH_KEY, "no such key",
                         arena_format(frame->arena, "'%.*s'",
                                      key->count > CEL_DETAIL_MAX ? CEL_DETAIL_MAX : (int)key->count,
                                      key->count ? key->text : ""));
    if (key->kind == CEL_INT)
        return cel_raise_number(frame, CEL_NO_SUCH_KEY, "no such key", key->integer);
    return cel_raise(frame, CEL_NO_SUCH_KEY, "no such key", slice_of(cel_kind_name(key->kind)));
}

bool cel_op_index(struct cel_frame *frame, struct cel_value *args)
{
    int64_t index;
    if (args[0].kind == CEL_MAP) {
        const struct cel_value *found = cel_map_find(args[0].map, &args[1]);
        if (!found)
            return no_such_key(frame, &args[1]);
        args[0] = *found;
        return true;
    }
    if (args[0].kind != CEL_LIST || !read_index(&index, &args[1]))
        return cel_no_overload(frame, "_[_]", args, 2);
    if (index < 0 || index >= args[0].count)
        return cel_raise_number(frame, CEL_OUT_OF_RANGE, "index out of range", index);
    args[0] = args[0].items[index];
    return true;
}

bool cel_op_select(struct cel_frame *frame, struct cel_value *args, const struct cel_value *field)
{
    if (args[0].kind != CEL_MAP)
        return cel_no_overload(frame, "_._", args, 1);
    const struct cel_value *found = cel_map_find(args[0].map, field);
    if (!found)
        return no_such_key(frame, field);
    args[0] = *found;
    return true;
}

bool cel_op_has(struct cel_frame *frame, struct cel_value *args, const struct cel_value *field)
{
    if (args[0].kind != CEL_MAP)
        return cel_no_overload(frame, "has", args, 1);
    args[0] = cel_bool(cel_map_find(args[0].map, field) != NULL);
    return true;
}

bool cel_op_list(struct cel_frame *frame, struct cel_value *args, uint32_t count)
{
    if (!cel_spend(frame, count))
        return false;
    struct cel_value *items = arena_array(frame->arena, struct cel_value, count);
    if (count)
        memcpy(items, args, sizeof *items * count);
    args[0] = cel_list(items, count);
    return true;
}

bool cel_op_map(struct cel_frame *frame, struct cel_value *args, uint32_t count)
{
    uint32_t bad;
    if (!cel_spend(frame, 2 * (uint64_t)count))
        return false;
    struct cel_entry *entries = arena_array(frame->arena, struct cel_entry, count);
    for (uint32_t i = 0; i < count; i++)
        entries[i] = (struct cel_entry){args[2 * (size_t)i], args[2 * (size_t)i + 1]};
    if (cel_map_make(&args[0], entries, count, &bad, frame->arena))
        return true;
    const struct cel_value *key = &entries[bad].key;
    if (!cel_can_be_key(key->kind))
        return cel_raise(frame, CEL_BAD_KEY, "unsupported key type", slice_of(cel_kind_name(key->kind)));
    no_such_key(frame, key);
    return cel_raise(frame, CEL_BAD_KEY, "repeated key", frame->raised.detail);
}
