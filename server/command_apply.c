#include <assert.h>
#include <getopt.h>
#include <stdio.h>

#include "proto/json.h"
#include "server/command.h"
#include "server/command_file.h"
#include "server/command_options.h"
#include "server/file.h"
#include "storage/pg_blocking.h"

#define PARAM_COUNT 6

/* Texts and lists as JSON of the things that the database keeps tables of. */
static const char *agents_json(const struct project_config *config, struct arena *arena)
{
    struct value list = value_list(arena, config->agent_count);
    for (uint32_t i = 0; i < config->agent_count; i++) {
        const struct config_agent *agent = &config->agents[i];
        struct value map = value_map(arena, 5);
        value_set_text(&map, "name", agent->name);
        value_set_text(&map, "display_name", agent->display_name);
        value_set_text(&map, "role", agent->role);
        value_set_text(&map, "department", agent->department);
        value_set_text(&map, "reports_to", agent->reports_to);
        value_append(&list, map);
    }
    return arena_string(arena, json_write(&list, arena));
}

static const char *queues_json(const struct project_config *config, struct arena *arena)
{
    struct value list = value_list(arena, config->queue_count);
    for (uint32_t i = 0; i < config->queue_count; i++) {
        struct value map = value_map(arena, 1);
        value_set_text(&map, "name", config->queues[i].name);
        value_append(&list, map);
    }
    return arena_string(arena, json_write(&list, arena));
}

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
        agents_json(config, arena),
        queues_json(config, arena),
    };
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
            "`file:line: key: reason` and nothing changes. The same file again makes no new version.\n",
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
