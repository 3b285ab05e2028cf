/* One question for all tokens: the database tells of each change of one (migration 0039), in the order of the
 * commits. So when a notification comes back that went to ourselves, what was known when it left, and has not
 * been forgotten since, held then. Where none comes back (a pool between router and database that does not
 * pass them on), tokens are asked one by one. */
#include "server/auth_internal.h"

#include <stdio.h>
#include <string.h>

static const char prefix[] = "ping:";

static void on_sent(void *ctx, const struct pg_reply *reply)
{
    struct auth *auth = ctx;
    if (reply->outcome == PG_REFUSED)
        log_event_limited(
            &auth->away_limit, LOG_ERROR, "the database refused to notify",
            (struct log_field[]){log_str("sqlstate", reply->sqlstate), log_str("why", reply->message)}, 2);
}

static void ping(struct auth *auth)
{
    snprintf(auth->ping + auth->ping_prefix, sizeof auth->ping - auth->ping_prefix, "%llu",
             (unsigned long long)++auth->ping_number);
    struct pg_param text = {auth->ping, strlen(auth->ping), false};
    struct pg_query query = {.name = "token_ping", .params = &text, .param_count = 1};
    auth->pinged_ms = uv_now(auth->loop);
    auth->is_pinging = auth->link && pg_link_submit(auth->link, &query, on_sent, auth);
}

static void on_ping(struct deadline *deadline)
{
    struct auth *auth = (struct auth *)((char *)deadline - offsetof(struct auth, next_ping));
    if (!auth->known_count)
        return;
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
    auth->ping[UUID_TEXT_LEN] = '.';
    auth->ping_prefix = UUID_TEXT_LEN + 1;
    deadline_queue_init(&auth->pings, &auth->clock, AUTH_PING_MS, on_ping);
}

void auth_on_notify(struct auth *auth, const char *payload)
{
    if (strcmp(payload, "tokens") == 0)
        auth_forget_all(auth);
    else if (auth->is_pinging && strncmp(payload, prefix, sizeof prefix - 1) == 0 &&
             strcmp(payload + sizeof prefix - 1, auth->ping) == 0) {
        auth->is_pinging = false;
        auth->heard_ms = auth->pinged_ms;
    }
}
