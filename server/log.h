/* The log: one line per occurrence that an operator should know, key=value (logfmt) or JSON, to standard
 * error.
 *
 * Between log_open() and log_close() a thread writes and callers never wait for it: lines go through a buffer
 * of LOG_BUFFER_SIZE bytes, and what does not fit is counted and reported as one line with dropped=N once
 * there is room. Outside of that lines are written at once. Any thread may log. People are masked: their
 * numbers and addresses go in through log_masked() only. Texts of any bytes are safe: a line stays one line,
 * and JSON stays valid. */
#ifndef SERVER_LOG_H
#define SERVER_LOG_H

#include "rules/types.h"

#define LOG_LINE_MAX 4096  /* bytes; fields that do not fit are left out and truncated=true says so */
#define LOG_VALUE_MAX 1024 /* bytes of one text, before escaping; longer ones end with "..." */
#define LOG_BUFFER_SIZE (256u << 10) /* bytes of lines not yet written */
#define LOG_MASK_MAX 280             /* bytes, with the NUL: a masked address */
#define LOG_CLOSE_WAIT_MS                                                                                    \
    2000 /* log_close() waits so long for a reader of standard error that does not read */

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };
#define LOG_LEVEL_COUNT 4
enum log_format { LOG_FORMAT_TEXT, LOG_FORMAT_JSON };
#define LOG_FORMAT_COUNT 2

const char *log_level_name(enum log_level level);    /* "error", "warn", "info", "debug" */
const char *log_format_name(enum log_format format); /* "text", "json" */

enum log_kind { LOG_KIND_TEXT, LOG_KIND_MASKED, LOG_KIND_INT, LOG_KIND_REAL, LOG_KIND_BOOL };

struct log_field {
    const char *name; /* [a-z_]+; not time, level or msg */
    enum log_kind kind;
    union {
        struct slice text;
        int64_t integer;
        double real;
        bool boolean;
    };
};

struct log_field log_text(const char *name, struct slice text);
struct log_field log_str(const char *name, const char *text); /* NULL: empty */
struct log_field log_int(const char *name, int64_t integer);
struct log_field log_real(const char *name, double real);
struct log_field log_bool(const char *name, bool boolean);
struct log_field log_masked(const char *name, struct slice phone_or_address);

/* log_event(LOG_WARN, "database is away", (struct log_field[]){log_str("why", why), log_int("pid", pid)}, 2);
 */
void log_event(enum log_level level, const char *message, const struct log_field *fields, size_t count);
void log_line(enum log_level level, const char *message); /* no fields */

/* For faults that repeat: at most one line a second per limit; the next one says suppressed=N. `limit` is a
 * static of the caller, zeroed, used by one thread. */
struct log_limit {
    int64_t next_ms;
    uint64_t suppressed;
};
void log_event_limited(struct log_limit *limit, enum log_level level, const char *message,
                       const struct log_field *fields, size_t count);

/* "+493012345620" gives "+49301***20", "anna@example.com" gives "a***@example.com". Returns out. */
const char *log_mask(char out[LOG_MASK_MAX], struct slice phone_or_address);

/* Levels and format may change at any time (SIGHUP). Before the first call: info, text. */
void log_configure(enum log_level level, enum log_format format);
bool log_is_on(enum log_level level);

/* Starts the writer on a file descriptor that stays the caller's; false with errno when the thread cannot
 * start. */
bool log_open(int fd) __attribute__((warn_unused_result));
void log_close(void);
uint64_t log_dropped(void); /* lines, since start */

#endif
