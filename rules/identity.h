/* Canonical keys: the one spelling of a phone number or an e-mail address that everything compares.
 *
 * Two kinds of key are two types on purpose: they cannot be compared with each other. The bytes are borrowed
 * from the arena that the key was made in (or from whoever holds it). */
#ifndef RULES_IDENTITY_H
#define RULES_IDENTITY_H

#include "rules/types.h"

#define PHONE_KEY_MAX 40  /* bytes: "+" and 15 digits (ITU-T E.164 6.1), or at most 32 raw digits */
#define EMAIL_KEY_MAX 254 /* octets (RFC 5321 4.5.3.1.3) */

/* What a caller id is, before any numbering plan is asked. */
enum caller_class {
    CALLER_NONE,      /* nothing was sent */
    CALLER_ANONYMOUS, /* withheld: privacy flag, words, keypad spellings */
    CALLER_EXTENSION, /* 1 to 6 digits: an internal extension; matches only its own digits */
    CALLER_SIP_USER,  /* a SIP user that is no number ("alice"): never a phone key */
    CALLER_NUMBER,    /* a number of a plan: the key is E.164 */
    CALLER_UNKNOWN,   /* digits that no plan knows: the key is the raw digits */
    CALLER_UNUSABLE,  /* nothing in it can be a number: treated as anonymous */
};
const char *caller_class_name(enum caller_class value);

struct phone_key {
    struct slice key;    /* empty when there is none */
    struct slice digits; /* raw digits as dialled (no +), for blacklist prefixes; may be empty */
    enum caller_class class;
    struct slice region; /* of a CALLER_NUMBER as its numbering plan says ("DE"); empty when it says none */
};

struct email_key {
    struct slice key; /* empty when there is none */
};

#endif
