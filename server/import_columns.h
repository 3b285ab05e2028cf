/* The columns of a CSV file of customers, by their names: docs/import-export.md. */
#ifndef SERVER_IMPORT_COLUMNS_H
#define SERVER_IMPORT_COLUMNS_H

#include "rules/types.h"

#define IMPORT_COLUMN_MAX 128   /* bytes of a column's name */
#define IMPORT_LEFT_OUT_MAX 512 /* bytes of the sentence on columns that are left out */

enum import_column_kind {
    IMPORT_COLUMN_IGNORED, /* `error` of a file that comes back */
    IMPORT_COLUMN_ID,
    IMPORT_COLUMN_TEXT, /* its name is the member's */
    IMPORT_COLUMN_TAGS,
    IMPORT_COLUMN_FIELD,
    IMPORT_COLUMN_LABEL,
    IMPORT_COLUMN_PHONE,
    IMPORT_COLUMN_EMAIL,
};

struct import_column {
    enum import_column_kind kind;
    struct slice name; /* of the field, or of the member; borrowed */
    uint32_t contact;  /* which one, from 0 */
    bool is_left_out;  /* a field that the project's file does not declare, and some row has a value of it */
};

/* False: there is no column of this name. */
bool import_columns_read(struct import_column *out, struct slice name) __attribute__((warn_unused_result));
/* Those that are left out, as a sentence; "" when none is. */
void import_columns_left_out(const struct import_column *columns, uint32_t count,
                             char text[IMPORT_LEFT_OUT_MAX]);

#endif
