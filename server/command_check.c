#include <getopt.h>
#include <stdio.h>

#include "server/command.h"
#include "server/command_file.h"
#include "server/command_options.h"
#include "server/file.h"

static const struct command_spec spec = {
    .synopsis = "FILE",
    .about =
        "Finds the faults of a configuration file or a project file (which has a key `project`) and prints\n"
        "each as `file:line: key: reason`, inside expressions `file:line:column: key: reason`. Exits 0 and\n"
        "prints ok when there is none, else 1.\n",
    .operands_min = 1,
    .operands_max = 1,
};

/* Text that is no YAML at all is told by whichever reader comes next. */
static bool is_project_file(struct slice text, struct arena *arena)
{
    struct value root;
    struct fault fault;
    return yaml_read(&root, text, arena, &fault) && value_member(&root, "project");
}

static bool check_project(const char *path, struct slice text, struct arena *arena)
{
    struct project_config *config = arena_new(arena, struct project_config);
    struct project_faults *faults = arena_new(arena, struct project_faults);
    if (project_file_read(config, text, arena, faults)) {
        config_close(config);
        return true;
    }
    command_print_faults(path, faults);
    return false;
}

static bool check_settings(const char *path, struct slice text, struct arena *arena)
{
    struct settings *settings = arena_new(arena, struct settings);
    struct settings_faults *faults = arena_new(arena, struct settings_faults);
    if (settings_read(settings, path, text, faults))
        return true;
    for (uint32_t i = 0; i < faults->count; i++)
        puts(faults->lines[i]);
    return false;
}

int command_check(int argc, char **argv)
{
    int code = command_options(&spec, argc, argv, NULL);
    if (code != COMMAND_GO_ON)
        return code;
    const char *path = argv[optind];
    struct arena arena;
    struct slice text;
    char why[128];
    arena_init(&arena);
    if (!file_read(&text, path, PROJECT_FILE_MAX, &arena, why, sizeof why)) {
        code = command_failed(argv[0], "%s: %s", path, why);
    } else {
        bool is_project = is_project_file(text, &arena);
        bool valid = is_project ? check_project(path, text, &arena) : check_settings(path, text, &arena);
        if (valid)
            puts("ok");
        code = valid ? COMMAND_OK : COMMAND_FAILED;
    }
    arena_deinit(&arena);
    return code;
}
