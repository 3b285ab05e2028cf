/* What GMime is asked: addresses, encoded words, and the parts of a body. Only mail_scan.c's findings may
 * come here. Several threads at a time. */
#ifndef PROTO_MAIL_GMIME_H
#define PROTO_MAIL_GMIME_H

#include "proto/mail_scan.h"

/* A field's value as UTF-8 on one line, RFC 2047 decoded. */
struct slice mail_gmime_decode(struct slice value, struct arena *arena);
/* Up to `max` addresses of a field, groups flattened; what is no address is left out. */
uint32_t mail_gmime_addresses(struct party *out, uint32_t max, struct slice value, struct arena *arena);
/* Fills text, attachments and what a delivery report says. */
void mail_gmime_body(struct mail *mail, const struct mail_scan *scan, struct arena *arena);
void mail_gmime_init(void);

#endif
