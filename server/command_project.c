#include "server/command_project.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server/command.h"

int command_project_open(struct command_project *out, const char *command, const struct settings *settings,
                         const char *name)
{
    char why[256];
    *out = (struct command_project){.database = NULL};
    out->database = pg_blocking_open(settings->database, command, why, sizeof why);
    if (!out->database)
        return command_failed(command, "no connection to the database: %s", why);
    struct pg_reply reply = pg_blocking_run(out->database, "replay_project", &name, 1);
    if (reply.outcome != PG_OK)
        return command_failed(command, "the projects cannot be read: %s", reply.message);
    if (reply.rows == 0)
        return command_misused(command, name ? "there is no project %s" : "there is no project%s",
                               name ? name : "");
    if (reply.rows > 1)
        return command_misused(command, "there are several projects: give --project");
    struct slice id = pg_cell(&reply, 0, 0), found = pg_cell(&reply, 0, 1), seq = pg_cell(&reply, 0, 2);
    snprintf(out->name, sizeof out->name, "%.*s", (int)found.len, found.ptr);
    out->id = (uint32_t)strtoul(id.ptr, NULL, 10);
    out->journal_seq = strtoull(seq.ptr, NULL, 10);
    return COMMAND_GO_ON;
}

bool command_sequence(uint64_t *out, const char *text)
{
    size_t len = strlen(text);
    if (len == 0 || len > 20 || strspn(text, "0123456789") != len)
        return false;
    *out = strtoull(text, NULL, 10);
    return *out > 0 && *out <= INT64_MAX;
}
