/* A decided batch as the parameters of commit_batch.sql: one array per column, filled from outcomes and from
 * what the core says is dirty. The buffers stay for the next batch. */
#ifndef STORAGE_BATCH_STORE_H
#define STORAGE_BATCH_STORE_H

#include "rules/core.h"
#include "storage/pg_link.h"

struct batch_store;

struct batch_fence {
    uint32_t project;
    struct uuid owner;
    uint64_t epoch, seq_before, seq_after, facts_version, config_version, published_seq;
    int64_t last_ms, lease_ms;
};

/* One accepted input. */
struct batch_row {
    const struct input *input;
    const struct outcome *outcome;
    struct uuid event_key, digest; /* nil unless an event */
    struct slice attributes;       /* of an event, as JSON; or empty */
    struct slice fields;           /* record_facts_fields() as JSON, or empty */
    struct slice link;             /* of INPUT_LINK: {actor, role, origin} for the customers' log, as JSON */
};

struct batch_store *batch_store_alloc(void);
void batch_store_free(struct batch_store **store);
/* `rows` in the order of their seq; `arena` for what is encoded on the way. Before core_commit(). */
void batch_store_fill(struct batch_store *store, const struct core *core, const struct batch_fence *fence,
                      const struct batch_row *rows, size_t count, struct arena *arena);
/* After filling: facts that have moved on since `facts_version` do no harm unless a key of
 * batch_store_decided_on() is among what changed. */
void batch_store_share(struct batch_store *store);
void batch_store_decided_on(struct batch_store *store, struct slice key); /* canonical, of phone or e-mail */
/* The reply (binary) has one row: whether the fence held, and the version of the facts then. */
bool batch_store_submit(struct batch_store *store, struct pg_link *link, pg_on_reply on_reply, void *ctx)
    __attribute__((warn_unused_result));

#endif
