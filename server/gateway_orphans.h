/* Open calls of gateways that the project file has no longer, or under another name: nobody else would end
 * them. The router that owns the project does, with the cause "lost", as it does with calls that a peer comes
 * back without. */
#ifndef SERVER_GATEWAY_ORPHANS_H
#define SERVER_GATEWAY_ORPHANS_H

#include <stdbool.h>
#include <stdint.h>

#define GATEWAY_ORPHANS_MAX 256 /* ended at once */

struct project;

struct gateway_orphans {
    uint64_t epoch, version; /* of the ownership and the project file that were looked at */
    bool is_settled;         /* with these there are none, or they cannot be ended */
    bool is_asked;
    unsigned ending; /* events under way */
};

/* From time to time. */
void gateway_orphans_go_on(struct project *project);

#endif
