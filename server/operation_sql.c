#include "server/operation_sql.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "proto/json.h"
#include "server/http.h"
#include "server/log.h"
#include "server/long_links.h"
#include "server/project.h"
#include "server/rpc.h"
#include "storage/pg_link.h"

#define PARAM_COUNT 4
#define UNIQUE_VIOLATION "23505"
#define SERIALIZATION_FAILURE "40001"
#define DEADLOCK_DETECTED "40P01"
#define QUERY_CANCELED "57014"

struct run {
    struct operation_call *call;
    const char *file;
    char project[12];
    const char *agent, *args; /* NUL-terminated, in the call's arena; agent NULL: none */
    size_t args_len;
    operation_sql_then then;
    operation_sql_failed failed;
    unsigned tries;
    struct project *held; /* while the statement is under way */
};

static void submit(struct run *run);

int64_t operation_now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

struct uuid operation_make_id(void)
{
    struct uuid id;
    /* Up to 256 bytes come whole and uninterrupted (getrandom(2)). */
    if (getrandom(id.bytes, sizeof id.bytes, 0) != (ssize_t)sizeof id.bytes)
        abort();
    int64_t now = operation_now_ms();
    for (int i = 0; i < 6; i++)
        id.bytes[i] = (uint8_t)(now >> (40 - 8 * i));
    id.bytes[6] = (uint8_t)(0x70 | (id.bytes[6] & 0x0f));
    id.bytes[8] = (uint8_t)(0x80 | (id.bytes[8] & 0x3f));
    return id;
}

struct slice operation_author(const struct operation_call *call)
{
    if (call->principal->agent.len)
        return call->principal->agent;
    return slice_of(role_name(call->principal->role));
}

struct value operation_origin(const struct operation_call *call)
{
    struct value origin = value_map(call->arena, 2);
    struct slice peer = call->over_rpc ? rpc_connection_peer(rpc_call_connection(call->transport))
                                       : http_peer(call->transport);
    value_set(&origin, "via", value_string(call->over_rpc ? SLICE("rpc") : SLICE("http")));
    value_set(&origin, "address", value_string(arena_copy(call->arena, peer)));
    return origin;
}

struct value operation_args(struct arena *arena, const struct value *map, uint32_t more)
{
    struct value args = value_map(arena, map->count + more);
    for (uint32_t i = 0; i < map->count; i++)
        args.members[args.count++] = map->members[i];
    return args;
}

static void give_up(struct run *run, const struct problem *problem)
{
    if (run->failed)
        run->failed(run->call, problem);
    else
        operation_fail(run->call, problem);
}

static void fail(struct run *run, enum problem_code code, const char *detail)
{
    struct problem problem;
    problem_set(&problem, code, NULL, "%s", detail);
    give_up(run, &problem);
}

static void fail_refused(struct run *run, const struct pg_reply *reply)
{
    static struct log_limit limit;
    if (strcmp(reply->sqlstate, UNIQUE_VIOLATION) == 0) {
        fail(run, PROBLEM_ALREADY_TAKEN, "another record has this value, which must be unique");
        return;
    }
    if (strcmp(reply->sqlstate, QUERY_CANCELED) == 0) {
        fail(run, PROBLEM_OVERLOADED, "it took the database too long and was given up; nothing was changed");
        return;
    }
    log_event_limited(&limit, LOG_ERROR, "the database refused an operation",
                      (struct log_field[]){log_str("operation", run->file),
                                           log_str("sqlstate", reply->sqlstate),
                                           log_str("why", reply->message)},
                      3);
    fail(run, PROBLEM_INTERNAL, "the database refused the operation; nothing was changed");
}

static bool is_conflict(const struct pg_reply *reply)
{
    return strcmp(reply->sqlstate, SERIALIZATION_FAILURE) == 0 ||
           strcmp(reply->sqlstate, DEADLOCK_DETECTED) == 0;
}

static void fail_outcome(struct run *run, struct slice outcome, const struct pg_reply *reply)
{
    enum problem_code code;
    struct slice detail = pg_cell(reply, 0, 1), pointer = pg_cell(reply, 0, 2);
    struct problem problem;
    if (!problem_code_parse(&code, outcome))
        abort(); /* a file of storage/sql says what problem.h does not know */
    problem_set(&problem, code, arena_string(run->call->arena, pointer), "%.*s", (int)detail.len, detail.ptr);
    give_up(run, &problem);
}

/* 0: a problem. */
static unsigned status_of(struct slice outcome)
{
    if (slice_is(outcome, "ok"))
        return 200;
    if (slice_is(outcome, "created"))
        return 201;
    return slice_is(outcome, "moved") ? 308 : 0;
}

