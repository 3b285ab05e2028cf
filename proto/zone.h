/* Named time zones (IANA): the small C face of cctz, which is C++ and reads the system's tzdata. No exception
 * passes it.
 *
 * A zone is read from its file when it is first asked for and then kept until the process ends, so ask while
 * a configuration is applied. */
#ifndef PROTO_ZONE_H
#define PROTO_ZONE_H

#include "rules/cel.h"

#ifdef __cplusplus
extern "C" {
#endif

struct zone;

/* "Europe/Berlin"; NULL: there is no such zone. */
const struct zone *zone_find(struct slice name);
/* Seconds east of UTC at that moment. Some tens of nanoseconds. */
int32_t zone_offset(const struct zone *zone, int64_t at_s);

extern const struct cel_zone_ops zone_ops;

#ifdef __cplusplus
}
#endif

#endif
