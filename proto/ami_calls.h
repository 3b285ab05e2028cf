/* From what Asterisk says about channels to what happened to calls: one call for each Linkedid.
 *
 * A call begins with a channel that comes from outside (a real one, in state Ring, in one of the contexts,
 * not an agent's own telephone) and ends when the last of its real channels has hung up; Local channels and
 * the ones that Asterisk makes for itself are folded into it. A channel whose Linkedid changes (transfers,
 * merges) moves to the other call.
 *
 * Pure: blocks and the time go in, news come out through a function, in the order in which they are true. */
#ifndef PROTO_AMI_CALLS_H
#define PROTO_AMI_CALLS_H

#include "proto/ami.h"
#include "rules/event.h"

#define AMI_CALLS_MAX 4096     /* at a time; more are left alone until there is room */
#define AMI_CHANNELS_MAX 16384 /* at a time; more are left alone until there is room */
#define AMI_ROOM_EIGHTHS 7   /* of both: when no more than that is taken, what was left alone is asked for */
#define AMI_TALK_MAX 64      /* channels that are connected with each other; of more nobody is told */
#define AMI_ID_MAX 160       /* bytes of a Uniqueid or Linkedid (Asterisk: 149) */
#define AMI_NAME_MAX 256     /* bytes of a channel's name, a caller's name or number; longer are cut */
#define AMI_HOLDING_MAX 4096 /* parking lots and their like in a list; more count as conversations */
#define AMI_ASKS_MAX 32      /* questions that are not answered yet; more calls wait to be asked about */
#define AMI_ASK_TICKS 3      /* a question's time; then its call rings without the answer */
#define AMI_TICK_MS 1000
#define AMI_PRESENTATION_ID "pres:" /* begins the ActionID of the question for CALLERID(pres) */

/* All text is borrowed until the function returns. */
struct ami_news {
    enum event_type type;                            /* call.ringing, call.answered, call.ended */
    struct slice call;                               /* Linkedid */
    struct slice number, name, to, context, channel; /* ringing */
    bool is_withheld;
    struct slice agent; /* answered: empty where it is not known */
    struct slice leg;   /* answered: the channel of the agent, where it is known */
    struct slice queue; /* Asterisk's, if it went through one */
    const char *cause;  /* ended */
    int64_t at_ms;      /* TIME_NEVER: not known */
};

struct ami_calls_options {
    void (*on_news)(void *ctx, const struct ami_news *news);
    /* Whose extension that is; empty: nobody's. May be NULL. */
    struct slice (*agent_at)(void *ctx, struct slice extension);
    /* Asks Asterisk for CALLERID(pres) of a channel, with AMI_PRESENTATION_ID and the Linkedid as ActionID:
     * the call rings when the answer is read. False: that cannot be asked, and it is taken to be withheld; so
     * it is when the answer does not come in time.
     * NULL: nobody asks. */
    bool (*ask_presentation)(void *ctx, struct slice channel, struct slice call);
    /* Whether that call began before and goes on: it does wherever its caller is led. NULL: none does. */
    bool (*is_open)(void *ctx, struct slice call);
    const struct slice *contexts; /* none: all; borrowed for as long as the calls live */
    uint32_t context_count;
    void *ctx;
};

struct ami_calls;

struct ami_calls *ami_calls_alloc(const struct ami_calls_options *options);
void ami_calls_free(struct ami_calls **calls);
/* `now_ms` TIME_NEVER: the recording's own Timestamp counts, where there is one. */
void ami_calls_read(struct ami_calls *calls, const struct ami_block *block, int64_t now_ms);
/* Every AMI_TICK_MS while the answers are read. */
void ami_calls_tick(struct ami_calls *calls);
/* CoreShowChannels has been asked for, and BridgeList before, for the list of channels does not say which
 * bridges are parking lots: with its end everything that it did not list has ended, and what it
 * lists and nobody knew begins, as old as it is. */
void ami_calls_resync(struct ami_calls *calls);
bool ami_calls_has(const struct ami_calls *calls, struct slice call); /* it rang, and has not ended */
/* The channel that the caller is on; empty: there is none. */
struct slice ami_calls_channel(const struct ami_calls *calls, struct slice call);
/* Who was last said to have answered it, if their telephone is not hung up yet; empty: nobody. */
struct slice ami_calls_agent(const struct ami_calls *calls, struct slice call);
/* Whether the last list found its caller there. */
bool ami_calls_was_at(const struct ami_calls *calls, struct slice call, struct slice context,
                      struct slice extension);
/* There was more than is followed: who is not here may live. */
bool ami_calls_is_cut(const struct ami_calls *calls);
/* It was, and there is room again: CoreShowChannels is to be asked for. */
bool ami_calls_wants_list(const struct ami_calls *calls);
uint32_t ami_calls_count(const struct ami_calls *calls);

/* News as the document that proto/cloudevent.h reads. */
struct value ami_event(const struct ami_news *news, struct slice source, struct arena *arena);

#endif
