/* A job has memory of its own, since it outlives the exchange when the client goes: then it only writes down
 * that it failed. While a statement runs nothing is asked of the client, so the exchange is there when the
 * answer comes. */
#include "server/operation_import.h"

#include <stdlib.h>
#include <string.h>

#include "server/auth.h"
#include "server/http.h"
#include "server/import_rows.h"
#include "server/operation_sql.h"
#include "server/project.h"
#include "server/route.h"

struct import_job {
    struct operation_call call;   /* first: what comes back with each answer */
    struct operation_call *asked; /* NULL: the client is gone */
    struct principal principal;
    struct value origin;
    struct arena arena, chunk; /* of the job; of one statement */
    struct uuid id;
    bool dry_run, is_end;
    struct slice piece, input; /* what is being read, what came behind it */
    struct import_rows *rows;
    uv_timer_t rest;        /* between two pieces of the input */
    struct problem problem; /* of a file that cannot be taken */
};

static void go_on(struct import_job *job);

static void on_timer_closed(uv_handle_t *timer)
{
    free(timer->data);
}

static void job_free(struct import_job *job)
{
    import_rows_free(&job->rows);
    arena_deinit(&job->chunk);
    arena_deinit(&job->arena);
    uv_close((uv_handle_t *)&job->rest, on_timer_closed);
}

static void job_fail(struct operation_call *call, const struct problem *problem)
{
    struct import_job *job = (struct import_job *)call;
    if (job->asked)
        operation_fail(job->asked, problem);
    job_free(job);
}

static void run(struct import_job *job, const char *sql, const struct value *args, operation_sql_then then)
{
    operation_sql_run_or(&job->call, sql, args, then, job_fail);
}

/* --- How far it is --- */

static void add_counts(const struct import_job *job, struct value *args)
{
    const struct import_counts *counts = import_rows_counts(job->rows);
    value_set(args, "rows", value_int((int64_t)counts->rows));
    value_set(args, "created", value_int((int64_t)counts->created));
    value_set(args, "changed", value_int((int64_t)counts->changed));
    value_set(args, "unchanged", value_int((int64_t)counts->unchanged));
    value_set(args, "failed", value_int((int64_t)counts->failed));
}

static void write_progress(struct import_job *job, const char *state, const char *detail,
                           operation_sql_then then)
{
    struct value args = value_map(job->call.arena, 10);
    uint32_t count;
    struct slice lines = import_rows_errors(job->rows, &count);
    value_set_uuid(&args, job->call.arena, "import", &job->id);
    value_set(&args, "state", value_string(slice_of(state)));
    value_set_text(&args, "detail", slice_of(detail));
    value_set(&args, "header", value_string(import_rows_header(job->rows)));
    add_counts(job, &args);
    if (count && import_rows_counts(job->rows)->failed <= IMPORT_ERRORS_MAX)
        value_set(&args, "errors", value_string(lines));
    run(job, "import_progress", &args, then);
}

static void on_done(struct operation_call *call, unsigned status, struct slice json)
{
    struct import_job *job = (struct import_job *)call;
    operation_reply_json(job->asked, status, json);
    job_free(job);
}

static void on_refused(struct operation_call *call, unsigned status, struct slice json)
{
    struct import_job *job = (struct import_job *)call;
    (void)status, (void)json;
    job_fail(call, &job->problem);
}

static void on_progress(struct operation_call *call, unsigned status, struct slice json)
{
    struct import_job *job = (struct import_job *)call;
    (void)status, (void)json;
    import_rows_clear_errors(job->rows);
    arena_reset(&job->chunk);
    go_on(job);
}

/* --- Rows --- */

static void on_chunk(struct operation_call *call, unsigned status, struct slice json)
{
    struct import_job *job = (struct import_job *)call;
    (void)status;
    if (!import_rows_done(job->rows, json)) {
        problem_set(&job->problem, PROBLEM_INTERNAL, NULL, "the database gave no counts");
        job_fail(call, &job->problem);
        return;
    }
    project_facts_changed(job->call.project, NULL, NULL);
    write_progress(job, "running", "", on_progress);
}

static void run_chunk(struct import_job *job)
{
    struct value args = value_map(job->call.arena, 2);
    value_set(&args, "rows", *import_rows_chunk(job->rows));
    value_set(&args, "dry_run", value_bool(job->dry_run));
    run(job, "import_rows", &args, on_chunk);
}

