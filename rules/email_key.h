/* Canonical e-mail keys (contract, "Canonical keys"). Syntax is RFC 5321 4.1.2 with RFC 6531 (SMTPUTF8). */
#ifndef RULES_EMAIL_KEY_H
#define RULES_EMAIL_KEY_H

#include "rules/arena.h"
#include "rules/identity.h"

enum email_status { EMAIL_OK, EMAIL_EMPTY, EMAIL_BAD_SYNTAX, EMAIL_TOO_LONG, EMAIL_BAD_DOMAIN };
const char *email_status_name(enum email_status status);

/* `input` is an address, optionally with display name or angle brackets ("Ann <ann@example.com>"): trimmed,
 * NFC, case-folded, the domain as A-labels. Plus tags and dots are kept. */
enum email_status email_key(struct email_key *out, struct slice input, struct arena *arena)
    __attribute__((warn_unused_result));
/* The blacklist's coarser spelling: plus tag dropped, dots dropped for gmail.com, googlemail.com becomes
 * gmail.com. */
struct slice email_fold(const struct email_key *key, struct arena *arena);
struct slice email_domain(const struct email_key *key);

#endif
