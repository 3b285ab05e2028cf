/* Delivers one message to a router over LMTP and says how it went in the exit codes of sysexits.h, which the
 * pipe transports of mail servers understand. Blocks: for commands. */
#ifndef SERVER_MAIL_CLIENT_H
#define SERVER_MAIL_CLIENT_H

#include "server/settings.h"

#define MAIL_CLIENT_WAIT_S 60 /* for each reply, and to send */

struct mail_client_envelope {
    const char *sender, *recipient; /* without brackets; an empty sender is that of bounces */
};

/* EX_OK, EX_TEMPFAIL (try again later), EX_NOUSER (no such address), EX_DATAERR (the sender is no address) or
 * EX_UNAVAILABLE (refused); `why` has the router's words. */
int mail_client_deliver(const struct settings_address *router, const struct mail_client_envelope *envelope,
                        struct slice message, char *why, size_t why_size);

#endif
