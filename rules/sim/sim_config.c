/* The configurations of a plan. Every property has dice of its own, so that taking one thing away moves
 * nothing else. */
#include "rules/sim/sim_config.h"

#include <assert.h>

#include "rules/cel.h"
#include "rules/rule_env.h"
#include "rules/sim/sim_rule.h"

static const struct slice skill_names[SIM_SKILLS_MAX] = {{"english", 7}, {"french", 6}, {"german", 6}};

struct sim_dice sim_dice_for(const struct sim_plan *plan, uint32_t version, enum sim_property property,
                             uint32_t item)
{
    return sim_dice_of(plan->seed, (uint64_t)version << 32 | (uint64_t)property << 16 | (item + 1));
}

static bool has(const struct sim_plan *plan, enum sim_feature feature)
{
    return plan->features & feature;
}

/* The first of each kind is always there. */
static bool is_removed(const struct sim_plan *plan, uint32_t version, uint32_t item)
{
    struct sim_dice dice = sim_dice_for(plan, version, SIM_PROPERTY_PRESENT, item);
    return version > 1 && has(plan, SIM_REMOVALS) && item % 16 && sim_dice_chance(&dice, 4);
}

int64_t sim_pick_ms(struct sim_dice *dice, int64_t common)
{
    static const int64_t times[] = {0, 1, 1000, 5000, 20000, 45000, 120000};
    return sim_dice_chance(dice, 2) ? common : times[sim_dice_roll(dice, sizeof times / sizeof *times)];
}

static struct config_skills skills_of(struct sim_dice *dice, uint32_t levels, struct arena *arena)
{
    struct config_skills skills = {.items = arena_array(arena, struct config_skill, SIM_SKILLS_MAX)};
    for (uint16_t skill = 0; skill < SIM_SKILLS_MAX; skill++) {
        uint16_t level = (uint16_t)sim_dice_roll(dice, levels);
        if (level)
            skills.items[skills.count++] = (struct config_skill){skill, level};
    }
    return skills;
}

static void add_relax(struct config_queue *queue, const struct sim_plan *plan, uint32_t version,
                      uint32_t number, struct arena *arena)
{
    struct sim_dice dice = sim_dice_for(plan, version, SIM_PROPERTY_RELAX, number);
    int64_t after = 0;
    queue->relax_count = has(plan, SIM_RELAXATION) ? sim_dice_roll(&dice, 4) : 0;
    queue->relax = arena_array(arena, struct config_relax, queue->relax_count);
    for (uint32_t i = 0; i < queue->relax_count; i++) {
        after += 1 + sim_dice_roll(&dice, 45000);
        queue->relax[i] = (struct config_relax){after, skills_of(&dice, 4, arena)};
    }
}

static void add_queues(struct project_config *config, const struct sim_plan *plan, uint32_t version,
                       int *index, struct arena *arena)
{
    config->queues = arena_array(arena, struct config_queue, plan->queues);
    for (uint32_t i = 0; i < plan->queues; i++) {
        index[i] = -1;
        if (is_removed(plan, version, i))
            continue;
        struct sim_dice dice = sim_dice_for(plan, version, SIM_PROPERTY_TIMES, i);
        struct config_queue queue = config_queue_default(sim_queue_name(i));
        int64_t timeout = 1 + sim_pick_ms(&dice, 20000), wrap = sim_pick_ms(&dice, 5000);
        if (has(plan, SIM_TIMEOUTS))
            queue.offer_timeout_ms = timeout;
        if (has(plan, SIM_WRAP_UP))
            queue.wrap_up_ms = wrap;
        struct sim_dice order = sim_dice_for(plan, version, SIM_PROPERTY_ORDER, i);
        enum strategy strategy = (enum strategy)sim_dice_roll(&order, STRATEGY_COUNT);
        int32_t weight = sim_dice_chance(&order, 3) ? (int32_t)sim_dice_roll(&order, 4) : 0;
        if (has(plan, SIM_STRATEGIES))
            queue.strategy = strategy;
        if (has(plan, SIM_WEIGHTS))
            queue.weight = weight;
        add_relax(&queue, plan, version, i, arena);
        index[i] = (int)config->queue_count;
        config->queues[config->queue_count++] = queue;
    }
}

