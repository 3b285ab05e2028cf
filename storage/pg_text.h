/* What libpq says, made fit for one line of a log. */
#ifndef STORAGE_PG_TEXT_H
#define STORAGE_PG_TEXT_H

#include <stddef.h>

#define PG_WHY_MAX 256

/* Copies the first line of `message`, cut to `size`; an empty message becomes "unknown reason". */
void pg_text_line(char *out, size_t size, const char *message);

#endif
