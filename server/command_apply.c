#include <assert.h>
#include <getopt.h>
#include <stdio.h>

#include "proto/json.h"
#include "server/command.h"
#include "server/command_file.h"
#include "server/command_options.h"
#include "server/file.h"
#include "server/project_rows.h"
#include "storage/pg_blocking.h"

#define PARAM_COUNT 7

static int store(const char *command, struct pg_blocking *database, const char *const params[PARAM_COUNT])
{
    struct pg_reply reply = pg_blocking_run(database, "config_apply", params, PARAM_COUNT);
    if (reply.outcome != PG_OK)
        return command_failed(command, "the database did not take the project: %s", reply.message);
    if (reply.rows != 1)
        return command_failed(command, "the database did not take the project: no version came back");
    struct slice version = pg_cell(&reply, 0, 0);
    bool changed = slice_is(pg_cell(&reply, 0, 1), "t");
    if (changed)
        printf("project %s: version %.*s active\n", params[0], (int)version.len, version.ptr);
    else
        printf("project %s: unchanged, version %.*s\n", params[0], (int)version.len, version.ptr);
    return COMMAND_OK;
}

static int apply(const char *command, const char *conninfo, const char *path, struct arena *arena)
{
    struct project_config *config = arena_new(arena, struct project_config);
    struct project_faults *faults = arena_new(arena, struct project_faults);
    struct slice text;
    struct value tree;
    char why[256];
    if (!file_read(&text, path, PROJECT_FILE_MAX, arena, why, sizeof why))
        return command_failed(command, "%s: %s", path, why);
    if (!project_file_read(config, text, arena, faults) ||
        !yaml_read(&tree, text, arena, &faults->items[0])) {
        command_print_faults(path, faults);
        return COMMAND_FAILED;
    }
    const char *const params[PARAM_COUNT] = {
        arena_string(arena, config->project),
        arena_string(arena, text),
        arena_string(arena, json_write(&tree, arena)),
        "apply",
        project_rows_agents(config, arena),
        project_rows_queues(config, arena),
        arena_string(arena, project_file_zones(config, arena)),
    };
    config_close(config);
    struct pg_blocking *database = pg_blocking_open(conninfo, "patchbay apply", why, sizeof why);
    if (!database)
        return command_failed(command, "no connection to the database: %s", why);
    int code = store(command, database, params);
    pg_blocking_close(&database);
    return code;
}

int command_apply(int argc, char **argv)
{
    struct settings_source source;
    struct settings settings;
    const struct command_spec spec = {
        .synopsis = "[--database URL] [--config FILE] FILE",
        .about =
            "Validates a project file and makes it the project's active configuration. Faults are printed as\n"
            "`file:line: key: reason`, inside expressions `file:line:column: key: reason`, and nothing changes.\n"
            "The same file again makes no new version unless the time zones that it names have changed.\n",
        .settings = command_setting("database"),
        .operands_min = 1,
        .operands_max = 1,
    };
    int code = command_options(&spec, argc, argv, &source);
    if (code == COMMAND_GO_ON)
        code = command_database(argv[0], &settings, &source);
    if (code != COMMAND_GO_ON)
        return code;
    struct arena arena;
    arena_init(&arena);
    code = apply(argv[0], settings.database, argv[optind], &arena);
    arena_deinit(&arena);
    return code;
}
