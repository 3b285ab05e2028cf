/* The numbers that an operator watches, in Prometheus' text format 0.0.4 (GET /metrics). docs/metrics.md
 * explains them.
 *
 * A fixed registry: one row per metric in metrics.c, values in static memory, no locks: loop thread only. A
 * metric has no label, or one or two labels whose values are fixed and are addressed by index, or
 * (METRIC_QUEUE_*) free labels whose values are collected when somebody asks. */
#ifndef SERVER_METRICS_H
#define SERVER_METRICS_H

#include "rules/arena.h"

#define METRICS_CONTENT_TYPE "text/plain; version=0.0.4; charset=utf-8"
#define METRIC_LABELS_MAX 80  /* values of a fixed label, or pairs of values of two */
#define METRIC_BUCKETS_MAX 16 /* of a histogram, without +Inf */

enum metric {
    METRIC_EVENTS,     /* type: in the order of enum event_type */
    METRIC_ANSWERS,    /* outcome: offered queued blocked ended attached ignored */
    METRIC_IDENTITY,   /* outcome: matched created new ambiguous conflict manual anonymous machine blocked */
    METRIC_DUPLICATES, /* events that were answered from the journal */
    METRIC_LOOKED_UP,  /* events whose key may have been in the journal */
    METRIC_REFUSALS,   /* code: as in contract section 7; see metrics.c */
    METRIC_OFFERS,
    METRIC_OFFER_ENDS,      /* cause: accepted, the causes of offer.withdrawn, other */
    METRIC_MISSES,          /* cause: in the order of enum reject_cause */
    METRIC_SERVICE_LEVEL,   /* met: enum metric_met */
    METRIC_WAIT_SECONDS,    /* histogram, channel: from the first queueing to the accept */
    METRIC_BATCH_SIZE,      /* histogram: inputs per commit */
    METRIC_STACKED,         /* batches sent while another was in flight */
    METRIC_COMMIT_SECONDS,  /* histogram: batch sent to sync result */
    METRIC_LOOP_LAG,        /* histogram: seconds that a timer of the loop came late */
    METRIC_LOOP_TURN,       /* histogram: seconds of work between two waits of the loop */
    METRIC_LOOP_TURN_CPU,   /* histogram: seconds of processor time that such work took */
    METRIC_PUBLISH_LAG,     /* gauge: journal rows committed and not yet published */
    METRIC_REDIS_UP,        /* gauge: 0 or 1 */
    METRIC_DATABASE_UP,     /* gauge: 0 or 1 */
    METRIC_STREAMS,         /* gauge */
    METRIC_CONNECTIONS,     /* gauge, kind: http rpc lmtp */
    METRIC_MAILS,           /* outcome: enum metric_mail */
    METRIC_HOOKS,           /* preset, outcome: index of the preset * METRIC_HOOK_COUNT + enum metric_hook */
    METRIC_HOOK_REFUSALS,   /* preset, reason: the same with METRIC_HOOK_REFUSAL_COUNT */
    METRIC_HOOKS_UNDER_WAY, /* gauge */
    METRIC_RAW_MAILS,       /* outcome: in the order of enum raw_mail_outcome */
    METRIC_RAW_MAIL_BYTES,  /* gauge */
    METRIC_MAIL_LOOPS,      /* limit: in the order of enum mail_loop, without none */
    METRIC_INTAKE,          /* gauge: events accepted and not yet in a batch */
    METRIC_GATEWAY_UP,      /* collected, as are the next five: project, gateway */
    METRIC_GATEWAY_EVENTS,
    METRIC_GATEWAY_RECONNECTS,
    METRIC_GATEWAY_UNLISTED,
    METRIC_GATEWAY_OVERLONG,
    METRIC_GATEWAY_WAITING,
    METRIC_QUEUE_DEPTH,    /* collected: project, queue, channel */
    METRIC_OLDEST_WAIT,    /* collected: project, queue, channel; seconds */
    METRIC_AUDIT_FINDINGS, /* what the auditor found */
    METRIC_AUDIT_SWEEPS,   /* times that it has looked at everything */
    METRIC_LOG_DROPPED,    /* read when rendered, as are the rest */
    METRIC_RESIDENT_MEMORY,
    METRIC_START_TIME,
    METRIC_BUILD_INFO,
    METRIC_COUNT
};

enum metric_met { METRIC_MET, METRIC_MISSED, METRIC_ABANDONED_WITHIN, METRIC_ABANDONED_AFTER };
enum metric_mail { METRIC_MAIL_ACCEPTED, METRIC_MAIL_DEFERRED, METRIC_MAIL_REFUSED };
enum metric_hook {
    METRIC_HOOK_DECIDED,
    METRIC_HOOK_DUPLICATE,
    METRIC_HOOK_IGNORED,
    METRIC_HOOK_REFUSED,
    METRIC_HOOK_UNAUTHENTICATED,
    METRIC_HOOK_DEFERRED,
    METRIC_HOOK_OVERLOADED,
};
#define METRIC_HOOK_COUNT 7
enum metric_hook_refusal {
    METRIC_HOOK_REFUSAL_MALFORMED,
    METRIC_HOOK_REFUSAL_TOO_MANY,
    METRIC_HOOK_REFUSAL_TOO_LARGE,
    METRIC_HOOK_REFUSAL_UNSUPPORTED,
    METRIC_HOOK_REFUSAL_INVALID,
    METRIC_HOOK_REFUSAL_STALE,
    METRIC_HOOK_REFUSAL_OTHER,
};
#define METRIC_HOOK_REFUSAL_COUNT 7
extern const char *const metric_hook_refusals[METRIC_HOOK_REFUSAL_COUNT]; /* "malformed" */
#define METRIC_PRESETS_MAX 10
enum metric_connection { METRIC_CONNECTION_HTTP, METRIC_CONNECTION_RPC, METRIC_CONNECTION_LMTP };

/* Without label: 0. An index beyond the metric's values, or the wrong kind of metric, is a broken invariant.
 */
void metric_add(enum metric metric, unsigned label, uint64_t count);
void metric_set(enum metric metric, unsigned label, double value);
void metric_observe(enum metric metric, unsigned label, double value);

/* Index of a label value by its text; a text that is none of them gives the last one (which is "other" where
 * that can happen). */
unsigned metric_label(enum metric metric, const char *value);
uint64_t metric_count(enum metric metric,
                      unsigned label); /* of a counter, or the observations of a histogram */

/* `collect` is called while rendering and calls metrics_queue() once per queue and channel; NULL takes it
 * away. */
struct metrics_collector;
void metrics_on_collect(void (*collect)(void *ctx, struct metrics_collector *collector), void *ctx);
void metrics_queue(struct metrics_collector *collector, struct slice project, struct slice queue,
                   enum channel channel, uint64_t depth, double oldest_wait_seconds);

struct metrics_gateway {
    struct slice project, gateway;
    bool is_up;
    uint64_t events, reconnects, unlisted, overlong, waiting;
};
/* The same, once for each gateway. */
void metrics_gateway(struct metrics_collector *collector, const struct metrics_gateway *gateway);

struct slice metrics_render(struct arena *arena);
void metrics_reset(void); /* all values to 0: for tests and for a new start */

#endif
