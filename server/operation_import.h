/* `POST customers/import`: a CSV file taken as it comes in, a chunk of rows at a time. The next piece is
 * asked for when the chunk before is in the database, so memory is that of one chunk, however long the file.
 * docs/import-export.md. */
#ifndef SERVER_OPERATION_IMPORT_H
#define SERVER_OPERATION_IMPORT_H

#include "server/operation.h"

#define IMPORT_ERRORS_MAX 100000 /* rows that are kept to be sent again; more are counted */

void operation_import_customers(struct operation_call *call);

#endif
