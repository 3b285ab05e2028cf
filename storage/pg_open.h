/* A blocking libpq connection with the house's settings. */
#ifndef STORAGE_PG_OPEN_H
#define STORAGE_PG_OPEN_H

#include <stddef.h>

#include "storage/libpq.h"

/* NULL when it fails; then `why` says why, in one line. Notices are dropped. */
PGconn *pg_open(const char *conninfo, const char *application_name, char *why, size_t why_size);

#endif
