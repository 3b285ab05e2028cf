/* What one router process holds together. Made by serve.c, passed to whoever needs it; there are no globals.
 */
#ifndef SERVER_APP_H
#define SERVER_APP_H

#include <uv.h>

#include "rules/types.h"
#include "server/hook_load.h"
#include "server/raw_mail.h"

struct app {
    uv_loop_t *loop;
    const struct settings *settings;
    struct pg_link *writer; /* batches and ownership, nothing else */
    struct pg_link *reader; /* identity facts */
    struct pg_link *watch;  /* whose a token is, and what the database tells; nothing that takes long */
    struct pg_link *desk;   /* everything that people ask for: customers, views */
    struct long_links *long_links; /* but what may take long: lists, exports, imports, mails to be kept */
    struct redis_link *redis;
    struct http_server *http;
    struct rpc_server *rpc;
    struct lmtp_server *lmtp; /* NULL: none is configured */
    struct auth *auth;
    struct project *projects; /* linked list */
    struct publisher *publisher;
    struct streams *streams;
    struct gateways *gateways;
    struct uuid instance; /* of this process: the fence's owner */
    char address[1024];   /* told to others in not_owner */
    struct hook_load hook_load;
    struct raw_mail_queue raw_mails;
    bool draining;
};

/* NULL when there is none of that name (or its configuration has not been loaded yet). */
struct project *app_find_project(struct app *app, struct slice name);

#endif
