/* A download has memory of its own, since it goes on when the exchange has become a stream, and lives until
 * its statement has answered even when the client has gone. */
#include "server/operation_download.h"

#include <stdlib.h>
#include <string.h>

#include "proto/json.h"
#include "server/auth.h"
#include "server/export_rows.h"
#include "server/http.h"
#include "server/operation_customers.h"
#include "server/operation_sql.h"

#define CSV_MEDIA_TYPE "text/csv; charset=utf-8"

struct download {
    struct operation_call call;   /* first: what comes back with each answer */
    struct operation_call *asked; /* NULL: it is a stream by now */
    struct http_stream *stream;   /* NULL: not yet, or the client is gone */
    struct principal principal;
    struct value origin, filter;
    struct arena arena, page; /* of all; of one statement */
    struct export_rows rows;
    int64_t after; /* of errors */
    size_t sent;   /* of rows.text */
    const char *file;
    bool is_asking, is_last, begun, with_mark;
    void (*ask)(struct download *download);
};

static void download_free(struct download *download)
{
    export_rows_deinit(&download->rows);
    arena_deinit(&download->page);
    arena_deinit(&download->arena);
    free(download);
}

static void on_failed(struct operation_call *call, const struct problem *problem)
{
    struct download *download = (struct download *)call;
    download->is_asking = false;
    if (download->stream) {
        http_stream_cut(download->stream); /* on_closed() frees it */
        return;
    }
    if (download->asked)
        operation_fail(download->asked, problem);
    download_free(download);
}

static void run(struct download *download, const char *sql, const struct value *args, operation_sql_then then)
{
    download->is_asking = true;
    operation_sql_run_or(&download->call, sql, args, then, on_failed);
}

/* --- The stream --- */

static void on_closed(void *ctx)
{
    struct download *download = ctx;
    download->stream = NULL;
    if (!download->is_asking)
        download_free(download);
}

static void send_text(struct download *download)
{
    struct csv_text *text = &download->rows.text;
    size_t left = text->len - download->sent, room = http_stream_room(download->stream);
    size_t len = left < room ? left : room;
    (void)http_stream_write(download->stream, (struct slice){text->bytes + download->sent, len});
    download->sent += len;
    if (download->sent < text->len)
        return; /* on_idle() goes on */
    text->len = download->sent = 0;
    if (download->is_last)
        http_stream_end(download->stream);
}

static void on_idle(void *ctx)
{
    struct download *download = ctx;
    if (download->is_asking)
        return;
    if (download->rows.text.len)
        send_text(download);
    else if (!download->is_last)
        download->ask(download);
}

static void open_stream(struct download *download)
{
    struct http_exchange *exchange = download->asked->transport;
    download->asked = NULL;
    download->call.transport = NULL;
    download->stream = http_reply_stream(exchange, CSV_MEDIA_TYPE, download->file, on_closed, download);
    http_stream_on_idle(download->stream, on_idle);
}

/* What was read goes out; false when nobody wants it any more, and the download is gone. */
static void answer_page(struct download *download, bool goes_on)
{
    download->is_asking = false;
    download->is_last = !goes_on;
    arena_reset(&download->page);
    if (!download->begun) {
        download->begun = true;
        open_stream(download);
    } else if (!download->stream) {
        download_free(download);
        return;
    }
    if (download->rows.is_broken)
        http_stream_cut(download->stream);
    else if (download->rows.text.len)
        send_text(download);
    else if (download->is_last)
        http_stream_end(download->stream);
}

static struct download *download_alloc(struct operation_call *call, const char *what)
{
    struct download *download = calloc(1, sizeof *download);
    if (!download)
        abort();
    arena_init(&download->arena);
    arena_init(&download->page);
    export_rows_init(&download->rows);
    download->asked = call;
    download->call = *call;
    principal_copy(&download->principal, call->principal, &download->arena);
    struct slice project = call->principal->project_name; /* letters, digits, dots, underscores, hyphens */
    download->file = arena_string(
        &download->arena, arena_format(&download->arena, "%.*s-%s.csv", (int)project.len, project.ptr, what));
    struct value origin = operation_origin(call);
    download->origin = value_map(&download->arena, 2);
    value_set(&download->origin, "via", value_string(SLICE("http")));
    value_set(&download->origin, "address",
              value_string(arena_copy(&download->arena, value_member(&origin, "address")->string)));
    download->call.principal = &download->principal;
    download->call.origin = &download->origin;
    download->call.arena = &download->page;
    return download;
}

