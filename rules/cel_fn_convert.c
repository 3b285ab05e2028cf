/* Conversions (langdef.md, "Standard Definitions"; the texts of numbers as cel-go takes and writes them). */
#include <inttypes.h>
#include <string.h>

#include "rules/ascii.h"
#include "rules/cel_fn.h"
#include "rules/cel_text.h"
#include "rules/cel_time.h"
#include "rules/decimal.h"

/* Of decimal text: microseconds, not nanoseconds. */
#define READ_DOUBLE_COST 200
#define WRITE_DOUBLE_COST 1000

static const struct slice nothing = {NULL, 0};

static bool is_kind(char letter, enum cel_kind kind)
{
    switch (letter) {
    case 'b':
        return kind == CEL_BOOL;
    case 'i':
        return kind == CEL_INT;
    case 'u':
        return kind == CEL_UINT;
    case 'd':
        return kind == CEL_DOUBLE;
    case 's':
        return kind == CEL_STRING;
    case 'y':
        return kind == CEL_BYTES;
    case 't':
        return kind == CEL_TIMESTAMP;
    case 'r':
        return kind == CEL_DURATION;
    case 'l':
        return kind == CEL_LIST;
    case 'm':
        return kind == CEL_MAP;
    default:
        return letter == '*';
    }
}

bool cel_fn_takes(const struct cel_value *args, uint32_t count, const char *kinds)
{
    if (strlen(kinds) != count)
        return false;
    for (uint32_t i = 0; i < count; i++) {
        if (!is_kind(kinds[i], args[i].kind))
            return false;
    }
    return true;
}

static bool out_of_range(struct cel_frame *frame, const char *type)
{
    return cel_raise(frame, CEL_OUT_OF_RANGE, "the value is out of the type's range", slice_of(type));
}

static bool not_a(struct cel_frame *frame, const char *text, const struct cel_value *value)
{
    return cel_raise(frame, CEL_BAD_ARGUMENT, text, cel_text(value));
}

bool cel_fn_dyn(struct cel_frame *frame, struct cel_value *args, uint32_t count)
{
    return count == 1 ? true : cel_no_overload(frame, "dyn", args, count);
}

bool cel_fn_type(struct cel_frame *frame, struct cel_value *args, uint32_t count)
{
    if (count != 1)
        return cel_no_overload(frame, "type", args, count);
    args[0] = cel_type_value(cel_type_of(&args[0]));
    return true;
}

bool cel_fn_bool(struct cel_frame *frame, struct cel_value *args, uint32_t count)
{
    static const char *const words[2][6] = {{"0", "f", "F", "FALSE", "false", "False"},
                                            {"1", "t", "T", "TRUE", "true", "True"}};
    if (cel_fn_takes(args, count, "b"))
        return true;
    if (!cel_fn_takes(args, count, "s"))
        return cel_no_overload(frame, "bool", args, count);
    for (int which = 0; which < 2; which++) {
        for (int i = 0; i < 6; i++) {
            if (slice_is(cel_text(&args[0]), words[which][i])) {
                args[0] = cel_bool(which);
                return true;
            }
        }
    }
    return not_a(frame, "not a bool", &args[0]);
}

bool cel_fn_bytes(struct cel_frame *frame, struct cel_value *args, uint32_t count)
{
    if (cel_fn_takes(args, count, "y"))
        return true;
    if (!cel_fn_takes(args, count, "s"))
        return cel_no_overload(frame, "bytes", args, count);
    args[0].kind = CEL_BYTES;
    return true;
}

static bool read_special(double *out, struct slice text)
{
    bool negative = text.len && text.ptr[0] == '-';
    if (text.len && (negative || text.ptr[0] == '+'))
        text = cel_slice_from(text, 1);
    if (ascii_equal(text, "inf") || ascii_equal(text, "infinity"))
        *out = negative ? -__builtin_inf() : __builtin_inf();
    else if (ascii_equal(text, "nan"))
        *out = __builtin_nan("");
    else
        return false;
    return true;
}

bool cel_fn_double(struct cel_frame *frame, struct cel_value *args, uint32_t count)
{
    double real;
    if (cel_fn_takes(args, count, "d"))
        return true;
    if (cel_fn_takes(args, count, "i")) {
        args[0] = cel_double((double)args[0].integer);
        return true;
    }
    if (cel_fn_takes(args, count, "u")) {
        args[0] = cel_double((double)args[0].natural);
        return true;
    }
    if (!cel_fn_takes(args, count, "s"))
        return cel_no_overload(frame, "double", args, count);
    if (!cel_spend(frame, READ_DOUBLE_COST + args[0].count))
        return false;
    if (!decimal_read(&real, cel_text(&args[0])) && !read_special(&real, cel_text(&args[0])))
        return not_a(frame, "not a double", &args[0]);
    args[0] = cel_double(real);
    return true;
}

static bool read_natural(uint64_t *out, struct slice digits)
{
    *out = 0;
    for (size_t i = 0; i < digits.len; i++) {
        if (!ascii_is_digit(digits.ptr[i]) || __builtin_mul_overflow(*out, 10, out) ||
            __builtin_add_overflow(*out, (uint64_t)(digits.ptr[i] - '0'), out))
            return false;
    }
    return digits.len > 0;
}

