/* What anybody may ask without a token: /healthz, /readyz, /metrics, /openapi.json. */
#ifndef SERVER_OPERATION_HEALTH_H
#define SERVER_OPERATION_HEALTH_H

#include "server/app.h"
#include "server/http.h"

/* False when the path is none of these: the exchange is then as it was. */
bool operation_health_serve(struct app *app, struct http_exchange *exchange)
    __attribute__((warn_unused_result));

#endif
