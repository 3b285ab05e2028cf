/* Desktops' streams: an agent's feed as server-sent events and as MessagePack-RPC notifications.
 *
 * A stream reads the feed from where its client is, and once it has caught up is handed each batch as it is
 * committed. A reader that does not keep up is cut at its buffer's bound and comes back with Last-Event-ID.
 * Tips with the newest number follow the last event within a second and then every 15 s, here and on the
 * agent's Redis channel. */
#ifndef SERVER_STREAMS_H
#define SERVER_STREAMS_H

#include "server/announce.h"
#include "server/http.h"
#include "server/rpc.h"

#define STREAMS_PAGE 200 /* events read at once while catching up */
#define STREAMS_MAX 8192 /* open at once; more are answered overloaded */
#define STREAMS_TIP_AFTER_MS 700
#define STREAMS_TIP_EVERY_MS 15000
#define STREAMS_FROM_NEWEST UINT64_MAX /* as `after`: only what comes from now on */

struct streams;
struct project;
struct app;
struct principal;

struct streams *streams_open(struct app *app);
/* Ends every stream; on_closed when none is left. */
void streams_close(struct streams **streams, void (*on_closed)(void *ctx), void *ctx);

/* Both answer later when the project or storage fails; `after` is the last agentsequence that the client has.
 * A stream whose principal's token is revoked or expires is cut: soon when the database tells of it, and
 * within 20 s else. */
bool streams_start_sse(
    struct streams *streams, struct project *project, const struct principal *principal, struct slice agent,
    uint64_t after, struct http_exchange *exchange); /* false: STREAMS_MAX is reached, nothing was answered */
bool streams_start_rpc(struct streams *streams, struct project *project, const struct principal *principal,
                       struct slice agent, uint64_t after, struct rpc_connection *connection);
/* The connection went: its streams end. */
void streams_rpc_closed(struct streams *streams, const struct rpc_connection *connection);

/* A batch was committed. */
void streams_tell(struct streams *streams, struct project *project, const struct announced *announced);
/* Something that is no decision, for the agent's streams that are there and have caught up: it has no number,
 * and who does not hear it never will. */
void streams_notice(struct streams *streams, const struct project *project, struct slice agent,
                    const char *type, const struct value *event);
/* The project changed hands: what is in memory counts no more; streams catch up from the feed. */
void streams_project_gone(struct streams *streams, const struct project *project);
/* The newest agentsequence that was told; false while it is not known. */
bool streams_newest(struct streams *streams, struct project *project, struct slice agent, uint64_t *newest)
    __attribute__((warn_unused_result));

#endif
