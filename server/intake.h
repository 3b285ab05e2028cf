/* The one door of a project: requests come in, wait for the next batch, and are answered after its commit.
 *
 * A request is accepted exactly once and answered exactly once through on_done, never from inside
 * intake_submit(). Its memory (with everything the input borrows) is the caller's until then. */
#ifndef SERVER_INTAKE_H
#define SERVER_INTAKE_H

#include "proto/problem.h"
#include "rules/core.h"
#include "rules/mail_budget.h"

struct project;
struct facts_entry;

struct intake_request {
    struct arena *arena; /* the caller's; the intake adds keys and facts to it */
    struct input input; /* kind, command fields and event are the caller's; at_ms, facts, keys the intake's */
    struct event event; /* INPUT_EVENT: what input.event points to */
    struct uuid event_key, digest; /* INPUT_EVENT: filled by the intake, or by intake_digest() before */
    bool is_digested;
    /* A mail from a gateway, not one that somebody sent as an event: loops are stopped (rules/mail_budget.h).
     */
    bool is_metered;
    void (*on_done)(struct intake_request *request);
    void *ctx;

    /* INPUT_LINK, the caller's: the customer as it was at that version of the facts, and batch_row.link. */
    const struct customer_fact *linked;
    uint64_t linked_version;
    struct slice link;
    bool is_outdated; /* set before on_done: refused since facts have moved on; ask again */

    /* The answer, set before on_done. `answer` is the value to send, in the request's arena. */
    bool refused;
    bool duplicate; /* an event that was answered before: mark it outside the body */
    struct problem problem;
    struct value answer;

    /* The intake's own. */
    struct project *project;
    struct intake_request *next;
    struct intake_request *waiters; /* repeats of this event that came while it was decided, by `next` */
    struct table_node pending;      /* by event_key, while it is decided */
    struct facts_entry *phone_facts, *email_facts; /* pinned */
    const struct outcome *earlier;                 /* the event was decided before: its outcome */
    struct uuid earlier_digest;
    struct slice attributes; /* of the event, as JSON */
    uint32_t thread_count;   /* of input.thread: certain ones, without the one that the subject names */
    bool has_title_thread;   /* it stands behind them */
    bool is_machine;         /* by its own signs */
    enum mail_loop loop;     /* which budget it is over */
    int64_t deadline_ms;     /* loop time: storage_unavailable then */
};

void intake_submit(struct project *project, struct intake_request *request);
/* What of an event's keys needs neither project nor loop, on whatever thread: long texts are hashed. Without
 * it intake_submit() does the same. */
void intake_digest(struct intake_request *request);

#endif
