/* What finds customers and tells their followers, kept up with off the event path: words, counts of tags and
 * the last activity, from a queue of changed customers and from the journal (migration 0012). The owner of a
 * project runs it on the desk's link, a page at a time. */
#ifndef SERVER_CUSTOMER_INDEX_H
#define SERVER_CUSTOMER_INDEX_H

#include <uv.h>

#include "rules/types.h"

#define CUSTOMER_INDEX_PAGE 500      /* customers, and rows of the journal, of one run */
#define CUSTOMER_INDEX_EVERY_MS 1000 /* without news: others may have changed customers */
/* So soon after so many rows of news it runs, for one run for each row would cost more. */
#define CUSTOMER_INDEX_NEWS_MS 200
#define CUSTOMER_INDEX_NEWS_ROWS 16
#define CUSTOMER_INDEX_MORE_MS 20 /* between two runs while there is more, or an import has what it locks */

struct project;

struct customer_index {
    bool running, failed; /* failed: the last run; the next is left to the tick */
    uint64_t seq;         /* of the journal, when the last run began */
    uint64_t ran_ms;      /* when that was; loop time */
    uv_timer_t pause;
};

void customer_index_init(struct project *project);
/* A few times a second, for an owned project. */
void customer_index_tick(struct project *project);
/* The journal has moved on. */
void customer_index_news(struct project *project);
/* `on_closed` gets the handle, whose data is the project. */
void customer_index_close(struct project *project, uv_close_cb on_closed);

#endif
