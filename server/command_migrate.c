#include <stdio.h>

#include "server/command.h"
#include "server/command_options.h"
#include "storage/migrate.h"

int command_migrate(int argc, char **argv)
{
    struct settings_source source;
    struct settings settings;
    const struct command_spec spec = {
        .synopsis = "[--database URL] [--config FILE]",
        .about =
            "Brings the database's schema up to date, and the order of names if ICU has another since. Safe to\n"
            "break off, to repeat, and beside running routers: that order is made anew while they work.\n",
        .settings = command_setting("database"),
    };
    int code = command_options(&spec, argc, argv, &source);
    if (code == COMMAND_GO_ON)
        code = command_database(argv[0], &settings, &source);
    if (code != COMMAND_GO_ON)
        return code;
    return migrate_run(settings.database, stdout, stderr);
}
