/* Brings the database's schema up to this binary: storage/migrations/NNNN_name.sql in order, each in a
 * transaction of its own, recorded with a checksum in patchbay.schema_migrations. Blocking; for command-line
 * programs.
 *
 * Afterwards the indexes of names are kept in order: when another version of ICU sorts names they are made
 * anew, beside whoever reads and writes. A run that is broken off leaves an index that nobody uses, which the
 * next one drops.
 *
 * Files run with search_path patchbay, pg_temp and must not end their transaction. Several runners at once
 * take turns on an advisory lock: the later ones find nothing to do. A schema that this binary does not know
 * in full (a recorded migration missing here, or with another text) is left alone. A file whose text had to
 * change after it was applied somewhere says which it had, in a line "-- once CHECKSUM": what that one made
 * is as good, or made good by a later file. */
#ifndef STORAGE_MIGRATE_H
#define STORAGE_MIGRATE_H

#include <stdio.h>

/* Exit code: 0 done or nothing to do, 1 failed. What was done goes to `out`, a line each; why it failed to
 * `err`. */
int migrate_run(const char *conninfo, FILE *out, FILE *err);
/* How many migrations are missing; -1 when that cannot be told or the schema is not one of this binary's: see
 * `err`. Needs no more than the right to read; changes nothing and takes no lock. */
int migrate_pending(const char *conninfo, FILE *err);

#endif