/* The order of the file, which need not be that of the names. */
static uint32_t position_of(const struct sim_plan *plan, uint32_t version, uint32_t agent)
{
    struct sim_dice dice = sim_dice_for(plan, version, SIM_PROPERTY_ORDER, 100);
    uint32_t turn = sim_dice_roll(&dice, SIM_AGENTS_MAX);
    bool is_backwards = sim_dice_chance(&dice, 2);
    return ((is_backwards ? SIM_AGENTS_MAX - 1 - agent : agent) + turn) % SIM_AGENTS_MAX;
}

static void add_agent(struct project_config *config, const struct sim_plan *plan, uint32_t version,
                      uint32_t number, const int *index, struct arena *arena)
{
    static const int32_t rooms[] = {0, 1, 1, 2, 3, 10};
    struct sim_dice members = sim_dice_for(plan, version, SIM_PROPERTY_MEMBERS, number);
    struct sim_dice rolls = sim_dice_for(plan, version, SIM_PROPERTY_CAPACITY, number);
    struct sim_dice skills = sim_dice_for(plan, version, SIM_PROPERTY_SKILLS, number);
    struct config_agent *agent = &config->agents[config->agent_count++];
    *agent = (struct config_agent){.name = sim_agent_name(number),
                                   .display_name = sim_agent_name(number),
                                   .role = SLICE("agent"),
                                   .capacity = {1, 3, 10},
                                   .position = position_of(plan, version, number)};
    if (has(plan, SIM_SKILLS))
        agent->skills = skills_of(&skills, 6, arena);
    agent->queues = arena_array(arena, uint16_t, plan->queues);
    for (uint32_t i = 0; i < plan->queues; i++) {
        bool is_left_out = sim_dice_chance(&members, 3);
        if (index[i] >= 0 && !(has(plan, SIM_MEMBERS) && is_left_out))
            agent->queues[agent->queue_count++] = (uint16_t)index[i];
    }
    for (int channel = 0; channel < CHANNEL_COUNT; channel++) {
        int32_t room = rooms[sim_dice_roll(&rolls, sizeof rooms / sizeof *rooms)];
        if (has(plan, SIM_CAPACITY))
            agent->capacity[channel] = room;
    }
}

/* Where a queue is gone its addresses lead to the first one. */
static void add_endpoints(struct project_config *config, const struct sim_plan *plan, const int *index,
                          struct arena *arena)
{
    config->endpoints = arena_array(arena, struct config_endpoint, plan->queues * CHANNEL_COUNT);
    for (int channel = 0; channel < CHANNEL_COUNT; channel++) {
        for (uint32_t i = 0; i < plan->queues; i++) {
            struct slice key = sim_endpoint((enum channel)channel, i);
            config->endpoints[config->endpoint_count++] =
                (struct config_endpoint){.channel = (enum channel)channel,
                                         .address = key,
                                         .key = key,
                                         .queue = (uint16_t)(index[i] < 0 ? 0 : index[i])};
        }
    }
}

static struct cel_program *compile(const char *condition, struct arena *arena)
{
    const struct cel_env env = {.variables = rule_env_variables, .variable_count = RULE_VARIABLE_COUNT};
    struct cel_error error;
    struct cel_program *program = cel_compile(&env, slice_of(condition), &cel_type_bool, arena, &error);
    assert(program);
    return program;
}

