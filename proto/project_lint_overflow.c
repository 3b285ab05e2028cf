/* Work that a queue does not keep goes to another: when nobody is there, when too much waits, when it is
 * closed. No way may lead back to where it came from, nor to a queue that means to be served by agents and
 * has none. */
#include <stdio.h>
#include <string.h>

#include "proto/fault.h"
#include "proto/project_lint.h"

#define WAYS_MAX (EMPTY_REASON_COUNT + 2)
#define PATH_BYTES 160 /* of a ring of queues in a reason */

enum mark { MARK_NONE, MARK_OPEN, MARK_DONE };

struct walk {
    const struct project_config *config;
    const struct project_node *queues; /* the section */
    enum mark *marks;
    uint32_t *path; /* queues from where the walk began to where it is */
    uint32_t length;
    bool *has_agents;
};

/* One way out of a queue. */
struct way {
    const char *key, *below; /* where in the queue's map it is given; `below` may be NULL */
    int to;
};

static uint32_t ways_of(struct way ways[WAYS_MAX], const struct project_config *config, uint32_t index)
{
    const struct config_queue *queue = &config->queues[index];
    uint32_t count = 0;
    for (int i = 0; i < EMPTY_REASON_COUNT; i++) {
        if (queue->when_empty[i] >= 0)
            ways[count++] =
                (struct way){"when_empty", empty_reason_name((enum empty_reason)i), queue->when_empty[i]};
    }
    if (queue->overflow >= 0)
        ways[count++] = (struct way){"overflow", "queue", queue->overflow};
    if (queue->hours >= 0 && config->hours[queue->hours].otherwise >= 0)
        ways[count++] = (struct way){"hours", NULL, config->hours[queue->hours].otherwise};
    return count;
}

static void refuse_ring(const struct walk *walk, const struct project_node *node, uint32_t to)
{
    char text[PATH_BYTES] = "";
    uint32_t from = 0;
    while (walk->path[from] != to)
        from++;
    for (uint32_t i = from; i <= walk->length; i++) {
        struct slice name = walk->config->queues[i == walk->length ? to : walk->path[i]].name;
        size_t len = strlen(text);
        snprintf(text + len, sizeof text - len, "%s%.*s", i > from ? " -> " : "", (int)name.len, name.ptr);
    }
    project_node_refuse(node, "leads in a ring: %s", text);
}

/* The first setting that only agents need, or NULL. */
static const char *agents_setting(const struct walk *walk, uint32_t queue)
{
    static const char *const keys[] = {"strategy", "offer_timeout", "wrap_up", "relax", "first_reply"};
    struct project_node entry = project_node_entry(walk->queues, queue);
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        if (project_node_member(&entry, keys[i]).value)
            return keys[i];
    }
    return NULL;
}

static void check_end(const struct walk *walk, const struct project_node *node, uint32_t to)
{
    const char *setting = walk->has_agents[to] ? NULL : agents_setting(walk, to);
    struct slice name = walk->config->queues[to].name;
    if (setting)
        project_node_refuse(
            node, "leads to queue \"%.*s\", which no agent is in although it is set up for agents (%s)",
            fault_quote(name), name.ptr, setting);
}

static void visit(struct walk *walk, uint32_t queue);

static void follow(struct walk *walk, uint32_t queue, const struct way *way)
{
    struct project_node entry = project_node_entry(walk->queues, queue);
    struct project_node node = project_node_member(&entry, way->key), inner = node;
    uint32_t to = (uint32_t)way->to;
    if (way->below)
        inner = project_node_member(&node, way->below);
    if (walk->marks[to] == MARK_OPEN)
        refuse_ring(walk, &inner, to);
    else
        check_end(walk, &inner, to);
    if (walk->marks[to] == MARK_NONE)
        visit(walk, to);
}

/* As deep as there are queues: CONFIG_QUEUES_MAX. */
static void visit(struct walk *walk, uint32_t queue)
{
    struct way ways[WAYS_MAX];
    uint32_t count = ways_of(ways, walk->config, queue);
    walk->marks[queue] = MARK_OPEN;
    walk->path[walk->length++] = queue;
    for (uint32_t i = 0; i < count; i++)
        follow(walk, queue, &ways[i]);
    walk->length--;
    walk->marks[queue] = MARK_DONE;
}

void project_lint_overflow(const struct project_config *config, const struct project_node *file)
{
    struct project_node queues = project_node_member(file, "queues");
    struct arena scratch;
    arena_init(&scratch);
    struct walk walk = {.config = config,
                        .queues = &queues,
                        .marks = arena_array(&scratch, enum mark, config->queue_count),
                        .path = arena_array(&scratch, uint32_t, config->queue_count),
                        .has_agents = arena_array(&scratch, bool, config->queue_count)};
    for (uint32_t i = 0; i < config->agent_count; i++) {
        for (uint32_t j = 0; j < config->agents[i].queue_count; j++)
            walk.has_agents[config->agents[i].queues[j]] = true;
    }
    for (uint32_t i = 0; i < config->queue_count; i++) {
        if (walk.marks[i] == MARK_NONE)
            visit(&walk, i);
    }
    arena_deinit(&scratch);
}
