/* A connection string taken apart: one entry per host, so that each can be resolved without blocking and be
 * given a deadline of its own (libpq's polling interface knows none, and would never get past a first host
 * that is silent).
 *
 * The environment (PGHOST and its kin) fills in as libpq would have it. Service files are refused when named
 * in the string: they may hold host names that only libpq gets to see. target_session_attrs holds per host,
 * so prefer-standby means any. */
#ifndef STORAGE_PG_CONNINFO_H
#define STORAGE_PG_CONNINFO_H

#include <stddef.h>

#include "storage/libpq.h"

#define PG_HOSTS_MAX 16

struct pg_conninfo;

/* NULL when the string cannot be understood; then `why` says why, in one line. */
struct pg_conninfo *pg_conninfo_alloc(const char *conninfo, const char *application_name, char *why,
                                      size_t why_size);
void pg_conninfo_free(struct pg_conninfo **info);
int pg_conninfo_hosts(const struct pg_conninfo *info);
/* The name to look up before host `index` can be dialled; NULL for sockets and numeric addresses. */
const char *pg_conninfo_name(const struct pg_conninfo *info, int index);
/* PQconnectStartParams() for one host; `address` is the resolved name, NULL when there is none to resolve. */
PGconn *pg_conninfo_start(const struct pg_conninfo *info, int index, const char *address);

#endif