static void add_rules(struct project_config *config, const struct sim_plan *plan, uint32_t version,
                      struct arena *arena)
{
    static const char *const names[SIM_RULES_MAX] = {"first", "second", "third", "fourth", "rest"};
    struct sim_dice count_dice = sim_dice_for(plan, version, SIM_PROPERTY_RULES, 0);
    uint32_t count = has(plan, SIM_RULES) ? sim_dice_roll(&count_dice, SIM_RULES_MAX) : 0;
    config->rules = arena_array(arena, struct config_rule, SIM_RULES_MAX);
    for (uint32_t i = 0; i < SIM_RULES_MAX; i++) {
        bool is_last = i == SIM_RULES_MAX - 1;
        struct sim_dice dice = sim_dice_for(plan, version, SIM_PROPERTY_RULES, i + 1);
        int32_t priority = (int32_t)sim_dice_roll(&dice, 5) - 1;
        uint32_t condition = sim_dice_roll(&dice, SIM_CONDITIONS),
                 queue = sim_dice_roll(&dice, 2 * config->queue_count);
        bool asks = sim_dice_roll(&dice, 3);
        struct config_rule rule = {.name = slice_of(names[i]),
                                   .queue = CONFIG_QUEUE_OF_ENDPOINT,
                                   /* there is no file */ .line = condition};
        if (!is_last && i >= count)
            continue;
        if (!is_last && queue < config->queue_count)
            rule.queue = (uint16_t)queue;
        if (!is_last)
            rule.when = compile(sim_condition(condition), arena);
        if (has(plan, SIM_PRIORITY))
            rule.priority = priority;
        if (has(plan, SIM_SKILLS) && asks)
            rule.skills = skills_of(&dice, 4, arena);
        config->rules[config->rule_count++] = rule;
    }
}

static void set_project(struct project_config *config, const struct sim_plan *plan, uint32_t version)
{
    struct sim_dice dice = sim_dice_for(plan, version, SIM_PROPERTY_PROJECT, 0);
    static const int64_t rests[REJECT_CAUSE_COUNT] = {10000, 30000, 10000, 60000};
    for (int i = 0; i < REJECT_CAUSE_COUNT; i++) {
        int64_t rest = sim_pick_ms(&dice, rests[i]);
        config->cool_down_ms[i] = has(plan, SIM_TIMEOUTS) ? rest : rests[i];
    }
    int32_t misses = 1 + (int32_t)sim_dice_roll(&dice, 4);
    int64_t grace = sim_pick_ms(&dice, 60000);
    config->misses = has(plan, SIM_TIMEOUTS) ? misses : 3;
    config->grace_ms = has(plan, SIM_TIMEOUTS) ? grace : 60000;
    for (int channel = 0; channel < CHANNEL_COUNT; channel++) {
        bool creates = sim_dice_chance(&dice, 2);
        config->create_auto[channel] = has(plan, SIM_CREATION) ? creates : channel != CHANNEL_CHAT;
    }
    bool at_once = sim_dice_chance(&dice, 2);
    config->create_at_ingest = has(plan, SIM_CREATION) && at_once;
    for (int channel = 0; channel < CHANNEL_COUNT; channel++) {
        bool is_exclusive = sim_dice_chance(&dice, 3);
        config->exclusive[channel] = has(plan, SIM_EXCLUSIVE) ? is_exclusive : channel == CHANNEL_CALL;
    }
}

const struct project_config *sim_plan_config(const struct sim_plan *plan, uint32_t version,
                                             struct arena *arena)
{
    struct project_config *config = arena_new(arena, struct project_config);
    int index[SIM_QUEUES_MAX];
    *config = (struct project_config){.project = SLICE("simulated"),
                                      .region = SLICE("DE"),
                                      .contacts_max = 9,
                                      .phone_slots = 3,
                                      .window_ms = INT64_C(604800000)};
    set_project(config, plan, version);
    config->skills = (struct slice *)skill_names;
    config->skill_count = SIM_SKILLS_MAX;
    add_queues(config, plan, version, index, arena);
    config->agents = arena_array(arena, struct config_agent, plan->agents);
    for (uint32_t i = 0; i < plan->agents; i++) {
        if (!is_removed(plan, version, 16 + i))
            add_agent(config, plan, version, i, index, arena);
    }
    sim_config_ways(config, plan, version, index, arena);
    add_endpoints(config, plan, index, arena);
    add_rules(config, plan, version, arena);
    return config;
}

void sim_config_close(const struct project_config *config)
{
    for (uint32_t i = 0; i < config->rule_count; i++)
        cel_close(&config->rules[i].when);
}
