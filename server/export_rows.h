/* Customers as CSV: the columns that they need, found in a first walk, and a line for each in a second. Knows
 * neither who runs the statements nor where the bytes go. docs/import-export.md. */
#ifndef SERVER_EXPORT_ROWS_H
#define SERVER_EXPORT_ROWS_H

#include "proto/csv.h"
#include "rules/value.h"

#define EXPORT_PAGE 500        /* customers of one statement */
#define EXPORT_FIELDS_MAX 900  /* columns of fields; more are left out, so that it can be read in again */
#define EXPORT_CONTACTS_MAX 20 /* of one customer; projects allow fewer */

struct export_rows {
    struct arena arena; /* of the names */
    struct slice fields[EXPORT_FIELDS_MAX];
    uint32_t field_count, labels, phones, emails;
    char after[UUID_TEXT_LEN + 1]; /* the cursor; empty: from the beginning */
    bool is_broken;                /* an answer could not be read: what was written is not whole */
    struct csv_text text;
};

void export_rows_init(struct export_rows *rows);
void export_rows_deinit(struct export_rows *rows);
/* Answers of export_columns.sql and export_rows.sql. True: there is a next page, from `after` on. */
bool export_rows_add_columns(struct export_rows *rows, struct slice json);
void export_rows_write_header(struct export_rows *rows);
bool export_rows_write(struct export_rows *rows, struct slice json);

#endif
