/* On the wire each query is [Parse] Bind Describe Execute Sync. Results come back in that order and libpq
 * ends each command but the sync with a NULL; a query is answered when its sync arrives, because an OK before
 * it can still be undone by the commit.
 *
 * A statement is prepared by the first query that needs it. Until the server has confirmed that, other
 * queries of the same statement go unnamed: should the preparation fail, each of them gets its own, true
 * error. A statement that the server has lost (pooler, DISCARD) or whose plan is outdated (schema change) is
 * prepared again under a new name. */
#include "storage/pg_pipeline.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "storage/sql.h"

#define STATEMENT_NAME_MAX 64 /* the server cuts longer names */

enum statement_state { STATEMENT_UNKNOWN, STATEMENT_PREPARING, STATEMENT_PREPARED };

struct statement {
    enum statement_state state;
    uint32_t generation; /* names of earlier ones may still be taken on the server */
};

struct pending {
    pg_on_reply on_reply;
    void *ctx;
    PGresult *result, *error; /* the last good one; the first bad one */
    size_t statement;
    bool prepares; /* the next result is that of its preparation */
    bool named;
};

struct pg_pipeline {
    PGconn *conn;
    bool blocked, lost;
    bool newest_unsent; /* set by detach: the newest query's last byte never left */
    char why[PG_WHY_MAX];
    size_t statement_count;
    struct statement *statements; /* a row per sql_files row */
    size_t head, count;           /* ring */
    struct pending pending[PG_LINK_PENDING_MAX];
};

struct pg_pipeline *pg_pipeline_alloc(void)
{
    struct pg_pipeline *pipeline = calloc(1, sizeof *pipeline);
    if (!pipeline)
        abort();
    pipeline->statement_count = sql_count();
    pipeline->statements = calloc(pipeline->statement_count + 1, sizeof *pipeline->statements);
    if (!pipeline->statements)
        abort();
    return pipeline;
}

void pg_pipeline_free(struct pg_pipeline **pipeline)
{
    struct pg_pipeline *old = *pipeline;
    *pipeline = NULL;
    if (!old)
        return;
    assert(!old->conn && old->count == 0);
    free(old->statements);
    free(old);
}

PGconn *pg_pipeline_conn(const struct pg_pipeline *pipeline)
{
    return pipeline->conn;
}

size_t pg_pipeline_pending(const struct pg_pipeline *pipeline)
{
    return pipeline->count;
}

bool pg_pipeline_is_blocked(const struct pg_pipeline *pipeline)
{
    return pipeline->blocked;
}

bool pg_pipeline_is_lost(const struct pg_pipeline *pipeline)
{
    return pipeline->lost;
}

const char *pg_pipeline_why(const struct pg_pipeline *pipeline)
{
    return pipeline->why;
}

static void lose(struct pg_pipeline *pipeline, const char *why)
{
    if (pipeline->lost)
        return;
    pipeline->lost = true;
    /* A FATAL that came as a notice is the reason; what libpq says afterwards is only the consequence. */
    if (!*pipeline->why)
        pg_text_line(pipeline->why, sizeof pipeline->why, why);
}

static bool is_fatal(const PGresult *result)
{
    const char *severity = PQresultErrorField(result, PG_DIAG_SEVERITY_NONLOCALIZED);
    return severity && (strcmp(severity, "FATAL") == 0 || strcmp(severity, "PANIC") == 0);
}

/* While nothing is in flight libpq reports errors as notices: a shutdown of the server arrives here. */
static void on_notice(void *ctx, const PGresult *notice)
{
    struct pg_pipeline *pipeline = ctx;
    if (is_fatal(notice))
        pg_text_line(pipeline->why, sizeof pipeline->why,
                     PQresultErrorField(notice, PG_DIAG_MESSAGE_PRIMARY));
}

bool pg_pipeline_attach(struct pg_pipeline *pipeline, PGconn *conn)
{
    assert(!pipeline->conn && pipeline->count == 0);
    if (!PQenterPipelineMode(conn))
        return false;
    PQsetNoticeReceiver(conn, on_notice, pipeline);
    pipeline->conn = conn;
    pipeline->blocked = pipeline->lost = pipeline->newest_unsent = false;
    *pipeline->why = '\0';
    memset(pipeline->statements, 0, pipeline->statement_count * sizeof *pipeline->statements);
    return true;
}

