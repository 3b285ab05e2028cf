/* One row per setting; everything else walks the rows. All sources end in set_value(), which takes text, so
 * that a value means the same in the file, in the environment and on the command line. */
#include "server/settings.h"

#include <assert.h>
#include <ctype.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/project_file.h"
#include "server/file.h"
#include "server/settings_value.h"

#define NAME_MAX_LEN 24
#define LINE_UNKNOWN 0

struct row {
    const char *name, *argument, *fallback, *help;
    enum settings_kind kind;
    bool reloadable;
    size_t offset, size;
    int64_t min, max;
    char flag[NAME_MAX_LEN], variable[NAME_MAX_LEN + 16];
};

#define FIELD(member)                                                                                        \
    .offset = offsetof(struct settings, member), .size = sizeof((struct settings *)0)->member

#define SECOND INT64_C(1000)
#define MINUTE (60 * SECOND)

/* flag and variable are the name in other clothes; written out so that a search finds them. */
static const struct row rows[SETTINGS_COUNT] = {
    {"database", "URL", "", "PostgreSQL: a postgresql:// URL or key=value pairs", SETTINGS_CONNINFO, false,
     FIELD(database), 0, 0, "database", "PATCHBAY_DATABASE"},
    {"redis", "URL", "redis://127.0.0.1:6379", "Redis: a redis:// or unix:// URL", SETTINGS_REDIS_URL, false,
     FIELD(redis), 0, 0, "redis", "PATCHBAY_REDIS"},
    {"http", "HOST:PORT", "127.0.0.1:8080", "where HTTP listens; port 0 takes any free one", SETTINGS_ADDRESS,
     false, FIELD(http), 0, 0, "http", "PATCHBAY_HTTP"},
    {"rpc", "HOST:PORT", "127.0.0.1:8081", "where MessagePack-RPC listens; port 0 takes any free one",
     SETTINGS_ADDRESS, false, FIELD(rpc), 0, 0, "rpc", "PATCHBAY_RPC"},
    {"rpc_socket", "PATH", "", "Unix socket for MessagePack-RPC", SETTINGS_TEXT, false, FIELD(rpc_socket), 0,
     0, "rpc-socket", "PATCHBAY_RPC_SOCKET"},
    {"lmtp", "HOST:PORT", "", "where LMTP listens for mail; port 0 takes any free one; none unless given",
     SETTINGS_ADDRESS, false, FIELD(lmtp), 0, 0, "lmtp", "PATCHBAY_LMTP"},
    {"lmtp_deadline", "DURATION", "5m", "how long a mail server may take to send a message",
     SETTINGS_DURATION, false, FIELD(lmtp_deadline_ms), SECOND, 60 * MINUTE, "lmtp-deadline",
     "PATCHBAY_LMTP_DEADLINE"},
    {"instance", "TEXT", "", "what other routers tell clients to go to; the HTTP address unless given",
     SETTINGS_TEXT, false, FIELD(instance), 0, 0, "instance", "PATCHBAY_INSTANCE"},
    {"public_url", "URL", "",
     "how webhooks reach HTTP, such as https://patch.example; as they say unless given", SETTINGS_TEXT, true,
     FIELD(public_url), 0, 0, "public-url", "PATCHBAY_PUBLIC_URL"},
    {"secret_folder", "PATH", "/etc/patchbay/secrets", "where all secret files of projects must lie",
     SETTINGS_FOLDER, true, FIELD(secret_folder), 0, 0, "secret-folder", "PATCHBAY_SECRET_FOLDER"},
    {"log_level", "LEVEL", "info", "error, warn, info or debug", SETTINGS_LOG_LEVEL, true, FIELD(log_level),
     0, 0, "log-level", "PATCHBAY_LOG_LEVEL"},
    {"log_format", "FORMAT", "text", "text or json", SETTINGS_LOG_FORMAT, true, FIELD(log_format), 0, 0,
     "log-format", "PATCHBAY_LOG_FORMAT"},
    {"batch_max", "N", "256", "events of one commit at most", SETTINGS_INTEGER, true, FIELD(batch_max), 1,
     1024, "batch-max", "PATCHBAY_BATCH_MAX"},
    {"intake_max", "N", "8192", "events that may wait before producers are told to slow down",
     SETTINGS_INTEGER, true, FIELD(intake_max), 1, 1000000, "intake-max", "PATCHBAY_INTAKE_MAX"},
    {"storage_wait", "DURATION", "5s", "how long a request waits for a database that is away",
     SETTINGS_DURATION, true, FIELD(storage_wait_ms), 0, 10 * MINUTE, "storage-wait",
     "PATCHBAY_STORAGE_WAIT"},
    {"lease", "DURATION", "10s", "how long a project stays with a router that is silent", SETTINGS_DURATION,
     false, FIELD(lease_ms), SECOND, 60 * MINUTE, "lease", "PATCHBAY_LEASE"},
    {"cache_entries", "N", "65536", "identity facts kept in memory", SETTINGS_INTEGER, false,
     FIELD(cache_entries), 0, 16777216, "cache-entries", "PATCHBAY_CACHE_ENTRIES"},
    {"audit", "on|off", "on", "look after each decision whether what must always hold does", SETTINGS_SWITCH,
     true, FIELD(audit), 0, 0, "audit", "PATCHBAY_AUDIT"},
};

