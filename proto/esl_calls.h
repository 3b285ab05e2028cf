/* FreeSWITCH's channels as calls: one interaction for each call, however many legs it has.
 *
 * A call begins with a leg that no other leg made. Of a call from outside that leg is the caller's, and the
 * call ends with it; a call that FreeSWITCH places itself ends with its last leg. Legs belong to the call
 * that made them, or that they were bridged into: so transfers, consultations and loopback channels are no
 * calls of their own, whichever stream tells of them. The subject of events is the Unique-ID of the first
 * leg, their ids say what happened to it: what is heard twice is one event. */
#ifndef PROTO_ESL_CALLS_H
#define PROTO_ESL_CALLS_H

#include "proto/esl_list.h"

#define ESL_LEGS_MAX 65536 /* more are not followed: their calls are not seen */
#define ESL_ID_MAX 64      /* bytes of a Unique-ID; it is sent back in commands: letters, digits and "-" */
#define ESL_TEXT_MAX 1024  /* bytes of a number or name; longer ones are cut */

struct esl_calls;

struct esl_calls_options {
    struct slice source; /* of the events; must live as long as the calls */
    /* Whether calls from outside come in there; NULL: in any context. */
    bool (*is_outside)(void *ctx, struct slice context);
    /* Whether that call began before and goes on: it does wherever its caller is led. NULL: none does. */
    bool (*is_open)(void *ctx, struct slice call);
    /* The agent who is reached at that number; empty: none. NULL: nobody is. */
    struct slice (*agent_at)(void *ctx, struct slice number);
    /* A CloudEvent as proto/cloudevent.h reads it, borrowed until it returns. */
    void (*on_event)(void *ctx, enum event_type type, struct slice call, const struct value *document);
    /* A call has ended, and nobody has seen how; `cause` is a literal. NULL: on_event is told. */
    void (*on_lost)(void *ctx, struct slice call, struct slice cause);
    void *ctx;
};

struct esl_calls *esl_calls_alloc(const struct esl_calls_options *options);
void esl_calls_free(struct esl_calls **calls);

/* What is told by one FreeSWITCH, or on the connection of one call; all zero before its first event. */
struct esl_stream {
    char core[ESL_ID_MAX + 1]; /* Core-UUID of the FreeSWITCH that runs there */
    uint64_t sequence;
    /* How often an Event-Sequence was not the next one. Of a subscription to some events that says only that
     * others happened, or were lost. */
    uint64_t gaps;
};

/* Events about other things than channels are left alone. Another Core-UUID than before: that FreeSWITCH was
 * started anew, and all calls of the stream have ended. */
void esl_calls_event(struct esl_calls *calls, struct esl_stream *stream, const struct esl_event *event,
                     struct arena *arena);
/* Nothing comes of it any more: the legs that it told of are gone. */
void esl_calls_end_stream(struct esl_calls *calls, const struct esl_stream *stream, struct arena *arena);

/* All channels that there are, in any order: begin, each, end. */
void esl_calls_list_begin(struct esl_calls *calls);
/* False: more must be known of it, because it is new, or was answered or hung up while nobody listened;
 * esl_calls_event() with what uuid_dump says of it tells what the stream would have told. One that has hung
 * up and is still torn down begins nothing. */
bool esl_calls_listed(struct esl_calls *calls, const struct esl_channel *channel);
/* The legs that were there at the beginning and are not listed: whether they are gone uuid_dump says, for a
 * list may be cut short. Nothing may be changed meanwhile. */
void esl_calls_list_end(struct esl_calls *calls, void (*on_missing)(void *ctx, struct slice id), void *ctx);
/* That leg is gone, and nobody has seen how. */
void esl_calls_lost(struct esl_calls *calls, struct slice id, struct arena *arena);

/* Whether a leg of that call is there, and whether one of them is the agent's. */
bool esl_calls_has(const struct esl_calls *calls, struct slice call);
bool esl_calls_is_with(const struct esl_calls *calls, struct slice call, struct slice agent);
/* Whether two of its legs talk, and which agent does on one of them; empty: none that is known. */
bool esl_calls_is_bridged(const struct esl_calls *calls, struct slice call);
struct slice esl_calls_partner(const struct esl_calls *calls, struct slice call);

/* "call.ended" of a call that nobody remembers. */
struct value esl_call_ended(struct slice source, struct slice call, struct slice cause, struct arena *arena);

/* Whether it may be sent in a command. */
bool esl_id_is_plain(struct slice id);

#endif
