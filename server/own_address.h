/* The addresses that mail to us is sent to: the e-mail endpoints of all projects, with whatever plus tag
 * (RFC 5233). Nobody who writes from one of them is a customer. */
#ifndef SERVER_OWN_ADDRESS_H
#define SERVER_OWN_ADDRESS_H

#include "rules/arena.h"
#include "rules/project_config.h"

struct app;

/* The endpoint that mail to a canonical address comes to: the one that has it, else the one that has it
 * without its plus tag. *address becomes the endpoint's, in the arena. NULL: none, and *address stays. */
const struct config_endpoint *own_endpoint(const struct project_config *config, struct slice *address,
                                           struct arena *arena);
bool own_address(const struct app *app, struct slice address, struct arena *arena);

#endif
