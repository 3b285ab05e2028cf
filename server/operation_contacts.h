/* Contacts as given, to contacts as stored: checked, within the project's limits, with canonical keys. */
#ifndef SERVER_OPERATION_CONTACTS_H
#define SERVER_OPERATION_CONTACTS_H

#include "rules/email_key.h"
#include "server/operation.h"

/* Adds "contacts" and "keys" (each key once) to `args`, which has room for two; false after it has answered.
 */
bool operation_contacts_add(struct operation_call *call, const struct value *given, struct value *args)
    __attribute__((warn_unused_result));
/* One contact for whoever has no call to answer: as stored, or what is wrong with it. Empty: not given. */
struct contact_given {
    struct slice label, phone, email;
};
bool contact_check(struct value *out, const struct contact_given *given, struct slice region,
                   struct arena *arena, struct problem *problem) __attribute__((warn_unused_result));
/* One contact of a customer, which the call's parameters are: added or changed, removed. */
void operation_change_contact(struct operation_call *call);
void operation_remove_contact(struct operation_call *call);
/* By the region of the call's project. */
struct phone_key operation_phone_key(struct operation_call *call, struct slice input);

#endif
