#include "rules/explain.h"

#include <stdlib.h>

/* --- What is asked for --- */

/* The level of a skill at a step: 0 is the rule itself, each step after it asks for no more than that, and
 * for nothing that it does not list. What was moved asks for nothing. */
static uint16_t level_at(const struct explanation *why, const struct project_config *config,
                         const struct config_skill *asked, int32_t step)
{
    if (step == 0)
        return asked->level;
    const struct config_skills *relaxed = &config->queues[why->queue].relax[step - 1].skills;
    for (uint32_t i = 0; i < relaxed->count; i++) {
        if (relaxed->items[i].skill == asked->skill)
            return relaxed->items[i].level < asked->level ? relaxed->items[i].level : asked->level;
    }
    return 0;
}

static uint16_t level_of(const struct config_agent *agent, uint16_t skill)
{
    for (uint32_t i = 0; i < agent->skills.count; i++) {
        if (agent->skills.items[i].skill == skill)
            return agent->skills.items[i].level;
    }
    return 0;
}

static const struct config_skills *asked_skills(const struct explanation *why,
                                                const struct project_config *config)
{
    static const struct config_skills none;
    return why->moved == MOVE_NONE && why->rule >= 0 ? &config->rules[why->rule].skills : &none;
}

static struct value skills_value(const struct explanation *why, const struct project_config *config,
                                 struct arena *arena)
{
    const struct config_skills *asked = asked_skills(why, config);
    struct value map = value_map(arena, asked->count);
    for (uint32_t i = 0; i < asked->count; i++) {
        uint16_t level = level_at(why, config, &asked->items[i], why->relax_step);
        if (level)
            map.members[map.count++] =
                (struct value_member){config->skills[asked->items[i].skill], value_int(level)};
    }
    return map;
}

/* "needs german 3, has 2; from 30 s on 2 is enough" */
static struct slice skills_change(const struct explanation *why, const struct project_config *config,
                                  const struct config_agent *agent, struct arena *arena)
{
    const struct config_skills *asked = asked_skills(why, config);
    const struct config_queue *queue = &config->queues[why->queue];
    struct slice text = {NULL, 0};
    for (uint32_t i = 0; i < asked->count; i++) {
        const struct config_skill *skill = &asked->items[i];
        uint16_t needs = level_at(why, config, skill, why->relax_step), has = level_of(agent, skill->skill);
        struct slice name = config->skills[skill->skill];
        if (has >= needs)
            continue;
        struct slice later = {NULL, 0};
        for (int32_t step = why->relax_step + 1; step <= (int32_t)queue->relax_count && !later.len; step++) {
            uint16_t then = level_at(why, config, skill, step);
            long long after_s = (long long)(queue->relax[step - 1].after_ms / 1000);
            if (has >= then && then)
                later = arena_format(arena, "; from %lld s on %u is enough", after_s, then);
            else if (has >= then)
                later = arena_format(arena, "; from %lld s on it is not asked for", after_s);
        }
        text = arena_format(arena, "%.*s%sneeds %.*s %u, has %u%.*s", (int)text.len, text.ptr ? text.ptr : "",
                            text.len ? "; " : "", (int)name.len, name.ptr, needs, has, (int)later.len,
                            later.ptr ? later.ptr : "");
    }
    return text;
}

/* --- Candidates --- */

struct candidate {
    const struct config_agent *agent;
    const char *test; /* the first that failed, "" : none */
    const char *reason;
    struct slice change;
};

static const char *const tests[CANDIDATE_REASON_COUNT] = {
    [CANDIDATE_OFFLINE] = "presence",
    [CANDIDATE_ON_BREAK] = "presence",
    [CANDIDATE_NOT_RESPONDING] = "presence",
    [CANDIDATE_WRAP_UP] = "rest",
    [CANDIDATE_COOL_DOWN] = "rest",
    [CANDIDATE_EXCLUSIVE] = "capacity",
    [CANDIDATE_FULL] = "capacity",
    [CANDIDATE_SKILLS] = "skills",
    [CANDIDATE_EXCLUDED] = "excluded",
    [CANDIDATE_LATER] = "",
    [CANDIDATE_CHOSEN] = "",
};

static const char *const changes[CANDIDATE_REASON_COUNT] = {
    [CANDIDATE_OFFLINE] = "would have to be available",
    [CANDIDATE_ON_BREAK] = "would have to be available, not on break",
    [CANDIDATE_NOT_RESPONDING] = "would have to say available again, after not answering",
    [CANDIDATE_WRAP_UP] = "would have to be through with the wrap-up",
    [CANDIDATE_COOL_DOWN] = "would have to be through with the cool-down",
    [CANDIDATE_EXCLUSIVE] = "would have to end what excludes other work",
    [CANDIDATE_FULL] = "would have to have room in the capacity",
    [CANDIDATE_EXCLUDED] = "gave it away and is not asked again",
    [CANDIDATE_LATER] = "passes; others are asked first",
    [CANDIDATE_CHOSEN] = "",
};

static struct candidate member(const struct explanation *why, const struct project_config *config,
                               const struct config_agent *agent, uint8_t reason, struct arena *arena)
{
    struct candidate candidate = {
        agent, tests[reason], candidate_reason_name((enum candidate_reason)reason), {NULL, 0}};
    if (reason == CANDIDATE_SKILLS)
        candidate.change = skills_change(why, config, agent, arena);
    else
        candidate.change = slice_of(changes[reason]);
    return candidate;
}