struct settings_row_info settings_row(unsigned row)
{
    assert(row < SETTINGS_COUNT);
    const struct row *from = &rows[row];
    return (struct settings_row_info){from->flag,     from->variable, from->argument,
                                      from->fallback, from->help,     from->reloadable};
}

unsigned settings_row_of(const char *flag)
{
    unsigned row = 0;
    while (row < SETTINGS_COUNT && strcmp(rows[row].flag, flag) != 0)
        row++;
    assert(row < SETTINGS_COUNT);
    return row;
}

static const struct row *find_row(struct slice name)
{
    for (unsigned i = 0; i < SETTINGS_COUNT; i++)
        if (slice_is(name, rows[i].name))
            return &rows[i];
    return NULL;
}

static void add_fault(struct settings_faults *faults, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void add_fault(struct settings_faults *faults, const char *format, ...)
{
    if (faults->count == SETTINGS_FAULTS_MAX)
        return;
    va_list args;
    va_start(args, format);
    vsnprintf(faults->lines[faults->count++], SETTINGS_FAULT_MAX, format, args);
    va_end(args);
}

static void add_fault_at(struct settings_faults *faults, const char *file, uint32_t line, struct slice key,
                         const char *why)
{
    char place[SETTINGS_FAULT_MAX / 2];
    if (line == LINE_UNKNOWN)
        snprintf(place, sizeof place, "%s", file);
    else
        snprintf(place, sizeof place, "%s:%" PRIu32, file, line);
    if (key.len > 0)
        add_fault(faults, "%s: %.*s: %s", place, key.len > 64 ? 64 : (int)key.len, key.ptr, why);
    else
        add_fault(faults, "%s: %s", place, why);
}

static bool set_value(struct settings *out, const struct row *row, struct slice text, char *why,
                      size_t why_size)
{
    struct settings_target target = {(char *)out + row->offset, row->size, row->kind, row->min, row->max};
    return settings_value_set(&target, text, why, why_size);
}

/* A YAML number is taken as it would be written; other things that are no text are refused. */
static bool set_from_yaml(struct settings *out, const struct row *row, const struct value *value, char *why,
                          size_t why_size)
{
    char number[32];
    if (value->kind == VALUE_STRING)
        return set_value(out, row, value->string, why, why_size);
    if (value->kind == VALUE_INT) {
        snprintf(number, sizeof number, "%" PRId64, value->integer);
        return set_value(out, row, slice_of(number), why, why_size);
    }
    if (value->kind == VALUE_BOOL) /* YAML takes on and off for it */
        return set_value(out, row, value->boolean ? SLICE("on") : SLICE("off"), why, why_size);
    snprintf(why, why_size, value->kind == VALUE_NULL ? "has no value" : "must be one text or number");
    return false;
}

/* A file of comments alone says nothing, which is no fault here: a packaged configuration may look like that.
 */
static bool says_something(struct slice text)
{
    bool in_comment = false;
    for (size_t i = 0; i < text.len; i++) {
        char byte = text.ptr[i];
        if (byte == '\n')
            in_comment = false;
        else if (byte == '#')
            in_comment = true;
        else if (!in_comment && byte != ' ' && byte != '\t' && byte != '\r')
            return true;
    }
    return false;
}

static void apply_yaml(struct settings *out, const char *name, struct slice text,
                       struct settings_faults *faults)
{
    struct arena arena;
    struct value root;
    struct fault fault = {.line = LINE_UNKNOWN};
    char why[SETTINGS_WHY_MAX];
    if (!says_something(text))
        return;
    arena_init(&arena);
    if (!yaml_read(&root, text, &arena, &fault)) {
        const char *key = fault.pointer[0] == '/' ? fault.pointer + 1 : fault.pointer;
        add_fault_at(faults, name, fault.line, slice_of(key), fault.detail);
    } else if (root.kind != VALUE_MAP && root.kind != VALUE_NULL) {
        add_fault_at(faults, name, root.line, SLICE(""), "must be a map of settings");
    } else if (root.kind == VALUE_MAP) {
        for (uint32_t i = 0; i < root.count; i++) {
            const struct value_member *member = &root.members[i];
            const struct row *row = find_row(member->name);
            if (!row)
                add_fault_at(faults, name, member->value.line, member->name, "there is no such setting");
            else if (!set_from_yaml(out, row, &member->value, why, sizeof why))
                add_fault_at(faults, name, member->value.line, member->name, why);
        }
    }
    arena_deinit(&arena);
}

static void apply_file(struct settings *out, const char *path, struct settings_faults *faults)
{
    struct arena arena;
    struct slice text;
    char why[SETTINGS_WHY_MAX];
    arena_init(&arena);
    if (file_read(&text, path, SETTINGS_FILE_MAX, &arena, why, sizeof why))
        apply_yaml(out, path, text, faults);
    else
        add_fault_at(faults, path, LINE_UNKNOWN, SLICE(""), why);
    arena_deinit(&arena);
}

static void apply_defaults(struct settings *out)
{
    char why[SETTINGS_WHY_MAX];
    memset(out, 0, sizeof *out);
    for (unsigned i = 0; i < SETTINGS_COUNT; i++) {
        bool valid = rows[i].fallback[0] == '\0' ||
                     set_value(out, &rows[i], slice_of(rows[i].fallback), why, sizeof why);
        assert(valid);
    }
}

static void apply_variables(struct settings *out, struct settings_faults *faults)
{
    char why[SETTINGS_WHY_MAX];
    for (unsigned i = 0; i < SETTINGS_COUNT; i++) {
        /* An empty variable counts as unset, as shells and unit files leave them. */
        const char *value = getenv(rows[i].variable);
        if (value && value[0] && !set_value(out, &rows[i], slice_of(value), why, sizeof why))
            add_fault(faults, "%s: %s", rows[i].variable, why);
    }
}

static void apply_flags(struct settings *out, struct settings_faults *faults)
{
    char why[SETTINGS_WHY_MAX];
    for (unsigned i = 0; i < SETTINGS_COUNT; i++) {
        const char *value = out->source.flags[i];
        if (value && !set_value(out, &rows[i], slice_of(value), why, sizeof why))
            add_fault(faults, "--%s: %s", rows[i].flag, why);
    }
}

bool settings_read(struct settings *out, const char *name, struct slice text, struct settings_faults *faults)
{
    struct settings settings;
    faults->count = 0;
    apply_defaults(&settings);
    apply_yaml(&settings, name, text, faults);
    if (faults->count == 0)
        *out = settings;
    return faults->count == 0;
}

bool settings_load(struct settings *out, const struct settings_source *source, struct settings_faults *faults)
{
    struct settings settings;
    faults->count = 0;
    apply_defaults(&settings);
    settings.source = *source;
    if (source->file)
        apply_file(&settings, source->file, faults);
    apply_variables(&settings, faults);
    apply_flags(&settings, faults);
    if (faults->count == 0)
        *out = settings;
    return faults->count == 0;
}

bool settings_reload(struct settings *settings)
{
    struct settings fresh;
    struct settings_faults faults;
    struct settings_source source = settings->source;
    if (!settings_load(&fresh, &source, &faults)) {
        for (uint32_t i = 0; i < faults.count; i++)
            log_event(LOG_WARN, "configuration not reloaded",
                      (struct log_field[]){log_str("fault", faults.lines[i])}, 1);
        return false;
    }
    for (unsigned i = 0; i < SETTINGS_COUNT; i++) {
        const struct row *row = &rows[i];
        char *mine = (char *)settings + row->offset;
        const char *theirs = (const char *)&fresh + row->offset;
        if (memcmp(mine, theirs, row->size) == 0)
            continue;
        if (row->reloadable)
            memcpy(mine, theirs, row->size);
        log_event(row->reloadable ? LOG_INFO : LOG_WARN,
                  row->reloadable ? "setting changed" : "setting needs a restart",
                  (struct log_field[]){log_str("setting", row->name)}, 1);
    }
    log_configure(settings->log_level, settings->log_format);
    return true;
}
