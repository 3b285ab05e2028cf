/* Ways out of queues. Mostly they lead to a later queue, so that they end; in some plans they run in rings,
 * which the linter refuses and the core must survive. */
#include "rules/sim/sim_config.h"

#define DAY_S 86400
#define EPOCH_WEEKDAY 3 /* 1970-01-01 was a Thursday */

struct building {
    struct project_config *config;
    const struct sim_plan *plan;
    uint32_t version;
    const int *index;
    struct arena *arena;
    bool has_rings;
};

static bool has(const struct building *building, enum sim_feature feature)
{
    return building->plan->features & feature;
}

static struct sim_dice dice_of(const struct building *building, enum sim_property property, uint32_t item)
{
    return sim_dice_for(building->plan, building->version, property, item);
}

static int index_of(const struct building *building, uint32_t number)
{
    return number < building->plan->queues ? building->index[number] : -1;
}

/* From one of the plan's queues to an index, or -1. */
static int way_from(const struct building *building, uint32_t from, struct sim_dice *dice)
{
    uint32_t later = from + 1 + sim_dice_roll(dice, 2), any = sim_dice_roll(dice, SIM_QUEUES_MAX);
    uint32_t to = building->has_rings ? any : later;
    return to == from ? -1 : index_of(building, to);
}

/* --- Hours: around the beginning of the run, opening and closing at its pace --- */

/* A zone of its own, whose clocks are changed while the run goes on. */
static void add_zone(struct zone_table *zone, const struct building *building, struct sim_dice *dice)
{
    static const int32_t shifts[] = {-7200, -3600, -1800, -61, 60, 1800, 3600, 7200};
    uint32_t reach_s = 1 + building->plan->pace_ms * 2 / 5;
    int64_t at_s = SIM_START_MS / 1000;
    int32_t offset_s = (int32_t)sim_dice_roll(dice, 2 * 50400) - 50400;
    int32_t to_midnight_s = (int32_t)(DAY_S - SIM_START_MS / 1000 % DAY_S);
    if (sim_dice_chance(dice, 4)) /* the run goes over midnight */
        offset_s = to_midnight_s - 1 - (int32_t)sim_dice_roll(dice, reach_s);
    zone->name = SLICE("simulated");
    zone->count = 1 + sim_dice_roll(dice, 4);
    zone->transitions = arena_array(building->arena, struct zone_transition, zone->count);
    zone->transitions[0] = (struct zone_transition){INT64_MIN, offset_s};
    for (uint32_t i = 1; i < zone->count; i++) {
        at_s += 1 + sim_dice_roll(dice, reach_s);
        offset_s += shifts[sim_dice_roll(dice, sizeof shifts / sizeof *shifts)];
        zone->transitions[i] = (struct zone_transition){at_s, offset_s};
    }
}

/* As if the clocks were never changed. */
static int64_t local_start_s(const struct zone_table *zone)
{
    return SIM_START_MS / 1000 + zone->transitions[0].offset_s;
}

/* Over midnight it is two. */
static void add_span(struct hours *hours, uint32_t weekday, int32_t from_min, int32_t length_min)
{
    int32_t until_min = from_min + length_min;
    from_min = from_min < 0 ? 0 : from_min;
    if (from_min < HOURS_DAY_MIN && from_min < until_min)
        hours->spans[hours->span_count++] =
            (struct hours_span){(uint8_t)weekday, (uint16_t)from_min,
                                (uint16_t)(until_min > HOURS_DAY_MIN ? HOURS_DAY_MIN : until_min), false};
    if (from_min < HOURS_DAY_MIN && until_min > HOURS_DAY_MIN)
        hours->spans[hours->span_count++] =
            (struct hours_span){(uint8_t)((weekday + 1) % 7), 0, (uint16_t)(until_min - HOURS_DAY_MIN), true};
}

static void add_spans(struct hours *hours, struct sim_dice *dice, struct arena *arena)
{
    static const int32_t lengths[] = {1, 1, 2, 5, 30, 480};
    uint32_t count = 1 + sim_dice_roll(dice, 4);
    int64_t start_s = local_start_s(hours->zone);
    int32_t minute = (int32_t)(start_s % DAY_S / 60);
    uint32_t today = (uint32_t)((start_s / DAY_S + EPOCH_WEEKDAY) % 7);
    hours->spans = arena_array(arena, struct hours_span, 2 * 7 * (count + 1));
    if (sim_dice_chance(dice, 4)) {
        for (uint32_t day = 0; day < 7; day++)
            add_span(hours, day, 22 * 60, 8 * 60); /* every night */
    }
    for (uint32_t i = 0; i < count; i++) {
        int32_t length = lengths[sim_dice_roll(dice, sizeof lengths / sizeof *lengths)];
        int32_t from = minute - length + (int32_t)sim_dice_roll(dice, 2 * (uint32_t)length + 2);
        uint32_t later = sim_dice_roll(dice, 3);
        bool is_daily = sim_dice_chance(dice, 2);
        for (uint32_t day = 0; day < 7; day++) {
            if (is_daily || day == (today + later) % 7)
                add_span(hours, day, from, length);
        }
    }
}

