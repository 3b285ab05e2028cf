#include "storage/migrate.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "storage/libpq.h"
#include "storage/pg_open.h"
#include "storage/pg_text.h"
#include "storage/sql.h"

#define ADVISORY_LOCK "8097881575290724729" /* the letters of "patchbay" */
#define VERSION_DIGITS 4
#define TURN_LOOK_NS 100000000 /* between looks whether another runner has ended */

struct migration {
    PGconn *conn;
    FILE *out, *err;
};

static bool complain(struct migration *run, const char *what, const PGresult *result)
{
    char why[PG_WHY_MAX];
    pg_text_line(why, sizeof why, result ? PQresultErrorMessage(result) : PQerrorMessage(run->conn));
    fprintf(run->err, "migrate: %s: %s\n", what, why);
    return false;
}

static bool execute(struct migration *run, const char *what, const char *text)
{
    PGresult *result = PQexec(run->conn, text);
    ExecStatusType status = PQresultStatus(result);
    bool fine = status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK;
    if (!fine)
        complain(run, what, result);
    PQclear(result);
    return fine;
}

/* NNNN of the name; 0 when it does not begin so. */
static int version_of(const char *name)
{
    if (strspn(name, "0123456789") != VERSION_DIGITS || name[VERSION_DIGITS] != '_')
        return 0;
    return (int)strtol(name, NULL, 10);
}

static bool are_files_sound(struct migration *run)
{
    int last = 0;
    for (const struct sql_file *file = migration_files; file->name; file++) {
        int version = version_of(file->name);
        if (version <= last) {
            fprintf(run->err, "migrate: %s.sql: not NNNN_name.sql, or its number is taken\n", file->name);
            return false;
        }
        last = version;
    }
    return true;
}

/* Line and column of the n-th character (from 1) of UTF-8 text, as editors count. */
static void locate(const char *text, long position, long *line, long *column)
{
    *line = *column = 1;
    for (const char *at = text; *at && position > 1; at++) {
        if (*at == '\n') {
            (*line)++;
            *column = 0;
        }
        bool ends_character = (at[1] & 0xC0) != 0x80;
        *column += ends_character;
        position -= ends_character;
    }
}

static void print_field(struct migration *run, const PGresult *result, const char *label, int field)
{
    const char *text = PQresultErrorField(result, field);
    if (text)
        fprintf(run->err, "  %s: %s\n", label, text);
}

static bool complain_about_file(struct migration *run, const struct sql_file *file, const PGresult *result)
{
    const char *message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    if (!message)
        return complain(run, file->name, result);
    const char *sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    const char *position = PQresultErrorField(result, PG_DIAG_STATEMENT_POSITION);
    fprintf(run->err, "%s.sql:", file->name);
    if (position) {
        long line, column;
        locate(file->text, strtol(position, NULL, 10), &line, &column);
        fprintf(run->err, "%ld:%ld:", line, column);
    }
    fprintf(run->err, " %s (SQLSTATE %s)\n", message, sqlstate ? sqlstate : "unknown");
    print_field(run, result, "detail", PG_DIAG_MESSAGE_DETAIL);
    print_field(run, result, "hint", PG_DIAG_MESSAGE_HINT);
    print_field(run, result, "where", PG_DIAG_CONTEXT);
    return false;
}

/* Recorded migration `version` stands where the files have `file`. */
static bool is_known(struct migration *run, const struct sql_file *file, long version, const char *name,
                     bool same)
{
    long expected = file->name ? version_of(file->name) : 0;
    if (expected == version && same)
        return true;
    if (expected == version)
        fprintf(run->err, "migrate: %s.sql is not the text that was applied to the database\n", file->name);
    else if (expected && expected < version)
        fprintf(run->err, "migrate: %s.sql was never applied, but %04ld_%s was\n", file->name, version, name);
    else
        fprintf(run->err,
                "migrate: the database has %04ld_%s, which this binary does not know: a newer one made it\n",
                version, name);
    return false;
}

/* Of the file, or of a former text of it that it names. */
static bool has_checksum(struct migration *run, const struct sql_file *file, const char *checksum)
{
    const char *params[] = {file->text, checksum};
    PGresult *sum = PQexecParams(run->conn,
                                 "SELECT encode(sha256(convert_to($1, 'UTF8')), 'hex') = $2::text"
                                 " OR position(E'\\n-- once ' || $2 || E'\\n' IN $1) > 0",
                                 2, NULL, params, NULL, NULL, 0);
    bool same = PQntuples(sum) == 1 && strcmp(PQgetvalue(sum, 0, 0), "t") == 0;
    PQclear(sum);
    return same;
}

