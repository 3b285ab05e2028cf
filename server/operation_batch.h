/* Operations on many customers: `customers` is cut into chunks, each a run of its own of the row's sql, so
 * that no transaction holds what routing needs for long. */
#ifndef SERVER_OPERATION_BATCH_H
#define SERVER_OPERATION_BATCH_H

#include "server/operation.h"

#define BATCH_CUSTOMERS_MAX 1000 /* of one call */
#define BATCH_CHUNK 100          /* of one transaction */

/* A handler for rows with BATCH_CUSTOMERS. The sql gets the parameters with the `customers` of its chunk and
 * gives 'ok' and a JSON array of {"customer", "status": "ok"} or {"customer", "status": code, "detail"}, in
 * any order or in theirs; the answer is {"items": [...]} of all chunks. A problem of a chunk is the answer
 * instead: what the chunks before it did stays done. */
void operation_batch(struct operation_call *call);
/* The same for what decisions depend on: they are made on it from then on. */
void operation_batch_facts(struct operation_call *call);

#endif
