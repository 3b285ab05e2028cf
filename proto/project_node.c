#include "proto/project_node.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "proto/fault.h"
#include "proto/yaml_place.h"

#define PATH_MAX_BYTES 120 /* of a dotted path in a detail; a longer one is cut */
#define REASON_BYTES (sizeof((struct fault *)NULL)->detail - PATH_MAX_BYTES - 2) /* what else fits */
#define SUGGEST_MAX 24  /* bytes of a key that a suggestion is looked for */
#define SUGGEST_EDITS 2 /* edits between a key and its suggestion, at most */

static struct project_node below(const struct project_node *up, const struct value *value)
{
    bool absent = !value || value->kind == VALUE_NULL;
    return (struct project_node){.up = up,
                                 .value = absent ? NULL : value,
                                 .line = value ? value->line : up->line,
                                 .reading = up->reading};
}

struct project_node project_node_member(const struct project_node *map, const char *name)
{
    struct project_node node = below(map, value_member(map->value, name));
    node.name = slice_of(name);
    return node;
}

struct project_node project_node_entry(const struct project_node *map, uint32_t index)
{
    const struct value_member *member = &map->value->members[index];
    struct project_node node = below(map, &member->value);
    node.name = member->name;
    return node;
}

struct project_node project_node_item(const struct project_node *list, uint32_t index)
{
    struct project_node node = below(list, &list->value->items[index]);
    node.index = index;
    node.is_item = true;
    return node;
}

uint32_t project_node_count(const struct project_node *node)
{
    bool has = node->value && (node->value->kind == VALUE_LIST || node->value->kind == VALUE_MAP);
    return has ? node->value->count : 0;
}

static void write_path(const struct project_node *node, struct fault *fault, char *path, size_t size)
{
    if (!node->up)
        return;
    write_path(node->up, fault, path, size);
    size_t at = strlen(path);
    char digits[16];
    struct slice name = node->name;
    if (node->is_item) {
        name = (struct slice){digits, (size_t)snprintf(digits, sizeof digits, "%u", node->index)};
        snprintf(path + at, size - at, "[%s]", digits);
    } else {
        snprintf(path + at, size - at, "%s%.*s", at ? "." : "", fault_quote(name), name.ptr);
    }
    fault_append_name(fault->pointer, sizeof fault->pointer, name);
}

static bool note(const struct project_node *node, struct yaml_place place, char text[REASON_BYTES])
{
    struct project_faults *faults = node->reading->faults;
    if (faults->count == PROJECT_FAULTS_MAX)
        return false;
    struct fault *fault = &faults->items[faults->count++];
    char path[PATH_MAX_BYTES] = "";
    fault_trim(text, REASON_BYTES);
    fault->pointer[0] = 0;
    write_path(node, fault, path, sizeof path);
    fault_trim(path, sizeof path);
    snprintf(fault->detail, sizeof fault->detail, "%s%s%s", path, path[0] ? ": " : "", text);
    fault->line = place.line;
    fault->column = place.column;
    return false;
}

bool project_node_refuse(const struct project_node *node, const char *format, ...)
{
    char text[REASON_BYTES];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return note(node, (struct yaml_place){node->line, 0}, text);
}

bool project_node_refuse_inside(const struct project_node *node, size_t offset, const char *format, ...)
{
    char text[REASON_BYTES];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return note(node, yaml_place(node->reading->source, node->value, offset), text);
}

static unsigned min3(unsigned a, unsigned b, unsigned c)
{
    unsigned ab = a < b ? a : b;
    return ab < c ? ab : c;
}

/* Levenshtein's distance; both are at most SUGGEST_MAX bytes. */
static unsigned edits_between(struct slice a, struct slice b)
{
    unsigned row[SUGGEST_MAX + 1];
    for (unsigned j = 0; j <= b.len; j++)
        row[j] = j;
    for (unsigned i = 1; i <= a.len; i++) {
        unsigned diagonal = row[0];
        row[0] = i;
        for (unsigned j = 1; j <= b.len; j++) {
            unsigned above = row[j];
            row[j] = min3(above + 1, row[j - 1] + 1, diagonal + (a.ptr[i - 1] != b.ptr[j - 1]));
            diagonal = above;
        }
    }
    return row[b.len];
}

static const char *nearest_key(struct slice name, const char *const *keys)
{
    const char *best = NULL;
    unsigned fewest = SUGGEST_EDITS + 1;
    for (; *keys && name.len <= SUGGEST_MAX; keys++) {
        struct slice key = slice_of(*keys);
        if (key.len > SUGGEST_MAX)
            continue;
        unsigned edits = edits_between(name, key);
        if (edits < fewest && edits < key.len) {
            fewest = edits;
            best = *keys;
        }
    }
    return best;
}

static void refuse_key(const struct project_node *entry, const char *const *keys)
{
    for (const char *const *key = keys; *key; key++) {
        if (slice_is(entry->name, *key))
            return;
    }
    const char *nearest = nearest_key(entry->name, keys);
    if (nearest)
        project_node_refuse(entry, "unknown key; is \"%s\" meant?", nearest);
    else
        project_node_refuse(entry, "unknown key");
}

bool project_node_check_map(const struct project_node *node, const char *const *keys)
{
    if (!node->value)
        return true;
    if (node->value->kind != VALUE_MAP)
        return project_node_refuse(node, "must be a map");
    for (uint32_t i = 0; i < node->value->count; i++) {
        struct project_node entry = project_node_entry(node, i);
        refuse_key(&entry, keys);
    }
    return true;
}

