/* What the router that owns a project does for its customers of itself: assigning by the project file, and
 * taking back what nobody follows up, dropping
 * mail that was kept long enough. A page at once on the desk's link, so that neither routing nor people
 * wait for it. */
#ifndef SERVER_UPKEEP_H
#define SERVER_UPKEEP_H

#include "rules/arena.h"
#include "rules/types.h"

#define UPKEEP_PAGE 50         /* customers of one transaction */
#define UPKEEP_ASSIGN_MS 1000  /* between two looks at who waits to be assigned */
#define UPKEEP_RECLAIM_MS 5000 /* between two looks at who goes back */
#define UPKEEP_RAW_MS 60000    /* between two looks at mail that is no longer kept */

struct project;

struct upkeep {
    int64_t assign_at_ms, reclaim_at_ms, raw_at_ms; /* of the loop's clock */
    uint64_t file_version;                          /* that the customers are asked for with */
    bool asked;                                     /* something is under way */
    bool is_full;                                   /* the page was: there may be more */
};

/* From time to time, while the project is owned. */
void upkeep_go_on(struct project *project);

#endif
