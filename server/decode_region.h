/* Numbers of an event as the numbering plan of a region understands them. */
#ifndef SERVER_DECODE_REGION_H
#define SERVER_DECODE_REGION_H

#include "rules/value.h"

/* `event` (a CloudEvent of ours) with the caller's number, and the one that a call was for, as their
 * canonical keys where they are numbers of a plan; everything else, and what is withheld, as it was. Empty
 * `region`: nothing is looked at. Borrowed from event and arena. */
struct value decode_region(const struct value *event, struct slice region, struct arena *arena);

#endif
