/* A table, and a ring in the order of time. What is decided comes at its new end, and what is read from the
 * journal, the newest first, at its old end: neither has far to go to its place. */
#include "server/known_writers.h"

#include <stdlib.h>

#include "rules/table.h"

struct writer {
    struct table_node node;
    struct writer *older, *newer;
    struct uuid key;
    int64_t at_ms;
};

struct known_writers {
    struct table table;
    struct writer ring; /* ring.older is the newest, ring.newer the oldest */
    uint32_t most;
};

struct known_writers *known_writers_alloc(uint32_t most)
{
    struct known_writers *writers = calloc(1, sizeof *writers);
    if (!writers)
        abort();
    table_init(&writers->table);
    writers->ring.older = writers->ring.newer = &writers->ring;
    writers->most = most;
    return writers;
}

static void leave_ring(struct writer *writer)
{
    writer->older->newer = writer->newer;
    writer->newer->older = writer->older;
}

static void forget(struct known_writers *writers, struct writer *writer)
{
    table_remove(&writers->table, &writer->node);
    leave_ring(writer);
    free(writer);
}

void known_writers_reset(struct known_writers *writers)
{
    while (writers->ring.newer != &writers->ring)
        forget(writers, writers->ring.newer);
}

void known_writers_free(struct known_writers **writers)
{
    known_writers_reset(*writers);
    table_deinit(&(*writers)->table);
    free(*writers);
    *writers = NULL;
}

static struct writer *find(const struct known_writers *writers, const struct uuid *key)
{
    struct table_node *node = table_find(&writers->table, uuid_bytes(key));
    return node ? node->owner : NULL;
}

/* Before the newer ones: at an end but for what comes while others are being read. */
static void enter_ring(struct known_writers *writers, struct writer *writer)
{
    struct writer *ring = &writers->ring, *older = ring->older;
    if (older != ring && writer->at_ms <= ring->newer->at_ms)
        older = ring;
    while (older != ring && older->at_ms > writer->at_ms)
        older = older->older;
    writer->older = older;
    writer->newer = older->newer;
    writer->older->newer = writer->newer->older = writer;
}

static struct writer *make(struct known_writers *writers, const struct uuid *key)
{
    struct writer *writer = calloc(1, sizeof *writer);
    if (!writer)
        abort();
    writer->key = *key;
    writer->node.owner = writer;
    table_insert(&writers->table, &writer->node, uuid_bytes(&writer->key));
    return writer;
}

void known_writers_add(struct known_writers *writers, const struct uuid *key, int64_t at_ms)
{
    struct writer *writer = find(writers, key);
    if (writer && writer->at_ms >= at_ms)
        return;
    if (writer) {
        leave_ring(writer);
    } else if (writers->table.count == writers->most) {
        if (writers->ring.newer->at_ms > at_ms)
            return;
        forget(writers, writers->ring.newer);
    }
    if (!writer)
        writer = make(writers, key);
    writer->at_ms = at_ms;
    enter_ring(writers, writer);
}

void known_writers_expire(struct known_writers *writers, int64_t from_ms)
{
    while (writers->ring.newer != &writers->ring && writers->ring.newer->at_ms < from_ms)
        forget(writers, writers->ring.newer);
}

bool known_writers_has(const struct known_writers *writers, const struct uuid *writer)
{
    return find(writers, writer);
}

uint32_t known_writers_count(const struct known_writers *writers)
{
    return writers->table.count;
}
