/* The description of the HTTP interface (OpenAPI 3.1): docs/openapi.json, embedded when the server is built.
 * A unit test holds it to the route table. */
#ifndef SERVER_OPENAPI_H
#define SERVER_OPENAPI_H

#include "rules/types.h"

struct slice openapi_text(void);

#endif
