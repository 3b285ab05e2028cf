/* Customers with contacts: create, read, edit. The statements are storage/sql/customer_*.sql; what
 * needs canonical keys is made here. */
#ifndef SERVER_OPERATION_CUSTOMERS_H
#define SERVER_OPERATION_CUSTOMERS_H

#include "server/operation.h"

#define CUSTOMER_TEXT_MAX 200          /* bytes of a name, a company, an external id, a source */
#define CUSTOMER_TAGS_MAX 64           /* of one customer */
#define CUSTOMER_TAG_MAX 64            /* bytes */
#define CUSTOMER_FIELDS_MAX 100        /* custom fields of one customer */
#define CUSTOMER_FIELDS_SIZE_MAX 16384 /* bytes of them as JSON */
#define CONTACT_TEXT_MAX 256           /* bytes of a label, a phone or an e-mail address as written */
#define CONTACT_DIGITS_MIN 4           /* a phone has no fewer */
#define CONTACTS_GIVEN_MAX 1000 /* more are no list of contacts; the project's own limit is far below */

#define CUSTOMER_STAGES "must be new, to_be_assigned, follow_up, mine or pool"

bool operation_is_stage(struct slice text);
/* The parameter `stage`, if it is given; false after it has answered. */
bool operation_check_stage(struct operation_call *call) __attribute__((warn_unused_result));

/* A handler: the row's sql with the call's parameters, after which decisions are made on what it changed. */
void operation_change_customer(struct operation_call *call);
/* The parameters, checked, with canonical keys in the contacts, as customer_create.sql (`is_new`) and
 * customer_edit.sql take them; false after it has answered. */
bool operation_customer_args(struct operation_call *call, bool is_new, struct value *args)
    __attribute__((warn_unused_result));
void operation_create_customer(struct operation_call *call);
void operation_edit_customer(struct operation_call *call);

#endif
