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

/* What makes it leave a queue, and where to. */
static struct slice way_text(const struct project_config *config, const char *when, int64_t number,
                             const char *unit, int to, struct arena *arena)
{
    struct slice name = config->queues[to].name;
    if (!unit)
        return arena_format(arena, "; %s to %.*s", when, (int)name.len, name.ptr);
    return arena_format(arena, "; %s %lld%s to %.*s", when, (long long)number, unit, (int)name.len, name.ptr);
}

static struct slice ways_text(const struct project_config *config, const struct config_queue *queue,
                              struct arena *arena)
{
    struct slice text = SLICE("");
    if (queue->hours >= 0) {
        struct slice name = config->hours[queue->hours].name;
        text = arena_format(arena, "; hours %.*s", (int)name.len, name.ptr);
    }
    for (int i = 0; i < EMPTY_REASON_COUNT; i++) {
        if (queue->when_empty[i] >= 0)
            text = joined(text,
                          way_text(config, empty_reason_name((enum empty_reason)i), 0, NULL,
                                   queue->when_empty[i], arena),
                          arena);
    }
    if (queue->waiting_max)
        text =
            joined(text, way_text(config, "behind", queue->waiting_max, "", queue->overflow, arena), arena);
    if (queue->wait_max_ms)
        text =
            joined(text, way_text(config, "after", queue->wait_max_ms, " ms", queue->overflow, arena), arena);
    if (queue->first_reply_ms)
        text = joined(text,
                      arena_format(arena, "; first reply within %lld ms", (long long)queue->first_reply_ms),
                      arena);
    return text;
}

/* Seven of them, from Monday to Sunday. */
static bool is_daily(const struct hours *hours, uint32_t first)
{
    const struct hours_span *spans = &hours->spans[first];
    uint32_t count = 0;
    while (count < 7 && first + count < hours->span_count && spans[count].weekday == count &&
           spans[count].from_min == spans->from_min && spans[count].until_min == spans->until_min)
        count++;
    return count == 7;
}

static struct slice span_text(const struct hours *hours, uint32_t number, struct arena *arena)
{
    static const char *const days[] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};
    const struct hours_span *span = &hours->spans[number];
    const char *day = is_daily(hours, number) ? "daily" : days[span->weekday];
    return arena_format(arena, " %s %02d:%02d-%02d:%02d%s", day, span->from_min / 60, span->from_min % 60,
                        span->until_min / 60, span->until_min % 60,
                        span->goes_on ? " from the day before" : "");
}

/* A story's times count from the beginning, and so do these: day 0 is that of the beginning. */
static struct slice hours_text(const struct project_config *config, const struct hours *hours,
                               struct arena *arena)
{
    int64_t start_s = SIM_START_MS / 1000;
    int32_t first_day = (int32_t)((start_s + hours->zone->transitions[0].offset_s) / 86400);
    struct slice text = arena_format(arena, "hours %.*s: clock at UTC%+d s", (int)hours->name.len,
                                     hours->name.ptr, hours->zone->transitions[0].offset_s);
    for (uint32_t i = 1; i < hours->zone->count; i++)
        text = joined(text,
                      arena_format(arena, ", from %lld s at %+d s",
                                   (long long)(hours->zone->transitions[i].at_s - start_s),
                                   hours->zone->transitions[i].offset_s),
                      arena);
    text = joined(text, SLICE("; open"), arena);
    for (uint32_t i = 0; i < hours->span_count; i += is_daily(hours, i) ? 7 : 1)
        text = joined(text, span_text(hours, i, arena), arena);
    for (uint32_t i = 0; i < hours->closed_count; i++)
        text =
            joined(text, arena_format(arena, "; closed on day %d", hours->closed[i].day - first_day), arena);
    if (hours->otherwise >= 0)
        text = joined(text, way_text(config, "otherwise", 0, NULL, hours->otherwise, arena), arena);
    return joined(text, SLICE("\n"), arena);
}

static struct slice prefer_text(const struct config_prefer *prefer, struct arena *arena)
{
    return arena_format(arena, "prefer: owner for %lld ms, last agent for %lld ms within %lld ms\n",
                        (long long)prefer->owner_ms, (long long)prefer->last_agent_ms,
                        (long long)prefer->within_ms);
}

static struct slice queue_text(const struct project_config *config, const struct config_queue *queue,
                               struct arena *arena)
{
    struct slice text =
        arena_format(arena, "queue %.*s: %s, offers of %lld ms, wrap-up %lld ms, weight %d",
                     (int)queue->name.len, queue->name.ptr, strategy_name(queue->strategy),
                     (long long)queue->offer_timeout_ms, (long long)queue->wrap_up_ms, queue->weight);
    for (uint32_t i = 0; i < queue->relax_count; i++) {
        text = joined(text, arena_format(arena, "; relaxed at %lld ms:", (long long)queue->relax[i].after_ms),
                      arena);
        text = joined(text, skills_text(config, &queue->relax[i].skills, arena), arena);
    }
    text = joined(text, ways_text(config, queue, arena), arena);
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
    if (config->prefer.owner_ms || config->prefer.last_agent_ms)
        text = joined(text, prefer_text(&config->prefer, arena), arena);
    for (uint32_t i = 0; i < config->hours_count; i++)
        text = joined(text, hours_text(config, &config->hours[i], arena), arena);
    for (uint32_t i = 0; i < config->queue_count; i++)
        text = joined(text, queue_text(config, &config->queues[i], arena), arena);
    for (uint32_t i = 0; i < config->agent_count; i++)
        text = joined(text, agent_text(config, &config->agents[i], arena), arena);
    for (uint32_t i = 0; i < config->rule_count; i++)
        text = joined(text, rule_text(config, &config->rules[i], arena), arena);
    return text;
}
