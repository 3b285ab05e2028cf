/* HTTP requests to operations: authenticate, find the row of the table, read parameters, call its handler.
 *
 * Below /v1/projects everything needs a token, even to learn that a path does not exist. Elsewhere stand
 * /healthz, /readyz, /metrics and /openapi.json (server/operation_health.h), webhooks
 * (server/operation_hooks.h), and nothing else. */
#ifndef SERVER_ROUTE_H
#define SERVER_ROUTE_H

#include "server/http.h"

#define ROUTE_SEGMENTS_MAX 8 /* of a path below /v1/projects/{project}; more is not found */

/* For http_server_open(): `app` is a struct app. */
void route_on_http(void *app, struct http_exchange *exchange);

/* For its options: the requests whose bodies may be larger than memory. */
bool route_is_streamed(struct slice method, struct slice path);

/* True when the content type, parameters such as charset left out, is `type`. No Content-Type is none. */
bool route_content_type_is(const struct http_exchange *exchange, const char *type);

/* 405; `allow` is the list of methods that the path takes. */
void route_refuse_method(struct http_exchange *exchange, const char *allow);

#endif
