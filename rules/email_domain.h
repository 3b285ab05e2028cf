/* The right side of an e-mail address in one spelling: a domain as lower-case A-labels (RFC 5890 2.3.2.1), or
 * an address literal (RFC 5321 4.1.3) in its shortest form. */
#ifndef RULES_EMAIL_DOMAIN_H
#define RULES_EMAIL_DOMAIN_H

#include "rules/arena.h"

#define EMAIL_DOMAIN_MAX 255        /* octets (RFC 5321 4.5.3.1.2) */
#define EMAIL_DOMAIN_INPUT_MAX 1024 /* octets of U-labels that are looked at */

/* `input` is UTF-8 in NFC without control characters. False when it is no domain that SMTP can use. */
bool email_domain_read(struct slice *out, struct slice input, struct arena *arena)
    __attribute__((warn_unused_result));

#endif
