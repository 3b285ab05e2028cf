#include "storage/pg_blocking.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "storage/libpq.h"
#include "storage/pg_open.h"
#include "storage/sql.h"

struct pg_blocking {
    PGconn *conn;
    PGresult *result; /* of the last call */
};

struct pg_blocking *pg_blocking_open(const char *conninfo, const char *application_name, char *why,
                                     size_t why_size)
{
    PGconn *conn = pg_open(conninfo, application_name, why, why_size);
    if (!conn)
        return NULL;
    struct pg_blocking *blocking = calloc(1, sizeof *blocking);
    if (!blocking)
        abort();
    blocking->conn = conn;
    return blocking;
}

void pg_blocking_close(struct pg_blocking **blocking)
{
    struct pg_blocking *old = *blocking;
    *blocking = NULL;
    if (!old)
        return;
    PQclear(old->result);
    PQfinish(old->conn);
    free(old);
}

static struct pg_reply reply_to(struct pg_blocking *blocking, PGresult *result)
{
    struct pg_reply reply = {.outcome = PG_OK, .message = "", .result = result};
    blocking->result = result;
    ExecStatusType status = PQresultStatus(result);
    if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK || status == PGRES_EMPTY_QUERY) {
        reply.rows = PQntuples(result);
        return reply;
    }
    const char *sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    const char *message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    bool lost = PQstatus(blocking->conn) == CONNECTION_BAD;
    reply.outcome = lost ? PG_UNCERTAIN : PG_REFUSED;
    if (!lost)
        snprintf(reply.sqlstate, sizeof reply.sqlstate, "%s", sqlstate ? sqlstate : "XX000");
    reply.message = message ? message : PQerrorMessage(blocking->conn);
    reply.constraint = PQresultErrorField(result, PG_DIAG_CONSTRAINT_NAME);
    return reply;
}

/* Frees what the last reply lent out; false when there is no connection to ask. */
static bool is_ready(struct pg_blocking *blocking)
{
    PQclear(blocking->result);
    blocking->result = NULL;
    return PQstatus(blocking->conn) == CONNECTION_OK;
}

struct pg_reply pg_blocking_query(struct pg_blocking *blocking, const struct pg_query *query)
{
    assert(query->param_count >= 0 && query->param_count <= PG_LINK_PARAMS_MAX);
    if (!is_ready(blocking))
        return (struct pg_reply){.outcome = PG_CANCELLED, .message = ""};
    const char *values[PG_LINK_PARAMS_MAX];
    int lengths[PG_LINK_PARAMS_MAX], formats[PG_LINK_PARAMS_MAX];
    for (int i = 0; i < query->param_count; i++) {
        assert(query->params[i].len <= INT32_MAX);
        values[i] = query->params[i].data;
        lengths[i] = (int)query->params[i].len;
        formats[i] = query->params[i].binary;
    }
    return reply_to(blocking, PQexecParams(blocking->conn, sql_text(query->name), query->param_count, NULL,
                                           values, lengths, formats, query->binary_result));
}

struct pg_reply pg_blocking_run(struct pg_blocking *blocking, const char *sql_name, const char *const *params,
                                int param_count)
{
    struct pg_param values[PG_LINK_PARAMS_MAX];
    assert(param_count >= 0 && param_count <= PG_LINK_PARAMS_MAX);
    for (int i = 0; i < param_count; i++)
        values[i] = (struct pg_param){.data = params[i], .len = params[i] ? strlen(params[i]) : 0};
    struct pg_query query = {.name = sql_name, .params = values, .param_count = param_count};
    return pg_blocking_query(blocking, &query);
}

static struct pg_reply command(struct pg_blocking *blocking, const char *text)
{
    if (!is_ready(blocking))
        return (struct pg_reply){.outcome = PG_CANCELLED, .message = ""};
    return reply_to(blocking, PQexec(blocking->conn, text));
}

struct pg_reply pg_blocking_begin(struct pg_blocking *blocking)
{
    return command(blocking, "BEGIN");
}

struct pg_reply pg_blocking_commit(struct pg_blocking *blocking)
{
    bool doomed = PQtransactionStatus(blocking->conn) == PQTRANS_INERROR;
    struct pg_reply reply =
        command(blocking, "COMMIT"); /* a doomed transaction answers ROLLBACK, and no error */
    if (reply.outcome == PG_OK && doomed) {
        reply.outcome = PG_REFUSED;
        snprintf(reply.sqlstate, sizeof reply.sqlstate, "25P02");
        reply.message = "the transaction was rolled back";
    }
    return reply;
}
