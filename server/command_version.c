#include <stdio.h>

#include "server/command.h"
#include "server/command_options.h"

static const struct command_spec spec = {
    .synopsis = "[--help]",
    .about = "Prints the version of patchbay.\n",
};

int command_version(int argc, char **argv)
{
    int code = command_options(&spec, argc, argv, NULL);
    if (code != COMMAND_GO_ON)
        return code;
    puts("patchbay " PATCHBAY_VERSION);
    return COMMAND_OK;
}
