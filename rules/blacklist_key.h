/* What an entry of the blacklist is compared by, from what a person typed. */
#ifndef RULES_BLACKLIST_KEY_H
#define RULES_BLACKLIST_KEY_H

#include "rules/arena.h"

/* A prefix of numbers as [+]digits without separators; "00" stays, since it may be an exit code or a number's
 * own. False when nothing or anything else is in it. */
bool blacklist_key_prefix(struct slice *out, struct slice input, struct arena *arena)
    __attribute__((warn_unused_result));

/* A domain, with or without a leading "@", as in the folded e-mail key: lower-case A-labels, gmail.com for
 * googlemail.com. False when it is no domain. */
bool blacklist_key_domain(struct slice *out, struct slice input, struct arena *arena)
    __attribute__((warn_unused_result));

#endif
