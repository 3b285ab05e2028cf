/* Tells mail that a machine sent from mail that a person wrote, by its headers alone (RFC 3834, RFC 3464, RFC
 * 2919).
 *
 * Only the first is said with certainty by a header of ours; the others follow what the standards and the
 * common programs write. A mail with none of these signs is NONE: guessing by its text or subject would lose
 * customers. */
#ifndef RULES_MACHINE_MAIL_H
#define RULES_MACHINE_MAIL_H

#include "rules/value.h"

#define MACHINE_MAIL_OWN_HEADER "X-Patchbay-Project" /* on every mail that patchbay sends */

enum machine_class { MACHINE_NONE, MACHINE_BOUNCE, MACHINE_AUTO_REPLY, MACHINE_LIST, MACHINE_LOOP };
const char *machine_class_name(enum machine_class value); /* "none", "bounce", "auto_reply", "list", "loop" */

/* `headers` is a map of string to string or to a list of strings, names in any case; it may be NULL or
 * VALUE_NULL, and values of other kinds are ignored. `from_address` is a canonical key, a plain address or
 * empty. When the answer is not NONE, *matched is the name of the header that gave it (borrowed from
 * `headers`), or "From". */
enum machine_class machine_mail_classify(const struct value *headers, struct slice from_address,
                                         struct slice *matched);

/* May a header of this name (in any case) be one that the answer depends on? */
bool machine_mail_is_sign(struct slice header);

#endif
