/* Shared by the files that turn channels into calls: ami_calls.c reads events, ami_list.c the list of
 * channels; ami_channel.c knows the legs, ami_bridge.c who is connected with whom, ami_call.c what is said of
 * a call, ami_ask.c whether it hides its number, ami_words.c what values mean. */
#ifndef PROTO_AMI_CALLS_INTERNAL_H
#define PROTO_AMI_CALLS_INTERNAL_H

#include <string.h>

#include "proto/ami_calls.h"
#include "rules/table.h"

#define AMI_STATE_RING 4 /* enum ast_channel_state */
#define AMI_STATE_UP 6

struct ami_text {
    size_t len;
    char bytes[AMI_NAME_MAX];
};

struct ami_call;
struct ami_bridge;

struct ami_channel {
    struct table_node by_id;
    struct table_node by_pair;       /* of a Local channel whose other half is not known yet */
    struct ami_channel *half;        /* of a Local channel: the other one; NULL: there is none */
    struct ami_channel *prev, *next; /* of its call */
    struct ami_channel *prev_all, *next_all;
    struct ami_channel *prev_in, *next_in; /* of its bridge */
    struct ami_bridge *bridge;             /* NULL: it is in none */
    struct ami_call *call;
    bool is_real, is_seen;
    unsigned state;
    int64_t since_ms; /* TIME_NEVER: not known */
    uint64_t serial;  /* in the order in which they became known */
    uint64_t told;    /* the serial of the call that it was last said to have answered */
    struct ami_text id, name, number, caller, exten, context;
    struct ami_text agent; /* as Asterisk's own queue named whose telephone it is */
};

struct ami_call {
    struct table_node by_id;
    struct ami_call *prev, *next;
    struct ami_channel channels; /* ring; only its links are used */
    uint32_t real;
    struct ami_channel *caller; /* the channel that it came in on; NULL: it has hung up, or was never known */
    struct ami_call *prev_ask, *next_ask; /* of those that wait to be asked about; NULL: it does not */
    uint64_t serial;
    bool is_asked,                        /* it rings when it is known how its number is presented */
        has_begun, is_answered, is_early, /* early: answered before the question was */
        is_abandoned, is_withheld, is_foreign;
    unsigned cause;
    unsigned ticks; /* since it was asked, or waits for that */
    struct ami_text id, queue;
    struct ami_text announced, announced_leg; /* who was last said to have answered, and on which channel */
    struct ami_text early, early_leg;
    struct ami_text listed_context, listed_exten; /* where the list last found its caller */
};

struct ami_calls {
    struct ami_calls_options options;
    struct table channels_by_id, calls_by_id, bridges_by_id;
    struct table halves; /* of Local channels, by the name that both have in common */
    uint64_t serial, visits;
    struct ami_channel channels; /* ring */
    struct ami_call calls;       /* ring */
    struct ami_call asks;        /* ring of those that wait to be asked about */
    struct ami_bridge *listed;   /* since the last list began */
    uint32_t listed_count;
    uint32_t asking; /* questions that are not answered yet */
    unsigned silent; /* ticks since the first of them was asked, or an answer was read */
    bool is_resyncing;
    bool is_cut; /* since the last list began there was something that is left alone, for there is too much */
    int64_t now_ms;
};

static inline void ami_text_set(struct ami_text *out, struct slice text)
{
    out->len = text.len < sizeof out->bytes ? text.len : sizeof out->bytes;
    if (out->len)
        memcpy(out->bytes, text.ptr, out->len);
}

static inline struct slice ami_text(const struct ami_text *text)
{
    return (struct slice){text->bytes, text->len};
}

/* ami_channel.c */
struct ami_channel *ami_channel_find(const struct ami_calls *calls, struct slice id);
struct ami_channel *ami_channel_add(struct ami_calls *calls, const struct ami_block *block, struct slice id,
                                    struct slice linked); /* NULL: there are too many */
/* `cause`: of the call, if it was its last real one. */
void ami_channel_drop(struct ami_calls *calls, struct ami_channel *channel, const char *cause);
/* A masquerade renames: one channel takes the place of another, whose id goes. */
void ami_channel_rename(struct ami_calls *calls, struct ami_channel *channel, struct slice name);
/* It is the caller's, if it has the name of the one that was. */
void ami_channel_succeed(struct ami_channel *channel);
/* To the call of that Linkedid, where there is one; false: it stays. */
bool ami_channel_follow(struct ami_calls *calls, struct ami_channel *channel, struct slice linked);
struct slice ami_extension_of(struct slice name, bool is_channel);
struct slice ami_agent_at(const struct ami_calls *calls, struct slice extension);
struct slice ami_channel_agent(const struct ami_calls *calls, const struct ami_channel *channel);
/* It is connected with that call's caller: if it is an agent's, they have answered. */
void ami_channel_answer(struct ami_calls *calls, struct ami_call *call, struct ami_channel *channel);

/* ami_bridge.c */
void ami_bridge_enter(struct ami_calls *calls, struct ami_channel *channel, const struct ami_block *block);
void ami_bridge_leave(struct ami_calls *calls, struct ami_channel *channel, struct slice id);
void ami_bridge_put(struct ami_calls *calls, struct ami_channel *channel, struct slice id); /* says nothing */
void ami_bridge_pull(struct ami_calls *calls, struct ami_channel *channel);
void ami_bridge_tell(struct ami_calls *calls, struct ami_channel *channel); /* it is in a bridge */
/* One that holds those who are in it is remembered until the list ends. */
void ami_bridge_list_read(struct ami_calls *calls, const struct ami_block *block);
void ami_bridge_list_end(struct ami_calls *calls);

/* ami_call.c: what has been said already, or is not to be, is not said. */
struct ami_call *ami_call_find(const struct ami_calls *calls, struct slice id);
struct ami_call *ami_call_add(struct ami_calls *calls, struct slice id); /* NULL: there are too many */
void ami_call_free(struct ami_calls *calls, struct ami_call *call);
void ami_call_begin(struct ami_calls *calls, struct ami_call *call, struct ami_channel *channel);
void ami_call_ring(struct ami_calls *calls, struct ami_call *call);
/* `leg`: the channel that it was answered on; empty: not known. */
void ami_call_answer(struct ami_calls *calls, struct ami_call *call, struct slice agent, struct slice leg);
void ami_call_end(struct ami_calls *calls, struct ami_call *call, const char *cause);

/* ami_ask.c */
void ami_ask_init(struct ami_calls *calls);
void ami_ask(struct ami_calls *calls, struct ami_call *call);
void ami_ask_forget(struct ami_call *call);  /* it does not wait any longer */
void ami_ask_again(struct ami_calls *calls); /* another connection: nothing that was asked is answered */
void ami_ask_next(struct ami_calls *calls);
void ami_ask_read(struct ami_calls *calls, struct slice action, const struct ami_block *answer);

/* ami_list.c */
void ami_list_read(struct ami_calls *calls, const struct ami_block *block, struct slice id,
                   struct slice linked);
void ami_list_end(struct ami_calls *calls);

/* ami_words.c */
unsigned ami_number_of(struct slice text); /* its digits in front */
bool ami_hides(struct slice presentation);
const char *ami_cause_name(unsigned cause);

#endif