static void add_closed(struct hours *hours, struct sim_dice *dice, struct arena *arena)
{
    int32_t day = (int32_t)(local_start_s(hours->zone) / DAY_S);
    hours->closed = arena_array(arena, struct hours_date, 4);
    for (int32_t i = 0; i < 4; i++) {
        if (sim_dice_chance(dice, 8))
            hours->closed[hours->closed_count++].day = day + i;
    }
}

/* What arrives elsewhere must not come back, so in a plan without rings only earlier queues keep them. */
static void add_hours(const struct building *building)
{
    static const struct slice names[SIM_HOURS_MAX] = {{"office", 6}, {"evening", 7}, {"weekend", 7}};
    struct project_config *config = building->config;
    struct zone_table *zones = arena_array(building->arena, struct zone_table, SIM_HOURS_MAX);
    uint32_t otherwise[SIM_HOURS_MAX];
    config->hours = arena_array(building->arena, struct hours, SIM_HOURS_MAX);
    for (uint32_t i = 0; i < SIM_HOURS_MAX; i++) {
        struct sim_dice dice = dice_of(building, SIM_PROPERTY_HOURS, i);
        struct hours *hours = &config->hours[config->hours_count++];
        otherwise[i] = sim_dice_roll(&dice, 2 * SIM_QUEUES_MAX);
        *hours = (struct hours){
            .name = names[i], .zone = &zones[i], .otherwise = index_of(building, otherwise[i])};
        add_zone(&zones[i], building, &dice);
        add_spans(hours, &dice, building->arena);
        add_closed(hours, &dice, building->arena);
    }
    config->zones = zones;
    config->zone_count = SIM_HOURS_MAX;
    for (uint32_t i = 0; i < building->plan->queues; i++) {
        struct sim_dice dice = dice_of(building, SIM_PROPERTY_OPEN, i);
        uint32_t hours = sim_dice_roll(&dice, 2 * SIM_HOURS_MAX);
        int queue = building->index[i];
        if (queue < 0 || hours >= SIM_HOURS_MAX || (!building->has_rings && otherwise[hours] <= i))
            continue;
        config->queues[queue].hours = (int)hours;
    }
}

/* --- The rest --- */

static void add_empty(const struct building *building, struct config_queue *queue, uint32_t number)
{
    struct sim_dice dice = dice_of(building, SIM_PROPERTY_EMPTY, number);
    for (int reason = 0; reason < EMPTY_REASON_COUNT; reason++) {
        bool waits = sim_dice_chance(&dice, 2);
        int to = way_from(building, number, &dice);
        queue->when_empty[reason] = waits ? -1 : to;
    }
}

static void add_overload(const struct building *building, struct config_queue *queue, uint32_t number)
{
    struct sim_dice dice = dice_of(building, SIM_PROPERTY_OVERLOAD, number);
    queue->overflow = way_from(building, number, &dice);
    int32_t waiting = (int32_t)sim_dice_roll(&dice, 5);
    int64_t wait_ms = sim_pick_ms(&dice, 0);
    if (queue->overflow < 0)
        return;
    queue->waiting_max = waiting;
    queue->wait_max_ms = wait_ms;
}

static void set_prefer(const struct building *building)
{
    static const int64_t withins[] = {1, 30000, 600000, INT64_C(2592000000)};
    struct sim_dice dice = dice_of(building, SIM_PROPERTY_PREFER, 0);
    struct config_prefer *prefer = &building->config->prefer;
    prefer->owner_ms = sim_pick_ms(&dice, 15000);
    prefer->last_agent_ms = sim_pick_ms(&dice, 10000);
    prefer->within_ms = withins[sim_dice_roll(&dice, sizeof withins / sizeof *withins)];
}

void sim_config_ways(struct project_config *config, const struct sim_plan *plan, uint32_t version,
                     const int *index, struct arena *arena)
{
    struct building building = {config, plan, version, index, arena, false};
    struct sim_dice rings = dice_of(&building, SIM_PROPERTY_RINGS, 0);
    building.has_rings = sim_dice_chance(&rings, 4);
    if (has(&building, SIM_HOURS))
        add_hours(&building);
    if (has(&building, SIM_PREFER))
        set_prefer(&building);
    for (uint32_t i = 0; i < plan->queues; i++) {
        struct sim_dice reply = dice_of(&building, SIM_PROPERTY_REPLY, i);
        if (index[i] < 0)
            continue;
        struct config_queue *queue = &config->queues[index[i]];
        if (has(&building, SIM_EMPTY))
            add_empty(&building, queue, i);
        if (has(&building, SIM_OVERLOAD))
            add_overload(&building, queue, i);
        if (has(&building, SIM_REPLIES))
            queue->first_reply_ms = sim_pick_ms(&reply, 30000);
    }
}
