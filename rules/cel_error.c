/* Errors: raised as a few words of memory, put into words when they leave the engine. */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "rules/cel_ast.h"
#include "rules/cel_program.h"
#include "rules/cel_text.h"

const char *cel_code_name(enum cel_code code)
{
    static const char *const names[] = {
        [CEL_SYNTAX] = "syntax",
        [CEL_UNDECLARED] = "undeclared",
        [CEL_NO_OVERLOAD] = "no_overload",
        [CEL_WRONG_TYPE] = "wrong_type",
        [CEL_NO_SUCH_KEY] = "no_such_key",
        [CEL_NO_VALUE] = "no_value",
        [CEL_OUT_OF_RANGE] = "out_of_range",
        [CEL_DIVIDE_BY_ZERO] = "divide_by_zero",
        [CEL_OVERFLOW] = "overflow",
        [CEL_BAD_ARGUMENT] = "bad_argument",
        [CEL_BAD_KEY] = "bad_key",
        [CEL_COST] = "cost",
        [CEL_TOO_LARGE] = "too_large",
        [CEL_UNSUPPORTED] = "unsupported",
    };
    return names[code];
}

bool cel_raise(struct cel_frame *frame, enum cel_code code, const char *text, struct slice detail)
{
    frame->raised = (struct cel_raised){.code = code, .text = text, .detail = detail};
    return false;
}

bool cel_raise_number(struct cel_frame *frame, enum cel_code code, const char *text, int64_t number)
{
    return cel_raise(frame, code, text, arena_format(frame->arena, "%lld", (long long)number));
}

bool cel_no_overload(struct cel_frame *frame, const char *name, const struct cel_value *args, uint32_t count)
{
    cel_raise(frame, CEL_NO_OVERLOAD, name, (struct slice){NULL, 0});
    frame->raised.kind_count = count;
    for (uint32_t i = 0; i < count && i < CEL_RAISED_KINDS; i++)
        frame->raised.kinds[i] = args[i].kind;
    return false;
}

bool cel_spend(struct cel_frame *frame, uint64_t cost)
{
    if (cel_meter_take(&frame->meter, cost))
        return true;
    return cel_raise(frame, CEL_COST, "the expression costs more than it may", (struct slice){NULL, 0});
}

static void tell_overload(char *text, size_t size, const struct cel_raised *raised)
{
    size_t len =
        (size_t)snprintf(text, size, "found no matching overload for '%s' applied to '(", raised->text);
    for (uint32_t i = 0; i < raised->kind_count && i <= CEL_RAISED_KINDS; i++) {
        const char *name = i < CEL_RAISED_KINDS ? cel_kind_name(raised->kinds[i]) : "...";
        assert(len < size); /* names of functions and kinds are short */
        len += (size_t)snprintf(text + len, size - len, "%s%s", i ? ", " : "", name);
    }
    assert(len < size);
    snprintf(text + len, size - len, ")'");
}

void cel_tell(struct cel_error *error, const struct cel_raised *raised, struct slice source)
{
    struct slice detail = cel_utf8_cut(raised->detail, CEL_DETAIL_MAX);
    error->code = raised->code;
    cel_locate(error, source, raised->at ? raised->at - 1 : 0);
    if (raised->code == CEL_NO_OVERLOAD)
        tell_overload(error->text, sizeof error->text, raised);
    else if (raised->detail.ptr)
        snprintf(error->text, sizeof error->text, "%s: %.*s", raised->text, (int)detail.len, detail.ptr);
    else
        snprintf(error->text, sizeof error->text, "%s", raised->text);
}
