#include "rules/lane.h"

#include <stdlib.h>
#include <string.h>

static uint16_t level_of(const struct config_skills *skills, uint16_t skill)
{
    for (uint32_t i = 0; i < skills->count && skills->items[i].skill <= skill; i++) {
        if (skills->items[i].skill == skill)
            return skills->items[i].level;
    }
    return 0;
}

static bool same_skills(const struct config_skills *a, const struct config_skills *b)
{
    if (a->count != b->count)
        return false;
    for (uint32_t i = 0; i < a->count; i++) {
        if (a->items[i].skill != b->items[i].skill || a->items[i].level != b->items[i].level)
            return false;
    }
    return true;
}

/* Never more than before: levels are lowered, what the step does not list is dropped. */
static struct config_skills lowered(const struct config_skills *from, const struct config_skills *to,
                                    struct arena *arena)
{
    struct config_skills needs = {.items = arena_array(arena, struct config_skill, from->count)};
    for (uint32_t i = 0; i < from->count; i++) {
        uint16_t level = level_of(to, from->items[i].skill);
        if (level > from->items[i].level)
            level = from->items[i].level;
        if (level)
            needs.items[needs.count++] = (struct config_skill){from->items[i].skill, level};
    }
    return needs;
}

/* --- Requirements --- */

/* Numbers what rules ask for; `first` holds a rule of each number. */
static uint32_t number_sets(struct lane_table *lanes, const struct config_skills **sets)
{
    static const struct config_skills nothing = {NULL, 0};
    const struct project_config *config = lanes->config;
    uint32_t count = 1;
    sets[0] = &nothing;
    lanes->rule_sets = arena_array(&lanes->arena, uint32_t, config->rule_count);
    for (uint32_t r = 0; r < config->rule_count; r++) {
        uint32_t set = 0;
        while (set < count && !same_skills(sets[set], &config->rules[r].skills))
            set++;
        if (set == count)
            sets[count++] = &config->rules[r].skills;
        lanes->rule_sets[r] = set;
    }
    return count;
}

static bool *queues_with_endpoints(struct lane_table *lanes)
{
    const struct project_config *config = lanes->config;
    bool *has = arena_array(&lanes->arena, bool, config->queue_count);
    for (uint32_t i = 0; i < config->endpoint_count; i++)
        has[config->endpoints[i].queue] = true;
    return has;
}

/* --- Lanes --- */

struct build {
    struct lane_table *lanes;
    uint32_t room;
};

static uint32_t find_or_add(struct build *build, uint16_t queue, struct config_skills needs)
{
    struct lane_table *lanes = build->lanes;
    for (uint32_t i = lanes->queues[queue].first_lane; i < lanes->count; i++) {
        if (same_skills(&lanes->lanes[i].needs, &needs))
            return i;
    }
    if (lanes->count == build->room) {
        build->room = build->room ? build->room * 2 : 64;
        struct lane *grown = realloc(lanes->lanes, sizeof *grown * build->room);
        if (!grown)
            abort();
        lanes->lanes = grown;
    }
    lanes->lanes[lanes->count] = (struct lane){.queue = queue, .needs = needs};
    return lanes->count++;
}

static void add_steps(struct build *build, uint16_t q, uint32_t set, const struct config_skills *asked)
{
    struct lane_table *lanes = build->lanes;
    struct lane_queue *queue = &lanes->queues[q];
    const struct config_queue *config = &lanes->config->queues[q];
    struct lane_steps *steps = &queue->steps[queue->step_count++];
    struct config_skills needs = *asked;
    steps->set = set;
    steps->lanes = arena_array(&lanes->arena, uint32_t, config->relax_count + (size_t)1);
    steps->lanes[0] = find_or_add(build, q, needs);
    for (uint32_t i = 0; i < config->relax_count; i++) {
        needs = lowered(&needs, &config->relax[i].skills, &lanes->arena);
        steps->lanes[i + 1] = find_or_add(build, q, needs);
    }
}

