/* A token is shown once, when it is made; the database knows its hash only. */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "server/command.h"
#include "server/command_options.h"
#include "server/token.h"
#include "storage/pg_blocking.h"

#define TITLE_MAX 64 /* "patchbay token ACTION" */
#define LIST_COLUMNS 7

/* Opens the database that the settings name. Gives COMMAND_GO_ON or the exit code. */
static int open_database(const char *command, const struct settings_source *source, struct pg_blocking **out)
{
    struct settings settings;
    char why[256];
    int code = command_database(command, &settings, source);
    if (code != COMMAND_GO_ON)
        return code;
    *out = pg_blocking_open(settings.database, "patchbay token", why, sizeof why);
    return *out ? COMMAND_GO_ON : command_failed(command, "no connection to the database: %s", why);
}

static int database_failed(const char *command, const struct pg_reply *reply)
{
    return command_failed(command, "%s",
                          reply->message[0] ? reply->message : "the connection to the database is lost");
}

static bool is_role(const char *text)
{
    static const char *const roles[] = {"source", "agent", "supervisor", "pool_admin", "admin"};
    for (size_t i = 0; i < sizeof roles / sizeof roles[0]; i++)
        if (strcmp(roles[i], text) == 0)
            return true;
    return false;
}

struct new_token {
    const char *project, *role, *agent, *hook, *expires, *note;
};

static int check_expires(const char *command, const struct new_token *new, int64_t *expires_ms)
{
    if (new->expires && (!settings_duration(expires_ms, slice_of(new->expires)) || *expires_ms == 0))
        return command_misused(command, "--expires: must be a duration such as 12h or 30d");
    return COMMAND_GO_ON;
}

static int check_new(const char *command, const struct new_token *new, int64_t *expires_ms)
{
    *expires_ms = 0;
    if (!new->project || !new->project[0])
        return command_misused(command, "--project is missing");
    if (new->hook && (new->role || new->agent))
        return command_misused(command, "--hook: the token of a webhook has no role and no agent");
    if (!new->role && !new->hook)
        return command_misused(command, "--role is missing, or --hook");
    if (new->hook)
        return check_expires(command, new, expires_ms);
    if (!is_role(new->role))
        return command_misused(command, "--role: must be source, agent, supervisor, pool_admin or admin");
    if (strcmp(new->role, "agent") == 0 && !new->agent)
        return command_misused(command, "--agent is missing: a token of role agent belongs to one");
    if (strcmp(new->role, "source") == 0 && new->agent)
        return command_misused(command, "--agent: a token of role source belongs to no agent");
    return check_expires(command, new, expires_ms);
}

/* None was made: why. */
static int refuse_new(const char *command, struct pg_blocking *database, const struct new_token *new)
{
    const char *const params[] = {new->project};
    struct pg_reply reply;
    if (new->agent)
        return command_failed(command, "there is no project '%s', or no agent '%s' in it", new->project,
                              new->agent);
    reply = pg_blocking_run(database, "token_hooks", params, 1);
    if (reply.outcome != PG_OK)
        return database_failed(command, &reply);
    if (reply.rows == 0)
        return command_failed(command, "there is no project '%s'", new->project);
    struct slice names = pg_is_null(&reply, 0, 0) ? SLICE("none") : pg_cell(&reply, 0, 0);
    return command_failed(command, "the project '%s' has no webhook '%s'; it has %.*s", new->project,
                          new->hook, (int)names.len, names.ptr);
}

static int store_new(const char *command, struct pg_blocking *database, const struct new_token *new,
                     int64_t expires_ms)
{
    char token[TOKEN_TEXT_MAX], hex[TOKEN_HASH_HEX_MAX], until[32];
    uint8_t hash[TOKEN_HASH_SIZE];
    struct timespec now;
    token_make(token);
    if (!token_hash(slice_of(token), hash))
        return command_failed(command, "a token that was just made is not valid");
    token_hash_hex(hash, hex);
    clock_gettime(CLOCK_REALTIME, &now);
    snprintf(until, sizeof until, "%" PRId64, (int64_t)now.tv_sec * 1000 + expires_ms);
    const char *const params[] = {
        new->project, hex,      new->hook ? "hook" : new->role, new->agent, new->expires ? until : NULL,
        new->note,    new->hook};
    struct pg_reply reply =
        pg_blocking_run(database, "token_create", params, sizeof params / sizeof params[0]);
    if (reply.outcome != PG_OK)
        return database_failed(command, &reply);
    if (reply.rows == 0)
        return refuse_new(command, database, new);
    puts(token);
    return COMMAND_OK;
}

static int create_token(int argc, char **argv)
{
    struct new_token new = {0};
    struct settings_source source;
    struct pg_blocking *database = NULL;
    int64_t expires_ms;
    const struct command_option options[] = {
        {"project", "NAME", "project that the token opens", &new.project},
        {"role", "ROLE", "source, agent, supervisor, pool_admin or admin", &new.role},
        {"agent", "NAME", "agent that its owner is; roles but source", &new.agent},
        {"hook", "NAME", "webhook of the project file that its URL is for; instead of a role", &new.hook},
        {"expires", "DURATION", "how long it holds, such as 30d (until revoked)", &new.expires},
        {"note", "TEXT", "what it is for", &new.note},
    };
    const struct command_spec spec = {
        .synopsis = "--project NAME {--role ROLE | --hook NAME} [OPTION]...",
        .about = "Makes an access token and prints it. It cannot be shown again: only its hash is stored.\n",
        .options = options,
        .option_count = sizeof options / sizeof options[0],
        .settings = command_setting("database"),
    };
    int code = command_options(&spec, argc, argv, &source);
    if (code == COMMAND_GO_ON)
        code = check_new(argv[0], &new, &expires_ms);
    if (code == COMMAND_GO_ON)
        code = open_database(argv[0], &source, &database);
    if (code == COMMAND_GO_ON)
        code = store_new(argv[0], database, &new, expires_ms);
    pg_blocking_close(&database);
    return code;
}

