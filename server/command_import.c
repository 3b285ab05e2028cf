#include "server/command_import.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <uv.h>

#include "proto/json.h"
#include "proto/project_file.h"
#include "server/command.h"
#include "server/command_options.h"
#include "server/command_project.h"
#include "server/import_rows.h"
#include "server/operation_sql.h"

#define READ_MAX (64u << 10) /* bytes of the file at once */
#define TRIES 20             /* of a chunk that others are changing too */
#define PROGRESS_MS 1000
#define ORIGIN "{\"via\": \"command\", \"address\": \"\"}"

struct import {
    const char *command;
    struct command_project *project;
    struct project_config config;
    struct arena config_arena;
    struct import_rows *rows;
    FILE *in, *errors; /* errors NULL: nobody wants them */
    bool dry_run, has_header;
    int64_t told_ms;
};

static int load_config(struct import *import)
{
    char project[12];
    const char *params[] = {project};
    struct project_faults *faults = calloc(1, sizeof *faults);
    if (!faults)
        abort();
    snprintf(project, sizeof project, "%u", import->project->id);
    struct pg_reply reply = pg_blocking_run(import->project->database, "import_config", params, 1);
    bool is_loaded =
        reply.outcome == PG_OK && reply.rows == 1 &&
        project_file_load(&import->config, arena_copy(&import->config_arena, pg_cell(&reply, 0, 0)),
                          arena_copy(&import->config_arena, pg_cell(&reply, 0, 1)), &import->config_arena,
                          faults);
    free(faults);
    return is_loaded ? COMMAND_GO_ON
                     : command_failed(import->command, "the project's configuration cannot be read: %s",
                                      reply.message[0] ? reply.message : "there is none");
}

static void tell(struct import *import, bool is_last)
{
    const struct import_counts *counts = import_rows_counts(import->rows);
    int64_t now = operation_now_ms();
    if (!is_last && now - import->told_ms < PROGRESS_MS)
        return;
    import->told_ms = now;
    fprintf(is_last ? stdout : stderr,
            "%llu rows: %llu created, %llu changed, %llu unchanged, %llu failed%s\n",
            (unsigned long long)counts->rows, (unsigned long long)counts->created,
            (unsigned long long)counts->changed, (unsigned long long)counts->unchanged,
            (unsigned long long)counts->failed, import->dry_run ? " (dry run: nothing was changed)" : "");
}

/* Whether values were left out. */
static bool tell_left_out(const struct import *import)
{
    char text[IMPORT_LEFT_OUT_MAX];
    import_rows_left_out(import->rows, text);
    if (text[0])
        fprintf(stderr, "%s\n", text);
    return text[0];
}

static int write_errors(struct import *import)
{
    uint32_t count;
    struct slice lines = import_rows_errors(import->rows, &count), header = import_rows_header(import->rows);
    if (import->errors && count) {
        if (!import->has_header)
            (void)fwrite(header.ptr, 1, header.len, import->errors);
        import->has_header = true;
        (void)fwrite(lines.ptr, 1, lines.len, import->errors);
        if (fflush(import->errors) != 0 || ferror(import->errors))
            return command_failed(import->command, "cannot write the errors: %s", strerror(errno));
    }
    import_rows_clear_errors(import->rows);
    return COMMAND_GO_ON;
}

static bool is_conflict(const struct pg_reply *reply)
{
    return reply->outcome == PG_REFUSED &&
           (strcmp(reply->sqlstate, "40001") == 0 || strcmp(reply->sqlstate, "40P01") == 0);
}

static int run_chunk(struct import *import)
{
    struct arena arena;
    struct pg_reply reply;
    char project[12], now[24];
    arena_init(&arena);
    snprintf(project, sizeof project, "%u", import->project->id);
    snprintf(now, sizeof now, "%lld", (long long)operation_now_ms());
    struct slice rows = json_write(import_rows_chunk(import->rows), &arena);
    struct slice args =
        arena_format(&arena, "{\"dry_run\": %s, \"now_ms\": %s, \"origin\": " ORIGIN ", \"rows\": %.*s}",
                     import->dry_run ? "true" : "false", now, (int)rows.len, rows.ptr);
    const char *params[] = {project, role_name(ROLE_ADMIN), NULL, arena_string(&arena, args)};
    int tries = 0;
    do
        reply = pg_blocking_run(import->project->database, "import_rows", params, 4);
    while (is_conflict(&reply) && ++tries < TRIES);
    arena_deinit(&arena);
    if (reply.outcome != PG_OK || !import_rows_done(import->rows, pg_cell(&reply, 0, 1)))
        return command_failed(import->command, "%s; rows from here on were not taken: send the file again",
                              reply.message[0] ? reply.message : "the connection to the database was lost");
    return COMMAND_GO_ON;
}

