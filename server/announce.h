/* What a batch announces, made ready while the database commits it: the CloudEvents of its announcements as
 * JSON, for Redis and for the streams. */
#ifndef SERVER_ANNOUNCE_H
#define SERVER_ANNOUNCE_H

#include "rules/core.h"
#include "rules/value.h"

struct announced_item {
    struct announced_item *next;
    uint64_t seq;
    struct slice queue, agent;    /* empty: not on such a channel */
    uint64_t agentsequence;       /* 0 when there is no agent */
    struct slice source, subject; /* interaction.blocked: as its events name it; else empty */
    struct slice json;            /* for the queue's channel and :all */
    struct slice agent_json;      /* with agentsequence, for the agent's channel and feed */
    struct value agent_value;     /* the same as a value, for MessagePack */
};

struct announced {
    struct announced_item *first, **tail;
    size_t count;
    uint64_t last_seq; /* of the batch, whether announced or not */
};

void announced_init(struct announced *announced);
/* Appends what an outcome announces. Everything lives in `arena`, but for names and texts that the values
 * borrow. */
void announced_add(struct announced *announced, const struct outcome *outcome, struct slice project,
                   struct arena *arena);

/* patchbay:{<project>}:all and its like (contract section 3). `kind` is "agent", "queue" or "all". */
struct slice channel_text(struct slice project, const char *kind, struct slice name, struct arena *arena);

#endif
