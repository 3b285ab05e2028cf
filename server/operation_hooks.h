/* `/hooks/{preset}/{token}`: what peers post becomes events of the token's hook, answered after their commit.
 *
 * Outside of /v1: the URL itself says who asks. docs/hooks.md explains it to those who set one up. */
#ifndef SERVER_OPERATION_HOOKS_H
#define SERVER_OPERATION_HOOKS_H

#include "server/app.h"
#include "server/http.h"

/* False: the path is none of a webhook, and nothing has been done. */
bool operation_hooks_serve(struct app *app, struct http_exchange *exchange)
    __attribute__((warn_unused_result));
/* For http_server_open(): a body that is too large is refused in the way that its peer understands. */
bool operation_hooks_hears_of_large(struct slice method, struct slice path);

#endif