static void make_queue(struct build *build, uint16_t q, const struct config_skills *const *sets,
                       uint32_t set_count, const bool *has_endpoint, bool *occurs)
{
    struct lane_table *lanes = build->lanes;
    const struct project_config *config = lanes->config;
    struct lane_queue *queue = &lanes->queues[q];
    uint32_t count = 1;
    memset(occurs, 0, sizeof *occurs * set_count);
    for (uint32_t r = 0; r < config->rule_count; r++) {
        const struct config_rule *rule = &config->rules[r];
        bool leads_here = rule->queue == CONFIG_QUEUE_OF_ENDPOINT ? has_endpoint[q] : rule->queue == q;
        uint32_t set = lanes->rule_sets[r];
        count += set && leads_here && !occurs[set];
        occurs[set] = occurs[set] || leads_here;
    }
    queue->steps = arena_array(&lanes->arena, struct lane_steps, count);
    queue->first_lane = lanes->count;
    add_steps(build, q, 0, sets[0]);
    for (uint32_t set = 1; set < set_count; set++) {
        if (occurs[set])
            add_steps(build, q, set, sets[set]);
    }
    queue->lane_count = lanes->count - queue->first_lane;
}

/* --- Members --- */

struct seat {
    uint32_t position, agent;
};

static int compare_seats(const void *a, const void *b)
{
    const struct seat *x = a, *y = b;
    if (x->position != y->position)
        return x->position < y->position ? -1 : 1;
    return x->agent < y->agent ? -1 : x->agent > y->agent;
}

static void find_members(struct lane_table *lanes)
{
    const struct project_config *config = lanes->config;
    struct seat *seats = arena_array(&lanes->arena, struct seat, config->agent_count);
    for (uint32_t a = 0; a < config->agent_count; a++) {
        seats[a] = (struct seat){config->agents[a].position, a};
        for (uint32_t i = 0; i < config->agents[a].queue_count; i++)
            lanes->queues[config->agents[a].queues[i]].member_count++;
    }
    if (config->agent_count)
        qsort(seats, config->agent_count, sizeof *seats, compare_seats);
    for (uint32_t q = 0; q < config->queue_count; q++) {
        struct lane_queue *queue = &lanes->queues[q];
        queue->members = arena_array(&lanes->arena, uint32_t, queue->member_count);
        queue->member_count = 0;
    }
    for (uint32_t p = 0; p < config->agent_count; p++) {
        const struct config_agent *agent = &config->agents[seats[p].agent];
        for (uint32_t i = 0; i < agent->queue_count; i++) {
            struct lane_queue *queue = &lanes->queues[agent->queues[i]];
            queue->members[queue->member_count++] = seats[p].agent;
        }
    }
}

static bool has_skills(const struct config_agent *agent, const struct config_skills *needs, int32_t *score)
{
    *score = 0;
    for (uint32_t i = 0; i < needs->count; i++) {
        uint16_t level = level_of(&agent->skills, needs->items[i].skill);
        if (level < needs->items[i].level)
            return false;
        *score += level;
    }
    return true;
}

static void find_who_meets(struct lane_table *lanes, struct lane *lane)
{
    const struct lane_queue *queue = &lanes->queues[lane->queue];
    uint8_t *meets = arena_array(&lanes->arena, uint8_t, queue->member_count);
    int32_t score;
    for (uint32_t i = 0; i < queue->member_count; i++) {
        uint32_t agent = queue->members[i];
        meets[i] = has_skills(&lanes->config->agents[agent], &lane->needs, &score);
        lanes->agents[agent].count += meets[i];
    }
    lane->meets = meets;
}

