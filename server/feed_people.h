/* The people that journal rows speak of: their texts and customers stand elsewhere (rules/record.h) and are
 * put back into snapshots that were read, with one query for a whole page. */
#ifndef SERVER_FEED_PEOPLE_H
#define SERVER_FEED_PEOPLE_H

#include "rules/core.h"
#include "storage/pg_link.h"

/* Everything lives in the arena that the page has. */
struct feed_people {
    struct snapshot **snapshots;
    uint32_t count, capacity;
};

/* Wants the people of a snapshot; those whose content is gone for ever get empty texts. */
void feed_people_add(struct feed_people *people, struct snapshot *snapshot, struct arena *arena);
/* False: the link did not take the query and no reply will come. */
bool feed_people_ask(const struct feed_people *people, uint32_t project, struct pg_link *link,
                     pg_on_reply on_reply, void *ctx, struct arena *arena)
    __attribute__((warn_unused_result));
/* Fills the snapshots from the reply, which may go afterwards. */
void feed_people_take(struct feed_people *people, const struct pg_reply *reply, struct arena *arena);

#endif
