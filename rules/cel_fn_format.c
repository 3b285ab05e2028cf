/* "...".format([...]) of the strings extension: %s %d %f %e %b %o %x %X, %% and a precision for %f and %e.
 * Every piece is text in the arena, paid for as it is made; the pieces are joined at the end. */
#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "rules/cel_fn.h"
#include "rules/cel_text.h"
#include "rules/decimal.h"

#define PLACES 6 /* behind the point, when none are given */
#define DEPTH_MAX 64
#define DOUBLE_COST 1000 /* of decimal text: microseconds, not nanoseconds */
#define DIGITS_MAX 72    /* a sign and 64 binary digits */

struct writer {
    struct cel_frame *frame;
    char *text;
    size_t len, room;
};

static bool put(struct writer *writer, struct slice text)
{
    if (!cel_spend(writer->frame, 1 + text.len / 16))
        return false;
    if (text.len > writer->room - writer->len) {
        size_t room = 2 * writer->room + text.len + 64;
        if (room > UINT32_MAX)
            return cel_raise(writer->frame, CEL_TOO_LARGE, "the text is too long", (struct slice){NULL, 0});
        char *larger = arena_alloc(writer->frame->arena, room);
        if (writer->len)
            memcpy(larger, writer->text, writer->len);
        writer->text = larger;
        writer->room = room;
    }
    if (text.len)
        memcpy(writer->text + writer->len, text.ptr, text.len);
    writer->len += text.len;
    return true;
}

static bool bad(struct writer *writer, const char *text, const struct cel_value *value)
{
    return cel_raise(writer->frame, CEL_BAD_ARGUMENT, text, slice_of(cel_kind_name(value->kind)));
}

static bool put_value(struct writer *writer, const struct cel_value *value, uint32_t depth);

static bool put_list(struct writer *writer, const struct cel_value *list, uint32_t depth)
{
    bool is_put = put(writer, SLICE("["));
    for (uint32_t i = 0; is_put && i < list->count; i++)
        is_put = (!i || put(writer, SLICE(", "))) && put_value(writer, &list->items[i], depth);
    return is_put && put(writer, SLICE("]"));
}

struct named {
    struct slice name;
    const struct cel_value *value;
};

static int compare_named(const void *a, const void *b)
{
    return slice_compare(((const struct named *)a)->name, ((const struct named *)b)->name);
}

static bool put_map(struct writer *writer, const struct cel_map *map, uint32_t depth)
{
    if (!cel_spend(writer->frame, 2 * (uint64_t)map->count))
        return false;
    struct named *sorted = arena_array(writer->frame->arena, struct named, map->count);
    for (uint32_t i = 0; i < map->count; i++) {
        sorted[i].value = &map->entries[i].value;
        bool has_text = cel_fn_as_text(&sorted[i].name, &map->entries[i].key, writer->frame->arena);
        assert(has_text); /* what can be a key has one */
    }
    if (map->count)
        qsort(sorted, map->count, sizeof *sorted, compare_named);
    bool is_put = put(writer, SLICE("{"));
    for (uint32_t i = 0; is_put && i < map->count; i++)
        is_put = (!i || put(writer, SLICE(", "))) && put(writer, sorted[i].name) &&
                 put(writer, SLICE(": ")) && put_value(writer, sorted[i].value, depth);
    return is_put && put(writer, SLICE("}"));
}

static bool put_value(struct writer *writer, const struct cel_value *value, uint32_t depth)
{
    struct slice text;
    bool has_text;
    if (depth > DEPTH_MAX)
        return cel_raise(writer->frame, CEL_TOO_LARGE, "a value is nested too deeply",
                         (struct slice){NULL, 0});
    switch (value->kind) {
    case CEL_NULL:
        return put(writer, SLICE("null"));
    case CEL_LIST:
        return put_list(writer, value, depth + 1);
    case CEL_MAP:
        return put_map(writer, value->map, depth + 1);
    case CEL_TYPE:
        return put(writer, slice_of(cel_kind_name(value->type->kind)));
    default:
        if (value->kind == CEL_DOUBLE && !cel_spend(writer->frame, DOUBLE_COST))
            return false;
        has_text = cel_fn_as_text(&text, value, writer->frame->arena);
        assert(has_text);
        if (value->kind == CEL_BYTES && !cel_utf8_is_valid(text))
            return bad(writer, "not valid UTF-8", value);
        return put(writer, text);
    }
}

static bool put_natural(struct writer *writer, uint64_t natural, bool negative, uint32_t base, bool is_upper)
{
    const char *digits = is_upper ? "0123456789ABCDEF" : "0123456789abcdef";
    char text[DIGITS_MAX], *at = text + sizeof text;
    do {
        *--at = digits[natural % base];
        natural /= base;
    } while (natural);
    if (negative)
        *--at = '-';
    return put(writer, (struct slice){at, (size_t)(text + sizeof text - at)});
}

/* Ints and uints in a base. */
static bool put_number(struct writer *writer, const struct cel_value *value, uint32_t base, bool is_upper)
{
    bool negative = value->kind == CEL_INT && value->integer < 0;
    return put_natural(writer, negative ? 0 - value->natural : value->natural, negative, base, is_upper);
}