static void on_row(struct run *run, const struct pg_reply *reply)
{
    struct slice outcome = pg_cell(reply, 0, 0);
    unsigned status = status_of(outcome);
    if (slice_is(outcome, "again"))
        submit(run);
    else if (!status)
        fail_outcome(run, outcome, reply);
    else if (run->then)
        run->then(run->call, status, arena_copy(run->call->arena, pg_cell(reply, 0, 1)));
    else
        operation_reply_json(run->call, status, pg_cell(reply, 0, 1));
}

static void take_reply(struct run *run, const struct pg_reply *reply)
{
    switch (reply->outcome) {
    case PG_OK:
        if (reply->rows == 1)
            on_row(run, reply);
        else
            fail(run, PROBLEM_INTERNAL, "the database gave no answer");
        return;
    case PG_REFUSED:
        if (is_conflict(reply))
            submit(run);
        else
            fail_refused(run, reply);
        return;
    case PG_UNCERTAIN:
        fail(run, PROBLEM_STORAGE_UNAVAILABLE,
             "the connection to the database was lost: the operation may or may not have happened");
        return;
    case PG_CANCELLED:
        fail(run, PROBLEM_STORAGE_UNAVAILABLE, "the database cannot be reached; nothing was changed");
        return;
    }
}

static void on_reply(void *ctx, const struct pg_reply *reply)
{
    struct run *run = ctx;
    struct project *held =
        run->held; /* the answer may take the run along, and a next statement holds it too */
    take_reply(run, reply);
    project_let_go(held);
}

/* What may touch many rows, or waits for whoever has one of many. */
static bool is_long(const char *file)
{
    static const char *const files[] = {
        "customer_list",  "customer_duplicates", "customers_mine", "customers_next", "customers_previous",
        "export_columns", "export_rows",         "import_rows",    "import_errors",  "list_interactions",
    };
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        if (strcmp(file, files[i]) == 0)
            return true;
    return false;
}

static struct pg_link *link_for(const struct run *run)
{
    const struct app *app = run->call->app;
    struct pg_link *link = app->long_links && is_long(run->file) ? long_links_pick(app->long_links) : NULL;
    return link ? link : app->desk;
}

/* Whoever pauses between statements, for a client, may find it gone, and call->project with it: the router
 * stops. */
static struct project *find_project(const struct operation_call *call)
{
    struct project *project = call->app->projects;
    while (project && project_id(project) != call->principal->project)
        project = project_next(project);
    return project;
}

static void submit(struct run *run)
{
    struct operation_call *call = run->call;
    struct pg_link *link = link_for(run);
    const char *role = role_name(call->principal->role);
    const struct pg_param params[PARAM_COUNT] = {
        {run->project, strlen(run->project), false},
        {role, strlen(role), false},
        {run->agent, run->agent ? strlen(run->agent) : 0, false},
        {run->args, run->args_len, false},
    };
    const struct pg_query query = {.name = run->file, .params = params, .param_count = PARAM_COUNT};
    run->held = find_project(call);
    if (run->tries++ == OPERATION_SQL_TRIES)
        fail(run, PROBLEM_OVERLOADED, "others are changing the same record");
    else if (!run->held)
        fail(run, PROBLEM_STORAGE_UNAVAILABLE, "the router is stopping; nothing was changed");
    else if (!pg_link_submit(link, &query, on_reply, run))
        fail(run, pg_link_is_up(link) ? PROBLEM_OVERLOADED : PROBLEM_STORAGE_UNAVAILABLE,
             "the database cannot take the operation at the moment; nothing was changed");
    else
        project_hold(run->held);
}

void operation_sql_run(struct operation_call *call, const char *file, const struct value *args,
                       operation_sql_then then)
{
    operation_sql_run_or(call, file, args, then, NULL);
}

void operation_sql_run_or(struct operation_call *call, const char *file, const struct value *args,
                          operation_sql_then then, operation_sql_failed failed)
{
    struct value all = operation_args(call->arena, args, 2);
    value_set(&all, "now_ms", value_int(operation_now_ms()));
    value_set(&all, "origin", call->origin ? *call->origin : operation_origin(call));
    struct run *run = arena_new(call->arena, struct run);
    struct slice text = json_write(&all, call->arena);
    run->call = call;
    run->file = file;
    run->then = then;
    run->failed = failed;
    run->args = arena_string(call->arena, text);
    run->args_len = text.len;
    if (call->principal->agent.len)
        run->agent = arena_string(call->arena, call->principal->agent);
    snprintf(run->project, sizeof run->project, "%u", (unsigned)call->principal->project);
    submit(run);
}

static bool is_list(const struct operation *operation)
{
    return operation_find_param(operation, SLICE("limit")) != NULL;
}

void operation_sql(struct operation_call *call)
{
    struct value args = operation_args(call->arena, call->params, 1);
    if (is_list(call->operation) && !value_member(call->params, "limit"))
        value_set(&args, "limit", value_int(LIST_LIMIT_DEFAULT));
    operation_sql_run(call, call->operation->sql, &args, NULL);
}
