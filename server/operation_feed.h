/* What an agent's desktop reads: the feed page by page, as server-sent events, as notifications. */
#ifndef SERVER_OPERATION_FEED_H
#define SERVER_OPERATION_FEED_H

#include "server/operation.h"

#define FEED_LIMIT_DEFAULT 100
#define SEQUENCE_TEXT_MAX 20 /* bytes of `after` */

void operation_read_feed(struct operation_call *call);
void operation_stream_feed(struct operation_call *call);
void operation_subscribe_feed(struct operation_call *call);

#endif