/* --- Customers --- */

static struct value page_args(struct download *download)
{
    struct value args = operation_args(download->call.arena, &download->filter, 2);
    value_set(&args, "limit", value_int(EXPORT_PAGE));
    value_set_text(&args, "after", slice_of(download->rows.after));
    return args;
}

static void on_rows(struct operation_call *call, unsigned status, struct slice json)
{
    struct download *download = (struct download *)call;
    (void)status;
    answer_page(download, export_rows_write(&download->rows, json));
}

static void ask_rows(struct download *download)
{
    struct value args = page_args(download);
    run(download, "export_rows", &args, on_rows);
}

static void ask_columns(struct download *download);

static void on_columns(struct operation_call *call, unsigned status, struct slice json)
{
    struct download *download = (struct download *)call;
    (void)status;
    bool goes_on = export_rows_add_columns(&download->rows, json);
    arena_reset(&download->page);
    if (goes_on) {
        ask_columns(download);
        return;
    }
    if (download->with_mark)
        csv_write_mark(&download->rows.text);
    export_rows_write_header(&download->rows);
    ask_rows(download);
}

static void ask_columns(struct download *download)
{
    struct value args = page_args(download);
    run(download, "export_columns", &args, on_columns);
}

static void on_logged(struct operation_call *call, unsigned status, struct slice json)
{
    struct download *download = (struct download *)call;
    (void)status, (void)json;
    arena_reset(&download->page);
    ask_columns(download);
}

void operation_export_customers(struct operation_call *call)
{
    static const char *const names[] = {"stage", "owner", "source", "tag"};
    if (!operation_check_stage(call))
        return;
    struct download *download = download_alloc(call, "customers");
    const struct value *mark = value_member(call->params, "bom");
    download->ask = ask_rows;
    download->with_mark = mark && mark->boolean;
    download->filter = value_map(&download->arena, 4);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const struct value *given = value_member(call->params, names[i]);
        if (given)
            value_set(&download->filter, names[i], value_string(arena_copy(&download->arena, given->string)));
    }
    struct value args = value_map(download->call.arena, 1);
    value_set(&args, "filter", download->filter);
    run(download, "export_log", &args, on_logged);
}

/* --- What an import did not take --- */

static void on_errors(struct operation_call *call, unsigned status, struct slice json)
{
    struct download *download = (struct download *)call;
    struct value answer;
    struct fault fault;
    bool goes_on = false;
    (void)status;
    if (json_read(&answer, json, call->arena, &fault)) {
        const struct value *lines = value_member(&answer, "lines"), *next = value_member(&answer, "next");
        if (!download->begun)
            csv_write_lines(&download->rows.text, value_member(&answer, "header")->string);
        for (uint32_t i = 0; i < lines->count; i++)
            csv_write_lines(&download->rows.text, lines->items[i].string);
        goes_on = next && next->kind == VALUE_INT;
        download->after = goes_on ? next->integer : 0;
    } else {
        download->rows.is_broken = true;
    }
    answer_page(download, goes_on);
}

static void ask_errors(struct download *download)
{
    struct value args = operation_args(download->call.arena, &download->filter, 1);
    value_set(&args, "after", value_int(download->after));
    run(download, "import_errors", &args, on_errors);
}

void operation_import_errors(struct operation_call *call)
{
    struct download *download = download_alloc(call, "import-errors");
    struct slice id = value_member(call->params, "import")->string;
    download->ask = ask_errors;
    download->filter = value_map(&download->arena, 1);
    value_set(&download->filter, "import", value_string(arena_copy(&download->arena, id)));
    ask_errors(download);
}