static bool read_integer(int64_t *out, struct slice text)
{
    uint64_t natural;
    bool negative = text.len && text.ptr[0] == '-';
    if (text.len && (negative || text.ptr[0] == '+'))
        text = cel_slice_from(text, 1);
    if (!read_natural(&natural, text) || natural > (uint64_t)INT64_MAX + negative)
        return false;
    *out = (int64_t)(negative ? 0 - natural : natural);
    return true;
}

bool cel_fn_int(struct cel_frame *frame, struct cel_value *args, uint32_t count)
{
    int64_t integer;
    if (cel_fn_takes(args, count, "i"))
        return true;
    if (cel_fn_takes(args, count, "u")) {
        if (args[0].natural > INT64_MAX)
            return out_of_range(frame, "int");
        args[0] = cel_int((int64_t)args[0].natural);
        return true;
    }
    if (cel_fn_takes(args, count, "d")) {
        /* Both ends excluded: the doubles there stand for values beyond, too. */
        if (!(args[0].real > -0x1p63 && args[0].real < 0x1p63))
            return out_of_range(frame, "int");
        args[0] = cel_int((int64_t)args[0].real);
        return true;
    }
    if (cel_fn_takes(args, count, "t")) {
        args[0] = cel_int(args[0].integer);
        return true;
    }
    if (!cel_fn_takes(args, count, "s"))
        return cel_no_overload(frame, "int", args, count);
    if (!read_integer(&integer, cel_text(&args[0])))
        return not_a(frame, "not an int", &args[0]);
    args[0] = cel_int(integer);
    return true;
}

bool cel_fn_uint(struct cel_frame *frame, struct cel_value *args, uint32_t count)
{
    uint64_t natural;
    if (cel_fn_takes(args, count, "u"))
        return true;
    if (cel_fn_takes(args, count, "i")) {
        if (args[0].integer < 0)
            return out_of_range(frame, "uint");
        args[0] = cel_uint((uint64_t)args[0].integer);
        return true;
    }
    if (cel_fn_takes(args, count, "d")) {
        if (!(args[0].real >= 0 && args[0].real < 0x1p64))
            return out_of_range(frame, "uint");
        args[0] = cel_uint((uint64_t)args[0].real);
        return true;
    }
    if (!cel_fn_takes(args, count, "s"))
        return cel_no_overload(frame, "uint", args, count);
    if (!read_natural(&natural, cel_text(&args[0])))
        return not_a(frame, "not a uint", &args[0]);
    args[0] = cel_uint(natural);
    return true;
}

bool cel_fn_as_text(struct slice *out, const struct cel_value *value, struct arena *arena)
{
    switch (value->kind) {
    case CEL_BOOL:
        *out = value->boolean ? SLICE("true") : SLICE("false");
        return true;
    case CEL_INT:
        *out = arena_format(arena, "%" PRId64, value->integer);
        return true;
    case CEL_UINT:
        *out = arena_format(arena, "%" PRIu64, value->natural);
        return true;
    case CEL_DOUBLE:
        *out = decimal_shortest(value->real, arena);
        return true;
    case CEL_STRING:
    case CEL_BYTES:
        *out = cel_text(value);
        return true;
    case CEL_TIMESTAMP:
        *out = cel_timestamp_write(value, arena);
        return true;
    case CEL_DURATION:
        *out = cel_duration_write(value, arena);
        return true;
    default:
        return false;
    }
}

bool cel_fn_string(struct cel_frame *frame, struct cel_value *args, uint32_t count)
{
    struct slice text;
    if (count != 1 || !cel_spend(frame, args[0].kind == CEL_DOUBLE ? WRITE_DOUBLE_COST : 4))
        return count == 1 ? false : cel_no_overload(frame, "string", args, count);
    if (!cel_fn_as_text(&text, &args[0], frame->arena))
        return cel_no_overload(frame, "string", args, count);
    if (args[0].kind == CEL_BYTES) {
        if (!cel_spend(frame, text.len / 16))
            return false;
        if (!cel_utf8_is_valid(text))
            return cel_raise(frame, CEL_BAD_ARGUMENT, "the bytes are not valid UTF-8", nothing);
    }
    args[0] = cel_string(text);
    return true;
}

bool cel_fn_timestamp(struct cel_frame *frame, struct cel_value *args, uint32_t count)
{
    struct cel_value timestamp;
    if (cel_fn_takes(args, count, "t"))
        return true;
    if (cel_fn_takes(args, count, "i")) {
        if (!cel_timestamp_is_in_range(args[0].integer))
            return out_of_range(frame, "timestamp");
        args[0] = cel_timestamp(args[0].integer, 0);
        return true;
    }
    if (!cel_fn_takes(args, count, "s"))
        return cel_no_overload(frame, "timestamp", args, count);
    if (!cel_timestamp_read(&timestamp, cel_text(&args[0])))
        return not_a(frame, "not a timestamp (RFC 3339)", &args[0]);
    args[0] = timestamp;
    return true;
}

bool cel_fn_duration(struct cel_frame *frame, struct cel_value *args, uint32_t count)
{
    struct cel_value duration;
    if (cel_fn_takes(args, count, "r"))
        return true;
    if (!cel_fn_takes(args, count, "s"))
        return cel_no_overload(frame, "duration", args, count);
    if (!cel_spend(frame, args[0].count / 4) || !cel_duration_read(&duration, cel_text(&args[0])))
        return frame->meter.left ? not_a(frame, "not a duration (as 1h30m, 1.5s)", &args[0]) : false;
    args[0] = duration;
    return true;
}