static bool put_hex(struct writer *writer, const struct cel_value *value, bool is_upper)
{
    const char *digits = is_upper ? "0123456789ABCDEF" : "0123456789abcdef";
    if (!cel_spend(writer->frame, 1 + value->count / 4))
        return false;
    char *text = arena_alloc(writer->frame->arena, 2 * (size_t)value->count);
    for (uint32_t i = 0; i < value->count; i++) {
        text[2 * (size_t)i] = digits[(unsigned char)value->text[i] >> 4];
        text[2 * (size_t)i + 1] = digits[(unsigned char)value->text[i] & 15];
    }
    return put(writer, (struct slice){text, 2 * (size_t)value->count});
}

static bool put_real(struct writer *writer, const struct cel_value *value, bool is_fixed, uint32_t places)
{
    double real = value->kind == CEL_DOUBLE ? value->real
                  : value->kind == CEL_INT  ? (double)value->integer
                                            : (double)value->natural;
    if (!cel_is_number(value))
        return bad(writer, is_fixed ? "%f is for numbers, not for" : "%e is for numbers, not for", value);
    if (!cel_spend(writer->frame, DOUBLE_COST + places))
        return false;
    return put(writer, is_fixed ? decimal_fixed(real, places, writer->frame->arena)
                                : decimal_scientific(real, places, writer->frame->arena));
}

static bool is_integer(const struct cel_value *value)
{
    return value->kind == CEL_INT || value->kind == CEL_UINT;
}

static bool put_clause(struct writer *writer, char clause, uint32_t places, const struct cel_value *value)
{
    bool is_endless = value->kind == CEL_DOUBLE && value->real - value->real != 0;
    switch (clause) {
    case 's':
        return put_value(writer, value, 0);
    case 'd':
        if (!is_integer(value) && !is_endless)
            return bad(writer, "%d is for integers, not for", value);
        return put_value(writer, value, 0);
    case 'f':
    case 'e':
        return put_real(writer, value, clause == 'f', places);
    case 'b':
        if (value->kind == CEL_BOOL)
            return put(writer, value->boolean ? SLICE("1") : SLICE("0"));
        return is_integer(value) ? put_number(writer, value, 2, false)
                                 : bad(writer, "%b is for integers and bools, not for", value);
    case 'o':
        return is_integer(value) ? put_number(writer, value, 8, false)
                                 : bad(writer, "%o is for integers, not for", value);
    case 'x':
    case 'X':
        if (value->kind == CEL_STRING || value->kind == CEL_BYTES)
            return put_hex(writer, value, clause == 'X');
        return is_integer(value) ? put_number(writer, value, 16, clause == 'X')
                                 : bad(writer, "%x is for integers, strings and bytes, not for", value);
    default:
        return false;
    }
}

/* Stands behind '%'. Reads ".3" if there is one, and the letter. */
static bool read_clause(struct writer *writer, struct slice format, size_t *at, char *clause,
                        uint32_t *places)
{
    *places = PLACES;
    if (*at < format.len && format.ptr[*at] == '.') {
        *places = 0;
        for (++*at; *at < format.len && format.ptr[*at] >= '0' && format.ptr[*at] <= '9'; ++*at) {
            *places = *places * 10 + (uint32_t)(format.ptr[*at] - '0');
            if (*places > DECIMAL_PLACES_MAX)
                return cel_raise_number(writer->frame, CEL_OUT_OF_RANGE, "the precision is more than",
                                        DECIMAL_PLACES_MAX);
        }
    }
    *clause = *at < format.len ? format.ptr[(*at)++] : 0;
    if (*clause && strchr("sdfeboxX", *clause))
        return true;
    return cel_raise(writer->frame, CEL_BAD_ARGUMENT, "no such formatting clause",
                     cel_utf8_cut(cel_slice_from(format, *clause ? *at - 1 : *at), 4));
}

static bool put_format(struct writer *writer, struct slice format, const struct cel_value *list)
{
    uint32_t used = 0;
    for (size_t at = 0; at < format.len;) {
        size_t percent = cel_find(format, SLICE("%"), at);
        size_t end = percent == CEL_NOWHERE ? format.len : percent;
        if (end > at && !put(writer, cel_slice_part(format, at, end)))
            return false;
        if (percent == CEL_NOWHERE)
            return true;
        at = percent + 1;
        if (at < format.len && format.ptr[at] == '%') {
            at++;
            if (!put(writer, SLICE("%")))
                return false;
            continue;
        }
        char clause = 0;
        uint32_t places = 0;
        if (!read_clause(writer, format, &at, &clause, &places))
            return false;
        if (used == list->count)
            return cel_raise_number(writer->frame, CEL_OUT_OF_RANGE, "index out of range", used);
        if (!put_clause(writer, clause, places, &list->items[used++]))
            return false;
    }
    return true;
}

bool cel_fn_format(struct cel_frame *frame, struct cel_value *args, uint32_t count)
{
    struct writer writer = {.frame = frame};
    if (!cel_fn_takes(args, count, "sl"))
        return cel_no_overload(frame, "format", args, count);
    if (!put_format(&writer, cel_text(&args[0]), &args[1]))
        return false;
    args[0] = cel_string((struct slice){writer.text, writer.len});
    return true;
}
