#include "support.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "storage/libpq.h"

static char scratch[64], host[256], address[1024];
static int port;

struct patience {
    uv_timer_t timer;
    bool ended, closed;
};

static void on_patience_ended(uv_timer_t *timer)
{
    ((struct patience *)timer->data)->ended = true;
}

static void on_patience_closed(uv_handle_t *handle)
{
    ((struct patience *)handle->data)->closed = true;
}

static void run(uv_loop_t *loop, const bool *done, uint64_t ms)
{
    struct patience patience = {.ended = false};
    uv_timer_init(loop, &patience.timer);
    patience.timer.data = &patience;
    uv_update_time(loop);
    uv_timer_start(&patience.timer, on_patience_ended, ms, 0);
    while (!patience.ended && !(done && *done))
        uv_run(loop, UV_RUN_ONCE);
    bool enough = !done || *done;
    uv_close((uv_handle_t *)&patience.timer, on_patience_closed);
    while (!patience.closed)
        uv_run(loop, UV_RUN_NOWAIT);
    if (!enough)
        fail_msg("nothing happened within %d ms", (int)ms);
}

void support_run_until(uv_loop_t *loop, const bool *done)
{
    run(loop, done, PATIENCE_MS);
}

void support_run_for(uv_loop_t *loop, uint64_t ms)
{
    run(loop, NULL, ms);
}

void support_end_loop(uv_loop_t *loop)
{
    uv_run(loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(loop), 0);
}

static const char *environment(const char *name)
{
    const char *value = getenv(name);
    if (!value || !*value)
        fail_msg("%s is not set", name);
    return value;
}

static PGconn *connect_to(const char *database)
{
    const char *const words[] = {"dbname", "dbname", NULL};
    const char *const values[] = {environment("PATCHBAY_TEST_DATABASE"), database, NULL};
    PGconn *conn = PQconnectdbParams(words, database ? values : (const char *[]){values[0], NULL}, 1);
    if (PQstatus(conn) != CONNECTION_OK)
        fail_msg("%s", PQerrorMessage(conn));
    PQclear(PQexec(conn, "SET client_min_messages = warning; SET search_path TO patchbay, pg_temp"));
    return conn;
}

static void execute(PGconn *conn, const char *format, const char *name)
{
    char text[256];
    snprintf(text, sizeof text, "%s%s", format, name);
    PGresult *result = PQexec(conn, text);
    if (PQresultStatus(result) != PGRES_COMMAND_OK)
        fail_msg("%s", PQerrorMessage(conn));
    PQclear(result);
}

static void note_address(PGconn *conn)
{
    const char *socket_or_host = PQhost(conn), *password = PQpass(conn);
    port = atoi(PQport(conn));
    snprintf(host, sizeof host, "%s", *PQhostaddr(conn) ? PQhostaddr(conn) : socket_or_host);
    snprintf(address, sizeof address, "user='%s' dbname='%s'%s%s%s", PQuser(conn), scratch,
             *password ? " password='" : "", password, *password ? "'" : "");
}

void support_create_database(void)
{
    PGconn *conn = connect_to(NULL);
    snprintf(scratch, sizeof scratch, "link_test_%d", (int)getpid());
    execute(conn, "CREATE DATABASE ", scratch);
    note_address(conn);
    PQfinish(conn);
    support_sql("CREATE SCHEMA patchbay");
}

void support_drop_database(void)
{
    PGconn *conn = connect_to(NULL);
    char text[128];
    snprintf(text, sizeof text, "%s WITH (FORCE)", scratch);
    execute(conn, "DROP DATABASE ", text);
    PQfinish(conn);
}

void support_conninfo_via(char *out, size_t size, const char *via_host, int via_port)
{
    snprintf(out, size, "host='%s' port=%d %s", via_host, via_port, address);
}

const char *support_conninfo(void)
{
    static char out[sizeof host + sizeof address + 64];
    support_conninfo_via(out, sizeof out, host, port);
    return out;
}

struct proxy *support_database_proxy(uv_loop_t *loop)
{
    char path[512];
    if (*host != '/')
        return proxy_open(loop, host, port);
    snprintf(path, sizeof path, "%s/.s.PGSQL.%d", host, port);
    return proxy_open(loop, path, 0);
}

const char *support_sql(const char *format, ...)
{
    static char cell[1024];
    char text[4096];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    PGconn *conn = connect_to(scratch);
    PGresult *result = PQexec(conn, text);
    ExecStatusType status = PQresultStatus(result);
    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK)
        fail_msg("%s: %s", text, PQerrorMessage(conn));
    snprintf(cell, sizeof cell, "%s", PQntuples(result) > 0 ? PQgetvalue(result, 0, 0) : "");
    PQclear(result);
    PQfinish(conn);
    return cell;
}