/* A note may hold anything; a row stays a row. */
static void print_cell(struct slice cell)
{
    for (size_t i = 0; i < cell.len; i++)
        putchar((unsigned char)cell.ptr[i] < ' ' ? ' ' : cell.ptr[i]);
}

static int print_tokens(const char *command, struct pg_blocking *database, const char *project)
{
    const char *const params[] = {project};
    struct pg_reply reply = pg_blocking_run(database, "token_list", params, 1);
    if (reply.outcome != PG_OK)
        return database_failed(command, &reply);
    puts("id\trole\tagent\tcreated\texpires\trevoked\tnote");
    for (int row = 0; row < reply.rows; row++) {
        for (int column = 0; column < LIST_COLUMNS; column++) {
            struct slice cell = pg_is_null(&reply, row, column) ? SLICE("-") : pg_cell(&reply, row, column);
            print_cell(cell);
            putchar(column + 1 < LIST_COLUMNS ? '\t' : '\n');
        }
    }
    return COMMAND_OK;
}

static int list_tokens(int argc, char **argv)
{
    const char *project = NULL;
    struct settings_source source;
    struct pg_blocking *database = NULL;
    const struct command_option options[] = {{"project", "NAME", "project whose tokens to list", &project}};
    const struct command_spec spec = {
        .synopsis = "--project NAME [--database URL] [--config FILE]",
        .about =
            "Lists the tokens of a project, never the secrets: id, role, agent, times and note, separated by\n"
            "tabs, - for none.\n",
        .options = options,
        .option_count = 1,
        .settings = command_setting("database"),
    };
    int code = command_options(&spec, argc, argv, &source);
    if (code == COMMAND_GO_ON && !project)
        code = command_misused(argv[0], "--project is missing");
    if (code == COMMAND_GO_ON)
        code = open_database(argv[0], &source, &database);
    if (code == COMMAND_GO_ON)
        code = print_tokens(argv[0], database, project);
    pg_blocking_close(&database);
    return code;
}

static int revoke_by_id(const char *command, struct pg_blocking *database, const char *id)
{
    const char *const params[] = {id};
    struct pg_reply reply = pg_blocking_run(database, "token_revoke", params, 1);
    if (reply.outcome != PG_OK)
        return database_failed(command, &reply);
    if (reply.rows == 0)
        return command_failed(command, "there is no token %s that is not revoked", id);
    printf("token %s: revoked\n", id);
    return COMMAND_OK;
}

static int revoke_token(int argc, char **argv)
{
    struct settings_source source;
    struct pg_blocking *database = NULL;
    struct uuid id;
    const struct command_spec spec = {
        .synopsis = "[--database URL] [--config FILE] ID",
        .about = "Revokes the token of this id (see `patchbay token list`).\n",
        .settings = command_setting("database"),
        .operands_min = 1,
        .operands_max = 1,
    };
    int code = command_options(&spec, argc, argv, &source);
    if (code == COMMAND_GO_ON && !uuid_parse(&id, slice_of(argv[optind])))
        code = command_misused(argv[0], "'%s' is not the id of a token", argv[optind]);
    if (code == COMMAND_GO_ON)
        code = open_database(argv[0], &source, &database);
    if (code == COMMAND_GO_ON)
        code = revoke_by_id(argv[0], database, argv[optind]);
    pg_blocking_close(&database);
    return code;
}

static const struct command actions[] = {
    {"create", create_token, "make a token and print it"},
    {"list", list_tokens, "list a project's tokens, without their secrets"},
    {"revoke", revoke_token, "make a token invalid"},
};
#define ACTION_COUNT (sizeof actions / sizeof actions[0])

static int print_actions(const char *command)
{
    printf("usage: %s ACTION [OPTION]...\n\n", command);
    for (size_t i = 0; i < ACTION_COUNT; i++)
        printf("  %-9s %s\n", actions[i].name, actions[i].help);
    printf("\n`%s ACTION --help` explains an action.\n", command);
    return COMMAND_OK;
}

int command_token(int argc, char **argv)
{
    char title[TITLE_MAX];
    if (argc < 2)
        return command_misused(argv[0], "an action is missing: create, list or revoke");
    if (strcmp(argv[1], "--help") == 0)
        return print_actions(argv[0]);
    for (size_t i = 0; i < ACTION_COUNT; i++) {
        if (strcmp(actions[i].name, argv[1]) == 0) {
            snprintf(title, sizeof title, "%s %s", argv[0], actions[i].name);
            argv[1] = title;
            return actions[i].run(argc - 1, argv + 1);
        }
    }
    return command_misused(argv[0], "unknown action or option '%s'; actions are create, list and revoke",
                           argv[1]);
}