void pg_pipeline_detach(struct pg_pipeline *pipeline)
{
    pipeline->newest_unsent = pipeline->blocked;
    /* PQfinish() would push out what is still buffered, which may be the sync of a query reported as never
     * sent. */
    if ((pipeline->count > 0 || pipeline->lost) && PQsocket(pipeline->conn) >= 0)
        shutdown(PQsocket(pipeline->conn), SHUT_RDWR);
    PQfinish(pipeline->conn);
    pipeline->conn = NULL;
}

static struct pending pop(struct pg_pipeline *pipeline)
{
    assert(pipeline->count > 0);
    struct pending pending = pipeline->pending[pipeline->head];
    pipeline->head = (pipeline->head + 1) % PG_LINK_PENDING_MAX;
    pipeline->count--;
    return pending;
}

void pg_pipeline_abandon(struct pg_pipeline *pipeline, const char *why)
{
    assert(!pipeline->conn);
    while (pipeline->count > 0) {
        bool unsent = pipeline->newest_unsent && pipeline->count == 1;
        struct pending pending = pop(pipeline);
        struct pg_reply reply = {.outcome = unsent ? PG_CANCELLED : PG_UNCERTAIN,
                                 .message = unsent ? "" : why};
        pending.on_reply(pending.ctx, &reply);
        PQclear(pending.result);
        PQclear(pending.error);
    }
}

static bool send_statement(struct pg_pipeline *pipeline, struct pending *pending,
                           const struct pg_query *query)
{
    const char *values[PG_LINK_PARAMS_MAX];
    int lengths[PG_LINK_PARAMS_MAX], formats[PG_LINK_PARAMS_MAX];
    for (int i = 0; i < query->param_count; i++) {
        assert(query->params[i].len <= INT32_MAX);
        values[i] = query->params[i].data;
        lengths[i] = (int)query->params[i].len;
        formats[i] = query->params[i].binary;
    }
    struct statement *statement = &pipeline->statements[pending->statement];
    const char *text = sql_files[pending->statement].text;
    pending->named = statement->state != STATEMENT_PREPARING;
    if (!pending->named)
        return PQsendQueryParams(pipeline->conn, text, query->param_count, NULL, values, lengths, formats,
                                 query->binary_result);
    char name[STATEMENT_NAME_MAX];
    int len = snprintf(name, sizeof name, "%s/%u", query->name, statement->generation);
    assert(len < STATEMENT_NAME_MAX);
    if (statement->state == STATEMENT_UNKNOWN) {
        if (!PQsendPrepare(pipeline->conn, name, text, query->param_count, NULL))
            return false;
        statement->state = STATEMENT_PREPARING;
        pending->prepares = true;
    }
    return PQsendQueryPrepared(pipeline->conn, name, query->param_count, values, lengths, formats,
                               query->binary_result);
}

bool pg_pipeline_submit(struct pg_pipeline *pipeline, const struct pg_query *query, pg_on_reply on_reply,
                        void *ctx)
{
    assert(query->param_count >= 0 && query->param_count <= PG_LINK_PARAMS_MAX && on_reply);
    if (!pipeline->conn || pipeline->lost || pipeline->count == PG_LINK_PENDING_MAX)
        return false;
    struct pending pending = {
        .on_reply = on_reply, .ctx = ctx, .statement = sql_index(query->name, pipeline->statement_count)};
    pipeline->blocked = false;
    /* A query without its sync is never committed, so a refusal here holds whatever part of it has left. */
    if (!send_statement(pipeline, &pending, query) || !PQpipelineSync(pipeline->conn)) {
        lose(pipeline, PQerrorMessage(pipeline->conn));
        return false;
    }
    pipeline->pending[(pipeline->head + pipeline->count) % PG_LINK_PENDING_MAX] = pending;
    pipeline->count++;
    int flushed = PQflush(pipeline->conn);
    pipeline->blocked = flushed == 1;
    if (flushed < 0 || PQstatus(pipeline->conn) == CONNECTION_BAD)
        lose(pipeline, PQerrorMessage(pipeline->conn));
    return true;
}

