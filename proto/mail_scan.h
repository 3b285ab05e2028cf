/* The lines of a message, before MIME: the fields of its header, and whether the parts behind it stay within
 * the limits of proto/mail.h. Takes any bytes; linear. Slices are borrowed from the message. */
#ifndef PROTO_MAIL_SCAN_H
#define PROTO_MAIL_SCAN_H

#include "proto/mail.h"

/* As it stands in the message: folded and encoded. */
struct mail_raw_field {
    struct slice name, value;
};

struct mail_scan {
    struct mail_raw_field *fields;
    uint32_t field_count;
    struct slice body; /* behind the empty line */
    const char *cut;   /* NULL: MIME may be read; else which limit the parts break */
};

enum mail_status mail_scan(struct mail_scan *out, struct slice message, struct arena *arena)
    __attribute__((warn_unused_result));

/* Fields of a header that stands alone, as in text/rfc822-headers or a delivery report, up to the first empty
 * line; at most `max`. Returns how many; *rest is what follows. */
uint32_t mail_scan_fields(struct mail_raw_field *fields, uint32_t max, struct slice text, struct slice *rest);

/* Is `field` called `name` (lower case)? */
bool mail_is_named(const struct mail_raw_field *field, const char *name);
const struct mail_raw_field *mail_raw_find(const struct mail_raw_field *fields, uint32_t count,
                                           const char *name);

#endif
