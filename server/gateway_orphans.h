/* Open calls of gateways that the project file has no longer, or under another name: nobody else would end
 * them. The router that owns the project does, with the cause "lost", as it does with calls that a peer comes
 * back without. One that cannot be ended keeps nobody from the others; if it is for a reason that passes, it
 * is tried again, after longer and longer waits. */
#ifndef SERVER_GATEWAY_ORPHANS_H
#define SERVER_GATEWAY_ORPHANS_H

#include "rules/rank.h"

#define GATEWAY_ORPHANS_MAX 256 /* ended at once */
#define GATEWAY_ORPHANS_RETRY_FIRST_MS                                                                       \
    500 /* before those that could not be ended are tried again; doubling */
#define GATEWAY_ORPHANS_RETRY_MAX_MS 60000

struct project;

struct gateway_orphans {
    uint64_t epoch, version; /* of the ownership and the project file that were looked at */
    bool is_settled;         /* with these there are none, but for those that cannot be ended */
    bool is_asked;
    bool is_put_off;    /* some could not be ended now */
    unsigned ending;    /* events under way */
    struct rank passed; /* the last open interaction that was looked at; all: from the first on once more */
    uint64_t retry_ms;  /* the next wait */
    uint64_t due_ms;    /* loop time: no sooner */
};

/* From time to time. */
void gateway_orphans_go_on(struct project *project);

#endif
