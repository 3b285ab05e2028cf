/* The command line: `patchbay COMMAND ...`, one table row per command.
 *
 * A command gets its own arguments with argv[0] = "patchbay COMMAND", which is what getopt_long() puts before
 * its complaints. It returns the exit code. Answers go to standard output, complaints to standard error, one
 * line each. */
#ifndef SERVER_COMMAND_H
#define SERVER_COMMAND_H

enum command_exit {
    COMMAND_OK = 0,
    COMMAND_FAILED = 1, /* the work could not be done, or what was checked has faults */
    COMMAND_USAGE = 2,  /* unknown options, bad or missing values */
};

struct command {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *help; /* one line */
};

extern const struct command command_table[]; /* ends with a NULL name */

int command_main(int argc, char **argv);

int command_serve(int argc, char **argv);
int command_migrate(int argc, char **argv);
int command_apply(int argc, char **argv);
int command_token(int argc, char **argv);
int command_check(int argc, char **argv);
int command_version(int argc, char **argv);

#endif
