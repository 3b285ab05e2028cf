/* Project files on the command line: reading, and faults as people and editors want them. */
#ifndef SERVER_COMMAND_FILE_H
#define SERVER_COMMAND_FILE_H

#include "proto/project_file.h"

/* Prints "file:line: key: reason" for each fault. */
void command_print_faults(const char *path, const struct project_faults *faults);

#endif
