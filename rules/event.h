/* One event from outside, decoded: what a gateway, a mail server or a chat platform says has happened
 * (a CloudEvent 1.0 with one of our types). Both codings arrive here; nothing behind this point knows which
 * it was. All slices are borrowed from the request's arena. */
#ifndef RULES_EVENT_H
#define RULES_EVENT_H

#include "rules/value.h"

#define EVENT_TEXT_MAX 65536     /* bytes of data.text; longer is refused as invalid */
#define EVENT_ATTRIBUTE_MAX 1024 /* bytes of id, source, subject; longer is refused */
#define EVENT_REFERENCES_MAX 64

enum event_type {
    EVENT_CALL_RINGING,
    EVENT_CALL_ANSWERED,
    EVENT_CALL_ENDED,
    EVENT_CHAT_MESSAGE,
    EVENT_CHAT_ENDED,
    EVENT_EMAIL_RECEIVED,
};
#define EVENT_TYPE_COUNT 6

const char *event_type_name(enum event_type type); /* "call.ringing" */
bool event_type_parse(enum event_type *out, struct slice name) __attribute__((warn_unused_result));
enum channel event_type_channel(enum event_type type);

/* Who an event is from, as sent; at least one of phone, email, id is there where the type needs a party. */
struct party {
    struct slice phone, email, id, name;
};

struct event {
    struct slice id, source, subject;
    enum event_type type;
    int64_t time_ms; /* TIME_NEVER when the producer gave none */
    struct party from;
    struct slice to;    /* number, address or inbox */
    bool outbound;      /* direction */
    bool privacy;       /* the gateway says the caller id is withheld */
    struct slice agent; /* call.answered */
    struct slice cause; /* call.ended, chat.ended */
    struct slice title; /* data.subject of a mail */
    struct slice text;
    struct slice *in_reply_to, *references;
    uint32_t in_reply_to_count, references_count;
    struct value headers;    /* map of string to string or list of strings; VALUE_NULL when absent */
    struct value attributes; /* map; VALUE_NULL when absent */
};

/* Where and why a document was refused. `pointer` is a JSON Pointer (RFC 6901) to the fault. */
struct fault {
    char pointer[128];
    char detail[400];
    uint32_t line;   /* of the source where known, else 0 */
    uint32_t column; /* in code points from 1, where known, else 0 */
};

#endif
