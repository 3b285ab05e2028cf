#include "proto/fault.h"
#include "proto/project_check.h"
#include "proto/project_sections.h"

#define WAITING_MAX 1000000

void project_queues_name(struct project_config *config, const struct project_node *file)
{
    struct project_node queues = project_node_member(file, "queues");
    if (!project_node_check_entries(&queues, CONFIG_QUEUES_MAX))
        return;
    config->queues = arena_array(file->reading->arena, struct config_queue, project_node_count(&queues));
    for (uint32_t i = 0; i < project_node_count(&queues); i++) {
        struct project_node entry = project_node_entry(&queues, i);
        config->queues[config->queue_count++] = config_queue_default(entry.name);
        project_node_check_name(&entry, entry.name);
        if (slice_is(entry.name, "endpoint"))
            project_node_refuse(&entry, "the name is reserved: in a rule it means the endpoint's queue");
    }
}

static void read_strategy(struct config_queue *queue, const struct project_node *node)
{
    const char *names[STRATEGY_COUNT + 1] = {NULL};
    int choice = (int)queue->strategy;
    for (int i = 0; i < STRATEGY_COUNT; i++)
        names[i] = strategy_name((enum strategy)i);
    project_node_choice(node, &choice, names);
    queue->strategy = (enum strategy)choice;
}

static void read_service_level(struct config_queue *queue, const struct project_node *node)
{
    static const char *const keys[] = {"target", "within", NULL};
    if (!node->value || !project_node_check_map(node, keys))
        return;
    struct project_node target = project_node_member(node, "target");
    struct project_node within = project_node_member(node, "within");
    project_node_integer(&target, &queue->service_target, 1, 100);
    project_node_duration(&within, &queue->service_within_ms, PROJECT_SECOND_MS, PROJECT_DAY_MS);
}

static void read_step(struct project_config *config, struct config_queue *queue,
                      const struct project_node *item)
{
    static const char *const keys[] = {"after", "skills", NULL};
    struct config_relax *step = &queue->relax[queue->relax_count];
    if (!item->value) {
        project_node_refuse(item, "must be a map");
        return;
    }
    if (!project_node_check_map(item, keys))
        return;
    struct project_node after = project_node_member(item, "after");
    struct project_node skills = project_node_member(item, "skills");
    if (!after.value)
        project_node_refuse(&after, "is required: from what age on");
    project_node_duration(&after, &step->after_ms, PROJECT_SECOND_MS, PROJECT_WAIT_MAX_MS);
    if (!skills.value)
        project_node_refuse(&skills, "is required: what is still asked for, {} for nothing");
    project_skills_read(config, &skills, &step->skills);
    if (queue->relax_count && step->after_ms && step->after_ms <= step[-1].after_ms)
        project_node_refuse(&after, "must be later than the step before");
    queue->relax_count++;
}

static void read_relax(struct project_config *config, struct config_queue *queue,
                       const struct project_node *list)
{
    if (!project_node_check_list(list) || !project_node_check_count(list, CONFIG_RELAX_MAX))
        return;
    queue->relax = arena_array(list->reading->arena, struct config_relax, project_node_count(list));
    for (uint32_t i = 0; i < project_node_count(list); i++) {
        struct project_node item = project_node_item(list, i);
        read_step(config, queue, &item);
    }
}

static void read_when_empty(struct config_queue *queue, const struct project_config *config,
                            const struct project_node *map)
{
    const char *keys[EMPTY_REASON_COUNT + 1] = {NULL};
    for (int i = 0; i < EMPTY_REASON_COUNT; i++)
        keys[i] = empty_reason_name((enum empty_reason)i);
    if (!project_node_check_map(map, keys))
        return;
    for (int i = 0; i < EMPTY_REASON_COUNT; i++) {
        struct project_node reason = project_node_member(map, keys[i]);
        uint16_t to;
        if (reason.value && project_check_queue(&reason, config, &to))
            queue->when_empty[i] = to;
    }
}

static void read_hours(struct config_queue *queue, const struct project_config *config,
                       const struct project_node *node)
{
    struct slice name = {NULL, 0};
    if (!node->value || !project_node_text(node, &name, CONFIG_NAME_MAX))
        return;
    for (uint32_t i = 0; i < config->hours_count; i++) {
        if (slice_equal(config->hours[i].name, name))
            queue->hours = (int)i;
    }
    if (queue->hours < 0)
        project_node_refuse(node, "there are no hours \"%.*s\"", fault_quote(name), name.ptr);
}

static void read_overflow(struct config_queue *queue, const struct project_config *config,
                          const struct project_node *map)
{
    static const char *const keys[] = {"waiting", "wait", "queue", NULL};
    if (!map->value || !project_node_check_map(map, keys))
        return;
    struct project_node waiting = project_node_member(map, "waiting");
    struct project_node wait = project_node_member(map, "wait");
    struct project_node to = project_node_member(map, "queue");
    uint16_t index;
    if (!waiting.value && !wait.value)
        project_node_refuse(map, "needs waiting (how many), wait (how long) or both");
    project_node_integer(&waiting, &queue->waiting_max, 1, WAITING_MAX);
    project_node_duration(&wait, &queue->wait_max_ms, PROJECT_SECOND_MS, PROJECT_WAIT_MAX_MS);
    if (project_check_queue(&to, config, &index))
        queue->overflow = index;
}

static void read_queue(struct project_config *config, struct config_queue *queue,
                       const struct project_node *entry)
{
    static const char *const keys[] = {"strategy", "offer_timeout", "wrap_up", "service_level",
                                       "relax",    "when_empty",    "hours",   "weight",
                                       "overflow", "first_reply",   NULL};
    if (!project_node_check_map(entry, keys))
        return;
    struct project_node strategy = project_node_member(entry, "strategy");
    struct project_node timeout = project_node_member(entry, "offer_timeout");
    struct project_node wrap_up = project_node_member(entry, "wrap_up");
    struct project_node service_level = project_node_member(entry, "service_level");
    struct project_node relax = project_node_member(entry, "relax");
    struct project_node when_empty = project_node_member(entry, "when_empty");
    struct project_node hours = project_node_member(entry, "hours");
    struct project_node weight = project_node_member(entry, "weight");
    struct project_node overflow = project_node_member(entry, "overflow");
    struct project_node first_reply = project_node_member(entry, "first_reply");
    read_strategy(queue, &strategy);
    project_node_duration(&timeout, &queue->offer_timeout_ms, PROJECT_TIMEOUT_MIN_MS, PROJECT_TIMEOUT_MAX_MS);
    project_node_duration(&wrap_up, &queue->wrap_up_ms, 0, PROJECT_DAY_MS);
    project_node_duration(&first_reply, &queue->first_reply_ms, PROJECT_SECOND_MS, PROJECT_WAIT_MAX_MS);
    project_node_integer(&weight, &queue->weight, -CONFIG_WEIGHT_MAX, CONFIG_WEIGHT_MAX);
    read_service_level(queue, &service_level);
    read_relax(config, queue, &relax);
    read_when_empty(queue, config, &when_empty);
    read_hours(queue, config, &hours);
    read_overflow(queue, config, &overflow);
}

void project_queues_read(struct project_config *config, const struct project_node *file)
{
    struct project_node queues = project_node_member(file, "queues");
    for (uint32_t i = 0; i < config->queue_count; i++) {
        struct project_node entry = project_node_entry(&queues, i);
        read_queue(config, &config->queues[i], &entry);
    }
}
