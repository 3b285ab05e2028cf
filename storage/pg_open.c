#include "storage/pg_open.h"

#include "storage/pg_blocking.h"
#include "storage/pg_text.h"
#include "storage/sql.h"

static void ignore_notice(void *ctx, const char *message)
{
    (void)ctx, (void)message;
}

PGconn *pg_open(const char *conninfo, const char *application_name, char *why, size_t why_size)
{
    /* Later words win over earlier ones, and the string stands where "dbname" does. */
    const char *const words[] = {"connect_timeout", "dbname", "application_name", "client_encoding", NULL};
    const char *const values[] = {PG_BLOCKING_CONNECT_S, conninfo, application_name, "UTF8", NULL};
    PGconn *conn = PQconnectdbParams(words, values, 1);
    PQsetNoticeProcessor(conn, ignore_notice, NULL);
    PGresult *result = PQstatus(conn) == CONNECTION_OK ? PQexec(conn, SQL_SESSION) : NULL;
    bool fine = PQresultStatus(result) == PGRES_COMMAND_OK;
    if (!fine) {
        pg_text_line(why, why_size, PQerrorMessage(conn));
        PQfinish(conn);
    }
    PQclear(result);
    return fine ? conn : NULL;
}
