/* Message-IDs (RFC 5322 3.6.4) out of the fields that hold them. */
#ifndef PROTO_MAIL_IDS_H
#define PROTO_MAIL_IDS_H

#include "proto/mail.h"

/* The ids of a value in order, in their brackets, of more than EVENT_REFERENCES_MAX the last ones. Comments
 * and words between them are passed over; a value without any bracket gives its words that have an "@". */
uint32_t mail_ids(struct slice *out, struct slice value, struct arena *arena);

#endif
