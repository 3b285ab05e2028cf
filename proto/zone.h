/* Named time zones (IANA): the small C face of cctz, which is C++ and reads the system's tzdata. No exception
 * passes it.
 *
 * A zone is read from its file when it is first asked for and then kept until the process ends, so ask while
 * a configuration is applied. */
#ifndef PROTO_ZONE_H
#define PROTO_ZONE_H

#include "rules/zone_table.h"

#ifdef __cplusplus
extern "C" {
#endif

struct zone;

/* "Europe/Berlin"; NULL: there is no such zone. */
const struct zone *zone_find(struct slice name);
/* Seconds east of UTC at that moment. Some tens of nanoseconds. */
int32_t zone_offset(const struct zone *zone, int64_t at_s);

/* Its changes of offset from ZONE_FROM_S to ZONE_UNTIL_S, the first at INT64_MIN: at most `room`, which is at
 * least 1; how many. */
uint32_t zone_transitions(const struct zone *zone, struct zone_transition *out, uint32_t room);

extern const struct cel_zone_ops zone_ops;

#ifdef __cplusplus
}
#endif

#endif
