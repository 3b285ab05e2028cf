#include "server/command.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "server/command_cel.h"
#include "server/command_decode.h"
#include "server/command_explain.h"
#include "server/command_export.h"
#include "server/command_import.h"
#include "server/command_key.h"
#include "server/command_mail.h"
#include "server/command_options.h"
#include "server/command_replay.h"
#include "server/command_simulate.h"

#define TITLE_MAX 64 /* "patchbay COMMAND" */

const struct command command_table[] = {
    {"serve", command_serve, "run the router"},
    {"migrate", command_migrate, "bring the database's schema up to date"},
    {"apply", command_apply, "make a project file the project's active configuration"},
    {"token", command_token, "create, list and revoke access tokens"},
    {"check", command_check, "find the faults of a configuration or project file"},
    {"key", command_key, "print the canonical key of a phone number or an e-mail address"},
    {"cel", command_cel, "print the value of a rule expression"},
    {"mail", command_mail, "deliver a message, or print the event that it would become"},
    {"decode", command_decode, "print the events that recorded traffic would become"},
    {"simulate", command_simulate, "try the decision core with random projects and traffic"},
    {"explain", command_explain, "say why a decision was made"},
    {"replay", command_replay, "decide a project's journal again and compare"},
    {"import", command_import, "take customers from a CSV file"},
    {"export", command_export, "write customers to a CSV file"},
    {"version", command_version, "print the version"},
    {NULL, NULL, NULL},
};

static void print_usage(FILE *out)
{
    fputs("usage: patchbay COMMAND [OPTION]...\n\n", out);
    for (const struct command *command = command_table; command->name; command++)
        fprintf(out, "  %-9s %s\n", command->name, command->help);
    fputs("\n`patchbay COMMAND --help` explains a command.\n", out);
}

static const struct command *find_command(const char *name)
{
    for (const struct command *command = command_table; command->name; command++)
        if (strcmp(command->name, name) == 0)
            return command;
    return NULL;
}

static bool is_help(const char *word)
{
    return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0 || strcmp(word, "help") == 0;
}

static int run(int argc, char **argv)
{
    char title[TITLE_MAX];
    if (argc < 2) {
        print_usage(stderr);
        return COMMAND_USAGE;
    }
    if (is_help(argv[1])) {
        print_usage(stdout);
        return COMMAND_OK;
    }
    const struct command *command = find_command(strcmp(argv[1], "--version") == 0 ? "version" : argv[1]);
    if (!command)
        return command_misused("patchbay",
                               "unknown command or option '%s'; `patchbay help` lists the commands", argv[1]);
    snprintf(title, sizeof title, "patchbay %s", command->name);
    argv[1] = title;
    return command->run(argc - 1, argv + 1);
}

int command_main(int argc, char **argv)
{
    int code = run(argc, argv);
    /* What could not be printed has not been said: a full disk must not look like success. */
    bool printed = fflush(stdout) == 0 && !ferror(stdout);
    if (!printed && code == COMMAND_OK)
        return command_failed("patchbay", "cannot write to standard output");
    return code;
}