static void note_error(struct pg_pipeline *pipeline, struct pending *pending, PGresult *error)
{
    struct statement *statement = &pipeline->statements[pending->statement];
    const char *sqlstate = PQresultErrorField(error, PG_DIAG_SQLSTATE);
    bool outdated = sqlstate && (strcmp(sqlstate, "26000") == 0 || strcmp(sqlstate, "0A000") == 0);
    if (pending->prepares || (pending->named && outdated && statement->state == STATEMENT_PREPARED)) {
        statement->state = STATEMENT_UNKNOWN;
        statement->generation++;
    }
    pending->prepares = false;
    if (is_fatal(error))
        lose(pipeline, PQresultErrorField(error, PG_DIAG_MESSAGE_PRIMARY));
    if (pending->error)
        PQclear(error); /* PGRES_PIPELINE_ABORTED after the error that caused it */
    else
        pending->error = error;
}

static void note_result(struct pg_pipeline *pipeline, struct pending *pending, PGresult *result)
{
    switch (PQresultStatus(result)) {
    case PGRES_COMMAND_OK:
    case PGRES_TUPLES_OK:
    case PGRES_EMPTY_QUERY:
        if (pending->prepares) {
            pending->prepares = false;
            pipeline->statements[pending->statement].state = STATEMENT_PREPARED;
            PQclear(result);
        } else {
            PQclear(pending->result);
            pending->result = result;
        }
        break;
    default:
        note_error(pipeline, pending, result);
    }
}

static void answer(struct pg_pipeline *pipeline)
{
    struct pending pending = pop(pipeline);
    struct pg_reply reply = {.outcome = PG_OK, .message = ""};
    if (pending.error) {
        const char *sqlstate = PQresultErrorField(pending.error, PG_DIAG_SQLSTATE);
        const char *message = PQresultErrorField(pending.error, PG_DIAG_MESSAGE_PRIMARY);
        reply.outcome = PG_REFUSED;
        snprintf(reply.sqlstate, sizeof reply.sqlstate, "%s", sqlstate ? sqlstate : "XX000");
        reply.message = message ? message : PQresultErrorMessage(pending.error);
        reply.constraint = PQresultErrorField(pending.error, PG_DIAG_CONSTRAINT_NAME);
    } else {
        assert(pending.result);
        reply.rows = PQntuples(pending.result);
        reply.result = pending.result;
    }
    pending.on_reply(pending.ctx, &reply);
    PQclear(pending.result);
    PQclear(pending.error);
}

static void take_results(struct pg_pipeline *pipeline)
{
    int nulls = 0; /* one ends each command; two in a row mean that libpq and we count differently */
    while (pipeline->conn && !pipeline->lost && pipeline->count > 0 && !PQisBusy(pipeline->conn)) {
        PGresult *result = PQgetResult(pipeline->conn);
        nulls = result ? 0 : nulls + 1;
        if (PQstatus(pipeline->conn) == CONNECTION_BAD || nulls > 1) {
            lose(pipeline, nulls > 1 ? "out of step with the server" : PQerrorMessage(pipeline->conn));
            PQclear(result);
        } else if (PQresultStatus(result) == PGRES_PIPELINE_SYNC && result) {
            PQclear(result);
            answer(pipeline);
        } else if (result) {
            note_result(pipeline, &pipeline->pending[pipeline->head], result);
        }
    }
}

void pg_pipeline_advance(struct pg_pipeline *pipeline)
{
    /* PQconsumeInput() sends too, and does not say how far it got when it fails: then nothing counts as
     * unsent. */
    pipeline->blocked = false;
    int flushed = PQconsumeInput(pipeline->conn) ? PQflush(pipeline->conn) : -1;
    pipeline->blocked = flushed == 1;
    take_results(pipeline);
    if (pipeline->conn && (flushed < 0 || PQstatus(pipeline->conn) == CONNECTION_BAD))
        lose(pipeline, PQerrorMessage(pipeline->conn));
}
