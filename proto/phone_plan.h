/* The numbering plans: the small C face of libphonenumber, which is C++. No exception passes it. */
#ifndef PROTO_PHONE_PLAN_H
#define PROTO_PHONE_PLAN_H

#include "rules/types.h"

#define PHONE_PLAN_E164_MAX 16 /* "+" and 15 digits (ITU-T E.164 6.1) */

#ifdef __cplusplus
extern "C" {
#endif

struct phone_plan_answer {
    uint8_t len; /* of `e164`; 0: the plan does not know the number */
    char e164[PHONE_PLAN_E164_MAX];
    char region[2]; /* where the number belongs, in capitals; zeroes when to no region, as +800 */
};

/* `number` is [+]digits and nothing else; `region` (two capitals, "ZZ": only numbers with a +) is whose plan
 * is asked. 20 to 40 microseconds. */
struct phone_plan_answer phone_plan_ask(struct slice number, struct slice region);
/* A region whose plan is known, in capitals. */
bool phone_plan_is_region(struct slice region);

#ifdef __cplusplus
}
#endif

#endif
