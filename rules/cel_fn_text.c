/* The standard functions of strings, bytes, lists and maps. */
#include <string.h>

#include "rules/cel_fn.h"
#include "rules/cel_text.h"

#define COMPILE_COST 256 /* of a pattern that is no constant */
#define COMPILE_COST_BYTE 16

bool cel_fn_size(struct cel_frame *frame, struct cel_value *args, uint32_t count)
{
    if (cel_fn_takes(args, count, "s")) {
        if (!cel_spend(frame, args[0].count / 16))
            return false;
        args[0] = cel_int((int64_t)cel_utf8_count(cel_text(&args[0])));
        return true;
    }
    if (!cel_fn_takes(args, count, "y") && !cel_fn_takes(args, count, "l") && !cel_fn_takes(args, count, "m"))
        return cel_no_overload(frame, "size", args, count);
    args[0] = cel_int(args[0].count);
    return true;
}

bool cel_fn_contains(struct cel_frame *frame, struct cel_value *args, uint32_t count)
{
    if (!cel_fn_takes(args, count, "ss"))
        return cel_no_overload(frame, "contains", args, count);
    if (!cel_spend(frame, args[0].count / 16))
        return false;
    args[0] = cel_bool(cel_find(cel_text(&args[0]), cel_text(&args[1]), 0) != CEL_NOWHERE);
    return true;
}

static bool has_part(const struct cel_value *args, size_t at)
{
    return args[1].count == 0 || memcmp(args[0].text + at, args[1].text, args[1].count) == 0;
}

bool cel_fn_starts_with(struct cel_frame *frame, struct cel_value *args, uint32_t count)
{
    if (!cel_fn_takes(args, count, "ss"))
        return cel_no_overload(frame, "startsWith", args, count);
    if (!cel_spend(frame, args[1].count / 16))
        return false;
    args[0] = cel_bool(args[1].count <= args[0].count && has_part(args, 0));
    return true;
}

bool cel_fn_ends_with(struct cel_frame *frame, struct cel_value *args, uint32_t count)
{
    if (!cel_fn_takes(args, count, "ss"))
        return cel_no_overload(frame, "endsWith", args, count);
    if (!cel_spend(frame, args[1].count / 16))
        return false;
    args[0] =
        cel_bool(args[1].count <= args[0].count && has_part(args, (size_t)args[0].count - args[1].count));
    return true;
}

static bool match_now(struct cel_frame *frame, bool *matches, const struct cel_value *args)
{
    char why[128] = "";
    if (args[1].count > CEL_PATTERN_MAX)
        return cel_raise_number(frame, CEL_TOO_LARGE, "a pattern that is no constant is longer than allowed",
                                CEL_PATTERN_MAX);
    if (!cel_spend(frame, COMPILE_COST + COMPILE_COST_BYTE * (uint64_t)args[1].count))
        return false;
    void *regex = frame->regex->compile(cel_text(&args[1]), why, sizeof why);
    if (!regex)
        return cel_raise(frame, CEL_BAD_ARGUMENT, "not a regular expression",
                         arena_copy(frame->arena, slice_of(why)));
    *matches = frame->regex->match(regex, cel_text(&args[0]));
    frame->regex->free(regex);
    return true;
}

bool cel_fn_matches(struct cel_frame *frame, struct cel_value *args, uint32_t count)
{
    bool matches = false;
    bool is_compiled = count == 2 && args[0].kind == CEL_STRING && args[1].kind == CEL_REGEX;
    if (!is_compiled && !cel_fn_takes(args, count, "ss"))
        return cel_no_overload(frame, "matches", args, count);
    if (!frame->regex)
        return cel_raise(frame, CEL_BAD_ARGUMENT, "there are no regular expressions here",
                         (struct slice){NULL, 0});
    if (!cel_spend(frame, 4 + args[0].count / 4))
        return false;
    if (is_compiled)
        matches = frame->regex->match(args[1].handle, cel_text(&args[0]));
    else if (!match_now(frame, &matches, args))
        return false;
    args[0] = cel_bool(matches);
    return true;
}