bool project_node_check_list(const struct project_node *node)
{
    return !node->value || node->value->kind == VALUE_LIST || project_node_refuse(node, "must be a list");
}

bool project_node_check_count(const struct project_node *node, uint32_t max)
{
    return project_node_count(node) <= max || project_node_refuse(node, "more than %u", max);
}

bool project_node_check_entries(const struct project_node *node, uint32_t max)
{
    if (node->value && node->value->kind != VALUE_MAP)
        return project_node_refuse(node, "must be a map");
    return project_node_check_count(node, max);
}

bool project_node_text(const struct project_node *node, struct slice *out, size_t max)
{
    if (!node->value)
        return true;
    if (node->value->kind != VALUE_STRING)
        return project_node_refuse(node, "must be text (quote what looks like a number or a truth value)");
    struct slice text = node->value->string;
    if (!text.len || text.len > max)
        return project_node_refuse(node, "must have 1 to %zu bytes", max);
    for (size_t i = 0; i < text.len; i++) {
        if ((unsigned char)text.ptr[i] < 0x20 || text.ptr[i] == 0x7F)
            return project_node_refuse(node, "holds control characters");
    }
    *out = text;
    return true;
}

static bool is_alphanumeric(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool project_node_check_name(const struct project_node *node, struct slice name)
{
    bool ok = name.len && name.len <= CONFIG_NAME_MAX && is_alphanumeric(name.ptr[0]);
    for (size_t i = 0; ok && i < name.len; i++)
        ok = is_alphanumeric(name.ptr[i]) || name.ptr[i] == '.' || name.ptr[i] == '_' || name.ptr[i] == '-';
    return ok || project_node_refuse(
                     node,
                     "\"%.*s\" is no name: 1 to %d of A-Z, a-z, 0-9, \".\", \"_\" and \"-\", with a "
                     "letter or digit first",
                     fault_quote(name), name.ptr, CONFIG_NAME_MAX);
}

bool project_node_name(const struct project_node *node, struct slice *out)
{
    struct slice name = {NULL, 0};
    if (!node->value)
        return true;
    if (!project_node_text(node, &name, CONFIG_NAME_MAX) || !project_node_check_name(node, name))
        return false;
    *out = name;
    return true;
}

bool project_node_integer(const struct project_node *node, int32_t *out, int32_t min, int32_t max)
{
    if (!node->value)
        return true;
    if (node->value->kind != VALUE_INT || node->value->integer < min || node->value->integer > max)
        return project_node_refuse(node, "must be an integer from %d to %d", min, max);
    *out = (int32_t)node->value->integer;
    return true;
}

bool project_node_boolean(const struct project_node *node, bool *out)
{
    if (!node->value)
        return true;
    if (node->value->kind != VALUE_BOOL)
        return project_node_refuse(node, "must be true or false");
    *out = node->value->boolean;
    return true;
}

static const struct unit {
    const char *name;
    int64_t ms;
} units[] = {{"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}, {"d", 86400000}};

static bool parse_duration(int64_t *out_ms, struct slice text)
{
    int64_t number = 0;
    size_t at = 0;
    for (; at < text.len && text.ptr[at] >= '0' && text.ptr[at] <= '9'; at++) {
        if (number > INT32_MAX)
            return false;
        number = number * 10 + (text.ptr[at] - '0');
    }
    struct slice rest = {text.ptr + at, text.len - at};
    for (size_t i = 0; at && i < sizeof units / sizeof units[0]; i++) {
        if (slice_is(rest, units[i].name)) {
            *out_ms = number * units[i].ms;
            return true;
        }
    }
    return false;
}

static const char *format_duration(char *out, size_t size, int64_t ms)
{
    size_t unit = sizeof units / sizeof units[0] - 1;
    while (unit && (ms % units[unit].ms || ms < units[unit].ms))
        unit--;
    snprintf(out, size, "%lld%s", (long long)(ms / units[unit].ms), units[unit].name);
    return out;
}

bool project_node_duration(const struct project_node *node, int64_t *out_ms, int64_t min_ms, int64_t max_ms)
{
    if (!node->value)
        return true;
    int64_t ms = -1;
    if (node->value->kind == VALUE_INT && node->value->integer >= 0 && node->value->integer <= INT32_MAX)
        ms = node->value->integer * 1000;
    else if (node->value->kind != VALUE_STRING || !parse_duration(&ms, node->value->string))
        return project_node_refuse(
            node, "must be a duration: \"500ms\", \"20s\", \"10m\", \"2h\", \"30d\" or seconds");
    char min[24], max[24];
    if (ms < min_ms || ms > max_ms)
        return project_node_refuse(node, "must be from %s to %s", format_duration(min, sizeof min, min_ms),
                                   format_duration(max, sizeof max, max_ms));
    *out_ms = ms;
    return true;
}

bool project_node_choice(const struct project_node *node, int *out, const char *const *choices)
{
    if (!node->value)
        return true;
    char list[96] = "";
    for (int i = 0; choices[i]; i++) {
        if (node->value->kind == VALUE_STRING && slice_is(node->value->string, choices[i])) {
            *out = i;
            return true;
        }
        size_t at = strlen(list);
        snprintf(list + at, sizeof list - at, "%s%s", at ? ", " : "", choices[i]);
    }
    return project_node_refuse(node, "must be one of %s", list);
}
