#include "server/command_export.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "proto/json.h"
#include "server/command.h"
#include "server/command_options.h"
#include "server/command_project.h"
#include "server/export_rows.h"
#include "server/operation_customers.h"
#include "server/operation_sql.h"

struct export
{
    const char *command;
    struct command_project *project;
    struct value filter;
    struct arena arena, page; /* of all; of one question */
    struct export_rows rows;
};

static int complain(const struct export *export, const struct pg_reply *reply)
{
    return command_failed(export->command, "%s",
                          reply->message[0] ? reply->message : "the connection to the database was lost");
}

/* The statement's answer, or a complaint. */
static int ask(struct export *export, const char *sql, struct slice *json)
{
    char project[12];
    struct arena *arena = &export->page;
    arena_reset(arena);
    struct value args = operation_args(arena, &export->filter, 5), origin = value_map(arena, 2);
    snprintf(project, sizeof project, "%u", export->project->id);
    value_set(&origin, "via", value_string(SLICE("command")));
    value_set(&origin, "address", value_string(SLICE("")));
    value_set(&args, "origin", origin);
    value_set(&args, "now_ms", value_int(operation_now_ms()));
    value_set(&args, "limit", value_int(EXPORT_PAGE));
    value_set(&args, "filter", export->filter);
    value_set_text(&args, "after", slice_of(export->rows.after));
    const char *params[] = {project, role_name(ROLE_ADMIN), NULL,
                            arena_string(arena, json_write(&args, arena))};
    struct pg_reply reply = pg_blocking_run(export->project->database, sql, params, 4);
    if (reply.outcome != PG_OK || reply.rows != 1)
        return complain(export, &reply);
    *json = pg_cell(&reply, 0, 1);
    return COMMAND_GO_ON;
}

static int flush_text(struct export *export)
{
    struct csv_text *text = &export->rows.text;
    bool is_written = fwrite(text->bytes, 1, text->len, stdout) == text->len;
    text->len = 0;
    if (export->rows.is_broken)
        return command_failed(export->command, "an answer of the database cannot be read");
    return is_written ? COMMAND_GO_ON : command_failed(export->command, "cannot write: %s", strerror(errno));
}

static int find_columns(struct export *export)
{
    struct slice json = {NULL, 0};
    bool goes_on;
    do {
        int code = ask(export, "export_columns", &json);
        if (code != COMMAND_GO_ON)
            return code;
        goes_on = export_rows_add_columns(&export->rows, json);
    } while (goes_on);
    export_rows_write_header(&export->rows);
    return flush_text(export);
}

static int write_rows(struct export *export)
{
    struct slice json = {NULL, 0};
    bool goes_on;
    do {
        int code = ask(export, "export_rows", &json);
        if (code != COMMAND_GO_ON)
            return code;
        goes_on = export_rows_write(&export->rows, json);
        code = flush_text(export);
        if (code != COMMAND_GO_ON)
            return code;
    } while (goes_on);
    return COMMAND_OK;
}

static int run(struct export *export)
{
    struct slice json;
    int code = ask(export, "export_log", &json);
    if (code == COMMAND_GO_ON)
        code = find_columns(export);
    return code == COMMAND_GO_ON ? write_rows(export) : code;
}

int command_export(int argc, char **argv)
{
    const char *name = NULL, *stage = NULL, *owner = NULL, *from = NULL, *tag = NULL, *bom = NULL;
    struct settings_source source;
    struct settings settings;
    struct command_project project = {.database = NULL};
    const struct command_option options[] = {
        {"project", "NAME", "whose customers (the only project there is)", &name},
        {"stage", "STAGE", "only those of this stage", &stage},
        {"owner", "AGENT", "only those of this owner", &owner},
        {"source", "SOURCE", "only those of this source", &from},
        {"tag", "TAG", "only those with this tag", &tag},
        {"bom", NULL, "begin with a byte order mark, for spreadsheets that ask for one", &bom},
    };
    const struct command_spec spec = {
        .synopsis = "[--project NAME] [--stage STAGE] [--owner AGENT] [--source SOURCE] [--tag TAG] [--bom]\n"
                    "    [--database URL] [--config FILE]",
        .about =
            "Writes customers to standard output as CSV that `patchbay import` takes. Cells that a spreadsheet\n"
            "would run as formulas get an apostrophe in front, which the import takes away again.\n",
        .options = options,
        .option_count = sizeof options / sizeof *options,
        .settings = command_setting("database"),
    };
    int code = command_options(&spec, argc, argv, &source);
    if (code == COMMAND_GO_ON && stage && !operation_is_stage(slice_of(stage)))
        code = command_misused(argv[0], "--stage: " CUSTOMER_STAGES);
    if (code == COMMAND_GO_ON)
        code = command_database(argv[0], &settings, &source);
    if (code == COMMAND_GO_ON)
        code = command_project_open(&project, argv[0], &settings, name);
    if (code == COMMAND_GO_ON) {
        struct export export = {.command = argv[0], .project = &project};
        arena_init(&export.arena);
        arena_init(&export.page);
        export_rows_init(&export.rows);
        export.filter = value_map(&export.arena, 4);
        value_set_text(&export.filter, "stage", slice_of(stage ? stage : ""));
        value_set_text(&export.filter, "owner", slice_of(owner ? owner : ""));
        value_set_text(&export.filter, "source", slice_of(from ? from : ""));
        value_set_text(&export.filter, "tag", slice_of(tag ? tag : ""));
        if (bom)
            (void)fputs("\xef\xbb\xbf", stdout);
        code = run(&export);
        export_rows_deinit(&export.rows);
        arena_deinit(&export.page);
        arena_deinit(&export.arena);
    }
    pg_blocking_close(&project.database);
    return code;
}
