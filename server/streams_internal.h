/* Private to streams*.c: who is told what, and how far each reader is.
 *
 * A stream waits for its turn to read the feed (WAITING), reads a page (READING), has its client take what it
 * owes before it goes on (PAUSED), or is handed what is committed (LIVE). LIVE takes the number after its own
 * and nothing else: whatever the reason for a gap, it reads again. */
#ifndef SERVER_STREAMS_INTERNAL_H
#define SERVER_STREAMS_INTERNAL_H

#include "rules/project_config.h"
#include "rules/table.h"
#include "server/app.h"
#include "server/operation.h"
#include "server/streams.h"

#define STREAMS_SCAN_MS 250            /* below 1000 - STREAMS_TIP_AFTER_MS */
#define STREAMS_READS_MAX 64           /* pages being read at once; the other streams wait */
#define STREAMS_RESUME_MS 25           /* between looks at clients that owe room */
#define STREAMS_PAGE_MIN 8             /* events read at once for a client that takes few */
#define STREAMS_RETRY_MS 1000          /* after storage failed */
#define STREAMS_STALL_MS 60000         /* a client that is owed much and takes nothing is cut then */
#define STREAMS_CONFIRM_EVERY_MS 15000 /* between looks at a stream's token */
#define STREAMS_CONFIRM_MAX 128        /* tokens looked at in one scan; below AUTH_LOOKUPS_MAX */
#define STREAMS_EVENT_EXTRA 256        /* bytes that a transport may add to an event */

struct core;
struct stream;

struct stream_transport {
    size_t room_max; /* what room() says when nothing is owed */
    /* Bytes that the client's buffer takes while catching up; the rest is for what comes meanwhile. */
    size_t (*room)(const struct stream *stream);
    /* The first page was read: the request is answered. Nothing is written before. */
    void (*open)(struct stream *stream);
    /* All false: the client is being cut. */
    bool (*event)(struct stream *stream, const struct announced_item *item);
    bool (*tip)(struct stream *stream);
    bool (*notice)(struct stream *stream, const char *type, const struct value *event);
    /* The stream is over; a request that is not answered yet is refused. */
    void (*end)(struct stream *stream);
    /* The client has to come again. */
    void (*cut)(struct stream *stream);
};

enum stream_state { STREAM_WAITING, STREAM_READING, STREAM_PAUSED, STREAM_LIVE, STREAM_ENDED };

struct stream {
    struct streams *streams;
    struct stream_agent *agent;
    const struct stream_transport *transport;
    enum stream_state state;
    struct stream *prev, *next;             /* among all */
    struct stream *agent_prev, *agent_next; /* among its agent's; not when ENDED */
    struct stream *waiting_next;
    uint64_t sent;    /* the client has, or is owed, everything up to here */
    uint64_t asked;   /* the newest number when the page was asked for: no later page is needed for it */
    uint32_t page;    /* events to read at once: as many as the client lately had room for */
    bool from_newest; /* `sent` is not known yet */
    bool opened;
    bool reading;       /* feed_read_agent() has not answered yet */
    bool connected;     /* the transport still refers to it */
    uint64_t paused_ms; /* since when; loop time */
    uint64_t retry_ms;  /* PAUSED: not before */
    uint8_t token[TOKEN_HASH_SIZE];
    uint64_t confirm_ms;     /* when its token is looked at again; loop time */
    uint64_t tokens_version; /* auth_generation() of the last look */
    bool confirming;         /* auth_find_hash() has not answered yet */
    struct http_exchange *exchange;
    struct http_stream *http;
    struct rpc_connection *rpc;
};

struct stream_agent {
    struct table_node by_name;
    struct stream_agent *next;
    struct stream_project *project;
    uint64_t newest; /* told */
    bool known;      /* newest counts */
    bool listed;     /* in the configuration */
    uint64_t tip_ms; /* when the next one is due; loop time */
    struct stream *streams;
    size_t name_len;
    char name[CONFIG_NAME_MAX + 1];
};

struct stream_project {
    struct stream_project *next;
    uint32_t id;
    size_t name_len;
    char name[CONFIG_NAME_MAX + 1];
    bool live; /* owned: numbers count */
    uint64_t config_version;
    uint64_t gone_ms; /* since when it is not live */
    struct table by_name;
    struct stream_agent *agents;
    size_t unknown; /* agents that are listed and not known */
};

struct streams {
    struct app *app;
    uv_timer_t scan;
    uv_timer_t resume; /* runs while a stream is PAUSED */
    unsigned open_timers;
    struct stream_project *projects;
    struct stream *all;
    struct stream *waiting, **waiting_tail;
    size_t count; /* not ENDED */
    size_t reads;
    struct arena scratch; /* reset after each use */
    bool closing;
    void (*on_closed)(void *ctx);
    void *closed_ctx;
};

/* streams.c */
/* NULL: there are too many. The caller sets the transport's part, then calls stream_begin(). */
struct stream *stream_open(struct streams *streams, struct project *project, struct slice agent,
                           uint64_t after, const struct stream_transport *transport);
void stream_begin(struct stream *stream);
/* Nothing is sent any more; it is freed when nothing refers to it. */
void stream_end(struct stream *stream);
/* The same, and the client is to notice. */
void stream_cut(struct stream *stream);
/* Frees an ended stream that nothing refers to any more. */
void stream_leave(struct stream *stream);
/* The transport refers to it no more. */
void stream_disconnected(struct stream *stream);

/* streams_agents.c */
struct stream_project *stream_project_of(struct streams *streams, const struct project *project);
struct stream_agent *stream_agent_of(struct streams *streams, struct stream_project *project,
                                     struct slice name);
/* Takes over what the core knows: who there is, and numbers that no batch in flight has touched. */
void stream_project_see(struct streams *streams, const struct project *project);
/* Everything up to `newest` is committed. */
void stream_agent_set_newest(struct stream_agent *agent, uint64_t newest);
void stream_project_forget(struct stream_project *project, uint64_t now_ms);
void stream_projects_free(struct streams *streams);

/* streams_read.c */
void stream_catch_up(struct stream *stream);
void stream_go_live(struct stream *stream);
void streams_on_resume(uv_timer_t *resume);

/* streams_confirm.c */
void stream_set_token(struct stream *stream, const struct principal *principal);
/* Cuts streams whose token is no longer good, as far as they are due. */
void streams_confirm(struct streams *streams, uint64_t now);

/* streams_tip.c */
void streams_on_scan(uv_timer_t *scan);

#endif
