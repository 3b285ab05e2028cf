/* What a caller id is, before any numbering plan is asked (contract, "Canonical keys").
 *
 * Pure, bounded, no allocation. The order of the tests is the contract's: privacy flag, URI parts (RFC
 * 3261 19.1, RFC 3966), words and keypad spellings of a withheld number, SIP users, extensions, and only then
 * a number. Letters never get past this point: a numbering library would read "anonymous" and "1-800-FLOWERS"
 * as keypad digits. */
#ifndef RULES_CALLERID_H
#define RULES_CALLERID_H

#include "rules/identity.h"

#define CALLERID_INPUT_MAX 256 /* bytes; longer input is CALLER_UNUSABLE */
#define CALLERID_DIGITS_MAX 32 /* more digits are CALLER_UNUSABLE */
#define CALLERID_EXTENSION_MAX 6

struct callerid {
    /* CALLER_NUMBER says only that a plan is to be asked; CALLER_UNKNOWN is never set here. */
    enum caller_class class;
    bool international; /* it began with +, or phone-context made it global */
    uint8_t digit_count;
    char text[CALLERID_DIGITS_MAX + 2]; /* [+]digits and a NUL; empty unless EXTENSION or NUMBER */
};

/* `input` is what the gateway sent: a number, a URI, a name-addr ("Anna" <sip:+49...@host>) or words, UTF-8.
 */
void callerid_classify(struct callerid *out, struct slice input, bool privacy);

/* Borrowed from `id`: with the +, and without. */
struct slice callerid_number(const struct callerid *id);
struct slice callerid_digits(const struct callerid *id);

/* Reads a number as a person or a gateway writes it into [+]digits: separators dropped, full-width,
 * Arabic-Indic and Devanagari digits as ASCII, a trailing extension ("x12", ";ext=12") cut off. False,
 * leaving *why, when it is none. */
bool callerid_read_number(struct callerid *out, struct slice text, enum caller_class *why)
    __attribute__((warn_unused_result));

#endif
