/* For commands that look at a project's journal: which project, on a connection of their own. */
#ifndef SERVER_COMMAND_PROJECT_H
#define SERVER_COMMAND_PROJECT_H

#include "rules/project_config.h"
#include "server/command_options.h"
#include "storage/pg_blocking.h"

struct command_project {
    struct pg_blocking *database;
    uint32_t id;
    char name[CONFIG_NAME_MAX + 1];
    uint64_t journal_seq; /* the last row */
};

/* `name` NULL: the only one there is. Gives COMMAND_GO_ON, or an exit code after a complaint. Close the
 * connection in either case. */
int command_project_open(struct command_project *out, const char *command, const struct settings *settings,
                         const char *name);
/* A sequence number as people write it, leading zeroes and all; false for anything else. */
bool command_sequence(uint64_t *out, const char *text) __attribute__((warn_unused_result));

#endif
