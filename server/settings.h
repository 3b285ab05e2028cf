/* The server's configuration: a YAML file, overridden by PATCHBAY_* variables, overridden by flags.
 *
 * One table row per setting (settings.c) gives its name in the file ("rpc_socket"), its variable
 * (PATCHBAY_RPC_SOCKET), its flag (--rpc-socket), type, default, bounds and help. Unknown keys and bad values
 * are faults, all of them listed; other PATCHBAY_* variables are not ours to judge. */
#ifndef SERVER_SETTINGS_H
#define SERVER_SETTINGS_H

#include "rules/types.h"
#include "server/log.h"

#define SETTINGS_FILE_MAX (256u << 10) /* bytes */
#define SETTINGS_URL_MAX 1024          /* bytes of a URL or connection string, with the NUL */
#define SETTINGS_HOST_MAX 64           /* a numeric address */
#define SETTINGS_PATH_MAX 108          /* of a Unix socket (sun_path) */
#define SETTINGS_FOLDER_MAX 1024       /* bytes of the path of a folder, with the NUL */
#define SETTINGS_FAULTS_MAX 32
#define SETTINGS_FAULT_MAX 512
#define SETTINGS_COUNT 18

struct settings_address {
    char host[SETTINGS_HOST_MAX]; /* numeric, without brackets */
    uint16_t port;                /* 0: any free one */
};

/* Where values came from, kept for reloads. Borrowed: from argv, or at least as long as the settings live. */
struct settings_source {
    const char *file;                  /* NULL: none */
    const char *flags[SETTINGS_COUNT]; /* by row; NULL: not given */
};

struct settings {
    char database[SETTINGS_URL_MAX]; /* "" when not given: commands that need it say so */
    char redis[SETTINGS_URL_MAX];
    struct settings_address http, rpc;
    char rpc_socket[SETTINGS_PATH_MAX]; /* "": none */
    struct settings_address lmtp;       /* host "": none */
    int64_t lmtp_deadline_ms;           /* for a message to be sent */
    char instance[SETTINGS_URL_MAX];    /* told to others in not_owner; "": the http address once bound */
    char public_url[SETTINGS_URL_MAX];  /* scheme and host under which peers reach us; "": as they say */
    char secret_folder[SETTINGS_FOLDER_MAX]; /* where the secret files of projects lie */
    enum log_level log_level;
    enum log_format log_format;
    int64_t batch_max;       /* events of one commit */
    int64_t intake_max;      /* events waiting */
    int64_t storage_wait_ms; /* how long a request waits for a database that is away */
    int64_t lease_ms;        /* ownership */
    int64_t cache_entries;   /* identity facts */
    bool audit;              /* server/audit.h */
    struct settings_source source;
};

struct settings_faults {
    uint32_t count;
    char lines[SETTINGS_FAULTS_MAX]
              [SETTINGS_FAULT_MAX]; /* "file:line: key: reason", "PATCHBAY_X: ...", "--x: ..." */
};

/* False when there is any fault; *out is then unchanged. */
bool settings_load(struct settings *out, const struct settings_source *source, struct settings_faults *faults)
    __attribute__((warn_unused_result));
/* The file alone, for `patchbay check`. `text` is its content, `name` goes into the faults. */
bool settings_read(struct settings *out, const char *name, struct slice text, struct settings_faults *faults)
    __attribute__((warn_unused_result));
/* SIGHUP: reads settings->source again. Reloadable settings change in place (database, addresses and the like
 * do not: the log tells which ones need a restart). With a fault nothing changes, the faults are logged, and
 * false is returned. */
bool settings_reload(struct settings *settings);

/* Durations: an integer with ms, s, m, h or d; false when it is something else or below 0. */
bool settings_duration(int64_t *out_ms, struct slice text) __attribute__((warn_unused_result));

/* The rows, for option tables and help texts. */
struct settings_row_info {
    const char *flag;     /* "rpc-socket" */
    const char *variable; /* "PATCHBAY_RPC_SOCKET" */
    const char *argument; /* "PATH" */
    const char *fallback; /* the default as text, "" when there is none */
    const char *help;
    bool reloadable;
};
struct settings_row_info settings_row(unsigned row);
unsigned settings_row_of(const char *flag); /* asserts that there is one */

#endif
