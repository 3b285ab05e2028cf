/* Notices to an agent's open streams: news that is no decision, has no number, is in no feed and comes at
 * most once (docs/decisions-out.md). */
#ifndef SERVER_NOTICE_H
#define SERVER_NOTICE_H

#include "rules/arena.h"
#include "rules/value.h"

struct project;

struct notice {
    const char *type;     /* of the event, and its name on streams */
    struct slice agent;   /* whose streams */
    struct slice id;      /* of the event */
    struct value subject; /* the customer's id */
    struct value data;
    int64_t at_ms;
};

/* Everything in `notice` is borrowed for the call alone; `arena` holds what is written. */
void notice_tell(const struct project *project, const struct notice *notice, struct arena *arena);

#endif
