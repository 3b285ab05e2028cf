/* Who is it? Candidates by canonical key and the creation policy in, the identity outcome out (contract
 * section 2). */
#ifndef RULES_MATCH_H
#define RULES_MATCH_H

#include "rules/core.h"

struct match {
    enum identity_outcome outcome; /* IDENTITY_CREATED: the record is to be made with this decision */
    int customer;                  /* index into the candidates when exactly one is it, else -1 */
};

struct match_policy {
    bool creates; /* auto for this channel */
    bool at_once; /* false: when an agent accepts */
};

/* `known` is whether the party gave any key that could be matched; `withheld` is what an unusable caller id
 * is. */
struct match match_identity(const struct facts *facts, bool known, bool withheld,
                            const struct match_policy *policy);

#endif
