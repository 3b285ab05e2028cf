/* cel-go's strings extension (ext/README.md, "Strings"), without format(). Indices are code points. */
#include <string.h>

#include "rules/ascii.h"
#include "rules/cel_fn.h"
#include "rules/cel_text.h"

static bool out_of_range(struct cel_frame *frame, int64_t index)
{
    return cel_raise_number(frame, CEL_OUT_OF_RANGE, "index out of range", index);
}

/* The offset of code point `index`, which may be the one behind the last. */
static bool offset_of(struct cel_frame *frame, size_t *offset, struct slice text, int64_t index)
{
    *offset = index < 0 ? CEL_NOWHERE : cel_utf8_offset(text, (uint64_t)index);
    return *offset == CEL_NOWHERE ? out_of_range(frame, index) : true;
}

static bool spend_text(struct cel_frame *frame, const struct cel_value *text)
{
    return cel_spend(frame, 1 + text->count / 16);
}

bool cel_fn_char_at(struct cel_frame *frame, struct cel_value *args, uint32_t count)
{
    struct slice text = cel_text(&args[0]);
    size_t at, len = 0;
    if (!cel_fn_takes(args, count, "si"))
        return cel_no_overload(frame, "charAt", args, count);
    if (!spend_text(frame, &args[0]) || !offset_of(frame, &at, text, args[1].integer))
        return false;
    if (at < text.len)
        (void)cel_utf8_at(text, at, &len);
    args[0] = cel_string(cel_slice_part(text, at, at + len));
    return true;
}

static bool found_at(struct cel_value *out, struct slice text, size_t at)
{
    *out = cel_int(at == CEL_NOWHERE ? -1 : (int64_t)cel_utf8_count(cel_slice_part(text, 0, at)));
    return true;
}

bool cel_fn_index_of(struct cel_frame *frame, struct cel_value *args, uint32_t count)
{
    struct slice text = cel_text(&args[0]);
    size_t from = 0;
    if (!cel_fn_takes(args, count, "ss") && !cel_fn_takes(args, count, "ssi"))
        return cel_no_overload(frame, "indexOf", args, count);
    if (!spend_text(frame, &args[0]) || (count == 3 && !offset_of(frame, &from, text, args[2].integer)))
        return false;
    return found_at(&args[0], text, cel_find(text, cel_text(&args[1]), from));
}

bool cel_fn_last_index_of(struct cel_frame *frame, struct cel_value *args, uint32_t count)
{
    struct slice text = cel_text(&args[0]);
    size_t until = text.len;
    if (!cel_fn_takes(args, count, "ss") && !cel_fn_takes(args, count, "ssi"))
        return cel_no_overload(frame, "lastIndexOf", args, count);
    if (!cel_spend(frame, 1 + (uint64_t)args[0].count * (1 + args[1].count / 16)) ||
        (count == 3 && !offset_of(frame, &until, text, args[2].integer)))
        return false;
    return found_at(&args[0], text, cel_find_last(text, cel_text(&args[1]), until));
}

bool cel_fn_substring(struct cel_frame *frame, struct cel_value *args, uint32_t count)
{
    struct slice text = cel_text(&args[0]);
    size_t start, end = text.len;
    if (!cel_fn_takes(args, count, "si") && !cel_fn_takes(args, count, "sii"))
        return cel_no_overload(frame, "substring", args, count);
    if (!spend_text(frame, &args[0]) || !offset_of(frame, &start, text, args[1].integer) ||
        (count == 3 && !offset_of(frame, &end, text, args[2].integer)))
        return false;
    if (start > end)
        return cel_raise(frame, CEL_OUT_OF_RANGE, "a substring ends before it starts",
                         (struct slice){NULL, 0});
    args[0] = cel_string(cel_slice_part(text, start, end));
    return true;
}

static bool change_case(struct cel_frame *frame, struct cel_value *args, char first, char last)
{
    if (!spend_text(frame, &args[0]))
        return false;
    struct slice copy = arena_copy(frame->arena, cel_text(&args[0]));
    char *bytes = (char *)(uintptr_t)copy.ptr;
    for (size_t i = 0; i < copy.len; i++) {
        if (bytes[i] >= first && bytes[i] <= last)
            bytes[i] ^= 0x20;
    }
    args[0] = cel_string(copy);
    return true;
}

