/* Shared by the files of the frame only. */
#ifndef SERVER_GATEWAY_INTERNAL_H
#define SERVER_GATEWAY_INTERNAL_H

#include <uv.h>

#include "server/app.h"
#include "server/gateway.h"
#include "server/intake.h"
#include "storage/resolve.h"

#define GATEWAY_ADDRESSES_MAX 8

enum gateway_phase {
    GATEWAY_WAITING, /* before it dials again */
    GATEWAY_CONNECTING,
    GATEWAY_AUTHENTICATING, /* connected, not logged in */
    GATEWAY_CONNECTED,
    GATEWAY_LISTENING,
    GATEWAY_CLOSING,
};

union gateway_address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

/* What is read and looked up before a connection, or before a name is listened on. */
struct gateway_dial {
    uv_work_t work;
    struct gateway *gateway;           /* NULL: dropped while the secret is read */
    struct resolve *resolve;           /* the look-up under way, or NULL */
    char *secret_folder, *secret_path; /* secret_path NULL: no secret */
    bool is_reading;                   /* the secret, on a thread of the pool */
    char secret[GATEWAY_SECRET_MAX + 1];
    size_t secret_len;
    union gateway_address addresses[GATEWAY_ADDRESSES_MAX];
    unsigned count, next; /* next: the one to be tried */
    const char *why;      /* NULL: good */
};

enum link_deadline { LINK_CONNECT_OR_FRAME, LINK_WRITE, LINK_EXPECTED, LINK_TIME };
#define LINK_DEADLINES 4

struct gateway_link {
    uv_tcp_t tcp;
    uv_timer_t timer;
    uv_connect_t connect;
    uv_write_t write;
    struct gateway *gateway;
    struct gateway_link *prev, *next;
    void *state;
    uint64_t due_ms[LINK_DEADLINES]; /* loop time; 0: none */
    uint64_t unread_since_ms;        /* loop time: there is no room for events; 0: there is */
    const char *expected;            /* said when LINK_EXPECTED comes */
    uint64_t every_ms;
    void (*on_time)(struct gateway_link *link);
    const char *why; /* it is cut */
    bool is_connected, is_ready, is_refused, is_cut, is_closing, is_reading, is_writing, is_taking;
    unsigned handles;
    char *in, *out, *sending;
    size_t in_len, in_size, out_len, out_size, sending_size;
    size_t skip; /* bytes that are read past before the next frame */
};

struct gateway_event {
    struct gateway *gateway;
    struct gateway_event *prev, *next;
    struct arena arena, attempt; /* attempt: what one try needs */
    struct event read;           /* as the peer told it: the intake makes changes to its own */
    struct intake_request request;
    struct gateway_link *link;
    uint64_t tag;
    struct table_node subject;           /* linked: it is the first of its subject */
    struct gateway_event *behind, *last; /* of the same subject: the next; of the first, the last */
    bool is_in_flight, is_decided;
    bool was_put_off; /* it could not be decided at once */
};

struct gateways {
    struct app *app;
    struct gateway *first;
    unsigned open;
    bool quiesced, closing;
    void (*on_closed)(void *ctx);
    void *on_closed_ctx;
};

struct gateway {
    struct gateways *gateways;
    struct gateway *next;
    struct project *project; /* not touched once it is closing */
    const struct gateway_kind *kind;
    struct arena arena; /* of the configuration */
    struct config_gateway config;
    const char *host;     /* the same as the configuration's */
    struct slice *agents; /* names, one for each extension */
    struct slice endpoint, region, project_name;
    char source[GATEWAY_SOURCE_MAX];
    void *state;
    enum gateway_phase phase;
    bool is_refused, is_listening, is_given_up;
    int64_t since_ms;          /* wall clock: that it is there, or away */
    uint32_t attempts;         /* to get there, in that time */
    const char *why;           /* of the last failure, or NULL */
    struct gateway_dial *dial; /* NULL: none is under way or kept for the next address */
    uv_timer_t retry, resubmit;
    uint64_t retry_ms; /* the next step */
    uv_tcp_t listener;
    struct gateway_link links;   /* ring; only its links are used */
    struct gateway_event events; /* ring, in the order in which they came */
    struct table subjects;       /* the first event of each */
    unsigned link_count, event_count;
    unsigned handles; /* what must end before the memory goes */
    uint64_t decided, reconnects, unlisted, overlong;
    bool (*is_live)(struct gateway *gateway, struct slice call); /* NULL: nothing is swept */
    struct rank swept;                                           /* the last open interaction looked at */
};

extern const struct gateway_kind *const gateway_kinds[GATEWAY_PROTOCOL_COUNT];

/* gateway.c */
struct gateway *gateway_open(struct gateways *gateways, struct project *project,
                             const struct config_gateway *config);
void gateway_quiesce(struct gateway *gateway);
void gateway_close(struct gateway *gateway); /* takes itself off the list when all has ended */
bool gateway_is_as(const struct gateway *gateway, const struct project *project,
                   const struct config_gateway *config);
const char *gateway_phase_name(const struct gateway *gateway);
bool gateway_is_up(const struct gateway *gateway); /* there, and not away */
void gateway_enter(struct gateway *gateway, enum gateway_phase phase, const char *why);
void gateway_handle_closed(struct gateway *gateway); /* one of `handles` */
void gateway_on_link_closed(struct gateway *gateway, const struct gateway_link *link);
void gateway_refuse_call(struct gateway *gateway, struct slice call); /* its caller is blocked */

/* gateway_events.c */
void gateway_events_drop(struct gateway *gateway); /* those that are not in flight */
bool gateway_events_full(const struct gateway *gateway);
void gateway_events_go_on(struct gateway *gateway); /* reads, where there is room again */
void gateway_events_forget_link(struct gateway *gateway, const struct gateway_link *link);

/* gateway_sweep.c */
void gateway_sweep_go_on(struct gateway *gateway); /* every so often */

/* gateway_dial.c */
void gateway_dial_start(struct gateway *gateway);
void gateway_dial_drop(struct gateway_dial **dial); /* what is under way ends by itself, unheard */
void gateway_on_dialled(struct gateway *gateway);   /* gateway.c: the dial is done */

/* gateway_link.c */
struct gateway_link *gateway_link_open(struct gateway *gateway);
void gateway_link_connect(struct gateway_link *link, const union gateway_address *address);
bool gateway_link_accept(struct gateway_link *link, uv_stream_t *listener);
void gateway_link_resume(struct gateway_link *link); /* there is room for events again */
void gateway_link_quiesce(struct gateway_link *link);

#endif
