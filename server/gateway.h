/* The frame of connections to telephone exchanges: one gateway for each line below `gateways` of a project
 * that this router decides for.
 *
 * The frame dials or listens, waits before it tries again, reads and writes within bounds, keeps deadlines,
 * carries events into the project's intake and their decisions back. What is spoken is the business of a
 * table of functions for each protocol, struct gateway_kind.
 *
 * Events of one subject are decided in the order in which they came. What cannot be decided now is tried
 * again until it can; while GATEWAY_EVENTS_MAX wait, nothing more is read from the peer. */
#ifndef SERVER_GATEWAY_H
#define SERVER_GATEWAY_H

#include "proto/problem.h"
#include "rules/event.h"
#include "rules/project_config.h"

#define GATEWAY_EVENTS_MAX 256           /* undecided; then nothing more is read */
#define GATEWAY_LINKS_MAX 256            /* connections to one that listens */
#define GATEWAY_OUTPUT_MAX (256u << 10)  /* bytes that the peer has not taken; it is cut beyond */
#define GATEWAY_SECRET_MAX 1024          /* bytes of a secret file */
#define GATEWAY_DIAL_DEADLINE_MS 5000    /* to read the secret and to resolve the name */
#define GATEWAY_CONNECT_DEADLINE_MS 5000 /* for one address */
#define GATEWAY_FRAME_DEADLINE_MS 10000  /* from the first byte of a frame to its last */
#define GATEWAY_WRITE_DEADLINE_MS 30000  /* for the peer to take what was written */
#define GATEWAY_KEEPALIVE_IDLE_S 15      /* silence before the peer's machine is asked whether it is there */
#define GATEWAY_KEEPALIVE_STEP_S 5       /* between two such questions */
#define GATEWAY_KEEPALIVE_TRIES 3        /* not answered: it is gone */
#define GATEWAY_UNACKED_MAX_MS 30000     /* what was sent and its machine has not taken: it is gone */
#define GATEWAY_RETRY_FIRST_MS 250       /* before the peer is dialled again; doubling */
#define GATEWAY_RETRY_MAX_MS 10000       /* each wait is cut by up to a half at random */
#define GATEWAY_STEADY_MS 2000           /* connected for this long, it starts from the first wait again */
#define GATEWAY_RETRY_REFUSED_MS 60000   /* after a login that was refused */
#define GATEWAY_RESUBMIT_MS 250          /* before refused events are tried again */
#define GATEWAY_SWEEP_EVENTS_MAX 128     /* waiting; then no more lost calls are ended */
#define GATEWAY_SOURCE_MAX (CONFIG_NAME_MAX + 16)

struct app;
struct project;
struct gateway;
struct gateway_link;
struct gateway_event;

struct gateway_decision {
    struct slice subject;
    const struct value *answer; /* NULL: refused, or known under the same id with other content */
    enum problem_code code;     /* when it was refused */
    struct gateway_link *link;  /* that it was submitted with; NULL: gone, or none */
    uint64_t tag;
};

struct gateway_kind {
    size_t input_max;                                /* bytes of one frame; the peer is cut beyond */
    void *(*open)(struct gateway *gateway);          /* what lives as long as the gateway; may be NULL */
    void (*close)(void *state);                      /* of open(); no function of the gateway any more */
    void (*on_connected)(struct gateway_link *link); /* says hello */
    /* Takes one frame from the front and returns its length; 0: it is not complete. May cut the link. */
    size_t (*on_bytes)(struct gateway_link *link, struct slice bytes);
    void (*on_closed)(struct gateway_link *link); /* the link's state goes here */
    void (*on_decided)(struct gateway *gateway, const struct gateway_decision *decision); /* may be NULL */
    /* "interaction.offered", "interaction.assigned" and so on, of any interaction of the project that has an
     * agent. May be NULL. */
    void (*on_announced)(struct gateway *gateway, struct slice type, struct slice interaction,
                         struct slice agent);
    /* Ends the call of a caller who is blocked, where the gateway's line says so; there may be no connection,
     * or no such call any more. May be NULL. */
    void (*hang_up)(struct gateway *gateway, struct slice call);
};

/* --- for those who speak --- */

struct app *gateway_app(const struct gateway *gateway);
struct project *gateway_project(const struct gateway *gateway);
const struct config_gateway *gateway_config(const struct gateway *gateway); /* its own copy */
void *gateway_state(const struct gateway *gateway);
struct slice gateway_source(const struct gateway *gateway); /* of its events: "asterisk/pbx1" */
struct slice gateway_region(const struct gateway *gateway);
/* The agent whose extension that is, and the other way; empty: none. */
struct slice gateway_agent_at(const struct gateway *gateway, struct slice number);
struct slice gateway_extension_of(const struct gateway *gateway, struct slice agent);
/* Whether something that was said of that call is not decided yet. */
bool gateway_is_deciding(const struct gateway *gateway, struct slice call);
/* As many commands for the peer wait as may: one more is given up, which is logged. */
void gateway_give_up_order(const struct gateway *gateway);
/* The peer was asked which calls it has, and its answer says nothing about them: logged and counted. */
void gateway_tell_unlisted(struct gateway *gateway);
/* A frame of so many bytes is too long to be read, and is read past: logged and counted. */
void gateway_tell_overlong(struct gateway *gateway, size_t bytes);
/* After the peer has said which calls it has: those of this gateway that are open here and not live end with
 * the cause "lost", from the next housekeeping on. */
void gateway_end_lost(struct gateway *gateway, bool (*is_live)(struct gateway *gateway, struct slice call));
/* The connection of a gateway that dials; NULL while there is none. */
struct gateway_link *gateway_link(const struct gateway *gateway);

/* An event in the making: the document (proto/cloudevent.h) is built in its arena and then submitted, with
 * the link that wants the decision or NULL. A call to a number that is no endpoint goes to the gateway's.
 * False: it is no event, or the gateway is closing; no decision comes of it. */
struct gateway_event *gateway_event_new(struct gateway *gateway);
struct arena *gateway_event_arena(struct gateway_event *event);
bool gateway_event_submit(struct gateway_event **event, const struct value *document,
                          struct gateway_link *link, uint64_t tag);

struct gateway *gateway_link_gateway(const struct gateway_link *link);
void *gateway_link_state(const struct gateway_link *link);
void gateway_link_set_state(struct gateway_link *link, void *state);
struct slice gateway_link_secret(const struct gateway_link *link);      /* of secret_file, without line end */
void gateway_link_write(struct gateway_link *link, struct slice bytes); /* copies them */
/* In on_bytes(): so many bytes behind those that it returns are read past, in the time of a frame. */
void gateway_link_skip(struct gateway_link *link, size_t bytes);
void gateway_link_ready(struct gateway_link *link); /* logged in: the gateway is connected */
/* Texts are literals of ours: they are shown to operators. The link is closed later, never inside the call;
 * nothing is read from it any more. */
void gateway_link_cut(struct gateway_link *link, const char *why);
void gateway_link_refuse(struct gateway_link *link, const char *why); /* the peer wants another secret */
/* What is due by then, or the link is cut; a new one replaces it, 0 takes it away. */
void gateway_link_expect(struct gateway_link *link, uint64_t ms, const char *why);
/* on_idle comes every so often while the link is ready. */
void gateway_link_every(struct gateway_link *link, uint64_t ms, void (*on_time)(struct gateway_link *link));
bool gateway_link_is_cut(const struct gateway_link *link);

#endif
