#include "server/export_rows.h"

#include <stdio.h>
#include <string.h>

#include "proto/json.h"

#define NAME_MAX_LEN 160 /* "fields." and the name */

static const char *const texts[] = {"id",    "external_id", "name",        "real_name", "company",
                                    "stage", "owner",       "service_rep", "source"};

void export_rows_init(struct export_rows *rows)
{
    memset(rows, 0, sizeof *rows);
    arena_init(&rows->arena);
}

void export_rows_deinit(struct export_rows *rows)
{
    arena_deinit(&rows->arena);
    csv_text_deinit(&rows->text);
}

static bool take_next(struct export_rows *rows, const struct value *answer)
{
    const struct value *next = value_member(answer, "next");
    bool goes_on = next && next->kind == VALUE_STRING && next->string.len == UUID_TEXT_LEN;
    rows->after[0] = '\0';
    if (goes_on) {
        memcpy(rows->after, next->string.ptr, UUID_TEXT_LEN);
        rows->after[UUID_TEXT_LEN] = '\0';
    }
    return goes_on;
}

static void add_field(struct export_rows *rows, struct slice name)
{
    for (uint32_t i = 0; i < rows->field_count; i++)
        if (slice_equal(rows->fields[i], name))
            return;
    if (rows->field_count < EXPORT_FIELDS_MAX && name.len + sizeof "fields." <= NAME_MAX_LEN)
        rows->fields[rows->field_count++] = arena_copy(&rows->arena, name);
}

static void widen(uint32_t *count, const struct value *answer, const char *name)
{
    const struct value *seen = value_member(answer, name);
    if (seen && seen->kind == VALUE_INT && seen->integer > *count && seen->integer <= EXPORT_CONTACTS_MAX)
        *count = (uint32_t)seen->integer;
}

bool export_rows_add_columns(struct export_rows *rows, struct slice json)
{
    struct arena arena;
    struct value answer;
    struct fault fault;
    bool goes_on = false;
    arena_init(&arena);
    if (json_read(&answer, json, &arena, &fault)) {
        const struct value *fields = value_member(&answer, "fields");
        for (uint32_t i = 0; fields && i < fields->count; i++)
            add_field(rows, fields->items[i].string);
        widen(&rows->labels, &answer, "label");
        widen(&rows->phones, &answer, "phone");
        widen(&rows->emails, &answer, "email");
        goes_on = take_next(rows, &answer);
    } else {
        rows->is_broken = true;
    }
    arena_deinit(&arena);
    return goes_on;
}

static void write_names(struct export_rows *rows, const char *name, uint32_t count)
{
    char text[NAME_MAX_LEN];
    for (uint32_t i = 0; i < count; i++) {
        snprintf(text, sizeof text, i ? "%s%u" : "%s", name, i + 1);
        csv_write(&rows->text, slice_of(text), false);
    }
}

void export_rows_write_header(struct export_rows *rows)
{
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        csv_write(&rows->text, slice_of(texts[i]), i == 0);
    csv_write(&rows->text, SLICE("tags"), false);
    write_names(rows, "label", rows->labels);
    write_names(rows, "phone", rows->phones);
    write_names(rows, "email", rows->emails);
    for (uint32_t i = 0; i < rows->field_count; i++) {
        char text[NAME_MAX_LEN];
        snprintf(text, sizeof text, "fields.%.*s", (int)rows->fields[i].len, rows->fields[i].ptr);
        csv_write(&rows->text, slice_of(text), false);
    }
    csv_write_end(&rows->text);
}

static struct slice text_of(const struct value *value)
{
    return value && value->kind == VALUE_STRING ? value->string : (struct slice){NULL, 0};
}

static bool needs_backslash(struct slice tag, size_t at)
{
    char c = tag.ptr[at];
    return c == ';' || c == '\\' || (c == ' ' && (at == 0 || at == tag.len - 1));
}

/* Joined by semicolons, with a backslash before one that belongs to a tag, before a backslash, and before a
 * blank at either end. */
static struct slice join_tags(const struct value *tags, struct arena *arena)
{
    size_t size = 1, len = 0;
    for (uint32_t i = 0; tags && i < tags->count; i++)
        size += 2 * tags->items[i].string.len + 1;
    char *text = arena_alloc(arena, size);
    for (uint32_t i = 0; tags && i < tags->count; i++) {
        struct slice tag = tags->items[i].string;
        if (i)
            text[len++] = ';';
        for (size_t at = 0; at < tag.len; at++) {
            if (needs_backslash(tag, at))
                text[len++] = '\\';
            text[len++] = tag.ptr[at];
        }
    }
    return (struct slice){text, len};
}

static void write_contacts(struct export_rows *rows, const struct value *contacts, const char *name,
                           uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        bool has = contacts && i < contacts->count;
        csv_write(&rows->text,
                  has ? text_of(value_member(&contacts->items[i], name)) : (struct slice){NULL, 0}, false);
    }
}

static struct slice field_of(const struct value *fields, struct slice name)
{
    for (uint32_t i = 0; fields && fields->kind == VALUE_MAP && i < fields->count; i++)
        if (slice_equal(fields->members[i].name, name))
            return text_of(&fields->members[i].value);
    return (struct slice){NULL, 0};
}

static void write_customer(struct export_rows *rows, const struct value *item, struct arena *arena)
{
    const struct value *contacts = value_member(item, "contacts"), *fields = value_member(item, "fields");
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        csv_write(&rows->text, text_of(value_member(item, texts[i])), i == 0);
    csv_write(&rows->text, join_tags(value_member(item, "tags"), arena), false);
    write_contacts(rows, contacts, "label", rows->labels);
    write_contacts(rows, contacts, "phone", rows->phones);
    write_contacts(rows, contacts, "email", rows->emails);
    for (uint32_t i = 0; i < rows->field_count; i++)
        csv_write(&rows->text, field_of(fields, rows->fields[i]), false);
    csv_write_end(&rows->text);
}

bool export_rows_write(struct export_rows *rows, struct slice json)
{
    struct arena arena;
    struct value answer;
    struct fault fault;
    bool goes_on = false;
    arena_init(&arena);
    if (json_read(&answer, json, &arena, &fault)) {
        const struct value *items = value_member(&answer, "items");
        for (uint32_t i = 0; items && i < items->count; i++)
            write_customer(rows, &items->items[i], &arena);
        goes_on = take_next(rows, &answer);
    } else {
        rows->is_broken = true;
    }
    arena_deinit(&arena);
    return goes_on;
}
