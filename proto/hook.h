/* Webhooks: one HTTP request of a peer as it speaks, turned into events, and what the peer is told.
 *
 * A preset is three pure functions: verify() says whether the request is the peer's, decode() makes event
 * documents (as proto/cloudevent.h reads them), answer() says what to reply once they are decided. Nothing is
 * allocated outside the arena, no clock is read. Everything of a request is any bytes; whatever they are, the
 * documents are valid UTF-8 without control characters but TAB and LF. Members that a preset does not know
 * are ignored; one that it needs and misses is named. */
#ifndef PROTO_HOOK_H
#define PROTO_HOOK_H

#include "rules/event.h"

#define HOOK_EVENTS_MAX 1000 /* of one request; more are refused, so that none is lost unseen */
#define HOOK_SKIPS_MAX 64    /* that are told apart; more are counted */
#define HOOK_SECRETS_MAX 2   /* live at a time, so that they can be changed without a gap */
#define HOOK_SECRET_MAX 1024 /* bytes of one */
#define HOOK_HEADERS_MAX 100 /* of a request; more are not seen */
#define HOOK_DEPTH_MAX 16    /* of maps and lists in an event's data; deeper ones are left out */
#define HOOK_TIME_END_MS INT64_C(253402300800000) /* the year 10000 */

enum hook_status {
    HOOK_OK,            /* events; or none, where `answer` of the result is all there is to say */
    HOOK_IGNORED,       /* understood, and nothing that concerns us: 200 */
    HOOK_MALFORMED,     /* `fault` of the result says what is missing or wrong */
    HOOK_BAD_SIGNATURE, /* or none where one must be */
    HOOK_STALE,         /* signed too long ago, or too far ahead */
    HOOK_TOO_MANY,      /* more events than HOOK_EVENTS_MAX, or what the preset takes */
    HOOK_UNSUPPORTED,   /* a content type that the preset does not take */
    HOOK_REUSED,        /* signed, but its nonce came with another content before: who keeps them says so */
};
#define HOOK_STATUS_COUNT 8
const char *hook_status_name(enum hook_status status); /* "bad_signature" */

#define HOOK_GET 1u
#define HOOK_POST 2u

struct hook_header {
    struct slice name, value;
};

struct hook_mapping;

#define HOOK_PAUSE_MAX_S 3600

/* What the preset twilio tells of a call that is let in; at most one is set. */
struct hook_voice {
    struct slice redirect, enqueue; /* a URL; a queue of Twilio */
    uint32_t pause_s;               /* at most HOOK_PAUSE_MAX_S */
    bool is_busy;                   /* blocked callers hear the busy tone */
};

struct hook_request {
    unsigned method;    /* HOOK_GET or HOOK_POST */
    struct slice url;   /* whole, as the peer asked for it: what signatures are made over */
    struct slice query; /* of that URL, without "?", not decoded */
    const struct hook_header *headers;
    uint32_t header_count;
    struct slice content_type, body;
    int64_t now_ms;
    struct slice secrets[HOOK_SECRETS_MAX];
    uint32_t secret_count; /* 0: the hook has none, and whoever knows the URL is the peer */
    struct slice source;   /* of the events */
    struct slice to; /* the endpoint that takes all, whatever the peer calls the place; empty: the peer's */
    bool is_e164;    /* the peer leaves the + of international numbers out */
    const struct hook_voice *voice;     /* NULL: nothing is said */
    const struct hook_mapping *mapping; /* of the preset generic, else NULL */
};

struct hook_answer {
    unsigned status; /* 0: none was made */
    const char *content_type;
    struct slice body;
};

/* Of a signature that covers a random text and no content: while it holds it is good for one content alone.
 */
struct hook_nonce {
    bool is_set;
    struct uuid nonce, content; /* fingerprints */
    int64_t until_ms;           /* the signature is stale then */
};

struct hook_result {
    struct value *events; /* HOOK_EVENTS_MAX of them have room */
    uint32_t event_count;
    uint32_t skipped;          /* messages that miss something and do not cost the others */
    struct fault *skips;       /* what the first HOOK_SKIPS_MAX of them miss; NULL: none was skipped */
    struct fault fault;        /* HOOK_MALFORMED, or of the first that was skipped */
    struct hook_answer answer; /* HOOK_OK without events, HOOK_IGNORED: sent as it is when status is set */
    struct hook_nonce nonce;
    struct slice message; /* the mail that all events are about, as it came; empty: none */
};

/* What became of an event; by index as in the result. Text is borrowed, empty where there is none. */
struct hook_decision {
    struct slice outcome, interaction, queue, agent; /* outcome: "offered", "queued", "blocked", ... */
    bool blocked;
    bool duplicate;
    bool refused; /* as an event that the API would not take: the others count */
};

