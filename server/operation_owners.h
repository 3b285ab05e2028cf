/* Who has a customer: assigning, pools, and the log of what was done. The statements are
 * storage/sql/customer_*.sql, customers_*.sql and pool_*.sql; docs/owners.md says what they do. */
#ifndef SERVER_OPERATION_OWNERS_H
#define SERVER_OPERATION_OWNERS_H

#include "server/operation.h"

#define ASSIGN_TARGETS_MAX 100      /* agents, and departments, of one call */
#define DEPARTMENT_MAX 256          /* bytes */
#define RETURN_REASON_MAX 500       /* bytes */
#define POOL_NAME_MAX 200           /* bytes */
#define POOL_CAP_MAX 1000000        /* customers of one member */
#define POOL_DAYS_MAX 3660          /* ten years */
#define POOL_COOL_DOWN_MAX 31622400 /* seconds; 366 days */
#define POOL_COOL_DOWN 86400        /* when nothing is said */
#define LOG_OPERATION_MAX 64        /* bytes of an operation's name */
#define LOG_CURSOR_MAX 19           /* digits of a log entry's number */

void operation_assign_customer(struct operation_call *call);
void operation_assign_customers(struct operation_call *call);
/* The reason is more than blanks. */
void operation_return_customer(struct operation_call *call);
void operation_return_customers(struct operation_call *call);
void operation_create_pool(struct operation_call *call);
void operation_read_customer_log(struct operation_call *call);

#endif