bool cel_fn_lower_ascii(struct cel_frame *frame, struct cel_value *args, uint32_t count)
{
    return cel_fn_takes(args, count, "s") ? change_case(frame, args, 'A', 'Z')
                                          : cel_no_overload(frame, "lowerAscii", args, count);
}

bool cel_fn_upper_ascii(struct cel_frame *frame, struct cel_value *args, uint32_t count)
{
    return cel_fn_takes(args, count, "s") ? change_case(frame, args, 'a', 'z')
                                          : cel_no_overload(frame, "upperAscii", args, count);
}

/* A text that is written twice: once to count, once into the arena. */
struct sink {
    char *to;
    size_t len;
};

static void put(struct sink *sink, struct slice text)
{
    if (sink->to && text.len)
        memcpy(sink->to + sink->len, text.ptr, text.len);
    sink->len += text.len;
}

/* After the counting pass. */
static bool open_sink(struct cel_frame *frame, struct sink *sink)
{
    if (sink->len > UINT32_MAX)
        return cel_raise(frame, CEL_TOO_LARGE, "the text is too long", (struct slice){NULL, 0});
    if (!cel_spend(frame, 1 + sink->len / 16))
        return false;
    sink->to = arena_alloc(frame->arena, sink->len);
    sink->len = 0;
    return true;
}

static void put_replaced(struct sink *sink, struct slice text, struct slice from, struct slice to,
                         int64_t limit)
{
    size_t at = 0;
    for (; limit != 0; limit--) {
        size_t found = cel_find(text, from, at);
        if (found == CEL_NOWHERE)
            break;
        if (!from.len && found < text.len) {
            /* Nothing is found before each code point, and at the end. */
            size_t len;
            (void)cel_utf8_at(text, found, &len);
            put(sink, to);
            put(sink, cel_slice_part(text, found, found + len));
            at = found + len;
            continue;
        }
        put(sink, cel_slice_part(text, at, found));
        put(sink, to);
        at = found + from.len;
        if (!from.len)
            break;
    }
    put(sink, cel_slice_from(text, at));
}

bool cel_fn_replace(struct cel_frame *frame, struct cel_value *args, uint32_t count)
{
    if (!cel_fn_takes(args, count, "sss") && !cel_fn_takes(args, count, "sssi"))
        return cel_no_overload(frame, "replace", args, count);
    struct slice text = cel_text(&args[0]), from = cel_text(&args[1]), to = cel_text(&args[2]);
    int64_t limit = count == 4 ? args[3].integer : -1;
    struct sink sink = {NULL, 0};
    if (!cel_spend(frame, 1 + args[0].count / (from.len ? 16 : 1)))
        return false;
    put_replaced(&sink, text, from, to, limit);
    if (!open_sink(frame, &sink))
        return false;
    put_replaced(&sink, text, from, to, limit);
    args[0] = cel_string((struct slice){sink.to, sink.len});
    return true;
}

/* Counts when `items` is NULL. */
static uint32_t split(struct cel_value *items, struct slice text, struct slice by, int64_t limit)
{
    uint32_t count = 0;
    size_t at = 0;
    for (; limit < 0 || count + 1 < limit; count++) {
        size_t end = cel_find(text, by, at), next = end == CEL_NOWHERE ? end : end + by.len;
        if (!by.len) {
            /* Each code point; the text is not empty. */
            size_t len;
            (void)cel_utf8_at(text, at, &len);
            end = next = at + len == text.len ? CEL_NOWHERE : at + len;
        }
        if (end == CEL_NOWHERE)
            break;
        if (items)
            items[count] = cel_string(cel_slice_part(text, at, end));
        at = next;
    }
    if (items)
        items[count] = cel_string(cel_slice_from(text, at));
    return count + 1;
}

bool cel_fn_split(struct cel_frame *frame, struct cel_value *args, uint32_t count)
{
    if (!cel_fn_takes(args, count, "ss") && !cel_fn_takes(args, count, "ssi"))
        return cel_no_overload(frame, "split", args, count);
    struct slice text = cel_text(&args[0]), by = cel_text(&args[1]);
    int64_t limit = count == 3 ? args[2].integer : -1;
    if (limit == 0 || (!by.len && !text.len)) {
        args[0] = cel_list(NULL, 0);
        return true;
    }
    if (!cel_spend(frame, 1 + args[0].count / (by.len ? 16 : 1)))
        return false;
    uint32_t parts = split(NULL, text, by, limit);
    if (!cel_spend(frame, parts))
        return false;
    struct cel_value *items = arena_array(frame->arena, struct cel_value, parts);
    split(items, text, by, limit);
    args[0] = cel_list(items, parts);
    return true;
}

