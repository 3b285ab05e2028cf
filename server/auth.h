/* Who a token belongs to: asked from the database once, and remembered as long as the database says that
 * nothing has changed.
 *
 * It tells of each change (channel `patchbay`, payload `tokens`), and every AUTH_PING_MS one question shows
 * that it would have: a revoked token ends at once. When no answer comes to that, a token is asked again
 * after AUTH_KNOWN_MS, so a revoked one ends within that time. While the database is away or does not answer,
 * tokens confirmed within AUTH_AWAY_MS go on; others cannot be judged. */
#ifndef SERVER_AUTH_H
#define SERVER_AUTH_H

#include <uv.h>

#include "server/operation.h"
#include "server/token.h"

#define AUTH_KNOWN_MS 4000    /* an answer "known" holds so long; sessions add at most AUTH_SESSION_MS */
#define AUTH_TRUST_MS 600000  /* after so long it is asked about again in any case: clocks differ */
#define AUTH_PING_MS 1000     /* between questions about all */
#define AUTH_UNKNOWN_MS 1000  /* an answer "unknown" holds so long */
#define AUTH_AWAY_MS 60000    /* a known token goes on so long while the database is away */
#define AUTH_WAIT_MS 2000     /* so long a request waits for the database */
#define AUTH_SESSION_MS 1000  /* so long a session may go on without asking here */
#define AUTH_KNOWN_MAX 65536  /* remembered tokens; the one not asked for longest goes */
#define AUTH_UNKNOWN_MAX 1024 /* remembered non-tokens */
#define AUTH_LOOKUPS_MAX 256  /* questions to the database at once; more are answered "storage away" */
#define AUTH_WAITERS_MAX 16384

struct auth;
struct pg_link;

/* `or_null` is borrowed until the callback returns: principal_copy() keeps it. NULL: no such token, or, with
 * storage_away, nobody can say now. */
typedef void (*auth_on_found)(void *ctx, const struct principal *or_null, bool storage_away);

/* `link` listens on the channel `patchbay`; no other process pings as `instance`. */
struct auth *auth_open(uv_loop_t *loop, struct pg_link *link, const struct uuid *instance);
/* Before the link is closed: from here on nothing is asked, and storage is away. */
void auth_leave_link(struct auth *auth);
/* Close the link first: its callbacks point here. *auth is NULL at once. */
void auth_close(struct auth **auth, void (*on_closed)(void *ctx), void *ctx);

/* Calls back exactly once, from inside when the answer is remembered. */
void auth_find(struct auth *auth, struct slice token, auth_on_found on_found, void *ctx);
/* The same for a token that was hashed before. */
void auth_find_hash(struct auth *auth, const uint8_t hash[TOKEN_HASH_SIZE], auth_on_found on_found,
                    void *ctx);
/* The database has said once that it is one, and nothing has been said since. What holds now is auth_find()'s
 * to say. */
bool auth_remembers(const struct auth *auth, struct slice token);
/* What the channel said; is_own as in pg_link.h. Payloads of others are no harm. */
void auth_on_notify(struct auth *auth, const char *payload, bool is_own);
/* Tokens may have changed: nothing that was remembered counts any more. */
void auth_forget_all(struct auth *auth);
/* Raised by that. */
uint64_t auth_generation(const struct auth *auth);

void principal_copy(struct principal *to, const struct principal *from, struct arena *arena);

#endif
