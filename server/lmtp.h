/* The LMTP listener (RFC 2033): mail servers deliver here what people write to the e-mail endpoints of
 * projects.
 *
 * Each recipient gets a reply of its own, 250 only after the commit of its decision. There is no
 * authentication, as is usual between a mail server and its delivery agents: the listener belongs on a
 * loopback or private address. */
#ifndef SERVER_LMTP_H
#define SERVER_LMTP_H

#include <uv.h>

#include "rules/types.h"

#define LMTP_CONNECTIONS_MAX 256
#define LMTP_RECIPIENTS_MAX 100        /* of one message; 452 beyond */
#define LMTP_BUFFERED_MAX (128u << 20) /* bytes of messages of all connections together; 452 beyond */
#define LMTP_COMMANDS_MAX 4096         /* between two messages; 421 beyond */
#define LMTP_LINE_DEADLINE_MS 10000    /* from the first byte of a command to its last */
#define LMTP_IDLE_DEADLINE_MS 300000   /* between commands */
#define LMTP_DATA_DEADLINE_MS 300000   /* from DATA, or the first chunk, to the last byte of the message */
#define LMTP_WRITE_DEADLINE_MS 60000   /* for the client to take the replies */

struct app;
struct lmtp_server;

struct lmtp_options {
    const char *host; /* numeric */
    uint16_t port;
    unsigned line_deadline_ms, idle_deadline_ms, data_deadline_ms; /* 0: the defaults above */
};

/* NULL and `why` when it cannot listen. */
struct lmtp_server *lmtp_server_open(uv_loop_t *loop, const struct lmtp_options *options, struct app *app,
                                     char *why, size_t why_size);
uint16_t lmtp_server_port(const struct lmtp_server *server);
size_t lmtp_connection_count(const struct lmtp_server *server);
/* Takes no more connections; those that deliver nothing are told 421 and closed. */
void lmtp_server_quiesce(struct lmtp_server *server);
/* Messages that are being decided are answered first. */
void lmtp_server_close(struct lmtp_server **server, void (*on_closed)(void *ctx), void *ctx);

#endif
