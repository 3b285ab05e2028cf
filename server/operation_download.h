/* CSV that goes out as it is read: `GET customers/export` and `GET imports/{import}/errors`. The next page is
 * asked for when the client has taken the one before, so memory is that of one page. */
#ifndef SERVER_OPERATION_DOWNLOAD_H
#define SERVER_OPERATION_DOWNLOAD_H

#include "server/operation.h"

void operation_export_customers(struct operation_call *call);
void operation_import_errors(struct operation_call *call);

#endif
