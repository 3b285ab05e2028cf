/* Whole files in memory, for commands and settings. Blocks: not for the loop while it serves. */
#ifndef SERVER_FILE_H
#define SERVER_FILE_H

#include "rules/arena.h"

/* Reads at most `max` bytes of `path`; longer files, directories and errors give false and *why (without the
 * path). */
bool file_read(struct slice *out, const char *path, size_t max, struct arena *arena, char *why,
               size_t why_size) __attribute__((warn_unused_result));
/* The same of an open file, which must be a regular one; it stays open. */
bool file_read_regular(struct slice *out, int fd, size_t max, struct arena *arena, char *why, size_t why_size)
    __attribute__((warn_unused_result));
/* The same of standard input; what is longer than `max` is not read to its end. */
enum file_status { FILE_READ, FILE_TOO_LONG, FILE_UNREADABLE };
enum file_status file_read_input(struct slice *out, size_t max, struct arena *arena, char *why,
                                 size_t why_size) __attribute__((warn_unused_result));

#endif
