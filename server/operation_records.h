/* What becomes of whole customers: deleted, erased, merged, unmerged, and read where they went. The
 * statements are storage/sql/customer_*.sql, the steps in migration 0013. */
#ifndef SERVER_OPERATION_RECORDS_H
#define SERVER_OPERATION_RECORDS_H

#include "server/operation.h"

#define ERASE_PAGE 20000 /* rows of the journal that one statement goes through */
#define ERASE_KEYS 100   /* contacts of before whose keys are made at once, for the loop waits for that */

/* The row's sql; decisions are made on it from then on. */
void operation_change_facts(struct operation_call *call);
/* Answers when the last row of the journal was looked at; asked again it goes on where it was. */
void operation_erase_customer(struct operation_call *call);
/* 308 with Location over HTTP when it is part of another now; over RPC the other, with "redirected_from". */
void operation_get_customer(struct operation_call *call);

#endif