static void put_joined(struct sink *sink, const struct cel_value *list, struct slice between)
{
    for (uint32_t i = 0; i < list->count; i++) {
        if (i)
            put(sink, between);
        put(sink, cel_text(&list->items[i]));
    }
}

bool cel_fn_join(struct cel_frame *frame, struct cel_value *args, uint32_t count)
{
    if (!cel_fn_takes(args, count, "l") && !cel_fn_takes(args, count, "ls"))
        return cel_no_overload(frame, "join", args, count);
    struct slice between = count == 2 ? cel_text(&args[1]) : (struct slice){NULL, 0};
    struct sink sink = {NULL, 0};
    if (!cel_spend(frame, args[0].count))
        return false;
    for (uint32_t i = 0; i < args[0].count; i++) {
        if (args[0].items[i].kind != CEL_STRING)
            return cel_no_overload(frame, "join", &args[0].items[i], 1);
    }
    put_joined(&sink, &args[0], between);
    if (!open_sink(frame, &sink))
        return false;
    put_joined(&sink, &args[0], between);
    args[0] = cel_string((struct slice){sink.to, sink.len});
    return true;
}

bool cel_fn_reverse(struct cel_frame *frame, struct cel_value *args, uint32_t count)
{
    struct slice text = cel_text(&args[0]);
    if (!cel_fn_takes(args, count, "s"))
        return cel_no_overload(frame, "reverse", args, count);
    if (!cel_spend(frame, 1 + text.len / 4))
        return false;
    char *to = arena_alloc(frame->arena, text.len);
    for (size_t at = 0, len; at < text.len; at += len) {
        (void)cel_utf8_at(text, at, &len);
        memcpy(to + text.len - at - len, text.ptr + at, len);
    }
    args[0] = cel_string((struct slice){to, text.len});
    return true;
}

/* Unicode White_Space. */
static bool is_space(uint32_t code)
{
    return (code >= 0x09 && code <= 0x0D) || code == 0x20 || code == 0x85 || code == 0xA0 || code == 0x1680 ||
           (code >= 0x2000 && code <= 0x200A) || code == 0x2028 || code == 0x2029 || code == 0x202F ||
           code == 0x205F || code == 0x3000;
}

bool cel_fn_trim(struct cel_frame *frame, struct cel_value *args, uint32_t count)
{
    struct slice text = cel_text(&args[0]);
    size_t start = CEL_NOWHERE, end = 0;
    if (!cel_fn_takes(args, count, "s"))
        return cel_no_overload(frame, "trim", args, count);
    if (!cel_spend(frame, 1 + text.len / 4))
        return false;
    for (size_t at = 0, len; at < text.len; at += len) {
        if (is_space(cel_utf8_at(text, at, &len)))
            continue;
        start = start == CEL_NOWHERE ? at : start;
        end = at + len;
    }
    args[0] =
        cel_string(start == CEL_NOWHERE ? cel_slice_part(text, 0, 0) : cel_slice_part(text, start, end));
    return true;
}

static void put_quoted(struct sink *sink, struct slice text)
{
    static const char from[] = "\a\b\f\n\r\t\v\\\"", to[] = "abfnrtv\\\"";
    put(sink, SLICE("\""));
    for (size_t i = 0; i < text.len; i++) {
        const char *escape = text.ptr[i] ? strchr(from, text.ptr[i]) : NULL;
        char pair[2] = {'\\', escape ? to[escape - from] : 0};
        put(sink, escape ? (struct slice){pair, 2} : cel_slice_part(text, i, i + 1));
    }
    put(sink, SLICE("\""));
}

bool cel_fn_quote(struct cel_frame *frame, struct cel_value *args, uint32_t count)
{
    struct sink sink = {NULL, 0};
    if (!cel_fn_takes(args, count, "s"))
        return cel_no_overload(frame, "strings.quote", args, count);
    if (!cel_spend(frame, 1 + args[0].count / 4))
        return false;
    put_quoted(&sink, cel_text(&args[0]));
    if (!open_sink(frame, &sink))
        return false;
    put_quoted(&sink, cel_text(&args[0]));
    args[0] = cel_string((struct slice){sink.to, sink.len});
    return true;
}
