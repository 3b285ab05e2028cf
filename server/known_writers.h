/* Who wrote in which thread of mail, within the idempotency window: exactly, since it decides whether a token
 * in a subject counts (server/mail_thread.h). Whoever is not found is a stranger.
 *
 * Bounded: at KNOWN_WRITERS_MAX the one who has been silent for longest is forgotten, and then has to say by
 * an address or a Message-ID which thread is meant. */
#ifndef SERVER_KNOWN_WRITERS_H
#define SERVER_KNOWN_WRITERS_H

#include "rules/types.h"

#define KNOWN_WRITERS_MAX (UINT32_C(1) << 18) /* pairs of writer and thread; some 30 MiB */

struct known_writers;

/* most: KNOWN_WRITERS_MAX, less in tests. Aborts without memory. */
struct known_writers *known_writers_alloc(uint32_t most);
void known_writers_free(struct known_writers **writers);
void known_writers_reset(struct known_writers *writers);
/* The writer: a hash of who and where. It wrote at at_ms, milliseconds since 1970, maybe before others that
 * are known already. */
void known_writers_add(struct known_writers *writers, const struct uuid *writer, int64_t at_ms);
/* Forgets whoever has written nothing at from_ms or later. */
void known_writers_expire(struct known_writers *writers, int64_t from_ms);
bool known_writers_has(const struct known_writers *writers, const struct uuid *writer);
uint32_t known_writers_count(const struct known_writers *writers);

#endif
