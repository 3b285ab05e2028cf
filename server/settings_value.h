/* One setting from its text: the types of settings and their rules. Used by server/settings.c. */
#ifndef SERVER_SETTINGS_VALUE_H
#define SERVER_SETTINGS_VALUE_H

#include "rules/types.h"

#define SETTINGS_WHY_MAX 160

enum settings_kind {
    SETTINGS_CONNINFO,   /* char[] */
    SETTINGS_REDIS_URL,  /* char[] */
    SETTINGS_TEXT,       /* char[], may be empty */
    SETTINGS_FOLDER,     /* char[], an absolute path */
    SETTINGS_ADDRESS,    /* struct settings_address */
    SETTINGS_LOG_LEVEL,  /* enum log_level */
    SETTINGS_LOG_FORMAT, /* enum log_format */
    SETTINGS_INTEGER,    /* int64_t within min and max */
    SETTINGS_DURATION,   /* the same, milliseconds */
    SETTINGS_SWITCH,     /* bool: on or off */
};

struct settings_target {
    void *out;
    size_t size;
    enum settings_kind kind;
    int64_t min, max;
};

/* False with *why, which never repeats what may hold a password. The unused end of char[] is zeroed, so that
 * two equal settings are equal bytes. */
bool settings_value_set(const struct settings_target *target, struct slice text, char *why, size_t why_size)
    __attribute__((warn_unused_result));

#endif
