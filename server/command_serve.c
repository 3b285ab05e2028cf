#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "server/command.h"
#include "server/command_options.h"
#include "server/serve.h"

static const struct command_spec spec = {
    .synopsis = "[OPTION]...",
    .about =
        "Runs the router until SIGTERM or SIGINT, which let it finish what it has accepted. SIGHUP reads\n"
        "the configuration again. When it listens it prints one line with its addresses.\n",
    .settings = COMMAND_ALL_SETTINGS,
};

int command_serve(int argc, char **argv)
{
    struct settings_source source;
    struct settings settings;
    int code = command_options(&spec, argc, argv, &source);
    if (code == COMMAND_GO_ON)
        code = command_database(argv[0], &settings, &source);
    if (code != COMMAND_GO_ON)
        return code;
    /* A client that goes away is an error of its own connection. */
    signal(SIGPIPE, SIG_IGN);
    log_configure(settings.log_level, settings.log_format);
    if (!log_open(STDERR_FILENO))
        return command_failed(argv[0], "cannot start the log's thread: %s", strerror(errno));
    code = serve_run(&settings);
    log_close();
    return code;
}
