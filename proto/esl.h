/* FreeSWITCH's event socket: bytes into frames, frames into events.
 *
 * A frame is a head of "Name: value" lines, an empty line, and as many bytes of body as Content-Length says.
 * An event has fields of its own and may have a body of its own, in plain form behind a second head. Values
 * of plain events are percent-encoded once and decoded once; those of JSON events are not encoded at all.
 * FreeSWITCH writes "_undef_" for an empty value. */
#ifndef PROTO_ESL_H
#define PROTO_ESL_H

#include "rules/event.h"

#define ESL_HEAD_MAX 65536      /* bytes of a frame's head */
#define ESL_BODY_MAX (1u << 20) /* bytes of a frame's body */
#define ESL_FRAME_MAX (ESL_HEAD_MAX + ESL_BODY_MAX)
#define ESL_SKIP_MAX (64u << 20) /* bytes of a body that is read past; to say more is absurd */
#define ESL_FIELDS_MAX 2048      /* of an event or a head */

/* TOO_LONG: all of it is known but its body, which is to be read past. */
enum esl_status { ESL_NEED_MORE, ESL_READY, ESL_TOO_LONG, ESL_BAD };

enum esl_type {
    ESL_AUTH_REQUEST,
    ESL_COMMAND_REPLY,
    ESL_API_RESPONSE,
    ESL_EVENT_PLAIN,
    ESL_EVENT_JSON,
    ESL_DISCONNECT, /* the peer says that it closes */
    ESL_REJECTION,  /* its access list does not let us in */
    ESL_OTHER,      /* log lines and what is not known */
};

struct esl_frame {
    enum esl_status status;
    const char *why; /* BAD: for people; the stream cannot be read on */
    size_t used;     /* READY: bytes of the input that are done with; TOO_LONG: those before the body */
    enum esl_type type;
    size_t length;           /* of the body, as the head says */
    struct slice head, body; /* borrowed from the input; TOO_LONG: no body */
};

/* The first frame of `input`. */
void esl_read(struct esl_frame *out, struct slice input);
/* READY as soon as its head is there, however long the body is that begins behind the `used` bytes. */
void esl_read_head(struct esl_frame *out, struct slice input);
/* A line of the frame's head, not decoded; empty: there is none. */
struct slice esl_head(const struct esl_frame *frame, const char *name);

struct esl_field {
    struct slice name, value; /* any bytes but NUL */
};

struct esl_event {
    struct esl_field *fields;
    uint32_t count;
    struct slice body; /* the inner one */
};

/* Whether the frame carries an event: of its type, or an api/response (to uuid_dump) or command/reply (to
 * `connect`) that is one. */
bool esl_has_event(const struct esl_frame *frame);
/* Of a frame that has one. Borrowed from frame and arena. */
bool esl_event_read(struct esl_event *out, const struct esl_frame *frame, struct arena *arena,
                    struct fault *fault) __attribute__((warn_unused_result));
/* In any case of the name; the first of several; empty: there is none. */
struct slice esl_field(const struct esl_event *event, const char *name);
uint64_t esl_field_number(const struct esl_event *event, const char *name); /* 0: none */

/* "1001" of "1001@pbx.example". */
struct slice esl_user_of(struct slice address);

/* One pass of percent-decoding; what is no such sequence stays, NUL is dropped. */
struct slice esl_decode(struct slice text, struct arena *arena);

#endif
