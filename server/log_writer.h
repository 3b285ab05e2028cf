/* Where log lines go: a bounded buffer, emptied by a thread of its own, because writing to a terminal, a pipe
 * or a full disk can block and the loop must not. Used by server/log.c alone. */
#ifndef SERVER_LOG_WRITER_H
#define SERVER_LOG_WRITER_H

#include "rules/types.h"

/* Writes into `out` the line that reports `dropped` lines; returns its length. Called on the writer's thread.
 */
typedef size_t (*log_writer_report)(char *out, size_t size, uint64_t dropped);

bool log_writer_open(int fd, log_writer_report report) __attribute__((warn_unused_result));
/* Waits at most wait_ms for the buffer to empty. */
void log_writer_close(unsigned wait_ms);
/* A whole line with its newline. Without a running thread it is written to standard error at once. */
void log_writer_put(struct slice line);
uint64_t log_writer_dropped(void);

#endif
