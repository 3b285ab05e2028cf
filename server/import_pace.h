/* How an import gives way to decisions, with which it shares the database's processors: before a chunk it
 * rests twice as long as the one before took, if decisions were made meanwhile. Knows no clock and never
 * waits. */
#ifndef SERVER_IMPORT_PACE_H
#define SERVER_IMPORT_PACE_H

#include <stdint.h>

#define IMPORT_REST_MAX_MS 1000

/* Zeroed: no chunk was taken yet. */
struct import_pace {
    uint64_t decided; /* inputs, before the last chunk */
    uint64_t began_ns, ended_ns;
};

/* When the last chunk began and ended, by a clock that only goes forward. */
void import_pace_took(struct import_pace *pace, uint64_t began_ns, uint64_t ended_ns);
/* Asked once before each chunk: nanoseconds to rest from now on. `decided`: inputs so far, as
 * storage/sql/import_pace.sql says. */
uint64_t import_pace_rest(struct import_pace *pace, uint64_t decided, uint64_t now_ns);

#endif
