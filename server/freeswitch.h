/* Shared by the files of FreeSWITCH's gateway only. */
#ifndef SERVER_FREESWITCH_H
#define SERVER_FREESWITCH_H

#include "proto/esl_calls.h"
#include "server/gateway.h"

struct freeswitch_order;
struct freeswitch_lost;

#define FREESWITCH_LOST_TAG 1 /* of the events of freeswitch_lost.c */

/* Of a gateway: the calls outlive its connections. */
struct freeswitch {
    struct gateway *gateway;
    struct esl_calls *calls;
    struct esl_stream stream;            /* where we dial; it goes on after a reconnection */
    struct freeswitch_session *sessions; /* newest first */
    struct freeswitch_order *orders;     /* not confirmed, oldest first */
    unsigned order_count;
    struct freeswitch_lost *lost, **lost_tail; /* to be ended */
    unsigned lost_count, ending;               /* ending: not decided yet */
};

/* What is found out on a connection about channels: all that there are, then one by one what the list does
 * not say of them. Ids that are asked for are answered in order. */
struct freeswitch_sync {
    enum { SYNC_IDLE, SYNC_LISTING, SYNC_READING, SYNC_ASKING, SYNC_ASKING_OPEN } phase;
    struct esl_list list;
    char (*ids)[ESL_ID_MAX + 1];
    uint32_t size, count, asked, answered;
    bool is_cut;         /* there was more than could be asked for */
    bool is_unlisted;    /* it did not say which channels there are */
    bool is_unexplained; /* nor what one is */
    bool is_pinged;      /* the answer is due */
    uint64_t gaps;       /* as they were when it was last asked for all channels */
};

/* Of a connection. */
struct freeswitch_session {
    struct gateway_link *link;
    struct freeswitch_session *next;
    enum { SESSION_GREETED, SESSION_LOGGING_IN, SESSION_SUBSCRIBING, SESSION_READY } phase;
    bool is_synced; /* which calls there are was found out once */
    struct freeswitch_sync sync;
    /* Of a connection that a call made. */
    char call[ESL_ID_MAX + 1];
    struct esl_stream stream;
    unsigned replies; /* to commands that are no orders: they come first */
};

/* gateway_freeswitch.c */
struct freeswitch *freeswitch_of(const struct gateway_link *link);

/* freeswitch_sync.c */
void freeswitch_sync_begin(struct gateway_link *link); /* unless it is under way */
/* For gateway_link_every(): when events may have been lost, or an answer was none; else it is asked whether
 * it still answers. */
void freeswitch_sync_on_time(struct gateway_link *link);
/* The list is read in pieces: it is the answer that comes next, its head is there, its bytes come. */
bool freeswitch_sync_is_listing(const struct gateway_link *link);
void freeswitch_sync_list(struct gateway_link *link, size_t length);
bool freeswitch_sync_is_reading(const struct gateway_link *link);
size_t freeswitch_sync_bytes(struct gateway_link *link, struct slice bytes);
void freeswitch_sync_response(struct gateway_link *link, const struct esl_frame *frame, struct arena *arena);
void freeswitch_sync_deinit(struct freeswitch_sync *sync);

/* freeswitch_lost.c */
void freeswitch_lost_init(struct freeswitch *freeswitch);
void freeswitch_lost_deinit(struct freeswitch *freeswitch);
/* Ends a call that is open and that FreeSWITCH does not have any more. `cause` is a literal. */
void freeswitch_lost_end(struct freeswitch *freeswitch, struct slice call, struct slice cause);
void freeswitch_lost_end_all(struct freeswitch *freeswitch); /* that are open and have no leg */
void freeswitch_lost_decided(struct freeswitch *freeswitch); /* one of them */

/* freeswitch_orders.c */
/* An agent has taken an interaction of the project: if it is a call of this gateway, it goes to the agent. */
void freeswitch_orders_transfer(struct freeswitch *freeswitch, const struct uuid *interaction);
void freeswitch_orders_hang_up(struct freeswitch *freeswitch, struct slice call); /* as rejected */
void freeswitch_orders_send(struct freeswitch *freeswitch); /* those that wait for a connection */
/* A command/reply came for the oldest that was sent there; the link is gone. */
void freeswitch_orders_confirm(struct freeswitch *freeswitch, const struct gateway_link *link);
void freeswitch_orders_forget_link(struct freeswitch *freeswitch, const struct gateway_link *link);
void freeswitch_orders_deinit(struct freeswitch *freeswitch);

#endif