/* Compares what is recorded with the files from the first on; the number of files that are recorded, or -1.
 */
static int count_recorded(struct migration *run)
{
    PGresult *result =
        PQexec(run->conn, "SELECT version, name, checksum FROM patchbay.schema_migrations ORDER BY 1");
    int count = PQresultStatus(result) == PGRES_TUPLES_OK ? PQntuples(result) : -1;
    if (count < 0)
        complain(run, "reading what was applied", result);
    for (int row = 0; row < count; row++) {
        const struct sql_file *file = &migration_files[row];
        bool same = file->name && has_checksum(run, file, PQgetvalue(result, row, 2));
        if (!is_known(run, file, strtol(PQgetvalue(result, row, 0), NULL, 10), PQgetvalue(result, row, 1),
                      same))
            count = -1;
    }
    PQclear(result);
    return count;
}

static bool record(struct migration *run, const struct sql_file *file)
{
    char version[VERSION_DIGITS + 1];
    snprintf(version, sizeof version, "%.*s", VERSION_DIGITS, file->name);
    const char *params[] = {version, file->name + VERSION_DIGITS + 1, file->text};
    PGresult *result = PQexecParams(run->conn,
                                    "INSERT INTO patchbay.schema_migrations (version, name, checksum) "
                                    "VALUES ($1::int, $2, encode(sha256(convert_to($3, 'UTF8')), 'hex'))",
                                    3, NULL, params, NULL, NULL, 0);
    bool fine = PQresultStatus(result) == PGRES_COMMAND_OK || complain(run, "recording", result);
    PQclear(result);
    return fine;
}

static bool apply(struct migration *run, const struct sql_file *file)
{
    if (!execute(run, "opening a transaction", "BEGIN; SET LOCAL search_path TO patchbay, pg_temp"))
        return false;
    PGresult *result = PQexec(run->conn, file->text);
    ExecStatusType status = PQresultStatus(result);
    bool fine = status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK || status == PGRES_EMPTY_QUERY ||
                complain_about_file(run, file, result);
    PQclear(result);
    if (fine && PQtransactionStatus(run->conn) != PQTRANS_INTRANS) {
        fprintf(run->err, "%s.sql: ends its own transaction, which is not allowed\n", file->name);
        fine = false;
    }
    fine = fine && record(run, file);
    if (!fine) {
        PQclear(PQexec(run->conn, "ROLLBACK"));
        return false;
    }
    if (!execute(run, file->name, "COMMIT"))
        return false;
    fprintf(run->out, "applied %s\n", file->name);
    fflush(run->out);
    return true;
}

static bool try_turn(struct migration *run, bool *taken)
{
    PGresult *result = PQexec(run->conn, "SELECT pg_try_advisory_lock(" ADVISORY_LOCK ")");
    bool fine = PQresultStatus(result) == PGRES_TUPLES_OK || complain(run, "taking the lock", result);
    *taken = fine && strcmp(PQgetvalue(result, 0, 0), "t") == 0;
    PQclear(result);
    return fine;
}

/* Held by the session, not by a transaction: it ends with the connection at the latest. Nobody waits for it
 * inside of the database: who does has a snapshot there, for whose end REINDEX CONCURRENTLY of the holder
 * would wait. */
static bool take_turn(struct migration *run)
{
    bool taken, told = false;
    while (try_turn(run, &taken)) {
        if (taken)
            return true;
        if (!told)
            fprintf(run->out, "another migration is running: waiting for it\n");
        told = true;
        fflush(run->out);
        nanosleep(&(struct timespec){.tv_nsec = TURN_LOOK_NS}, NULL);
    }
    return false;
}

static bool prepare(struct migration *run)
{
    /* The schema may be there while the right to create schemas is not: ask before creating. */
    return execute(run, "settings",
                   "SET lock_timeout = 0; SET statement_timeout = 0; "
                   "SET idle_in_transaction_session_timeout = 0") &&
           take_turn(run) &&
           execute(
               run, "creating the schema",
               "DO $$ BEGIN IF to_regnamespace('patchbay') IS NULL THEN CREATE SCHEMA patchbay; END IF; END $$;"
               "CREATE TABLE IF NOT EXISTS patchbay.schema_migrations (version int PRIMARY KEY, "
               "name text NOT NULL, checksum text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())");
}

