#include <stdio.h>

#include "server/command.h"
#include "server/command_options.h"
#include "storage/migrate.h"
#include "storage/pg_blocking.h"

/* After an upgrade of the operating system. */
static int keep_order(const char *command, const struct settings *settings)
{
    char why[256];
    struct pg_blocking *database = pg_blocking_open(settings->database, "patchbay migrate", why, sizeof why);
    if (!database)
        return command_failed(command, "no connection to the database: %s", why);
    struct pg_reply reply = pg_blocking_run(database, "keep_order", NULL, 0);
    int code = COMMAND_OK;
    if (reply.outcome != PG_OK)
        code = command_failed(command, "the order of names cannot be kept: %s", reply.message);
    else if (slice_is(pg_cell(&reply, 0, 0), "t"))
        printf("another version of ICU sorts names: their index was made anew\n");
    pg_blocking_close(&database);
    return code;
}

int command_migrate(int argc, char **argv)
{
    struct settings_source source;
    struct settings settings;
    const struct command_spec spec = {
        .synopsis = "[--database URL] [--config FILE]",
        .about =
            "Brings the database's schema up to date, and the order of names if ICU has another since. Safe to\n"
            "repeat, and beside running routers; while that order is made anew (a minute for a million\n"
            "customers) whatever changes customers waits.\n",
        .settings = command_setting("database"),
    };
    int code = command_options(&spec, argc, argv, &source);
    if (code == COMMAND_GO_ON)
        code = command_database(argv[0], &settings, &source);
    if (code != COMMAND_GO_ON)
        return code;
    code = migrate_run(settings.database, stdout, stderr);
    return code == COMMAND_OK ? keep_order(argv[0], &settings) : code;
}
