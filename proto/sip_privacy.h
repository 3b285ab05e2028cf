/* Whether a caller asks to be withheld. */
#ifndef PROTO_SIP_PRIVACY_H
#define PROTO_SIP_PRIVACY_H

#include "rules/types.h"

/* The value of a Privacy header (RFC 3323 4.2, RFC 3325 9.3), or of FreeSWITCH's variable of that kind. */
bool sip_privacy_withholds(struct slice privacy);

#endif
