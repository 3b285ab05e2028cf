/* The numbering plans: the small C face of libphonenumber, which is C++. No exception passes it. */
#ifndef PROTO_PHONE_PLAN_H
#define PROTO_PHONE_PLAN_H

#include "rules/types.h"

#define PHONE_PLAN_E164_MAX 16 /* "+" and 15 digits (ITU-T E.164 6.1) */

#ifdef __cplusplus
extern "C" {
#endif

/* `number` is [+]digits and nothing else. Writes E.164 and a NUL, and returns the length; 0 when the plan of
 * `region` (two capitals, "ZZ": only numbers with a +) does not know the number. 20 to 40 microseconds. */
size_t phone_plan_e164(char out[PHONE_PLAN_E164_MAX + 1], struct slice number, struct slice region);
/* A region whose plan is known, in capitals. */
bool phone_plan_is_region(struct slice region);

#ifdef __cplusplus
}
#endif

#endif
