#include "server/listeners.h"

#include <stdio.h>
#include <string.h>

#include "proto/mail.h"
#include "server/http.h"
#include "server/lmtp.h"
#include "server/metrics.h"
#include "server/operation_hooks.h"
#include "server/route.h"
#include "server/rpc.h"
#include "server/rpc_dispatch.h"
#include "server/settings.h"

#define ADDRESS_MAX (SETTINGS_HOST_MAX + 16)

bool listeners_open(struct app *app, char *why, size_t why_size)
{
    const struct settings *settings = app->settings;
    struct http_options http = {.host = settings->http.host,
                                .port = settings->http.port,
                                .is_streamed = route_is_streamed,
                                .hears_of_large = operation_hooks_hears_of_large};
    struct rpc_options rpc = {.host = settings->rpc.host[0] ? settings->rpc.host : NULL,
                              .port = settings->rpc.port,
                              .unix_path = settings->rpc_socket[0] ? settings->rpc_socket : NULL};
    struct rpc_handler handler = {rpc_dispatch_on_call, rpc_dispatch_on_closed, app};
    struct lmtp_options lmtp = {.host = settings->lmtp.host,
                                .port = settings->lmtp.port,
                                .data_deadline_ms = (unsigned)settings->lmtp_deadline_ms};
    mail_init(); /* mail comes by LMTP and by webhooks */
    app->http = http_server_open(app->loop, &http, route_on_http, app, why, why_size);
    if (!app->http)
        return false;
    app->rpc = rpc_server_open(app->loop, &rpc, &handler, why, why_size);
    if (!app->rpc || !settings->lmtp.host[0])
        return app->rpc != NULL;
    app->lmtp = lmtp_server_open(app->loop, &lmtp, app, why, why_size);
    return app->lmtp != NULL;
}

static void write_address(char out[ADDRESS_MAX], const struct settings_address *address, uint16_t port)
{
    snprintf(out, ADDRESS_MAX, strchr(address->host, ':') ? "[%s]:%u" : "%s:%u", address->host, port);
}

void listeners_print(struct app *app)
{
    const struct settings *settings = app->settings;
    char http[ADDRESS_MAX], rpc[ADDRESS_MAX], lmtp[ADDRESS_MAX] = "";
    write_address(http, &settings->http, http_server_port(app->http));
    write_address(rpc, &settings->rpc, rpc_server_port(app->rpc));
    if (app->lmtp)
        write_address(lmtp, &settings->lmtp, lmtp_server_port(app->lmtp));
    snprintf(app->address, sizeof app->address, "%s", settings->instance[0] ? settings->instance : http);
    printf("listening http=%s rpc=%s rpc_socket=%s lmtp=%s\n", http, rpc, settings->rpc_socket, lmtp);
    fflush(stdout);
}

void listeners_count(const struct app *app)
{
    metric_set(METRIC_CONNECTIONS, METRIC_CONNECTION_HTTP,
               app->http ? (double)http_connection_count(app->http) : 0);
    metric_set(METRIC_CONNECTIONS, METRIC_CONNECTION_RPC,
               app->rpc ? (double)rpc_connection_count(app->rpc) : 0);
    metric_set(METRIC_CONNECTIONS, METRIC_CONNECTION_LMTP,
               app->lmtp ? (double)lmtp_connection_count(app->lmtp) : 0);
}

void listeners_quiesce(struct app *app)
{
    if (app->http)
        http_server_quiesce(app->http);
    if (app->rpc)
        rpc_server_quiesce(app->rpc);
    if (app->lmtp)
        lmtp_server_quiesce(app->lmtp);
}

unsigned listeners_close(struct app *app, void (*on_closed)(void *ctx), void *ctx)
{
    unsigned count = (unsigned)(app->http != NULL) + (app->rpc != NULL) + (app->lmtp != NULL);
    if (app->http)
        http_server_close(&app->http, on_closed, ctx);
    if (app->rpc)
        rpc_server_close(&app->rpc, on_closed, ctx);
    if (app->lmtp)
        lmtp_server_close(&app->lmtp, on_closed, ctx);
    return count;
}
