/* Secrets that project files name. Whoever administers a project does not run the machine, so they may name
 * files of one folder alone: the setting secret_folder. */
#ifndef SERVER_SECRET_FILE_H
#define SERVER_SECRET_FILE_H

#include "proto/project_file.h"
#include "rules/arena.h"

#define SECRET_FILE_OUTSIDE_TEXT "the secret file does not lie in secret_folder"

enum secret_file { SECRET_FILE_READ, SECRET_FILE_OUTSIDE, SECRET_FILE_UNREADABLE };

/* Whether an absolute path without ".." names something below the folder. Looks at the names alone. */
bool secret_file_is_below(struct slice folder, struct slice path);
/* Reads a regular file of at most `max` bytes that is named below the folder and lies there when all symbolic
 * links are resolved. Else *why, without the path. Blocks, but never waits for a peer, as a pipe makes one
 * do. */
enum secret_file secret_file_read(struct slice *out, const char *folder, const char *path, size_t max,
                                  struct arena *arena, char *why, size_t why_size)
    __attribute__((warn_unused_result));

/* Faults of the paths of a valid project file, as yaml_read() gives it, that are not named below the folder.
 */
void secret_file_check(struct project_faults *faults, const struct value *file, const char *folder,
                       struct arena *arena);
/* Logs them for the hooks of a project that was stored without this check; gateways tell it as their state.
 */
void secret_file_log_outside(struct slice project, const struct project_config *config, const char *folder);

#endif
