/* What happens in a simulated run, one move after the other. A move names what it is about by numbers that do
 * not hang on what happened before (the conversation, the agent, the party), so that it still means something
 * when moves before it are taken away. */
#ifndef RULES_SIM_SIM_MOVE_H
#define RULES_SIM_SIM_MOVE_H

#include "rules/sim/sim_plan.h"

enum sim_move_kind {
    /* Inputs. */
    SIM_MESSAGE,  /* call.ringing, chat.message or email.received of the conversation */
    SIM_OUTBOUND, /* the same from an agent */
    SIM_ANSWERED, /* call.answered */
    SIM_HANGUP,   /* call.ended, chat.ended */
    SIM_ACCEPT,
    SIM_REJECT,
    SIM_END,
    SIM_TRANSFER,
    SIM_ASSIGN,
    SIM_PULL,
    SIM_LINK, /* it is about one of the customers */
    SIM_PRESENCE,
    SIM_BLOCK,
    SIM_UNBLOCK,
    SIM_WAIT, /* time passes */
    /* What becomes of the batch. */
    SIM_COMMIT, /* the oldest batch is durable */
    SIM_SEND,   /* the batch is on its way; the next input begins one on top of it */
    SIM_FAIL,   /* all batches come to nothing */
    SIM_CRASH,  /* the router dies and loads what is durable */
    SIM_RELOAD, /* a new version of the configuration */
};
#define SIM_MOVE_KINDS 20

struct sim_move {
    uint8_t kind;     /* enum sim_move_kind */
    uint8_t agent;    /* who says so, or whose presence */
    uint8_t party;    /* who an event is from; the agent to whom something is handed; the customer */
    uint8_t variant;  /* of the kind: see sim_input.c */
    uint16_t subject; /* conversation: its channel is subject % CHANNEL_COUNT */
    uint16_t queue;   /* whose endpoint, or where to */
    int32_t value_ms; /* lease, length of a block */
    int64_t at_ms;    /* since the beginning; never before the last move's */
    bool is_late;     /* what is due by then is done only then, not when it is due */
};

/* Variants. */
enum { SIM_ACTOR_HOLDER, SIM_ACTOR_OTHER, SIM_ACTOR_ADMIN }; /* low two bits: who asks */
enum { SIM_STALE = 4 };                                      /* the offer before; news of a second ago */
enum { SIM_FOR_LUNCH = 4, SIM_BY_ADMIN = 8 };                /* SIM_PRESENCE */
enum { SIM_TO_AGENT = 4, SIM_KEEP_AGE = 8 };                 /* SIM_TRANSFER */
enum { SIM_FROM_PHONE = 1, SIM_FROM_EMAIL = 2, SIM_FROM_WITHHELD = 4, SIM_MACHINE = 8, SIM_THREAD = 16 };
enum { SIM_FAIL_NEWEST = 1, SIM_FAIL_AGAIN = 2 }; /* SIM_FAIL */
enum { SIM_RELOAD_CRASHES = 128 };                /* SIM_RELOAD */

const char *sim_move_name(enum sim_move_kind kind);

#endif
