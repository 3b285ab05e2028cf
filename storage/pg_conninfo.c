#include "storage/pg_conninfo.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "storage/pg_text.h"
#include "storage/resolve.h"

#define KEYWORDS_MAX 80 /* libpq 15 knows 42; ours are among them */

struct host {
    char *name, *address, *port; /* pieces of the lists below; NULL when not given */
};

struct pg_conninfo {
    PQconninfoOption *options;
    char *application_name;
    char *names, *addresses, *ports; /* the comma-separated lists, cut in place */
    int count;
    struct host hosts[PG_HOSTS_MAX];
};

/* Used where the string says nothing. A silent peer is given up after about 20 s, with data under way after
 * 10 s. GSS would look for credentials, with blocking look-ups of its own, before every connection. */
static const char *const defaults[][2] = {
    {"keepalives_idle", "10"},     {"keepalives_interval", "3"}, {"keepalives_count", "3"},
    {"tcp_user_timeout", "10000"}, {"gssencmode", "disable"},
};

struct keywords {
    const char *names[KEYWORDS_MAX + 1], *values[KEYWORDS_MAX + 1];
    int count;
};

static void put(struct keywords *words, const char *name, const char *value)
{
    if (!value || !*value)
        return;
    for (int i = 0; i < words->count; i++)
        if (strcmp(words->names[i], name) == 0) {
            words->values[i] = value;
            return;
        }
    assert(words->count < KEYWORDS_MAX);
    words->names[words->count] = name;
    words->values[words->count] = value;
    words->count++;
}

static char *duplicate(const char *text)
{
    char *copy = text ? strdup(text) : NULL;
    if (text && !copy)
        abort();
    return copy;
}

static const char *find(const PQconninfoOption *options, const char *keyword)
{
    for (const PQconninfoOption *at = options; at && at->keyword; at++)
        if (strcmp(at->keyword, keyword) == 0)
            return at->val && *at->val ? at->val : NULL;
    return NULL;
}

static int split(char *list, char *out[PG_HOSTS_MAX])
{
    int count = 0;
    char *rest = list, *piece;
    while ((piece = strsep(&rest, ","))) {
        if (count == PG_HOSTS_MAX)
            return -1;
        out[count++] = piece;
    }
    return count;
}

static const char *split_hosts(struct pg_conninfo *info)
{
    char *names[PG_HOSTS_MAX] = {NULL}, *addresses[PG_HOSTS_MAX] = {NULL}, *ports[PG_HOSTS_MAX] = {NULL};
    int name_count = split(info->names, names);
    int address_count = split(info->addresses, addresses);
    int port_count = split(info->ports, ports);
    if (name_count < 0 || address_count < 0 || port_count < 0)
        return "too many hosts";
    if (name_count > 0 && address_count > 0 && name_count != address_count)
        return "host and hostaddr differ in number";
    info->count = address_count > 0 ? address_count : name_count > 0 ? name_count : 1;
    if (port_count > 1 && port_count != info->count)
        return "hosts and ports differ in number";
    for (int i = 0; i < info->count; i++) {
        info->hosts[i].name = names[i];
        info->hosts[i].address = addresses[i] && *addresses[i] ? addresses[i] : NULL;
        info->hosts[i].port = port_count == 1 ? ports[0] : ports[i];
    }
    return NULL;
}

/* Host, address and port come from the environment together with the string, as in libpq. */
static const char *take_hosts(struct pg_conninfo *info)
{
    PQconninfoOption *environment = PQconndefaults();
    const char *name = find(info->options, "host"), *address = find(info->options, "hostaddr");
    const char *port = find(info->options, "port");
    info->names = duplicate(name ? name : find(environment, "host"));
    info->addresses = duplicate(address ? address : find(environment, "hostaddr"));
    info->ports = duplicate(port ? port : find(environment, "port"));
    PQconninfoFree(environment);
    if (find(info->options, "service"))
        return "service files are not supported";
    return split_hosts(info);
}

struct pg_conninfo *pg_conninfo_alloc(const char *conninfo, const char *application_name, char *why,
                                      size_t why_size)
{
    char *parse_error = NULL;
    PQconninfoOption *options = PQconninfoParse(conninfo ? conninfo : "", &parse_error);
    if (!options) {
        pg_text_line(why, why_size, parse_error);
        PQfreemem(parse_error);
        return NULL;
    }
    struct pg_conninfo *info = calloc(1, sizeof *info);
    if (!info)
        abort();
    info->options = options;
    info->application_name = duplicate(application_name);
    const char *fault = take_hosts(info);
    if (fault) {
        snprintf(why, why_size, "%s", fault);
        pg_conninfo_free(&info);
    }
    return info;
}

void pg_conninfo_free(struct pg_conninfo **info)
{
    struct pg_conninfo *old = *info;
    *info = NULL;
    if (!old)
        return;
    PQconninfoFree(old->options);
    free(old->application_name);
    free(old->names);
    free(old->addresses);
    free(old->ports);
    free(old);
}

int pg_conninfo_hosts(const struct pg_conninfo *info)
{
    return info->count;
}

const char *pg_conninfo_name(const struct pg_conninfo *info, int index)
{
    const struct host *host = &info->hosts[index];
    bool is_socket = !host->name || !*host->name || *host->name == '/' || *host->name == '@';
    if (host->address || is_socket || resolve_is_numeric(host->name))
        return NULL;
    return host->name;
}

PGconn *pg_conninfo_start(const struct pg_conninfo *info, int index, const char *address)
{
    const struct host *host = &info->hosts[index];
    struct keywords words = {.count = 0};
    for (size_t i = 0; i < sizeof defaults / sizeof *defaults; i++)
        put(&words, defaults[i][0], defaults[i][1]);
    for (const PQconninfoOption *at = info->options; at->keyword; at++)
        if (strcmp(at->keyword, "host") != 0 && strcmp(at->keyword, "hostaddr") != 0)
            put(&words, at->keyword, at->val);
    put(&words, "host", host->name);
    put(&words, "hostaddr", address ? address : host->address);
    put(&words, "port", host->port);
    put(&words, "application_name", info->application_name);
    put(&words, "client_encoding", "UTF8");
    return PQconnectStartParams(words.names, words.values, 0);
}
