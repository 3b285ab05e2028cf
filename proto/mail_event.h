/* A mail as the event `email.received`: the CloudEvent document that proto/cloudevent.h reads.
 *
 * The id is the Message-ID and the recipient, so that a mail which is delivered twice is one event; a mail
 * without Message-ID is known by its content (all but the fields that its way adds). No time is given: mail
 * may be under way for longer than the idempotency window. */
#ifndef PROTO_MAIL_EVENT_H
#define PROTO_MAIL_EVENT_H

#include "proto/mail.h"

#define MAIL_EVENT_SOURCE "lmtp"
#define MAIL_EVENT_ID_MAX 512        /* bytes; a longer id becomes its hash */
#define MAIL_EVENT_HEADER_MAX 1024   /* bytes of one value in data.headers; longer ones are cut */
#define MAIL_EVENT_HEADERS_MAX 24576 /* bytes of all values together; the rest is left out */
#define MAIL_EVENT_HEADER_VALUES_MAX 200
#define MAIL_EVENT_ATTACHMENTS_MAX 12288 /* bytes of the list as JSON; the rest is counted only */

struct mail_envelope {
    bool is_known;       /* false: only the message itself is there */
    struct slice sender; /* empty: the null sender of bounces */
    struct slice recipient;
    struct slice original; /* the recipient with its plus tag; empty or the same: it has none */
};

/* For one recipient; what is the same for all is made once. Borrowed from the mail, the envelope and the
 * arena. A mail that names no recipient anywhere gives an event without `to`. */
struct value mail_event(struct mail *mail, const struct mail_envelope *envelope, struct arena *arena);

#endif