static void find_places(struct lane_table *lanes)
{
    const struct project_config *config = lanes->config;
    for (uint32_t i = 0; i < lanes->count; i++)
        find_who_meets(lanes, &lanes->lanes[i]);
    for (uint32_t a = 0; a < config->agent_count; a++) {
        struct lane_agent *agent = &lanes->agents[a];
        agent->places = arena_array(&lanes->arena, struct lane_place, agent->count);
        agent->count = 0;
    }
    for (uint32_t i = 0; i < lanes->count; i++) {
        const struct lane *lane = &lanes->lanes[i];
        const struct lane_queue *queue = &lanes->queues[lane->queue];
        for (uint32_t m = 0; m < queue->member_count; m++) {
            struct lane_agent *agent = &lanes->agents[queue->members[m]];
            struct lane_place place = {.lane = i};
            if (lane->meets[m] && has_skills(&config->agents[queue->members[m]], &lane->needs, &place.score))
                agent->places[agent->count++] = place;
        }
    }
}

void lanes_init(struct lane_table *lanes, const struct project_config *config)
{
    struct build build = {.lanes = lanes};
    *lanes = (struct lane_table){.config = config};
    arena_init(&lanes->arena);
    lanes->queues = arena_array(&lanes->arena, struct lane_queue, config->queue_count);
    lanes->agents = arena_array(&lanes->arena, struct lane_agent, config->agent_count);
    const struct config_skills **sets =
        arena_array(&lanes->arena, const struct config_skills *, config->rule_count + (size_t)1);
    uint32_t set_count = number_sets(lanes, sets);
    const bool *has_endpoint = queues_with_endpoints(lanes);
    bool *occurs = arena_array(&lanes->arena, bool, set_count);
    for (uint32_t q = 0; q < config->queue_count; q++)
        make_queue(&build, (uint16_t)q, sets, set_count, has_endpoint, occurs);
    find_members(lanes);
    find_places(lanes);
}

void lanes_deinit(struct lane_table *lanes)
{
    free(lanes->lanes);
    arena_deinit(&lanes->arena);
    *lanes = (struct lane_table){.config = NULL};
}

/* --- Looking up --- */

/* What leads elsewhere, like what was moved, asks for nothing here. */
static const struct lane_steps *find_steps(const struct lane_table *lanes, int queue, int rule)
{
    const struct lane_queue *here = &lanes->queues[queue];
    uint32_t set = rule < 0 ? 0 : lanes->rule_sets[rule], low = 0, high = here->step_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (here->steps[middle].set == set)
            return &here->steps[middle];
        if (here->steps[middle].set < set)
            low = middle + 1;
        else
            high = middle;
    }
    return &here->steps[0];
}

uint32_t lanes_find(const struct lane_table *lanes, int queue, int rule, int32_t step)
{
    return find_steps(lanes, queue, rule)->lanes[step];
}

int32_t lanes_step(const struct lane_table *lanes, int queue, int64_t age_ms)
{
    const struct config_queue *config = &lanes->config->queues[queue];
    int32_t step = 0;
    while (step < (int32_t)config->relax_count && config->relax[step].after_ms <= age_ms)
        step++;
    return step;
}

int64_t lanes_next_age(const struct lane_table *lanes, int queue, int rule, int32_t step)
{
    const struct config_queue *config = &lanes->config->queues[queue];
    const struct lane_steps *steps = find_steps(lanes, queue, rule);
    for (uint32_t next = (uint32_t)step + 1; next <= config->relax_count; next++) {
        if (steps->lanes[next] != steps->lanes[step])
            return config->relax[next - 1].after_ms;
    }
    return TIME_NEVER;
}

uint32_t lanes_loosest(const struct lane_table *lanes, int queue, int rule)
{
    return lanes_find(lanes, queue, rule, (int32_t)lanes->config->queues[queue].relax_count);
}

int lanes_place(const struct lane_table *lanes, int agent, uint32_t lane)
{
    const struct lane_agent *places = &lanes->agents[agent];
    uint32_t low = 0, high = places->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (places->places[middle].lane == lane)
            return (int)middle;
        if (places->places[middle].lane < lane)
            low = middle + 1;
        else
            high = middle;
    }
    return -1;
}