struct hook_preset {
    const char *name;
    unsigned methods;        /* HOOK_GET | HOOK_POST */
    enum channel channel;    /* of its events; of a mapped one its rules say */
    bool is_mapped;          /* needs a mapping of the project file */
    bool is_voice;           /* has redirect, enqueue, pause and busy */
    bool needs_secret;       /* a hook without one is refused when the project file is applied */
    unsigned refused_status; /* what tells this peer not to try again what can never be taken; 0: 400 */
    /* HOOK_OK, HOOK_BAD_SIGNATURE or HOOK_STALE. NULL: there is nothing to check. */
    enum hook_status (*verify)(const struct hook_request *request, struct arena *arena);
    enum hook_status (*decode)(struct hook_result *result, const struct hook_request *request,
                               struct arena *arena);
    /* When all are decided. NULL: {"decisions": [...]} as JSON. */
    void (*answer)(struct hook_answer *answer, const struct hook_request *request,
                   const struct hook_result *result, const struct hook_decision *decisions,
                   struct arena *arena);
};

extern const struct hook_preset hook_presets[];                /* ends with name NULL */
const struct hook_preset *hook_find_preset(struct slice name); /* NULL: none */

/* Clears the result, verifies (unless `trusted`: a recording) and decodes. */
enum hook_status hook_read(struct hook_result *result, const struct hook_preset *preset,
                           const struct hook_request *request, bool trusted, struct arena *arena)
    __attribute__((warn_unused_result));

/* --- for presets --- */

/* An event in the making. `subject` and `id` longer than EVENT_ATTRIBUTE_MAX become their SHA-256; both must
 * be the same when the peer sends the same again. time_ms TIME_NEVER: the arrival. `data` has the members of
 * docs/events-in.md; its text is cleaned, over-long text is cut, too many attributes are left out, and `to`
 * gives way to the request's. */
struct hook_event {
    enum event_type type;
    struct slice id, subject;
    int64_t time_ms;
    struct value data; /* VALUE_NULL: none */
};

/* HOOK_OK or HOOK_TOO_MANY. */
enum hook_status hook_add(struct hook_result *result, const struct hook_request *request,
                          const struct hook_event *event, struct arena *arena)
    __attribute__((warn_unused_result));
/* A whole document, as proto/mail_event.h makes them. */
enum hook_status hook_add_document(struct hook_result *result, struct value document)
    __attribute__((warn_unused_result));

/* HOOK_MALFORMED with the fault set: "the member is missing". */
enum hook_status hook_missing(struct hook_result *result, const char *pointer);
enum hook_status hook_malformed(struct hook_result *result, const char *pointer, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Leaves out a message that begins at `place` and misses what the result's fault says, from there. */
void hook_skip(struct hook_result *result, struct slice place, struct arena *arena);
/* HOOK_OK when there are events; else HOOK_MALFORMED when some were skipped, or HOOK_IGNORED. */
enum hook_status hook_unless_skipped(struct hook_result *result) __attribute__((warn_unused_result));
/* Sets result->answer; the body is borrowed. */
void hook_say(struct hook_answer *answer, unsigned status, const char *content_type, struct slice body);

/* A number with + in front when it is one without: 7 to 15 digits and nothing else. */
struct slice hook_plus(struct slice number, struct arena *arena);
/* The same if the request says so. */
struct slice hook_phone(const struct hook_request *request, struct slice number, struct arena *arena);

/* A header's value; empty when there is none, or more than one: whoever looked before us, a proxy say, may
 * have taken another. `name` in lower case. */
struct slice hook_header(const struct hook_request *request, const char *name);
/* The content type without parameters is `type`. */
bool hook_is_type(const struct hook_request *request, const char *type);

/* The body as JSON, whatever its content type. HOOK_OK or HOOK_MALFORMED. */
enum hook_status hook_json(struct value *out, struct hook_result *result, const struct hook_request *request,
                           struct arena *arena) __attribute__((warn_unused_result));
/* The text of a member: a string, or a number as decimal digits; empty when absent or of another kind. */
struct slice hook_text(const struct value *map, const char *name, struct arena *arena);
/* Follows a JSON Pointer (RFC 6901); "" is the document. NULL when nothing is there. */
const struct value *hook_at(const struct value *document, struct slice pointer);
/* Any value as text as hook_text() does; also true and false. */
struct slice hook_value_text(const struct value *value, struct arena *arena);
/* Decimal seconds since 1970, cut to milliseconds, below HOOK_TIME_END_MS; false for anything else. */
bool hook_seconds(int64_t *out_ms, struct slice text) __attribute__((warn_unused_result));

#endif
