/* A rule may only ask for what some agent of the queue has, at least at the last step of its relaxation: what
 * nobody can ever take would wait for ever. */
#include <stdio.h>
#include <string.h>

#include "proto/fault.h"
#include "proto/project_lint.h"
#include "rules/rule_env.h"

#define LIST_BYTES 100 /* of a list of skills in a reason */

/* Agents by queue. */
struct members {
    const struct config_agent **agents; /* those of queue q: from first[q] to first[q + 1] */
    uint32_t *first;
};

static struct members collect(const struct project_config *config, struct arena *arena)
{
    struct members members = {.first = arena_array(arena, uint32_t, config->queue_count + 2)};
    uint32_t *next = members.first + 1; /* ends up as first[q] when all are placed */
    for (uint32_t i = 0; i < config->agent_count; i++) {
        for (uint32_t j = 0; j < config->agents[i].queue_count; j++)
            next[config->agents[i].queues[j] + 1]++;
    }
    for (uint32_t q = 0; q < config->queue_count; q++)
        next[q + 1] += next[q];
    members.agents = arena_array(arena, const struct config_agent *, next[config->queue_count]);
    for (uint32_t i = 0; i < config->agent_count; i++) {
        for (uint32_t j = 0; j < config->agents[i].queue_count; j++)
            members.agents[next[config->agents[i].queues[j]]++] = &config->agents[i];
    }
    return members;
}

static uint16_t level_of(const struct config_skills *skills, uint16_t skill)
{
    for (uint32_t i = 0; i < skills->count; i++) {
        if (skills->items[i].skill == skill)
            return skills->items[i].level;
    }
    return 0;
}

/* What is asked for at last. */
static struct config_skills loosest(const struct config_skills *wanted, const struct config_queue *queue,
                                    struct arena *arena)
{
    if (!queue->relax_count)
        return *wanted;
    const struct config_skills *last = &queue->relax[queue->relax_count - 1].skills;
    struct config_skills left = {.items = arena_array(arena, struct config_skill, wanted->count)};
    for (uint32_t i = 0; i < wanted->count; i++) {
        struct config_skill skill = wanted->items[i];
        uint16_t level = level_of(last, skill.skill);
        skill.level = level < skill.level ? level : skill.level;
        if (level)
            left.items[left.count++] = skill;
    }
    return left;
}

static bool meets(const struct config_agent *agent, const struct config_skills *wanted)
{
    for (uint32_t i = 0; i < wanted->count; i++) {
        if (level_of(&agent->skills, wanted->items[i].skill) < wanted->items[i].level)
            return false;
    }
    return true;
}

static void list_skills(char out[LIST_BYTES], const struct project_config *config,
                        const struct config_skills *skills)
{
    size_t len = 0;
    out[0] = 0;
    for (uint32_t i = 0; i < skills->count && len + 1 < LIST_BYTES; i++) {
        struct slice name = config->skills[skills->items[i].skill];
        snprintf(out + len, LIST_BYTES - len, "%s%.*s %u", i ? ", " : "", (int)name.len, name.ptr,
                 skills->items[i].level);
        len = strlen(out);
    }
}

struct check {
    const struct project_config *config;
    struct members members;
    const struct project_node *skills; /* of the rule */
    struct arena *arena;
};

static void check_queue(const struct check *check, const struct config_rule *rule, uint32_t queue)
{
    const struct config_queue *to = &check->config->queues[queue];
    struct config_skills wanted = loosest(&rule->skills, to, check->arena);
    char list[LIST_BYTES];
    for (uint32_t i = check->members.first[queue]; i < check->members.first[queue + 1]; i++) {
        if (meets(check->members.agents[i], &wanted))
            return;
    }
    list_skills(list, check->config, &wanted);
    if (!wanted.count)
        project_node_refuse(check->skills, "no agent is in queue \"%.*s\"", fault_quote(to->name),
                            to->name.ptr);
    else
        project_node_refuse(check->skills, "no agent of queue \"%.*s\" has %s%s", fault_quote(to->name),
                            to->name.ptr, list,
                            to->relax_count ? ", which its last step still asks for" : "");
}

/* Whether the condition leaves it open that an interaction of that channel matches. */
static bool may_match(const struct config_rule *rule, enum channel channel, struct arena *arena)
{
    struct cel_value values[RULE_VARIABLE_COUNT], result;
    for (int i = 0; i < RULE_VARIABLE_COUNT; i++)
        values[i] = cel_absent();
    values[RULE_CHANNEL] = cel_string(slice_of(channel_name(channel)));
    return !rule->when || !cel_settled(&result, rule->when, values, arena) || result.kind != CEL_BOOL ||
           result.boolean;
}

/* Every queue with agents that an endpoint of a channel that may match leads to, once. */
static void check_endpoints(const struct check *check, const struct config_rule *rule)
{
    const struct project_config *config = check->config;
    bool *seen = arena_array(check->arena, bool, config->queue_count), may[CHANNEL_COUNT];
    for (int i = 0; i < CHANNEL_COUNT; i++)
        may[i] = may_match(rule, (enum channel)i, check->arena);
    for (uint32_t i = 0; i < config->endpoint_count; i++) {
        const struct config_endpoint *endpoint = &config->endpoints[i];
        uint32_t queue = endpoint->queue;
        bool has_members = check->members.first[queue] != check->members.first[queue + 1];
        if (seen[queue] || !may[endpoint->channel] || !has_members)
            continue;
        seen[queue] = true;
        check_queue(check, rule, queue);
    }
}

void project_lint_skills(const struct project_config *config, const struct project_node *file)
{
    struct project_node rules = project_node_member(file, "rules");
    struct arena scratch;
    arena_init(&scratch);
    struct check check = {.config = config, .members = collect(config, &scratch), .arena = &scratch};
    for (uint32_t i = 0; rules.value && i < config->rule_count; i++) {
        const struct config_rule *rule = &config->rules[i];
        struct project_node item = project_node_item(&rules, i);
        struct project_node skills = project_node_member(&item, "skills");
        check.skills = &skills;
        if (!rule->skills.count)
            continue;
        if (rule->queue == CONFIG_QUEUE_OF_ENDPOINT)
            check_endpoints(&check, rule);
        else
            check_queue(&check, rule, rule->queue);
    }
    arena_deinit(&scratch);
}
