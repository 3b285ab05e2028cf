/* The SQL of the house: one .sql file per operation, embedded in the binary and found by its name. */
#ifndef STORAGE_SQL_H
#define STORAGE_SQL_H

struct sql_file {
    const char *name; /* file name without .sql */
    const char *text;
};

/* Both end with {NULL, NULL} and are sorted by name. */
extern const struct sql_file sql_files[];
extern const struct sql_file migration_files[];

/* The text of an operation; a name that does not exist is a programming error and aborts. */
const char *sql_text(const char *name);

#endif
