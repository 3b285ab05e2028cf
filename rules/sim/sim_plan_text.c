/* What the story says of the project. */
#include "rules/sim/sim_rule.h"

static struct slice joined(struct slice text, struct slice more, struct arena *arena)
{
    return arena_format(arena, "%.*s%.*s", (int)text.len, text.ptr, (int)more.len, more.ptr);
}

static struct slice skills_text(const struct project_config *config, const struct config_skills *skills,
                                struct arena *arena)
{
    struct slice text = SLICE("");
    for (uint32_t i = 0; i < skills->count; i++) {
        struct slice name = config->skills[skills->items[i].skill];
        text = joined(text, arena_format(arena, " %.*s %u", (int)name.len, name.ptr, skills->items[i].level),
                      arena);
    }
    return text;
}

static struct slice agent_text(const struct project_config *config, const struct config_agent *agent,
                               struct arena *arena)
{
    struct slice text = arena_format(arena, "agent %.*s: position %u, capacity %d %d %d, queues",
                                     (int)agent->name.len, agent->name.ptr, agent->position,
                                     agent->capacity[0], agent->capacity[1], agent->capacity[2]);
    for (uint32_t i = 0; i < agent->queue_count; i++) {
        text = joined(text, SLICE(" "), arena);
        text = joined(text, config->queues[agent->queues[i]].name, arena);
    }
    text = joined(text, skills_text(config, &agent->skills, arena), arena);
    return joined(text, SLICE("\n"), arena);
}

static struct slice queue_text(const struct project_config *config, const struct config_queue *queue,
                               struct arena *arena)
{
    struct slice text =
        arena_format(arena, "queue %.*s: %s, offers of %lld ms, wrap-up %lld ms, weight %d",
                     (int)queue->name.len, queue->name.ptr, strategy_name(queue->strategy),
                     (long long)queue->offer_timeout_ms, (long long)queue->wrap_up_ms, queue->weight);
    for (uint32_t i = 0; i < queue->relax_count; i++) {
        text =
            joined(text, arena_format(arena, "; after %lld ms", (long long)queue->relax[i].after_ms), arena);
        text = joined(text, skills_text(config, &queue->relax[i].skills, arena), arena);
    }
    return joined(text, SLICE("\n"), arena);
}

static struct slice rule_text(const struct project_config *config, const struct config_rule *rule,
                              struct arena *arena)
{
    struct slice queue = SLICE("endpoint");
    if (rule->queue != CONFIG_QUEUE_OF_ENDPOINT)
        queue = config->queues[rule->queue].name;
    struct slice text = arena_format(arena, "rule %.*s: when %s, to %.*s, priority %d", (int)rule->name.len,
                                     rule->name.ptr, rule->when ? sim_condition(rule->line) : "true",
                                     (int)queue.len, queue.ptr, rule->priority);
    text = joined(text, skills_text(config, &rule->skills, arena), arena);
    return joined(text, SLICE("\n"), arena);
}

struct slice sim_plan_text(const struct sim_plan *plan, const struct project_config *config,
                           struct arena *arena)
{
    struct slice text = arena_format(
        arena,
        "misses %d, grace %lld ms, cool-down %lld %lld %lld %lld ms, exclusive %d %d %d; %u configurations\n",
        config->misses, (long long)config->grace_ms, (long long)config->cool_down_ms[0],
        (long long)config->cool_down_ms[1], (long long)config->cool_down_ms[2],
        (long long)config->cool_down_ms[3], config->exclusive[0], config->exclusive[1], config->exclusive[2],
        plan->versions);
    for (uint32_t i = 0; i < config->queue_count; i++)
        text = joined(text, queue_text(config, &config->queues[i], arena), arena);
    for (uint32_t i = 0; i < config->agent_count; i++)
        text = joined(text, agent_text(config, &config->agents[i], arena), arena);
    for (uint32_t i = 0; i < config->rule_count; i++)
        text = joined(text, rule_text(config, &config->rules[i], arena), arena);
    return text;
}
