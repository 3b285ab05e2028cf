/* What the functions are made of; rules/cel_function.c names them. */
#ifndef RULES_CEL_FN_H
#define RULES_CEL_FN_H

#include "rules/cel_program.h"

/* The kinds of all arguments, as letters of a signature (rules/cel_function.h; l and m alone, * for any). */
bool cel_fn_takes(const struct cel_value *args, uint32_t count, const char *kinds);

/* Conversions. */
cel_call cel_fn_bool, cel_fn_bytes, cel_fn_double, cel_fn_duration, cel_fn_dyn, cel_fn_int, cel_fn_string,
    cel_fn_timestamp, cel_fn_type, cel_fn_uint;
/* "7", "1.5", "true", text as it is. False: lists, maps, types and null have none. */
bool cel_fn_as_text(struct slice *out, const struct cel_value *value, struct arena *arena);

/* Strings, bytes, lists and maps. */
cel_call cel_fn_contains, cel_fn_ends_with, cel_fn_matches, cel_fn_size, cel_fn_starts_with;

/* cel-go's strings extension. */
cel_call cel_fn_char_at, cel_fn_format, cel_fn_index_of, cel_fn_join, cel_fn_last_index_of,
    cel_fn_lower_ascii, cel_fn_quote, cel_fn_replace, cel_fn_reverse, cel_fn_split, cel_fn_substring,
    cel_fn_trim, cel_fn_upper_ascii;

/* Timestamps and durations. */
cel_call cel_fn_get_date, cel_fn_get_day_of_month, cel_fn_get_day_of_week, cel_fn_get_day_of_year,
    cel_fn_get_full_year, cel_fn_get_hours, cel_fn_get_milliseconds, cel_fn_get_minutes, cel_fn_get_month,
    cel_fn_get_seconds;
/* Takes a zone: its second argument may be compiled beforehand. */
bool cel_fn_is_zoned(cel_call *call);
/* Compiles a zone's name to a value of kind CEL_ZONE. */
bool cel_fn_zone(struct cel_value *out, struct slice name, const struct cel_zone_ops *ops);

#endif
