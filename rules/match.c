#include "rules/match.h"

struct match match_identity(const struct facts *facts, bool known, bool withheld,
                            const struct match_policy *policy)
{
    uint32_t both = 0, by_phone = 0, by_email = 0;
    int last_both = -1;
    if (!known)
        return (struct match){withheld ? IDENTITY_ANONYMOUS : IDENTITY_MANUAL, -1};
    if (facts->candidate_count == 0) {
        if (!policy->creates)
            return (struct match){IDENTITY_MANUAL, -1};
        return (struct match){policy->at_once ? IDENTITY_CREATED : IDENTITY_NEW, -1};
    }
    if (facts->candidate_count == 1)
        return (struct match){IDENTITY_MATCHED, 0};
    for (uint32_t i = 0; i < facts->candidate_count; i++) {
        const struct customer_fact *fact = &facts->candidates[i];
        by_phone += fact->by_phone;
        by_email += fact->by_email;
        if (fact->by_phone && fact->by_email) {
            both++;
            last_both = (int)i;
        }
    }
    /* Both keys point at one and the same: the others share only one of them. */
    if (both == 1)
        return (struct match){IDENTITY_MATCHED, last_both};
    if (both == 0 && by_phone && by_email)
        return (struct match){IDENTITY_CONFLICT, -1};
    return (struct match){IDENTITY_AMBIGUOUS, -1};
}
