/* The listeners of a router, together: HTTP, MessagePack-RPC and, where it is configured, LMTP. */
#ifndef SERVER_LISTENERS_H
#define SERVER_LISTENERS_H

#include "server/app.h"

/* As app->settings say. False and `why`; those that listen already are closed by listeners_close(). */
bool listeners_open(struct app *app, char *why, size_t why_size);
/* The line "listening ..." on standard output. Sets app->address. */
void listeners_print(struct app *app);
/* Shows how many connections they have. */
void listeners_count(const struct app *app);
void listeners_quiesce(struct app *app);
/* Returns how often on_closed will come: once for each. */
unsigned listeners_close(struct app *app, void (*on_closed)(void *ctx), void *ctx);

#endif
