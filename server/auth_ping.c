/* One question for all tokens: the database tells of each change of one (migration 0039), in the order of the
 * commits. So when a notification comes back that went to ourselves, on the same connection, what was known
 * when it left, and has not been forgotten since, held then. Where none comes back (a pool between router and
 * database, a trigger that was disabled), tokens are asked one by one. */
#include "server/auth_internal.h"

#include <stdio.h>
#include <string.h>

static const char prefix[] = "ping:";

/* Said once, until it is well again. */
static void tell_silent(struct auth *auth, const char *sqlstate, const char *why)
{
    if (!auth->is_silent)
        log_event(LOG_WARN, "tokens cannot be confirmed all at once",
                  (struct log_field[]){log_str("sqlstate", sqlstate), log_str("why", why)}, 2);
    auth->is_silent = true;
}

static void on_sent(void *ctx, const struct pg_reply *reply)
{
    struct auth *auth = ctx;
    bool is_ending = reply->sqlstate[0] == '5' && reply->sqlstate[1] == '7'; /* or took too long */
    auth->is_ping_owed = false;
    if (reply->outcome == PG_REFUSED && !is_ending)
        tell_silent(auth, reply->sqlstate, reply->message);
    else if (reply->outcome == PG_OK && !reply->rows)
        tell_silent(auth, "", "the trigger tokens_tell is missing or disabled");
    else if (reply->outcome == PG_OK)
        auth->is_silent = false;
}

static void ping(struct auth *auth)
{
    snprintf(auth->ping + UUID_TEXT_LEN, sizeof auth->ping - UUID_TEXT_LEN, ".%llu",
             (unsigned long long)++auth->ping_number);
    struct pg_param text = {auth->ping, strlen(auth->ping), false};
    struct pg_query query = {.name = "token_ping", .params = &text, .param_count = 1};
    auth->pinged_ms = uv_now(auth->loop);
    auth->is_ping_owed = auth->link && pg_link_submit(auth->link, &query, on_sent, auth);
}

static void on_ping(struct deadline *deadline)
{
    struct auth *auth = (struct auth *)((char *)deadline - offsetof(struct auth, next_ping));
    if (!auth->known_count)
        return;
    if (!auth->is_ping_owed)
        ping(auth);
    deadline_start(&auth->pings, &auth->next_ping);
}

void auth_ping_begin(struct auth *auth)
{
    if (!deadline_is_running(&auth->next_ping))
        deadline_start(&auth->pings, &auth->next_ping);
}

void auth_ping_init(struct auth *auth, const struct uuid *instance)
{
    uuid_format(instance, auth->ping);
    deadline_queue_init(&auth->pings, &auth->clock, AUTH_PING_MS, on_ping);
}

void auth_on_notify(struct auth *auth, const char *payload, bool is_own)
{
    if (strcmp(payload, "tokens") == 0)
        auth_forget_all(auth);
    else if (is_own && strncmp(payload, prefix, sizeof prefix - 1) == 0 &&
             strcmp(payload + sizeof prefix - 1, auth->ping) == 0)
        auth->heard_ms = auth->pinged_ms;
}
