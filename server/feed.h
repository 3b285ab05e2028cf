/* Announcements read back from the journal, rendered as they were when they were made. One reader serves the
 * feed over HTTP, the streams that catch up, and what Redis missed. */
#ifndef SERVER_FEED_H
#define SERVER_FEED_H

#include "server/announce.h"
#include "server/app.h"
#include "storage/pg_link.h"

#define FEED_PAGE_MAX 1000 /* rows read at once, whatever `limit` says */

struct feed_read;
struct project;

/* `items` in order, each with agent_json and agent_value (feed) or all renderings (journal). `last` is the
 * last agentsequence or seq that was read, `more` whether the page was full. ok false: storage failed.
 * Borrowed. */
typedef void (*feed_on_read)(void *ctx, bool ok, const struct announced *announced, uint64_t last, bool more);

/* An agent's announcements with agentsequence above `after`, at most `limit`. on_read comes exactly once,
 * later. */
void feed_read_agent(struct app *app, uint32_t project, struct slice project_name, struct slice agent,
                     uint64_t after, uint32_t limit, feed_on_read on_read, void *ctx);
/* All announcements of the journal's rows above `after`, up to `until`, at most `limit` rows. */
void feed_read_journal(struct app *app, uint32_t project, struct slice project_name, uint64_t after,
                       uint64_t until, uint32_t limit, feed_on_read on_read, void *ctx);

#endif
