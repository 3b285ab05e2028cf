#include "rules/cel_function.h"

#include <assert.h>
#include <string.h>

#include "rules/cel_fn.h"

#define ORDER "bb:b ii:b iu:b id:b uu:b ui:b ud:b dd:b di:b du:b ss:b yy:b tt:b rr:b"
#define GETTER ".t:i .ts:i"
#define GETTER_TOO ".t:i .ts:i .r:i"

const struct cel_function cel_functions[] = {
    /* Operators */
    {"_+_", "ii:i uu:u dd:d ss:s yy:y lAlA:lA tr:t rt:t rr:r", NULL, OP_ADD},
    {"_-_", "ii:i uu:u dd:d tt:r tr:t rr:r", NULL, OP_SUBTRACT},
    {"_*_", "ii:i uu:u dd:d", NULL, OP_MULTIPLY},
    {"_/_", "ii:i uu:u dd:d", NULL, OP_DIVIDE},
    {"_%_", "ii:i uu:u", NULL, OP_MODULO},
    {"-_", "i:i d:d r:r", NULL, OP_NEGATE},
    {"!_", "b:b", NULL, OP_NOT},
    {"_==_", "AA:b", NULL, OP_EQUAL},
    {"_!=_", "AA:b", NULL, OP_UNEQUAL},
    {"_<_", ORDER, NULL, OP_LESS},
    {"_<=_", ORDER, NULL, OP_LESS_EQUAL},
    {"_>_", ORDER, NULL, OP_GREATER},
    {"_>=_", ORDER, NULL, OP_GREATER_EQUAL},
    {"@in", "AlA:b AmAB:b", NULL, OP_IN},
    {"_[_]", "lAi:A mABA:B", NULL, OP_INDEX},
    /* Conversions */
    {"bool", "b:b s:b", cel_fn_bool, OP_CALL},
    {"bytes", "y:y s:y", cel_fn_bytes, OP_CALL},
    {"double", "d:d i:d u:d s:d", cel_fn_double, OP_CALL},
    {"duration", "r:r s:r", cel_fn_duration, OP_CALL},
    {"dyn", "A:*", cel_fn_dyn, OP_CALL},
    {"int", "i:i u:i d:i s:i t:i", cel_fn_int, OP_CALL},
    {"string", "s:s b:s i:s u:s d:s y:s t:s r:s", cel_fn_string, OP_CALL},
    {"timestamp", "t:t s:t i:t", cel_fn_timestamp, OP_CALL},
    {"type", "A:k", cel_fn_type, OP_CALL},
    {"uint", "u:u i:u d:u s:u", cel_fn_uint, OP_CALL},
    /* Strings, bytes, lists, maps */
    {"contains", ".ss:b", cel_fn_contains, OP_CALL},
    {"endsWith", ".ss:b", cel_fn_ends_with, OP_CALL},
    {"matches", "ss:b .ss:b", cel_fn_matches, OP_CALL},
    {"size", "s:i y:i lA:i mAB:i .s:i .y:i .lA:i .mAB:i", cel_fn_size, OP_CALL},
    {"startsWith", ".ss:b", cel_fn_starts_with, OP_CALL},
    /* The strings extension */
    {"charAt", ".si:s", cel_fn_char_at, OP_CALL},
    {"format", ".slA:s", cel_fn_format, OP_CALL},
    {"indexOf", ".ss:i .ssi:i", cel_fn_index_of, OP_CALL},
    {"join", ".ls:s .lss:s", cel_fn_join, OP_CALL},
    {"lastIndexOf", ".ss:i .ssi:i", cel_fn_last_index_of, OP_CALL},
    {"lowerAscii", ".s:s", cel_fn_lower_ascii, OP_CALL},
    {"replace", ".sss:s .sssi:s", cel_fn_replace, OP_CALL},
    {"reverse", ".s:s", cel_fn_reverse, OP_CALL},
    {"split", ".ss:ls .ssi:ls", cel_fn_split, OP_CALL},
    {"strings.quote", "s:s", cel_fn_quote, OP_CALL},
    {"substring", ".si:s .sii:s", cel_fn_substring, OP_CALL},
    {"trim", ".s:s", cel_fn_trim, OP_CALL},
    {"upperAscii", ".s:s", cel_fn_upper_ascii, OP_CALL},
    /* Timestamps and durations */
    {"getDate", GETTER, cel_fn_get_date, OP_CALL},
    {"getDayOfMonth", GETTER, cel_fn_get_day_of_month, OP_CALL},
    {"getDayOfWeek", GETTER, cel_fn_get_day_of_week, OP_CALL},
    {"getDayOfYear", GETTER, cel_fn_get_day_of_year, OP_CALL},
    {"getFullYear", GETTER, cel_fn_get_full_year, OP_CALL},
    {"getHours", GETTER_TOO, cel_fn_get_hours, OP_CALL},
    {"getMilliseconds", GETTER_TOO, cel_fn_get_milliseconds, OP_CALL},
    {"getMinutes", GETTER_TOO, cel_fn_get_minutes, OP_CALL},
    {"getMonth", GETTER, cel_fn_get_month, OP_CALL},
    {"getSeconds", GETTER_TOO, cel_fn_get_seconds, OP_CALL},
};

static bool has_style(const char *signatures, bool is_member)
{
    for (const char *at = signatures; at; at = strchr(at, ' ')) {
        at += *at == ' ';
        if ((*at == '.') == is_member)
            return true;
    }
    return false;
}

const struct cel_function *cel_function_find(struct slice name, bool is_member)
{
    for (size_t i = 0; i < sizeof cel_functions / sizeof *cel_functions; i++) {
        if (slice_is(name, cel_functions[i].name) && has_style(cel_functions[i].signatures, is_member))
            return &cel_functions[i];
    }
    return NULL;
}

uint32_t cel_function_index(const struct cel_function *function)
{
    return (uint32_t)(function - cel_functions);
}

static const struct cel_type *simple_type(char letter)
{
    switch (letter) {
    case 'b':
        return &cel_type_bool;
    case 'i':
        return &cel_type_int;
    case 'u':
        return &cel_type_uint;
    case 'd':
        return &cel_type_double;
    case 's':
        return &cel_type_string;
    case 'y':
        return &cel_type_bytes;
    case 't':
        return &cel_type_timestamp;
    case 'r':
        return &cel_type_duration;
    case 'k':
        return &cel_type_type;
    default:
        return &cel_type_dyn;
    }
}

const struct cel_type *cel_signature_type(const char **at, const struct cel_type *const params[2],
                                          struct arena *arena)
{
    char letter = *(*at)++;
    if (letter == 'A' || letter == 'B')
        return params[letter - 'A'];
    if (letter != 'l' && letter != 'm')
        return simple_type(letter);
    struct cel_type *type = arena_new(arena, struct cel_type);
    type->kind = letter == 'l' ? CEL_LIST : CEL_MAP;
    if (letter == 'm')
        type->key = cel_signature_type(at, params, arena);
    type->item = cel_signature_type(at, params, arena);
    return type;
}
