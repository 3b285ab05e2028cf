/* CloudEvents 1.0 (spec 1.0.2; JSON format; HTTP binding in structured, binary and batched mode) to struct
 * event. The same decoder serves JSON and MessagePack: both become a struct value first. */
#ifndef PROTO_CLOUDEVENT_H
#define PROTO_CLOUDEVENT_H

#include "rules/event.h"

#define CLOUDEVENT_BATCH_MAX 1000

/* From a map as in structured mode. Unknown types are faults at /type; unknown members of `data` are ignored.
 * `data` may also come as JSON in base64 (data_base64) or, in MessagePack, in a bin. */
bool cloudevent_read(struct event *out, const struct value *document, struct arena *arena,
                     struct fault *fault) __attribute__((warn_unused_result));

/* Only what CloudEvents itself asks of an event of any type: the required attributes, the types and syntax of
 * all. */
bool cloudevent_envelope_check(const struct value *document, struct fault *fault)
    __attribute__((warn_unused_result));

/* Binary mode: collects the ce- headers (names in any case, values unquoted and percent-decoded as the HTTP
 * binding 3.1.3.2 says) of a request into a map as above. The caller then adds the parsed JSON body:
 * value_set(&headers.document, "data", body); there is room for that. */
#define CLOUDEVENT_HEADERS_MAX 64 /* attributes; more are a fault */

struct cloudevent_headers {
    struct value document; /* a map that grows */
    bool bad;
    struct fault fault;
};
void cloudevent_headers_init(struct cloudevent_headers *headers, struct arena *arena);
/* Ignores headers that are not ce-*; the content type becomes datacontenttype. */
void cloudevent_headers_add(struct cloudevent_headers *headers, struct slice name, struct slice value,
                            struct arena *arena);

/* SHA-256 (FIPS 180-4), truncated to 128 bits. The key names (source, id); the digest is the same for every
 * coding of the same decoded event and differs otherwise (attributes that the server fills in are not part of
 * it); the conversation names (channel, source, subject). Equal content: the order of members does not count,
 * 1 equals 1.0, and bytes equal their base64. */
void cloudevent_key(struct uuid *out, const struct event *event);
void cloudevent_digest(struct uuid *out, const struct event *event);
void cloudevent_conversation(struct uuid *out, enum channel channel, struct slice source,
                             struct slice subject);

/* RFC 3339 with offset, years 0000 to 9999 in UTC, fractions cut to milliseconds. A leap second (:60) counts
 * only where UTC can have one, at 23:59, and is the second after it. 24:00, missing offsets and missing
 * seconds are refused. */
bool time_read(int64_t *out_ms, struct slice text) __attribute__((warn_unused_result));
/* "2026-11-21T23:10:35.123Z"; asserts that the year is one of time_read()'s. */
struct slice time_write(int64_t time_ms, struct arena *arena);

#endif
