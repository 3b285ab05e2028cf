/* Options of one command: read with getopt_long(), explained by --help, both from the same rows. */
#ifndef SERVER_COMMAND_OPTIONS_H
#define SERVER_COMMAND_OPTIONS_H

#include "server/settings.h"

#define COMMAND_OPTIONS_MAX 40
#define COMMAND_GO_ON (-1) /* no exit code: the command may run */

struct command_option {
    const char *name, *argument, *help; /* argument NULL: takes none */
    const char **value;                 /* set to the argument, or to "", when the option is given */
};

struct command_spec {
    const char *synopsis; /* behind the command's name */
    const char *about;    /* what the command does, for --help; lines end with a newline */
    const struct command_option *options;
    unsigned option_count;
    uint32_t settings; /* bits of settings' rows that are options too; --config comes with any of them */
    int operands_min, operands_max;
};

/* Bits for command_spec.settings. */
#define COMMAND_ALL_SETTINGS ((1u << SETTINGS_COUNT) - 1)
uint32_t command_setting(const char *flag);

/* Gives COMMAND_GO_ON, or the exit code after --help or a complaint. The operands are argv[optind] and on.
 * `source` may be NULL when the command takes no settings; PATCHBAY_CONFIG stands in for --config. */
int command_options(const struct command_spec *spec, int argc, char **argv, struct settings_source *source);

/* One line "patchbay serve: ..." on standard error; returns COMMAND_USAGE or COMMAND_FAILED. */
int command_misused(const char *command, const char *format, ...) __attribute__((format(printf, 2, 3)));
int command_failed(const char *command, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Loads the settings; faults become one line. Gives COMMAND_GO_ON or the exit code. */
int command_settings(const char *command, struct settings *out, const struct settings_source *source);
/* The same, and there must be a database. */
int command_database(const char *command, struct settings *out, const struct settings_source *source);

#endif
