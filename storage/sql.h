/* The SQL of the house: one .sql file per operation, embedded in the binary and found by its name. */
#ifndef STORAGE_SQL_H
#define STORAGE_SQL_H

#include <stddef.h>

/* How every connection begins: it looks names up here and nowhere else, the temporary schema last, so that it
 * shadows nothing; and compiles no plan, which takes longer than any statement of ours runs. */
#define SQL_SESSION "SET search_path TO patchbay, pg_temp; SET jit = off"

struct sql_file {
    const char *name; /* file name without .sql, or a variant of it: see cmake/embed_sql.cmake */
    const char *text;
};

/* Both end with {NULL, NULL} and are sorted by name. */
extern const struct sql_file sql_files[];
extern const struct sql_file migration_files[];

/* The text of an operation; a name that does not exist is a programming error and aborts. */
const char *sql_text(const char *name);
/* How many operations there are, and the row of one among them; a name that does not exist aborts. */
size_t sql_count(void);
size_t sql_index(const char *name, size_t count);

#endif
