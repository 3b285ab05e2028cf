/* What Kamailio's module evapi relays, and what it is told: netstrings with JSON (docs/kamailio.md has the
 * routing script that writes and reads them).
 *
 * A message is one map: `event` names what happened ("sip.INVITE"), `callid` the call. Text that SIP did not
 * have is "<null>", as Kamailio writes it. Unknown events and members are ignored. */
#ifndef PROTO_EVAPI_H
#define PROTO_EVAPI_H

#include "proto/netstring.h"
#include "rules/event.h"

#define EVAPI_MESSAGE_MAX 65536 /* bytes of one message; a longer one ends the connection */
#define EVAPI_CALLID_MAX 512    /* bytes; longer ones are refused */
#define EVAPI_TEXT_MAX 1024     /* bytes of any other member that is read; longer ones are refused */

enum evapi_kind {
    EVAPI_EVENT,   /* `document` */
    EVAPI_HELLO,   /* the script greets this connection: `started_ms` */
    EVAPI_CALL,    /* the answer to evapi_ask(): `is_known` */
    EVAPI_IGNORED, /* nothing about calls */
    EVAPI_BAD,     /* see the fault; the next message can be read */
};

struct evapi_message {
    enum evapi_kind kind;
    struct slice callid;
    /* A transaction waits in Kamailio for evapi_answer(); also of a bad message, where that can be read. */
    bool is_waiting;
    int64_t index, label;  /* tm's id_index and id_label */
    struct value document; /* the CloudEvent that proto/cloudevent.h reads */
    int64_t started_ms;    /* when Kamailio began: what is older it may have forgotten */
    bool is_known;
};

/* A call that waits for an answer has no `time`: asked again for its decision it is the same event.
 * `payload` is the content of a netstring, `source` the gateway's name. *out is borrowed from payload, source
 * and arena. The id of the event is the Call-ID and what happened: said twice it is one event. */
void evapi_read(struct evapi_message *out, struct slice payload, struct slice source, struct arena *arena,
                struct fault *fault);

/* The netstring that lets the routing script go on with the call. `answer` is the event's answer; NULL: there
 * is none, and `code` says why ("overloaded"). */
struct slice evapi_answer(const struct evapi_message *message, const struct value *answer, const char *code,
                          struct arena *arena);
/* The event "call.ended" of a call that Kamailio does not have. */
struct value evapi_lost(struct slice callid, struct slice source, struct arena *arena);
/* Asks whether Kamailio still has the call. */
struct slice evapi_ask(struct slice callid, struct arena *arena);

#endif
