/* Shared by the files of esl_calls only: esl_calls.c, what events do; esl_legs.c, which legs there are;
 * esl_tell.c, what is told of a call. */
#ifndef PROTO_ESL_CALLS_INTERNAL_H
#define PROTO_ESL_CALLS_INTERNAL_H

#include "proto/esl_calls.h"
#include "rules/table.h"

struct esl_call {
    struct table_node by_id;
    char id[ESL_ID_MAX + 1]; /* of its first leg */
    uint64_t serial;
    bool is_outside; /* the first leg is the caller's: the call ends with it */
    bool is_told, is_answered;
    struct slice agent; /* of a call that FreeSWITCH places to an agent first; borrowed from the options */
    unsigned legs;
};

struct esl_leg {
    struct table_node by_id;
    char id[ESL_ID_MAX + 1];
    struct esl_call *call;           /* NULL: it has hung up and is still torn down */
    struct esl_leg *prev, *next;     /* in the order in which they came */
    struct slice agent;              /* who is reached on it, borrowed from the options */
    const struct esl_stream *stream; /* that told of it last */
    struct esl_leg *peer;            /* with whom it talks, or NULL */
    bool is_answered, is_missing;    /* missing: not listed yet */
};

struct esl_calls {
    struct esl_calls_options options;
    struct table legs, calls;
    struct esl_leg ring;
    uint64_t serial;
};

/* esl_legs.c */
void esl_id_copy(char out[ESL_ID_MAX + 1], struct slice id);
struct esl_leg *esl_leg_find_any(const struct esl_calls *calls, struct slice id);
struct esl_leg *esl_leg_find(const struct esl_calls *calls, struct slice id); /* that has not hung up */
struct esl_call *esl_leg_begin_call(struct esl_calls *calls, struct slice id, bool is_outside);
struct esl_leg *esl_leg_add(struct esl_calls *calls, const struct esl_stream *stream, struct slice id,
                            struct esl_call *call);
void esl_leg_part(struct esl_leg *leg); /* it talks with nobody */
void esl_leg_leave(struct esl_calls *calls, struct esl_leg *leg);
/* `event` may be NULL. */
void esl_leg_hung_up(struct esl_calls *calls, struct esl_leg *leg, struct slice cause,
                     const struct esl_event *event, struct arena *arena);
void esl_leg_gone(struct esl_calls *calls, struct esl_leg *leg, struct slice cause,
                  const struct esl_event *event, struct arena *arena);
struct slice esl_leg_agent_at(const struct esl_calls *calls, struct slice number);
bool esl_call_is_open(const struct esl_calls *calls, struct slice id);

/* esl_tell.c */
struct slice esl_tell_text(const struct esl_event *event, const char *name, struct arena *arena);
void esl_tell_ringing(struct esl_calls *calls, struct esl_call *call, const struct esl_event *event,
                      struct arena *arena);
/* `leg`: the one that somebody answers on, of whom the name is known; else once for the call. */
void esl_tell_answered(struct esl_calls *calls, struct esl_call *call, const struct esl_leg *leg,
                       const struct esl_event *event, struct arena *arena);
void esl_tell_ended(struct esl_calls *calls, struct esl_call *call, struct slice cause,
                    const struct esl_event *event, struct arena *arena);
/* Of a call that none of the legs is of. */
void esl_tell_ended_unknown(struct esl_calls *calls, struct slice id, struct slice cause,
                            const struct esl_event *event, struct arena *arena);

#endif