/* --- The order of names --- */

/* Each index sorted by the collation, those first that a run which was broken off has left; and whether ICU
 * has another version since: then it may sort otherwise, and an index of before finds nothing any more. */
static const char sorted_indexes[] =
    "SELECT i.indexrelid::regclass, NOT i.indisvalid AND x.relname ~ '_cc(new|old)[0-9]*$',"
    " c.collversion IS DISTINCT FROM pg_collation_actual_version(c.oid) "
    "FROM pg_collation c JOIN pg_index i ON c.oid = ANY (i.indcollation) JOIN pg_class x ON x.oid = i.indexrelid "
    "WHERE c.oid = to_regcollation('patchbay.names') ORDER BY 2 DESC, 1";

enum index_column { INDEX, IS_LEFT_OVER, IS_OLD };

static bool is_true(const PGresult *result, int row, enum index_column column)
{
    return strcmp(PQgetvalue(result, row, column), "t") == 0;
}

static bool keep_index(struct migration *run, const PGresult *result, int row)
{
    char text[128];
    const char *index = PQgetvalue(result, row, INDEX); /* quoted where it must be */
    if (is_true(result, row, IS_LEFT_OVER)) {
        fprintf(run->out, "dropping %s, which a run that was broken off has left\n", index);
        snprintf(text, sizeof text, "DROP INDEX CONCURRENTLY %s", index);
    } else if (is_true(result, row, IS_OLD)) {
        fprintf(run->out,
                "another version of ICU sorts names: %s is made anew, beside whoever reads and writes\n",
                index);
        snprintf(text, sizeof text, "REINDEX INDEX CONCURRENTLY %s", index);
    } else {
        return true;
    }
    fflush(run->out);
    return execute(run, index, text);
}

/* Outside of a transaction, as CONCURRENTLY must be. */
static bool keep_order(struct migration *run)
{
    PGresult *result = PQexec(run->conn, sorted_indexes);
    bool fine =
        PQresultStatus(result) == PGRES_TUPLES_OK || complain(run, "looking at the order of names", result);
    bool is_old = false;
    for (int row = 0; fine && row < PQntuples(result); row++) {
        is_old |= is_true(result, row, IS_OLD);
        fine = keep_index(run, result, row);
    }
    PQclear(result);
    return fine && (!is_old || execute(run, "the order of names", "ALTER COLLATION names REFRESH VERSION"));
}

static bool run_all(struct migration *run)
{
    if (!are_files_sound(run) || !prepare(run))
        return false;
    int done = count_recorded(run);
    if (done < 0)
        return false;
    if (!migration_files[done].name)
        fprintf(run->out, "nothing to do: %d migrations stand\n", done);
    for (const struct sql_file *file = &migration_files[done]; file->name; file++)
        if (!apply(run, file))
            return false;
    return keep_order(run);
}

static bool open_run(struct migration *run, const char *conninfo)
{
    char why[PG_WHY_MAX];
    run->conn = pg_open(conninfo, "patchbay migrate", why, sizeof why);
    if (!run->conn)
        fprintf(run->err, "migrate: %s\n", why);
    return run->conn;
}

int migrate_run(const char *conninfo, FILE *out, FILE *err)
{
    struct migration run = {.out = out, .err = err};
    if (!open_run(&run, conninfo))
        return 1;
    bool fine = run_all(&run);
    PQfinish(run.conn);
    return fine ? 0 : 1;
}

static int count_files(void)
{
    int count = 0;
    while (migration_files[count].name)
        count++;
    return count;
}

int migrate_pending(const char *conninfo, FILE *err)
{
    struct migration run = {.err = err};
    if (!open_run(&run, conninfo))
        return -1;
    PGresult *result = PQexec(run.conn, "SELECT to_regclass('patchbay.schema_migrations') IS NULL");
    bool known = PQresultStatus(result) == PGRES_TUPLES_OK;
    bool is_empty = known && strcmp(PQgetvalue(result, 0, 0), "t") == 0;
    if (!known)
        complain(&run, "reading what was applied", result);
    int done = !known ? -1 : is_empty ? 0 : count_recorded(&run);
    PQclear(result);
    PQfinish(run.conn);
    return done < 0 ? -1 : count_files() - done;
}
