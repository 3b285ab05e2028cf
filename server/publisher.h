/* Decisions to Redis, after the commit and in order.
 *
 * As long as Redis takes what is told, each batch goes out at once. When it does not (away, or too much
 * unanswered), the project falls behind: what was missed is read from the journal after the watermark and
 * published in order, page by page, before anything newer. The watermark is what Redis has taken; it is
 * stored with the next batch or renewal. At least once: after a crash the rows above the stored watermark go
 * out again. */
#ifndef SERVER_PUBLISHER_H
#define SERVER_PUBLISHER_H

#include "server/announce.h"
#include "server/app.h"

#define PUBLISHER_PAGE 256 /* journal rows read at once when behind */

struct publisher;
struct project;

struct publisher *publisher_open(struct app *app);
/* Close the Redis link and the desk link first: their callbacks point here. */
void publisher_free(struct publisher **publisher);

/* A project was taken: everything after `published` may have been missed. */
void publisher_project_loaded(struct publisher *publisher, struct project *project, uint64_t published,
                              uint64_t committed);
void publisher_project_gone(struct publisher *publisher, const struct project *project);
/* A batch was committed. */
void publisher_tell(struct publisher *publisher, struct project *project, const struct announced *announced);
/* Everything up to here has been taken by Redis. */
uint64_t publisher_watermark(const struct publisher *publisher, const struct project *project);
void publisher_on_redis_up(struct publisher *publisher);
void publisher_on_redis_down(struct publisher *publisher);
void publisher_on_desk_up(struct publisher *publisher);
/* A few times a second: what failed is tried again. */
void publisher_tick(struct publisher *publisher);

#endif