static struct candidate outsider(const struct explanation *why, const struct project_config *config,
                                 const struct config_agent *agent, struct arena *arena)
{
    struct slice queue = config->queues[why->queue].name;
    if (slice_equal(agent->name, why->chosen))
        return (struct candidate){agent, "", candidate_reason_name(CANDIDATE_CHOSEN), {NULL, 0}};
    return (struct candidate){
        agent, "membership", "membership",
        arena_format(arena, "would have to be a member of %.*s", (int)queue.len, queue.ptr)};
}

static bool is_member(const struct config_agent *agent, int queue)
{
    for (uint32_t i = 0; i < agent->queue_count; i++) {
        if (agent->queues[i] == queue)
            return true;
    }
    return false;
}

static int by_position(const void *a, const void *b)
{
    uint32_t left = (*(const struct config_agent *const *)a)->position;
    uint32_t right = (*(const struct config_agent *const *)b)->position;
    return left < right ? -1 : left > right;
}

static struct value candidate_value(const struct candidate *candidate, struct arena *arena)
{
    struct value map = value_map(arena, 4);
    value_set_text(&map, "agent", candidate->agent->name);
    value_set_text(&map, "failed", slice_of(candidate->test));
    value_set_text(&map, "reason", slice_of(candidate->reason));
    value_set_text(&map, "change", candidate->change);
    return map;
}

/* Nobody was looked at where somebody else decided, or while it is held. */
static bool candidates_value(struct value *out, const struct explanation *why,
                             const struct project_config *config, struct arena *arena)
{
    const struct config_agent **agents = arena_array(arena, const struct config_agent *, config->agent_count);
    uint32_t seen = 0;
    *out = value_list(arena, config->agent_count);
    for (uint32_t i = 0; i < config->agent_count; i++)
        agents[i] = &config->agents[i];
    qsort(agents, config->agent_count, sizeof *agents, by_position);
    for (uint32_t i = 0; i < config->agent_count && why->candidate_count; i++) {
        struct candidate candidate;
        if (!is_member(agents[i], why->queue))
            candidate = outsider(why, config, agents[i], arena);
        else if (seen < why->candidate_count)
            candidate = member(why, config, agents[i], why->candidates[seen++], arena);
        else
            return false;
        value_append(out, candidate_value(&candidate, arena));
    }
    return seen == why->candidate_count;
}

/* --- The whole --- */

static bool is_of(const struct explanation *why, const struct project_config *config)
{
    for (uint32_t i = 0; i < why->path_count; i++) {
        if (why->path[i].queue >= (int)config->queue_count)
            return false;
    }
    if (why->rule >= (int)config->rule_count || why->queue >= (int)config->queue_count)
        return false;
    return why->queue < 0 ? why->candidate_count == 0 && why->relax_step == 0
                          : why->relax_step <= (int32_t)config->queues[why->queue].relax_count;
}

static struct slice hours_name(const struct project_config *config, int queue)
{
    int hours = queue < 0 ? -1 : config->queues[queue].hours;
    return hours < 0 ? (struct slice){NULL, 0} : config->hours[hours].name;
}

static struct value path_value(const struct explanation *why, const struct project_config *config,
                               struct arena *arena)
{
    struct value list = value_list(arena, why->path_count);
    for (uint32_t i = 0; i < why->path_count; i++) {
        const struct explained_move *move = &why->path[i];
        struct value map = value_map(arena, 4);
        if (move->queue >= 0)
            value_set_text(&map, "queue", config->queues[move->queue].name);
        value_set_text(&map, "left_because", slice_of(move_name(move->move)));
        if (move->move == MOVE_CLOSED)
            value_set_text(&map, "hours", hours_name(config, move->queue));
        if (move->move == MOVE_EMPTY)
            value_set_text(&map, "empty", slice_of(empty_reason_name(move->empty)));
        value_append(&list, map);
    }
    return list;
}

static void set_rule(struct value *map, const struct explanation *why, const struct project_config *config,
                     struct arena *arena)
{
    struct value rule = value_map(arena, 4);
    if (why->rule < 0)
        return;
    value_set_text(&rule, "name", config->rules[why->rule].name);
    value_set(&rule, "index", value_int(why->rule));
    value_set(&rule, "asked", value_bool(why->is_ruled));
    if (why->errors)
        value_set(&rule, "failed_before", value_int(why->errors));
    value_set(map, "rule", rule);
}

bool explain_value(struct value *out, const struct explanation *why, const struct project_config *config,
                   struct arena *arena)
{
    static const char *const stages[PREFER_STAGE_COUNT] = {"same_agent", "owner", "last_agent", "queue"};
    struct value candidates;
    if (!is_of(why, config) || !candidates_value(&candidates, why, config, arena))
        return false;
    *out = value_map(arena, 16);
    value_set_uuid(out, arena, "interaction", &why->interaction);
    value_set_text(out, "looked_at", slice_of(trigger_name(why->trigger)));
    set_rule(out, why, config, arena);
    if (why->queue >= 0)
        value_set_text(out, "queue", config->queues[why->queue].name);
    value_set_text(out, "channel", slice_of(channel_name(why->channel)));
    value_set(out, "priority", value_int(why->priority));
    value_set(out, "step", value_int(why->relax_step));
    if (why->queue >= 0)
        value_set(out, "skills", skills_value(why, config, arena));
    if (why->moved != MOVE_NONE)
        value_set_text(out, "moved", slice_of(move_name(why->moved)));
    value_set(out, "path", path_value(why, config, arena));
    value_set_text(out, "asked", slice_of(stages[why->stage]));
    if (why->held_until != TIME_NEVER) {
        value_set(out, "held_until_ms", value_int(why->held_until));
        value_set_text(out, "hours", hours_name(config, why->queue));
    }
    value_set_text(out, "excluded", why->excluded);
    value_set_text(out, "chosen", why->chosen);
    value_set(out, "candidates", candidates);
    return true;
}