/* The project may be gone already. */
static void stop(struct import_job *job)
{
    problem_set(&job->problem, PROBLEM_STORAGE_UNAVAILABLE, NULL,
                "the router is stopping; rows from here on were not taken: send the file again");
    write_progress(job, "failed", job->problem.detail, on_refused);
}

static void on_rested(uv_timer_t *timer)
{
    go_on(timer->data);
}

static void on_piece(void *ctx, struct slice bytes, enum http_piece piece)
{
    struct import_job *job = ctx;
    if (piece == HTTP_PIECE_LOST) {
        job->asked = NULL;
        job->call.transport = NULL;
        write_progress(job, "failed", "the connection was lost before the end of the file", on_refused);
        return;
    }
    job->input = bytes;
    job->is_end = piece == HTTP_PIECE_LAST;
    go_on(job);
}

static void go_on(struct import_job *job)
{
    if (job->call.app->draining) {
        stop(job);
        return;
    }
    const struct project_config *config = project_config(job->call.project);
    char left_out[IMPORT_LEFT_OUT_MAX];
    if (!config) {
        problem_set(&job->problem, PROBLEM_STORAGE_UNAVAILABLE, NULL, "the project is not loaded");
        job_fail(&job->call, &job->problem);
        return;
    }
    bool gives_way = import_rows_gives_way(job->rows);
    enum import_status status;
    do {
        if (!job->piece.len)
            job->piece = import_rows_piece(&job->input);
        status =
            import_rows_read(job->rows, config, &job->piece, job->is_end && !job->input.len, &job->problem);
    } while (status == IMPORT_MORE && job->input.len && !gives_way);
    switch (status) {
    case IMPORT_MORE:
        if (job->input.len)
            uv_timer_start(&job->rest, on_rested, IMPORT_REST_MS, 0);
        else
            http_body_next(job->asked->transport, on_piece, job);
        return;
    case IMPORT_CHUNK_IS_FULL:
        run_chunk(job);
        return;
    case IMPORT_END:
        import_rows_left_out(job->rows, left_out);
        write_progress(job, "done", left_out, on_done);
        return;
    case IMPORT_BAD:
        write_progress(job, "failed", job->problem.detail, on_refused);
        return;
    }
}

static void on_begun(struct operation_call *call, unsigned status, struct slice json)
{
    struct import_job *job = (struct import_job *)call;
    (void)status, (void)json;
    arena_reset(&job->chunk);
    http_body_next(job->asked->transport, on_piece, job);
}

static struct import_job *job_alloc(struct operation_call *call)
{
    struct import_job *job = calloc(1, sizeof *job);
    if (!job)
        abort();
    arena_init(&job->arena);
    arena_init(&job->chunk);
    job->asked = call;
    job->call = *call;
    principal_copy(&job->principal, call->principal, &job->arena);
    struct value origin = operation_origin(call);
    job->origin = value_map(&job->arena, 2);
    value_set(&job->origin, "via", value_string(SLICE("http")));
    value_set(&job->origin, "address",
              value_string(arena_copy(&job->arena, value_member(&origin, "address")->string)));
    job->call.principal = &job->principal;
    job->call.origin = &job->origin;
    job->call.arena = &job->chunk;
    job->rows = import_rows_alloc();
    uv_timer_init(call->app->loop, &job->rest);
    job->rest.data = job;
    return job;
}

void operation_import_customers(struct operation_call *call)
{
    struct uuid id = operation_make_id();
    bool dry_run;
    if (!route_content_type_is(call->transport, "text/csv")) {
        struct problem problem;
        problem_set(&problem, PROBLEM_UNSUPPORTED_MEDIA_TYPE, NULL, "the body must be text/csv");
        operation_fail(call, &problem);
        return;
    }
    if (!operation_check_params(call, call->params) || !operation_bool(call, "dry_run", false, &dry_run))
        return;
    if (value_member(call->params, "import") && !operation_uuid(call, "import", &id))
        return;
    struct import_job *job = job_alloc(call);
    job->id = id;
    job->dry_run = dry_run;
    struct value args = value_map(job->call.arena, 2);
    value_set_uuid(&args, job->call.arena, "import", &job->id);
    value_set(&args, "dry_run", value_bool(dry_run));
    run(job, "import_begin", &args, on_begun);
}
