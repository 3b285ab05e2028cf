/* The `data` of our event types (contract section 2, the table): which members each has, what they may hold.
 *
 * Empty text and null mean absent. Members that a type does not have are ignored. Text is borrowed from the
 * value. */
#ifndef PROTO_EVENT_DATA_H
#define PROTO_EVENT_DATA_H

#include "rules/event.h"

#define EVENT_TITLE_MAX 4096       /* bytes of a mail's subject */
#define EVENT_ATTRIBUTES_MAX 16384 /* bytes of data.attributes, written as JSON */
#define EVENT_HEADERS_MAX 65536    /* bytes of data.headers, written as JSON */

/* Fills what stands in `data` into `event`, whose type is set. `data` NULL: the event had none. Pointers of
 * faults start with "/data". Of more than EVENT_REFERENCES_MAX references the last ones stay: they are the
 * nearest in the thread. */
bool event_read_data(struct event *event, const struct value *data, struct arena *arena, struct fault *fault)
    __attribute__((warn_unused_result));

/* `from`: a map of phone, email, id and name, or a string. A string is a number in a call, an address with
 * optional display name in a mail; in a chat it is an address if it has an "@", a number if it looks like
 * one, else an id. */
bool event_read_party(struct party *out, const struct value *from, enum channel channel, struct fault *fault)
    __attribute__((warn_unused_result));

#endif
