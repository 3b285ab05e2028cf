/* jansson does the parsing; this file sets the limits around it.
 *
 * jansson allocates a node per value before anybody can count, so a long text is counted first: one pass over
 * the bytes that knows strings from structure and nothing else. A text of n bytes has at most n/2 + 1 values,
 * so a short one needs no counting. */
#include "proto/json.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "proto/fault.h"

static const char *const too_many = "more than 200,000 values";
static const char *const too_deep = "nested more than 32 levels deep";

/* Steps over the string that starts at `at`, a quote; gives the offset behind it. */
static size_t skip_string(struct slice text, size_t at)
{
    for (at++; at < text.len && text.ptr[at] != '"'; at++) {
        if (text.ptr[at] == '\\')
            at++;
    }
    return at + 1;
}

static bool has_too_many(struct slice text)
{
    if (text.len / 2 < JSON_NODES_MAX)
        return false;
    size_t nodes = 1;
    for (size_t i = 0; i < text.len;) {
        char c = text.ptr[i];
        if (c == '"') {
            i = skip_string(text, i);
            continue;
        }
        nodes += c == ',' || c == '[' || c == '{';
        i++;
    }
    return nodes > JSON_NODES_MAX;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool fits_integer(const char *digits, size_t len, bool negative)
{
    uint64_t limit = (uint64_t)INT64_MAX + negative, integer = 0;
    for (size_t i = 0; i < len; i++) {
        uint64_t digit = (uint64_t)(digits[i] - '0');
        if (integer > (limit - digit) / 10)
            return false;
        integer = integer * 10 + digit;
    }
    return true;
}

/* Integers beyond int64_t are values too (doubles), but jansson refuses them. Only then is the text copied,
 * with ".0" behind every integer that does not fit. */
static struct slice widen_integers(struct slice text, struct arena *arena)
{
    char *wide = arena_alloc(arena, text.len + text.len / 8 + 1);
    size_t len = 0;
    for (size_t i = 0; i < text.len;) {
        size_t start = i;
        if (text.ptr[i] == '"') {
            i = skip_string(text, i);
            i = i < text.len ? i : text.len;
        } else {
            while (i < text.len && is_digit(text.ptr[i]))
                i++;
            i += i == start;
        }
        memcpy(wide + len, text.ptr + start, i - start);
        len += i - start;
        char before = start ? text.ptr[start - 1] : ' ', after = i < text.len ? text.ptr[i] : ' ';
        bool whole = is_digit(text.ptr[start]) && !strchr(".eE+", before) && !strchr(".eE", after);
        if (whole && !fits_integer(text.ptr + start, i - start, before == '-')) {
            memcpy(wide + len, ".0", 2);
            len += 2;
        }
    }
    return (struct slice){wide, len};
}

static const char *convert(struct value *out, const json_t *json, unsigned depth, struct arena *arena);

static const char *convert_map(struct value *out, const json_t *json, unsigned depth, struct arena *arena)
{
    size_t count = json_object_size(json), i = 0;
    *out = (struct value){.kind = VALUE_MAP, .members = arena_array(arena, struct value_member, count)};
    /* The iterating functions take a mutable object and do not change it. */
    json_t *object = (json_t *)(uintptr_t)json;
    for (void *at = json_object_iter(object); at; at = json_object_iter_next(object, at), i++) {
        struct value_member *member = &out->members[i];
        member->name =
            arena_copy(arena, (struct slice){json_object_iter_key(at), json_object_iter_key_len(at)});
        const char *why = convert(&member->value, json_object_iter_value(at), depth + 1, arena);
        if (why)
            return why;
    }
    out->count = (uint32_t)count;
    return NULL;
}

static const char *convert_list(struct value *out, const json_t *json, unsigned depth, struct arena *arena)
{
    size_t count = json_array_size(json);
    *out = (struct value){.kind = VALUE_LIST, .items = arena_array(arena, struct value, count)};
    for (size_t i = 0; i < count; i++) {
        const char *why = convert(&out->items[i], json_array_get(json, i), depth + 1, arena);
        if (why)
            return why;
    }
    out->count = (uint32_t)count;
    return NULL;
}

static const char *convert(struct value *out, const json_t *json, unsigned depth, struct arena *arena)
{
    if (depth > JSON_DEPTH_MAX)
        return too_deep;
    switch (json_typeof(json)) {
    case JSON_OBJECT:
        return depth == JSON_DEPTH_MAX ? too_deep : convert_map(out, json, depth, arena);
    case JSON_ARRAY:
        return depth == JSON_DEPTH_MAX ? too_deep : convert_list(out, json, depth, arena);
    case JSON_STRING:
        *out = value_string(
            arena_copy(arena, (struct slice){json_string_value(json), json_string_length(json)}));
        return NULL;
    case JSON_INTEGER:
        *out = value_int(json_integer_value(json));
        return NULL;
    case JSON_REAL:
        *out = (struct value){.kind = VALUE_DOUBLE, .real = json_real_value(json)};
        return NULL;
    case JSON_TRUE:
    case JSON_FALSE:
        *out = value_bool(json_is_true(json));
        return NULL;
    case JSON_NULL:
        break;
    }
    *out = value_null();
    return NULL;
}

bool json_read(struct value *out, struct slice text, struct arena *arena, struct fault *fault)
{
    const size_t flags = JSON_REJECT_DUPLICATES | JSON_DECODE_ANY;
    json_error_t error;
    if (!text.len)
        return fault_set(fault, "", "no JSON: the text is empty");
    /* jansson 2.14 takes a NUL byte behind a number for the end of the text. */
    if (memchr(text.ptr, 0, text.len))
        return fault_set(fault, "", "not JSON: it holds a NUL byte");
    if (has_too_many(text))
        return fault_set(fault, "", "%s", too_many);
    json_t *json = json_loadb(text.ptr, text.len, flags, &error);
    if (!json && json_error_code(&error) == json_error_numeric_overflow) {
        struct slice wide = widen_integers(text, arena);
        json = json_loadb(wide.ptr, wide.len, flags, &error);
    }
    if (!json) {
        fault_set(fault, "", "not JSON: %s (column %d)", error.text, error.column);
        fault->line = error.line > 0 ? (uint32_t)error.line : 0;
        return false;
    }
    const char *why = convert(out, json, 0, arena);
    json_decref(json);
    return why ? fault_set(fault, "", "%s", why) : true;
}
