/* An Internet message (RFC 5322, MIME) as it came over the wire, read into what the event `email.received`
 * carries.
 *
 * Anything is accepted that a mail program could have sent, however broken; only a header beyond the limits
 * is refused. What lies behind the header and is beyond the limits is left unread, and `cut` says so: the
 * mail itself is never lost. Time and memory are linear in the message's size. Everything is checked against
 * the limits before GMime sees a byte of it. */
#ifndef PROTO_MAIL_H
#define PROTO_MAIL_H

#include "rules/event.h"

#define MAIL_SIZE_MAX (25u << 20)             /* bytes of a message */
#define MAIL_HEADER_BYTES_MAX 262144          /* of the message's header; more is refused */
#define MAIL_HEADERS_MAX 1000                 /* fields of the message's header; more is refused */
#define MAIL_PART_HEADER_BYTES_MAX (1u << 20) /* of all parts together */
#define MAIL_PART_HEADERS_MAX 10000           /* fields of all parts together */
#define MAIL_PARTS_MAX 2000                   /* lines that may begin a part */
#define MAIL_DEPTH_MAX 64                     /* parts that hold parts */
#define MAIL_PARAMETERS_MAX 4096              /* bytes of Content-Type and the like */
#define MAIL_ADDRESS_BYTES_MAX 65536          /* of one field of addresses */
#define MAIL_ADDRESSES_MAX 2000               /* in one field; of the message's own the first ones are read */
#define MAIL_TO_MAX 64                        /* addresses of To and Cc that are kept */
#define MAIL_GROUPS_MAX 100                   /* colons in one field of addresses */
#define MAIL_ATTACHMENTS_MAX 64               /* listed; the others are counted */
#define MAIL_NAME_MAX 128                     /* bytes of an attachment's name or type */
#define MAIL_ENCODED_TEXT_MAX 131072 /* bytes of text or HTML that are looked at, before it becomes UTF-8 */

enum mail_status { MAIL_OK, MAIL_HEADER_TOO_LONG, MAIL_TOO_MANY_HEADERS };
const char *mail_status_text(enum mail_status status); /* for people */

struct mail_attachment {
    struct slice name, type; /* UTF-8; the name may be empty */
    int64_t size;            /* bytes when decoded */
};

/* A field of the message's header, unfolded and decoded (RFC 2047). */
struct mail_field {
    struct slice name, text;
};

/* All but the body is UTF-8 without NUL. Message-IDs stand in their angle brackets. */
struct mail {
    struct slice message_id, subject, text;
    struct slice made_up_id; /* in its place where there is none; filled by mail_event() */
    struct slice body;       /* behind the header, as it came: any bytes */
    struct party from;       /* of From, else of Sender or Reply-To; email and name */
    struct slice *to;        /* addresses of To, then Cc */
    uint32_t to_count;       /* at most MAIL_TO_MAX */
    struct slice *in_reply_to, *references;
    uint32_t in_reply_to_count, references_count; /* at most EVENT_REFERENCES_MAX, the last ones */
    struct mail_field *fields;
    uint32_t field_count;
    struct mail_attachment *attachments;
    uint32_t attachment_count, attachment_total;
    /* Of a delivery report (RFC 3464): Final-Recipient, Action and Status of the first recipient that failed,
     * else of the first. */
    struct slice bounced_to, bounce_action, bounce_status;
    bool text_cut;   /* the text was longer than EVENT_TEXT_MAX */
    const char *cut; /* NULL, or which limit left the rest unread: "parts" */
};

/* Once per process, before the first mail_read(), from one thread. */
void mail_init(void);
/* May run on several threads at a time. *out is borrowed from the arena, which needs about the size of header
 * and text. */
enum mail_status mail_read(struct mail *out, struct slice message, struct arena *arena)
    __attribute__((warn_unused_result));

/* Every value of the field `name` (lower case) in the message's order; NULL at the end. `after` NULL: the
 * first. */
const struct mail_field *mail_find(const struct mail *mail, const char *name, const struct mail_field *after);

#endif
