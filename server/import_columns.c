#include "server/import_columns.h"

#include <stdio.h>
#include <string.h>

#include "proto/fault.h"
#include "rules/ascii.h"

#define CONTACTS_MAX 1000 /* phone1000 is the last that has a meaning */

/* "phone" is the first, "phone2" the second. */
static bool read_contact_column(struct import_column *out, struct slice name)
{
    static const struct {
        struct slice name;
        enum import_column_kind kind;
    } kinds[] = {{SLICE("label"), IMPORT_COLUMN_LABEL},
                 {SLICE("phone"), IMPORT_COLUMN_PHONE},
                 {SLICE("email"), IMPORT_COLUMN_EMAIL}};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        size_t len = kinds[i].name.len;
        if (name.len < len || name.len > len + 4 || memcmp(name.ptr, kinds[i].name.ptr, len) != 0)
            continue;
        uint32_t number = name.len == len;
        for (size_t at = len; at < name.len; at++) {
            if (!ascii_is_digit(name.ptr[at]) || (at == len && name.ptr[at] == '0'))
                return false;
            number = number * 10 + (uint32_t)(name.ptr[at] - '0');
        }
        if (number == 0 || number > CONTACTS_MAX || (number == 1 && name.len > len))
            return false;
        *out = (struct import_column){.kind = kinds[i].kind, .contact = number - 1};
        return true;
    }
    return false;
}

bool import_columns_read(struct import_column *out, struct slice name)
{
    static const struct slice texts[] = {SLICE("name"),   SLICE("real_name"),  SLICE("company"),
                                         SLICE("stage"),  SLICE("owner"),      SLICE("service_rep"),
                                         SLICE("source"), SLICE("external_id")};
    static const struct slice field = SLICE("fields.");
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        if (slice_equal(name, texts[i])) {
            *out = (struct import_column){.kind = IMPORT_COLUMN_TEXT, .name = texts[i]};
            return true;
        }
    }
    if (name.len > field.len && name.len <= IMPORT_COLUMN_MAX &&
        memcmp(name.ptr, field.ptr, field.len) == 0) {
        *out = (struct import_column){.kind = IMPORT_COLUMN_FIELD,
                                      .name = {name.ptr + field.len, name.len - field.len}};
        return true;
    }
    *out = (struct import_column){.kind = slice_is(name, "id") ? IMPORT_COLUMN_ID : IMPORT_COLUMN_IGNORED};
    if (slice_is(name, "tags"))
        out->kind = IMPORT_COLUMN_TAGS;
    return out->kind != IMPORT_COLUMN_IGNORED || slice_is(name, "error") || read_contact_column(out, name);
}

void import_columns_left_out(const struct import_column *columns, uint32_t count,
                             char text[IMPORT_LEFT_OUT_MAX])
{
    static const char beginning[] = "left out, as the project's file does not declare them: ";
    size_t len = 0;
    text[0] = '\0';
    for (uint32_t i = 0; i < count && len < IMPORT_LEFT_OUT_MAX; i++) {
        if (columns[i].is_left_out)
            len += (size_t)snprintf(text + len, IMPORT_LEFT_OUT_MAX - len, "%sfields.%.*s",
                                    len ? ", " : beginning, (int)columns[i].name.len, columns[i].name.ptr);
    }
    fault_trim(text, IMPORT_LEFT_OUT_MAX);
}