static int take_piece(struct import *import, struct slice *input, bool is_end)
{
    for (;;) {
        struct problem problem;
        enum import_status status = import_rows_read(import->rows, &import->config, input, is_end, &problem);
        if (status == IMPORT_BAD)
            return command_failed(import->command, "%s", problem.detail);
        if (status != IMPORT_CHUNK_IS_FULL)
            return COMMAND_GO_ON;
        int code = run_chunk(import);
        if (code == COMMAND_GO_ON)
            code = write_errors(import);
        if (code != COMMAND_GO_ON)
            return code;
        tell(import, false);
    }
}

/* Everything that the bytes at hand give. */
static int take(struct import *import, struct slice bytes, bool is_end)
{
    for (;;) {
        struct slice piece = import_rows_piece(&bytes);
        int code = take_piece(import, &piece, is_end && !bytes.len);
        if (code != COMMAND_GO_ON || !bytes.len)
            return code;
        if (import_rows_gives_way(import->rows))
            nanosleep(&(struct timespec){.tv_nsec = IMPORT_REST_MS * 1000000}, NULL);
    }
}

static int read_all(struct import *import)
{
    static char bytes[READ_MAX];
    int code = COMMAND_GO_ON;
    for (bool is_end = false; !is_end && code == COMMAND_GO_ON;) {
        struct slice input = {bytes, fread(bytes, 1, sizeof bytes, import->in)};
        is_end = input.len < sizeof bytes;
        if (is_end && ferror(import->in))
            return command_failed(import->command, "the file cannot be read: %s", strerror(errno));
        code = take(import, input, is_end);
    }
    if (import_rows_counts(import->rows)->rows || code == COMMAND_GO_ON)
        tell(import, true);
    bool is_partial = tell_left_out(import) || import_rows_counts(import->rows)->failed;
    if (code == COMMAND_GO_ON)
        code = is_partial ? COMMAND_FAILED : COMMAND_OK;
    return code;
}

static int open_files(struct import *import, const char *path, const char *errors)
{
    bool is_stdin = strcmp(path, "-") == 0;
    import->in = is_stdin ? stdin : fopen(path, "rb");
    if (!import->in)
        return command_misused(import->command, "%s: %s", path, strerror(errno));
    import->errors = errors ? fopen(errors, "wb") : NULL;
    if (errors && !import->errors)
        return command_misused(import->command, "%s: %s", errors, strerror(errno));
    return COMMAND_GO_ON;
}

static int run(struct import *import, const char *path, const char *errors)
{
    arena_init(&import->config_arena);
    int code = load_config(import);
    if (code == COMMAND_GO_ON) {
        code = open_files(import, path, errors);
        import->rows = import_rows_alloc();
        if (code == COMMAND_GO_ON)
            code = read_all(import);
        import_rows_free(&import->rows);
        config_close(&import->config);
    }
    if (import->in && import->in != stdin)
        (void)fclose(import->in);
    if (import->errors && fclose(import->errors) != 0 && code == COMMAND_OK)
        code = command_failed(import->command, "cannot write the errors: %s", strerror(errno));
    arena_deinit(&import->config_arena);
    return code;
}

int command_import(int argc, char **argv)
{
    const char *name = NULL, *errors = NULL, *dry_run = NULL;
    struct settings_source source;
    struct settings settings;
    struct command_project project = {.database = NULL};
    const struct command_option options[] = {
        {"project", "NAME", "whose customers (the only project there is)", &name},
        {"dry-run", NULL, "say what would become of each row, and change nothing", &dry_run},
        {"errors", "FILE", "write rows that were not taken, with the column `error`, to be sent again",
         &errors},
    };
    const struct command_spec spec = {
        .synopsis = "[--project NAME] [--dry-run] [--errors FILE] [--database URL] [--config FILE] FILE|-",
        .about =
            "Creates and changes customers from a CSV file whose first line names the columns (- for standard\n"
            "input). A row is known by id, external_id or one of its contacts; the same file again creates\n"
            "nothing. Fields that the project's file does not declare are left out, and named at the end. Says\n"
            "once a second how far it is. Exits 0 when every row was taken with all of its values, else 1.\n",
        .options = options,
        .option_count = sizeof options / sizeof *options,
        .settings = command_setting("database"),
        .operands_min = 1,
        .operands_max = 1,
    };
    int code = command_options(&spec, argc, argv, &source);
    if (code == COMMAND_GO_ON)
        code = command_database(argv[0], &settings, &source);
    if (code == COMMAND_GO_ON)
        code = command_project_open(&project, argv[0], &settings, name);
    if (code == COMMAND_GO_ON) {
        struct import import = {.command = argv[0],
                                .project = &project,
                                .dry_run = dry_run != NULL,
                                .told_ms = operation_now_ms()};
        code = run(&import, argv[optind], errors);
    }
    pg_blocking_close(&project.database);
    return code;
}
